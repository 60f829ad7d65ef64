--- All SQL about events. A stream's cursor is (xid, id), see docs/events.md.
local db = require "neap.db"
local json = require "neap.json"

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

return M
