--- Sandboxes that are made and sent away. The provider is called outside of any transaction; what it did is reported in one.
local jobs = require "neap.jobs"
local providers = require "app.providers"
local report = require "app.jobs.report"
local rules = require "app.sandboxes.rules"
local work = require "app.work"

local function tell(id, fields)
  return report.try(rules.report_any, work, id, fields)
end

jobs.handle("sandbox.create", function(payload)
  local id = payload.sandbox_id
  local sandbox = report.try(rules.read_any, work, id)
  if sandbox == nil or sandbox.status ~= "creating" then
    return
  end
  local ref = providers.sandbox.create { key = id, repo_url = sandbox.repo_url, branch_name = sandbox.branch_name }
  if ref == nil then
    tell(id, { status = "failed" })
  elseif not tell(id, { status = "running", provider_ref = ref }) then
    -- It was sent away while it was made; the job that did so may have come before there was anything.
    providers.sandbox.destroy { key = id, provider_ref = ref }
  end
end, {
  timeout = 300,
  dead = function(payload) tell(payload.sandbox_id, { status = "failed" }) end,
})

jobs.handle("sandbox.destroy", function(payload)
  providers.sandbox.destroy { key = payload.sandbox_id, provider_ref = payload.provider_ref }
  tell(payload.sandbox_id, { status = "destroyed" })
end, {
  timeout = 300,
  dead = function(payload) tell(payload.sandbox_id, { status = "failed" }) end,
})
