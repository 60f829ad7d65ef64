--- All SQL about git operations. One is whose the agent of its sandbox is.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("git_operations", {
  table = "git_operations",
  owner = {
    column = "sandbox_id", of = "sandboxes",
    owner = { column = "agent_id", of = "agents", owner = "owner_id" },
  },
  columns = {
    "id", "sandbox_id", "operation_type", "status", "commit_sha", "error_message", "created_at", "finished_at",
  },
  write = {},
  moves = { "commit_sha", "error_message" },
  filters = { "sandbox_id", "status", "operation_type" },
  sort = { "created_at" },
  default_sort = "-created_at",
})

local CREATE = ([[
  insert into git_operations (sandbox_id, operation_type)
  select s.id, $3 from sandboxes s join agents a on a.id = s.agent_id where a.owner_id = $1 and s.id = $2
  returning %s]]):format(M.columns)

--- One in its first state, if the sandbox is this user's.
---@param owner_id string
---@param sandbox_id string
---@param operation_type string
---@return table? operation
function M.create(owner_id, sandbox_id, operation_type)
  return shared.call("git_operations.create", owner_id, nil, db.one, CREATE, owner_id, sandbox_id, operation_type)
end

--- Whose an operation is, for services.
---@param id string
---@return string? owner_id
function M.owner_any(id)
  local row = shared.call("git_operations.owner_any", nil, id, db.one, [[
    select a.owner_id from git_operations g join sandboxes s on s.id = g.sandbox_id join agents a on a.id = s.agent_id
    where g.id = $1]], id)
  return row and row.owner_id
end

return M
