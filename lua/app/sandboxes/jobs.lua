--- Sandboxes that are made and sent away. The provider is called outside of any transaction; what it did is reported in one.
local jobs = require "neap.jobs"
local providers = require "app.providers"
local report = require "app.jobs.report"

local sandboxes = report.to(require "app.sandboxes.rules")

jobs.handle("sandbox.create", function(payload)
  local id = payload.sandbox_id
  local sandbox = sandboxes.read(id)
  if sandbox == nil or sandbox.status ~= "creating" then
    return
  end
  local ref, problem = providers.sandbox.create { key = id, repo_url = sandbox.repo_url, branch_name = sandbox.branch_name }
  if ref == nil then
    sandboxes.fail(id, problem)
  elseif not sandboxes.tell(id, { status = "running", provider_ref = ref }) then
    -- It was sent away while it was made; the job that did so may have come before there was anything.
    providers.sandbox.destroy { key = id, provider_ref = ref }
  end
end, {
  timeout = report.PROVIDER_S,
  dead = function(payload) sandboxes.fail(payload.sandbox_id, "The sandbox could not be made") end,
})

jobs.handle("sandbox.destroy", function(payload)
  providers.sandbox.destroy { key = payload.sandbox_id, provider_ref = payload.provider_ref }
  sandboxes.tell(payload.sandbox_id, { status = "destroyed" })
end, {
  timeout = report.PROVIDER_S,
  dead = function(payload) sandboxes.fail(payload.sandbox_id, "The sandbox could not be sent away") end,
})
