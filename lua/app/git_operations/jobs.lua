--- Git operations, done in their sandbox.
local jobs = require "neap.jobs"
local providers = require "app.providers"
local report = require "app.jobs.report"
local rules = require "app.git_operations.rules"
local sandboxes = require "app.sandboxes.rules"

local operations = report.to(rules, "error_message")
local its_sandbox = report.to(sandboxes)

jobs.handle("git.run", function(payload)
  local id = payload.git_operation_id
  local operation = operations.begin(id, "pending", "running")
  if operation == nil then
    return
  end
  local sandbox = its_sandbox.read(operation.sandbox_id)
  if sandbox == nil or sandbox.status ~= "running" then
    operations.fail(id, "The sandbox does not run any more")
    return
  end
  local result, problem = providers.git.run {
    key = id,
    operation_type = operation.operation_type,
    provider_ref = sandbox.provider_ref,
    repo_url = sandbox.repo_url,
    branch_name = sandbox.branch_name,
  }
  if result then
    operations.tell(id, { status = "succeeded", commit_sha = result.commit_sha })
  else
    operations.fail(id, problem)
  end
end, {
  timeout = report.PROVIDER_S,
  dead = function(payload) operations.fail(payload.git_operation_id, "The operation was given up") end,
})
