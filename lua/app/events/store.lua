--- All SQL about events. A stream's cursor is (xid, id), see docs/events.md.
local db = require "neap.db"
local json = require "neap.json"

-- Rows that one statement removes: a sweep of many must not hold its locks for long.
local SWEEP_BATCH = 5000

local M = {}

--- In the transaction that is open, if one is: the event is there if and only if the change is.
---@param user_id string?  nil: for everybody
---@param topic string
---@param type string
---@param entity_id string?
---@param data table?
function M.insert(user_id, topic, type, entity_id, data)
  db.exec("insert into events (user_id, topic, type, entity_id, data) values ($1, $2, $3, $4, $5)",
    user_id, topic, type, entity_id, data or json.object {})
end

--- Removes those that are older, some at a time.
---@param seconds number
---@return integer removed
function M.sweep(seconds)
  local removed = 0
  repeat
    local n = db.exec([[delete from events where id in
      (select id from events where created_at < now() - make_interval(secs => $1) limit $2)]], seconds, SWEEP_BATCH)
    removed = removed + n
  until n < SWEEP_BATCH
  return removed
end

return M
