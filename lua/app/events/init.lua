--- What changed, told to those who watch: an event is written in the transaction of the change, so that nobody hears of
--- what was rolled back and nobody misses what was not.
---
---     db.tx(function()
---       local task = store.start(user.id, id)
---       events.publish(user.id, "tasks", "task.started", task.id,
---         { id = task.id, status = task.status, updated_at = task.updated_at })
---     end)
local store = require "app.events.store"

local M = {}

M.TOPICS = { "agents", "tasks", "sandboxes", "git_operations", "labs", "conversations", "messages", "jobs" }

local known = {}
for _, topic in ipairs(M.TOPICS) do
  known[topic] = true
end

---@param topic string
---@return boolean
function M.is_topic(topic)
  return known[topic] == true
end

---@param user_id string?  whose it is; nil: for everybody
---@param topic string     one of TOPICS
---@param type string      what happened, "task.started"
---@param entity_id string?
---@param data table?      id, status and updated_at at least: events of one row may arrive out of order, and a client drops
---   what is older than what it has
function M.publish(user_id, topic, type, entity_id, data)
  if not M.is_topic(topic) then
    error(("events.publish: %q is not a topic"):format(tostring(topic)), 2)
  end
  store.insert(user_id, topic, type, entity_id, data)
end

return M
