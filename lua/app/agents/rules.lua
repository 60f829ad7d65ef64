--- Rules take plain values and never see HTTP or SQL.
local errors = require "neap.errors"

local M = {}

---@param store table app.agents.store, or one like it
---@param user {id: string}
---@param query table checked AgentFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(store, user, query)
  return store.list_by_owner(user.id, query)
end

---@param agent table checked AgentCreate; it starts idle
---@return table agent
function M.create(store, user, agent)
  return store.create(user.id, agent)
end

--- Somebody else's agent does not exist for this user.
---@param id string uuid
---@return table agent
function M.read(store, user, id)
  return store.read(user.id, id) or errors.not_found("Agent not found")
end

return M
