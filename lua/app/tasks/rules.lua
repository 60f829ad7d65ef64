--- Rules take plain values and never see HTTP or SQL.
local errors = require "neap.errors"

local M = {}

---@param store table app.tasks.store, or one like it
---@param user {id: string}
---@param query table checked TaskFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(store, user, query)
  return store.list_by_user(user.id, query)
end

---@param task table checked TaskCreate; it starts pending and without an agent
---@return table task
function M.create(store, user, task)
  return store.create(user.id, task)
end

--- Somebody else's task does not exist for this user.
---@param id string uuid
---@return table task
function M.read(store, user, id)
  return store.read(user.id, id) or errors.not_found("Task not found")
end

return M
