--- Git operations, done in their sandbox.
local jobs = require "neap.jobs"
local providers = require "app.providers"
local report = require "app.jobs.report"
local rules = require "app.git_operations.rules"
local sandboxes = require "app.sandboxes.rules"
local work = require "app.work"

local function tell(id, fields)
  return report.try(rules.report_any, work, id, fields)
end

local function fail(id, problem)
  tell(id, { status = "failed", error_message = report.reason(problem) })
end

-- A job that runs again after a crash finds its operation running already.
local function begin(id)
  local operation = report.try(rules.read_any, work, id)
  if operation and operation.status == "pending" then
    return tell(id, { status = "running" })
  end
  return operation and operation.status == "running" and operation or nil
end

jobs.handle("git.run", function(payload)
  local id = payload.git_operation_id
  local operation = begin(id)
  if operation == nil then
    return
  end
  local sandbox = report.try(sandboxes.read_any, work, operation.sandbox_id)
  if sandbox == nil or sandbox.status ~= "running" then
    fail(id, "The sandbox does not run any more")
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
    tell(id, { status = "succeeded", commit_sha = result.commit_sha })
  else
    fail(id, problem)
  end
end, {
  timeout = 300,
  dead = function(payload) fail(payload.git_operation_id, "The operation was given up") end,
})
