--- All SQL about tasks. The owner is the first parameter of every function and in every WHERE.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("tasks", {
  table = "tasks",
  owner = "user_id",
  columns = {
    "id", "user_id", "title", "description", "status", "priority", "completed", "assigned_agent_id", "git_branch",
    "pull_request_url", "created_at", "updated_at", "completed_at",
  },
  write = { "title", "description", "priority", "git_branch", "pull_request_url" },
  moves = { "assigned_agent_id" },
  filters = { "status", "priority", "completed", "assigned_agent_id", q = { column = "title", op = "contains" } },
  sort = {
    "created_at", "updated_at", "title",
    -- By urgency, not by the alphabet.
    priority = "array_position(array['low', 'medium', 'high', 'urgent'], priority::text)",
  },
  default_sort = "-created_at",
  conflicts = { agents_current_task_id_fkey = { "task_in_use", "An agent works on this task: stop it first" } },
})

local delete = M.delete

--- Of an agent that works on it the rule is that of the database, which would look at it only when the transaction ends.
---@param user_id string
---@param id string
---@return boolean
function M.delete(user_id, id)
  db.exec "set constraints agents_current_task_id_fkey immediate"
  return delete(user_id, id)
end

local ASSIGN = ([[
  update tasks set assigned_agent_id = $3 where user_id = $1 and id = $2 and status = 'pending'
  returning %s]]):format(M.columns)

--- Hands a pending task to an agent, or to none.
---@param user_id string
---@param id string
---@param agent_id string|userdata  json.null: to none
---@return table? task  nil: it is not there, or not pending
function M.assign(user_id, id, agent_id)
  return shared.call("tasks.assign", user_id, id, db.one, ASSIGN, user_id, id, agent_id)
end

local UNASSIGN_ALL = ([[
  update tasks set assigned_agent_id = null where user_id = $1 and assigned_agent_id = $2
  returning %s]]):format(M.columns)

--- Takes all tasks back from an agent.
---@param user_id string
---@param agent_id string
---@return table[] tasks
function M.unassign_all(user_id, agent_id)
  return shared.call("tasks.unassign_all", user_id, nil, db.query, UNASSIGN_ALL, user_id, agent_id)
end

return M
