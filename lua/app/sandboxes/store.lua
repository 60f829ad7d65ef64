--- All SQL about sandboxes. A sandbox is whose its agent is.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("sandboxes", {
  table = "sandboxes",
  owner = { column = "agent_id", of = "agents", owner = "owner_id" },
  columns = {
    "id", "agent_id", "task_id", "status", "provider_ref", "repo_url", "branch_name", "created_at", "updated_at",
    "destroyed_at",
  },
  write = {},
  moves = { "provider_ref" },
  filters = { "status", "agent_id", "task_id" },
  sort = { "created_at", "updated_at" },
  default_sort = "-created_at",
  conflicts = { sandboxes_one_live_per_agent = { "agent_busy", "The agent has a live sandbox already" } },
})

local CREATE = ([[
  insert into sandboxes (id, agent_id, task_id, repo_url, branch_name)
  select $2, a.id, t.id, $5, $6 from agents a, tasks t
  where a.owner_id = $1 and a.id = $3 and t.user_id = $1 and t.id = $4
  returning %s]]):format(M.columns)

--- A sandbox in its first state, if agent and task are this user's.
---@param owner_id string
---@param sandbox { id: string, agent_id: string, task_id: string, repo_url: string?, branch_name: string? }
---@return table? sandbox
function M.create(owner_id, sandbox)
  return shared.call("sandboxes.create", owner_id, sandbox.id, db.one, CREATE, owner_id,
    sandbox.id, sandbox.agent_id, sandbox.task_id, sandbox.repo_url, sandbox.branch_name)
end

--- Whose a sandbox is, for services.
---@param id string
---@return string? owner_id
function M.owner_any(id)
  local row = shared.call("sandboxes.owner_any", nil, id, db.one,
    "select a.owner_id from sandboxes s join agents a on a.id = s.agent_id where s.id = $1", id)
  return row and row.owner_id
end

return M
