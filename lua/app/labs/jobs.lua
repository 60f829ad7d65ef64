--- Labs that are provided and ended, and those that never became ready.
local jobs = require "neap.jobs"
local log = require "neap.log"
local providers = require "app.providers"
local report = require "app.jobs.report"
local rules = require "app.labs.rules"
local work = require "app.work"

local labs = report.to(rules, "failure_reason")

local STUCK_S = 15 * 60

jobs.handle("lab.provision", function(payload)
  local id = payload.lab_id
  local lab = labs.begin(id, "requested", "provisioning")
  if lab == nil then
    return
  end
  local ok, problem = providers.lab.provision { key = id, recipe_id = lab.recipe_id, intent = lab.requested_intent }
  if not ok then
    labs.fail(id, problem)
  elseif not labs.tell(id, { status = "ready" }) then
    -- Its user gave up waiting, or we did.
    providers.lab.finish { key = id }
  end
end, {
  timeout = STUCK_S,
  dead = function(payload) labs.fail(payload.lab_id, "The lab could not be provided") end,
})

jobs.handle("lab.end", function(payload)
  providers.lab.finish { key = payload.lab_id }
  labs.tell(payload.lab_id, { status = "finished" })
end, {
  timeout = report.PROVIDER_S,
  dead = function(payload) labs.fail(payload.lab_id, "The lab could not be ended") end,
})

jobs.every("1m", "labs.stuck", function()
  local count = rules.fail_stuck_any(work, STUCK_S)
  if count > 0 then
    log.warn("labs.timeout", { count = count })
  end
end)
