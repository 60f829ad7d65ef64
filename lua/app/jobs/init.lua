--- All that Workbench does beside its requests: the jobs of the features, the sweeps, and who hears of a job that was given
--- up.
local events = require "app.events"
local jobs = require "neap.jobs"
local log = require "neap.log"
local store = require "app.jobs.store"

require "app.git_operations.jobs"
require "app.labs.jobs"
require "app.sandboxes.jobs"

-- For how long a client may be away and still hear of all that it missed.
local EVENTS_KEPT_S = 24 * 3600

local function sweep(period, name, remove)
  jobs.every(period, name .. ".sweep", function()
    local removed = remove()
    if removed > 0 then
      log.info(name .. ".swept", { removed = removed })
    end
  end)
end

sweep("1h", "refresh_tokens", function()
  return require("app.auth.rules").sweep(require "app.auth.store")
end)
sweep("1h", "idempotency_keys", require("neap.idempotency").sweep)
sweep("15m", "events", function()
  return require("app.events.store").sweep(EVENTS_KEPT_S)
end)

jobs.on_dead(function(job, problem)
  local ended_at = store.finished_at_any(job.id)
  for _, admin in ipairs(store.admins_any()) do
    events.publish(admin.id, "jobs", "job.dead", tostring(job.id), {
      id = job.id, kind = job.kind, status = "dead", attempts = job.attempts, problem = problem,
      updated_at = ended_at,
    })
  end
end)
