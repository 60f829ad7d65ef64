--- All SQL about agents. The owner is the first parameter of every function and in every WHERE.
local store = require "neap.store"
local shared = require "app.store"

local M = {}

local agents = store {
  table = "agents",
  owner = "owner_id",
  columns = {
    "id", "owner_id", "name", "role", "status", "current_task_id", "sandbox_id", "avatar_url", "created_at", "updated_at",
  },
  write = { "name", "role", "avatar_url" },
  filters = { "status", "role" },
  sort = { "created_at", "updated_at", "name" },
  default_sort = "-created_at",
}

---@param owner_id string
---@param query table checked AgentFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list_by_owner(owner_id, query)
  return shared.call("agents.list_by_owner", owner_id, nil, agents.list, owner_id, query)
end

---@param owner_id string
---@param agent {name: string, role: string, avatar_url: string?}
---@return table agent
function M.create(owner_id, agent)
  return shared.call("agents.create", owner_id, nil, agents.create, owner_id, agent)
end

---@param owner_id string
---@param id string
---@return table? agent
function M.read(owner_id, id)
  return shared.call("agents.read", owner_id, id, agents.get, owner_id, id)
end

return M
