--- All SQL about tasks. The owner is the first parameter of every function and in every WHERE.
local db = require "neap.db"
local shared = require "app.store"

local M = {}

local COLUMNS = [[id, user_id, title, description, status, priority, completed, assigned_agent_id, git_branch,
  pull_request_url, created_at, updated_at, completed_at]]

-- One text for every combination of filters, so that each sort is one prepared statement: a filter that is NULL is off.
-- ILIKE rather than =, so that people find what they typed in any case.
local FILTERED = [[from tasks where user_id = $1
  and ($2::text is null or status = $2)
  and ($3::text is null or priority = $3)
  and ($4::boolean is null or completed = $4)
  and ($5::uuid is null or assigned_agent_id = $5)
  and ($6::text is null or title ilike $6)]]

-- By urgency, not by the alphabet.
local RANK = "array_position(array['low', 'medium', 'high', 'urgent'], priority::text)"

local ORDER = {
  created_at = "created_at, id",
  ["-created_at"] = "created_at desc, id desc",
  updated_at = "updated_at, id",
  ["-updated_at"] = "updated_at desc, id desc",
  priority = RANK .. ", id",
  ["-priority"] = RANK .. " desc, id desc",
  title = "title, id",
  ["-title"] = "title desc, id desc",
}

---@param user_id string
---@param query table checked TaskFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list_by_user(user_id, query)
  return shared.call("tasks.list_by_user", user_id, nil, shared.page,
    { columns = COLUMNS, from_where = FILTERED, order = ORDER[query.sort] }, query,
    user_id, query.status, query.priority, query.completed, query.assigned_agent_id, shared.contains(query.q))
end

---@param user_id string
---@param task {title: string, description: string?, priority: string, git_branch: string?, pull_request_url: string?}
---@return table task
function M.create(user_id, task)
  return shared.call("tasks.create", user_id, nil, db.one,
    [[insert into tasks (user_id, title, description, priority, git_branch, pull_request_url)
      values ($1, $2, $3, $4, $5, $6) returning ]] .. COLUMNS,
    user_id, task.title, task.description, task.priority, task.git_branch, task.pull_request_url)
end

---@param user_id string
---@param id string
---@return table? task
function M.read(user_id, id)
  return shared.call("tasks.read", user_id, id, db.one,
    "select " .. COLUMNS .. " from tasks where user_id = $1 and id = $2", user_id, id)
end

return M
