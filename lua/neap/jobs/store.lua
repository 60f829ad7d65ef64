--- The SQL of the jobs. A row is queued, running under a lease, succeeded or dead; who may change a running one is who
--- holds its lease: (locked_by, attempts). The table is JOBS_TABLE.
local boot = require "neap.boot"
local core = require "neap.core"
local db = require "neap.db"

local M = {}

-- Wakes the runners; the payload is the queue.
M.CHANNEL = "neap_jobs"

local ERROR_BYTES_MAX = 2000

-- "{jobs}" in a statement is the table.
local known = {}

local function sql(text)
  local made = known[text]
  if made == nil then
    local config = package.loaded.config or boot.config(core.mode)
    made = text:gsub("{jobs}", config.JOBS_TABLE)
    known[text] = made
  end
  return made
end

-- An error may carry any bytes, and what was cut in the middle of a character would be no UTF-8: Postgres would take
-- neither, and how the job ended would not be written down at all.
local function short(text)
  text = (utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")):gsub("%z", "?")
  if #text <= ERROR_BYTES_MAX then
    return text
  end
  return text:sub(1, utf8.offset(text, 0, ERROR_BYTES_MAX + 1) - 1)
end

---- into the line

local INSERT = [[
with made as (
  insert into {jobs} (kind, payload, dedupe_key, queue, max_attempts, run_at)
  values ($1, $2::jsonb, $3, $4, $5, coalesce($6::timestamptz, now() + make_interval(secs => $7)))
  on conflict (kind, dedupe_key) where dedupe_key is not null and state in ('queued', 'running') do nothing
  returning id
)
select id, pg_notify($8, $4) from made]]

local LIVE = "select id from {jobs} where kind = $1 and dedupe_key = $2 and state in ('queued', 'running')"

-- The one that was there may end between the two statements: then there is room for ours.
local INSERT_TRIES = 5

---@param job { kind: string, payload: string, dedupe_key: string?, queue: string, max_attempts: integer, run_at: string?,
---   delay: number? }
---@return integer id
---@return boolean made  false: one with this dedupe_key was there
function M.insert(job)
  for _ = 1, INSERT_TRIES do
    local row = db.one(sql(INSERT), job.kind, job.payload, job.dedupe_key, job.queue, job.max_attempts, job.run_at,
      job.delay or 0, M.CHANNEL)
    if row then
      return row.id, true
    end
    row = db.one(sql(LIVE), job.kind, job.dedupe_key)
    if row then
      return row.id, false
    end
  end
  error(("jobs: %s %s can neither be found nor made"):format(job.kind, job.dedupe_key), 0)
end

---- under a lease

local CLAIM = [[
with due as (
  select id from {jobs}
  where state = 'queued' and queue = $1 and kind = any($2) and run_at <= now()
  order by run_at, id limit $3 for update skip locked
)
update {jobs} j
set state = 'running', attempts = attempts + 1, locked_by = $4, locked_until = now() + make_interval(secs => $5)
from due where j.id = due.id
returning j.id, j.kind, j.queue, j.payload::text as payload, j.attempts, j.max_attempts, j.dedupe_key, j.created_at,
  j.locked_by, extract(epoch from now())::float8 as claimed_at]]

---@param queue string
---@param kinds string[]
---@param limit integer
---@param who string
---@param lease number  seconds
---@return neap.DbRows
function M.claim(queue, kinds, limit, who, lease)
  return db.query(sql(CLAIM), queue, db.array(kinds), limit, who, lease)
end

local NEXT = [[
select extract(epoch from run_at - now())::float8 as seconds from {jobs}
where state = 'queued' and queue = $1 and kind = any($2) order by run_at limit 1]]

--- Seconds until the next job of a queue is due; nil when there is none.
function M.next_due(queue, kinds)
  local row = db.one(sql(NEXT), queue, db.array(kinds))
  return row and row.seconds
end

local BEAT = [[
update {jobs} j set locked_until = now() + make_interval(secs => $4)
from unnest($2::bigint[], $3::int[]) as mine (id, attempts)
where j.id = mine.id and j.attempts = mine.attempts and j.locked_by = $1 and j.state = 'running'
returning j.id]]

--- Extends the leases of these jobs.
---@return table<integer, true> held  those that are still ours
function M.beat(who, ids, attempts, lease)
  local held = {}
  for _, row in ipairs(db.query(sql(BEAT), who, db.array(ids), db.array(attempts), lease)) do
    held[row.id] = true
  end
  return held
end

local EXPIRE = [[
with lost as (
  select id, locked_by as holder from {jobs}
  where state = 'running' and locked_until < now()
  order by locked_until limit 100 for update skip locked
)
update {jobs} j set
  state = case when j.attempts < j.max_attempts then 'queued' else 'dead' end,
  finished_at = case when j.attempts < j.max_attempts then null else now() end,
  run_at = now(), locked_by = null, locked_until = null,
  last_error = 'the lease of ' || coalesce(lost.holder, '?') || ' ran out'
from lost where j.id = lost.id
returning j.id, j.kind, j.queue, j.payload::text as payload, j.attempts, j.max_attempts, j.dedupe_key, j.created_at,
  j.state, j.last_error]]

--- Takes the jobs of those that are gone: back into the line, or dead when it was their last attempt.
---@return neap.DbRows
function M.expire()
  return db.query(sql(EXPIRE))
end

---- the end

local MINE = " where id = $1 and locked_by = $2 and attempts = $3 and state = 'running'"
local FREE = "locked_by = null, locked_until = null"

local SUCCEED = "update {jobs} set state = 'succeeded', finished_at = now(), last_error = null, " .. FREE .. MINE
local RELEASE = "update {jobs} set state = 'queued', attempts = attempts - 1, run_at = now(), " .. FREE .. MINE
local RETRY = "update {jobs} set state = 'queued', run_at = now() + make_interval(secs => $4), last_error = $5, "
  .. FREE .. MINE
local DIE = "update {jobs} set state = 'dead', finished_at = now(), last_error = $4, " .. FREE .. MINE
local REPEAT = "update {jobs} set state = 'queued', run_at = to_timestamp($4), last_error = $5, " .. FREE .. MINE

-- Each is true when the lease was still ours.

---@return boolean
function M.succeed(job)
  return db.exec(sql(SUCCEED), job.id, job.locked_by, job.attempts) == 1
end

--- Gives it back as if it had not been claimed.
---@return boolean
function M.release(job)
  return db.exec(sql(RELEASE), job.id, job.locked_by, job.attempts) == 1
end

---@return boolean
function M.retry(job, seconds, problem)
  return db.exec(sql(RETRY), job.id, job.locked_by, job.attempts, seconds, short(problem)) == 1
end

---@return boolean
function M.die(job, problem)
  return db.exec(sql(DIE), job.id, job.locked_by, job.attempts, short(problem)) == 1
end

--- A job of a schedule goes back into the line for its next period.
---@param epoch number
---@param problem string?
---@return boolean
function M.again(job, epoch, problem)
  return db.exec(sql(REPEAT), job.id, job.locked_by, job.attempts, epoch, problem and short(problem)) == 1
end

---- schedules

-- attempts counts the runs; there is no last one.
local ENSURE = [[
insert into {jobs} as j (kind, dedupe_key, queue, max_attempts, run_at)
values ($1, 'schedule', $2, 2147483647, to_timestamp((floor(extract(epoch from now()) / $3) + 1) * $3))
on conflict (kind, dedupe_key) where dedupe_key is not null and state in ('queued', 'running')
do update set run_at = excluded.run_at where j.state = 'queued' and j.run_at > excluded.run_at]]

--- The one row of a schedule, due when the next period begins. A schedule that became more frequent is due earlier.
---@param seconds integer  of a period
function M.ensure(kind, queue, seconds)
  db.exec(sql(ENSURE), kind, queue, seconds)
end

---- looking after them

local SWEEP = [[
delete from {jobs} where id in (
  select id from {jobs} where state = $1 and finished_at < now() - make_interval(secs => $2) limit 5000)]]

--- Removes jobs that ended so long ago, some at a time.
---@param state "succeeded"|"dead"
---@param seconds number
---@return integer removed
function M.sweep(state, seconds)
  local removed = 0
  repeat
    local n = db.exec(sql(SWEEP), state, seconds)
    removed = removed + n
  until n < 5000
  return removed
end

local LIST = [[
select id, kind, queue, state, attempts, max_attempts, dedupe_key, run_at, locked_by, locked_until, last_error, created_at,
  finished_at, payload::text as payload from {jobs}
where ($1::text is null or state = $1) and ($2::text is null or kind = $2) and ($3::bigint is null or id = $3)
order by id desc limit $4]]

---@param filter { state: string?, kind: string?, id: integer?, limit: integer }
---@return neap.DbRows
function M.list(filter)
  return db.query(sql(LIST), filter.state, filter.kind, filter.id, filter.limit)
end

--- Makes due what waits for its time.
---@param kinds string[]
function M.hurry(kinds)
  db.exec(sql "update {jobs} set run_at = now() where state = 'queued' and run_at > now() and kind = any($1)",
    db.array(kinds))
end

local COUNTS = [[
select kind, queue, count(*) filter (where state = 'queued') as queued, count(*) filter (where state = 'running') as running,
  count(*) filter (where state = 'succeeded') as succeeded, count(*) filter (where state = 'dead') as dead,
  coalesce(extract(epoch from now() - min(run_at) filter (where state = 'queued' and run_at <= now())), 0)::float8 as waits
from {jobs} group by kind, queue order by kind, queue]]

---@return neap.DbRows  kind, queue, queued, running, succeeded, dead, waits (seconds that the oldest due one waits)
function M.counts()
  return db.query(sql(COUNTS))
end

local REVIVE = [[
with back as (
  update {jobs} j set state = 'queued', attempts = 0, run_at = now(), finished_at = null
  where state = 'dead' and ($1::bigint is null or id = $1) and ($2::text is null or kind = $2)
    and not exists (select 1 from {jobs} o where o.kind = j.kind and o.dedupe_key = j.dedupe_key
      and o.state in ('queued', 'running'))
  returning id, queue
)
select id, pg_notify($3, queue) from back]]

--- Dead ones go back into the line, with all their attempts; not one whose kind and key is live again.
---@param id integer?   nil: all of the kind
---@param kind string?  nil: of any kind
---@return integer revived
function M.revive(id, kind)
  return #db.query(sql(REVIVE), id, kind, M.CHANNEL)
end

--- Removes one that is not running.
---@return boolean
function M.delete(id)
  return db.exec(sql "delete from {jobs} where id = $1 and state <> 'running'", id) == 1
end

return M
