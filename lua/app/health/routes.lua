--- Liveness, readiness, and the state of the pool. Mounted at the root and again under the API's prefix.
local config = require "config"
local core = require "neap.core"
local neap = require "neap"
local rules = require "app.health.rules"
local S = require "app.health.schemas"
local store = require "app.health.store"

-- A load balancer asks every second or two: an answer that takes longer than this is a no.
local DEADLINE_S = 1

local r = neap.router { tags = { "health" }, auth = false, rate_limit = false }

r:get("/health", {
  summary = "Is the process alive? With ?check=db: and the database?",
  query = S.HealthQuery,
  response = S.HealthResponse,
}, function(req)
  if req.query.check == "db" then
    return rules.health(store.ping(DEADLINE_S), store.pool_status())
  end
  return rules.alive()
end)

r:get("/health/ready", {
  summary = "May requests be sent here?",
  response = { [200] = S.ReadinessResponse, [503] = S.ReadinessResponse },
}, function()
  local database, redis = store.ping_all(DEADLINE_S)
  local ready = rules.readiness(database, redis, core.draining(), config.READY_WITHOUT_REDIS)
  if ready.status == "ok" then
    return ready
  end
  return neap.response(503, ready, { ["Retry-After"] = "1" })
end)

return r
