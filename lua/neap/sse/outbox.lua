--- A table of events, read in an order in which nothing is lost.
---
--- Events are written in the transactions of the changes that they tell of, so their ids are drawn before they commit:
--- "id > last" would step over the one whose transaction takes longer. The order is (xid, id), and it is read only below the
--- oldest transaction that still runs: what is below it has been decided for good.
---
---     create table events (
---       id         bigint generated always as identity primary key,
---       user_id    uuid,                                        -- null: for everybody
---       topic      text not null,
---       type       text not null,
---       entity_id  text,
---       data       jsonb not null default '{}',
---       xid        xid8 not null default pg_current_xact_id(),
---       created_at timestamptz not null default now()
---     );
---     create index on events (xid, id);
---
--- A cursor is { xid, id }: all that is not after it was read. id 0 is before everything of that xid.
local db = require "neap.db"

local M = {}

---@class neap.Outbox
local Outbox = { __name = "neap.sse.outbox" }
Outbox.__index = Outbox

local COLUMNS = "xid::text::bigint as xid, id, user_id, topic, type, entity_id, data, created_at"

-- The same snapshot decides what is below the oldest transaction and whether anything is above it.
local READ = [[
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
select now.xmin::text::bigint as xmin, exists(select from {table} p where p.xid >= now.xmin) as pending, e.*
from now left join lateral (
  select {columns} from {table}
  where (xid, id) > ($1::text::xid8, $2::bigint) and xid < now.xmin
  order by {table}.xid, {table}.id limit $3::integer
) e on true
order by e.xid, e.id]]

local POSITION = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin"

local REPLAY = [[
select {columns} from {table}
where (xid, id) > ($1::text::xid8, $2::bigint) and (xid, id) <= ($3::text::xid8, $4::bigint)
  and (user_id is null or user_id = $5) and ($6::text[] is null or topic = any($6::text[]))
order by {table}.xid, {table}.id limit $7::integer]]

local KNOWN = [[
select pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 as reached,
  exists(select from {table} where xid = $1::text::xid8 and id = $2::bigint and (user_id is null or user_id = $3)
    and created_at > now() - make_interval(secs => $4::float8)) as there]]

---@param name string  of the table, as in SQL
---@return neap.Outbox
function M.new(name)
  -- It becomes part of the statements.
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*%.?[%w_]*$" then
    error(("outbox: %q is not the name of a table"):format(tostring(name)), 2)
  end
  local self = setmetatable({}, Outbox)
  for key, text in pairs { read_sql = READ, replay_sql = REPLAY, known_sql = KNOWN } do
    self[key] = text:gsub("{(%l+)}", { table = name, columns = COLUMNS })
  end
  return self
end

--- The cursor behind all that is decided now.
---@return { xid: integer, id: integer }
function Outbox.position()
  return { xid = db.read(POSITION)[1].xmin, id = 0 }
end

--- Events after a cursor that nothing can come before any more.
---@param cursor { xid: integer, id: integer }
---@param limit integer
---@return table[] events
---@return { xid: integer, id: integer } cursor  behind them
---@return "more"|"pending"|nil rest  more: the limit was reached; pending: there are some that must wait for a transaction
function Outbox:read(cursor, limit)
  local rows = db.read(self.read_sql, tostring(cursor.xid), cursor.id, limit)
  local events, last = {}, rows[#rows]
  for i = 1, #rows do
    if rows[i].id then
      events[#events + 1] = rows[i]
    end
  end
  if #events == limit then
    return events, { xid = last.xid, id = last.id }, "more"
  end
  return events, { xid = last.xmin, id = 0 }, last.pending and "pending" or nil
end

--- What one user may see between two cursors.
---@param from { xid: integer, id: integer }
---@param to { xid: integer, id: integer }
---@param user_id string?
---@param topics string[]?  nil: all
---@param limit integer
---@return table[] events
function Outbox:replay(from, to, user_id, topics, limit)
  return db.read(self.replay_sql, tostring(from.xid), from.id, tostring(to.xid), to.id, user_id,
    topics and db.array(topics), limit)
end

--- Whether an event of this user is there and younger than max_age; and whether its transaction id was given out here.
---@param at { xid: integer, id: integer }
---@param user_id string?
---@param max_age number  seconds
---@return boolean there
---@return boolean reached
function Outbox:knows(at, user_id, max_age)
  local row = db.read(self.known_sql, tostring(at.xid), at.id, user_id, max_age)[1]
  return row.there, row.reached
end

return M
