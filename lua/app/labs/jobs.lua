--- Labs that are provided and ended, and those that never became ready.
local jobs = require "neap.jobs"
local log = require "neap.log"
local providers = require "app.providers"
local report = require "app.jobs.report"
local rules = require "app.labs.rules"
local work = require "app.work"

local STUCK_S = 15 * 60

local function tell(id, fields)
  return report.try(rules.report_any, work, id, fields)
end

local function fail(id, problem)
  tell(id, { status = "failed", failure_reason = report.reason(problem) })
end

-- A job that runs again after a crash finds its lab in the middle of it.
local function begin(id)
  local lab = report.try(rules.read_any, work, id)
  if lab and lab.status == "requested" then
    return tell(id, { status = "provisioning" })
  end
  return lab and lab.status == "provisioning" and lab or nil
end

jobs.handle("lab.provision", function(payload)
  local id = payload.lab_id
  local lab = begin(id)
  if lab == nil then
    return
  end
  local ok, problem = providers.lab.provision { key = id, recipe_id = lab.recipe_id, intent = lab.requested_intent }
  if not ok then
    fail(id, problem)
  elseif not tell(id, { status = "ready" }) then
    -- Its user gave up waiting, or we did.
    providers.lab.finish { key = id }
  end
end, {
  timeout = STUCK_S,
  dead = function(payload) fail(payload.lab_id, "The lab could not be provided") end,
})

jobs.handle("lab.end", function(payload)
  providers.lab.finish { key = payload.lab_id }
  tell(payload.lab_id, { status = "finished" })
end, {
  timeout = 300,
  dead = function(payload) fail(payload.lab_id, "The lab could not be ended") end,
})

jobs.every("1m", "labs.stuck", function()
  local count = rules.fail_stuck_any(work, STUCK_S)
  if count > 0 then
    log.warn("labs.timeout", { count = count })
  end
end)
