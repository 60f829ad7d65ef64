--- All SQL about tasks. The owner is the first parameter of every function and in every WHERE.
local store = require "neap.store"
local shared = require "app.store"

local M = {}

local tasks = store {
  table = "tasks",
  owner = "user_id",
  columns = {
    "id", "user_id", "title", "description", "status", "priority", "completed", "assigned_agent_id", "git_branch",
    "pull_request_url", "created_at", "updated_at", "completed_at",
  },
  write = { "title", "description", "priority", "git_branch", "pull_request_url" },
  filters = { "status", "priority", "completed", "assigned_agent_id", q = { column = "title", op = "contains" } },
  sort = {
    "created_at", "updated_at", "title",
    -- By urgency, not by the alphabet.
    priority = "array_position(array['low', 'medium', 'high', 'urgent'], priority::text)",
  },
  default_sort = "-created_at",
}

---@param user_id string
---@param query table checked TaskFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list_by_user(user_id, query)
  return shared.call("tasks.list_by_user", user_id, nil, tasks.list, user_id, query)
end

---@param user_id string
---@param task {title: string, description: string?, priority: string, git_branch: string?, pull_request_url: string?}
---@return table task
function M.create(user_id, task)
  return shared.call("tasks.create", user_id, nil, tasks.create, user_id, task)
end

---@param user_id string
---@param id string
---@return table? task
function M.read(user_id, id)
  return shared.call("tasks.read", user_id, id, tasks.get, user_id, id)
end

return M
