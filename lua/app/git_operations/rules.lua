--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local errors = require "neap.errors"
local machine = require "neap.machine"
local sandboxes = require "app.sandboxes.rules"
local shared = require "app.rules"

local M = {}

M.machine = machine {
  name = "git operation",
  states = { "pending", "running", "succeeded", "failed" },
  stamps = { finished_at = { "succeeded", "failed" } },
  edges = {
    { from = "pending", to = "running", by = "report" },
    { from = "running", to = "succeeded", by = "report" },
    { from = { "pending", "running" }, to = "failed", by = "report", note = "with an error_message" },
  },
}

local publish = shared.teller("git_operations", "git_operation", {
  "id", "sandbox_id", "operation_type", "status", "commit_sha", "created_at", "finished_at",
})

-- The table has no updated_at: an operation is asked for once, begun once and finished once.
local function tell(work, owner_id, operation)
  publish(work, owner_id, operation, operation.status, { updated_at = operation.finished_at or operation.created_at })
end

--- Of one of the user's sandboxes.
---@param query table checked GitOperationFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, sandbox_id, query)
  sandboxes.read(work, user, sandbox_id)
  local filter = shared.without(query)
  filter.sandbox_id = sandbox_id
  return work.git_operations.list(user.id, filter)
end

--- That of somebody else's sandbox does not exist for this user.
---@param id string uuid
---@return table operation
function M.read(work, user, id)
  return work.git_operations.read(user.id, id) or errors.not_found "Git operation not found"
end

--- For services.
---@param id string uuid
---@return table operation
function M.read_any(work, id)
  return work.git_operations.read_any(id) or errors.not_found "Git operation not found"
end

--- Something to do in a sandbox that runs, and the job that does it; 409 sandbox_not_running otherwise.
---@param body { operation_type: string }
---@return table operation
function M.request(work, user, sandbox_id, body)
  return work.tx(function()
    local sandbox = sandboxes.lock(work, user, sandbox_id)
    if sandbox.status ~= "running" then
      errors.conflict("sandbox_not_running", ("The sandbox is %s, not running"):format(sandbox.status),
        { status = sandbox.status })
    end
    local operation = work.git_operations.create(user.id, sandbox_id, body.operation_type)
    work.enqueue("git.run", { git_operation_id = operation.id }, { dedupe_key = operation.id })
    tell(work, user.id, operation)
    return operation
  end)
end

--- What the worker tells of it.
---@param id string uuid
---@param report { status: "running"|"succeeded"|"failed", commit_sha: string?, error_message: string? }
---@return table operation
function M.report_any(work, id, report)
  return work.tx(function()
    local owner_id = work.git_operations.owner_any(id) or errors.not_found "Git operation not found"
    local opts = { by = "report", fields = { commit_sha = report.commit_sha, error_message = report.error_message } }
    local operation = M.machine:transition_any(work.git_operations, id, report.status, opts)
    tell(work, owner_id, operation)
    return operation
  end)
end

return M
