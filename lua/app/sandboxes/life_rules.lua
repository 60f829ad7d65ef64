--- The life of a sandbox: what other features may ask of it. Nothing here asks anything of them.
local core = require "neap.core"
local machine = require "neap.machine"
local shared = require "app.rules"

local M = {}

M.machine = machine {
  name = "sandbox",
  states = { "creating", "running", "destroying", "destroyed", "failed" },
  stamps = { destroyed_at = { "destroyed" } },
  edges = {
    { from = "creating", to = "running", by = "report" },
    { from = { "creating", "running", "destroying" }, to = "failed", by = "report" },
    { from = { "creating", "running" }, to = "destroying", by = "destroy" },
    { from = { "destroying", "failed" }, to = "destroyed", by = "report" },
  },
}

M.tell = shared.teller("sandboxes", "sandbox", {
  "id", "agent_id", "task_id", "status", "repo_url", "branch_name", "created_at", "updated_at", "destroyed_at",
})

--- Ours, because it must be there before the provider has answered with its own.
---@return string
function M.new_id()
  return "sbx_" .. core.hex(core.random(16))
end

-- The job carries the provider's id: the row may be gone with its agent when the job runs.
local function enqueue_destroy(work, sandbox)
  work.enqueue("sandbox.destroy", { sandbox_id = sandbox.id, provider_ref = sandbox.provider_ref },
    { dedupe_key = sandbox.id })
end

--- A new sandbox and the job that makes it, inside a transaction. The agent must be this owner's, and have no live one.
---@param work table
---@param owner_id string
---@param sandbox { id: string, agent_id: string, task_id: string, repo_url: string?, branch_name: string? }
---@return table? sandbox  nil: agent or task are not there
function M.open(work, owner_id, sandbox)
  local made = work.sandboxes.create(owner_id, sandbox)
  if made then
    work.enqueue("sandbox.create", { sandbox_id = made.id }, { dedupe_key = made.id })
    M.tell(work, owner_id, made, made.status)
  end
  return made
end

--- One that its owner wants to be rid of, inside a transaction: 404 or 409 otherwise.
---@return table sandbox
function M.destroy(work, owner_id, id)
  local sandbox = M.machine:transition(work.sandboxes, owner_id, id, "destroying", { by = "destroy" })
  enqueue_destroy(work, sandbox)
  M.tell(work, owner_id, sandbox, sandbox.status)
  return sandbox
end

--- The live ones that belong to what has ended, or is about to be deleted, inside a transaction.
---@param work table
---@param owner_id string
---@param of { agent_id: string?, task_id: string? }
function M.destroy_live(work, owner_id, of)
  local move = M.machine:move("destroying", { by = "destroy", when = of })
  for _, sandbox in ipairs(work.sandboxes.move_all(owner_id, move)) do
    enqueue_destroy(work, sandbox)
    M.tell(work, owner_id, sandbox, sandbox.status)
  end
end

return M
