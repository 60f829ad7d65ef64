local db = require "neap.db"
local prometheus = require "spec.support.prometheus"
local test = require "neap.test"

local FROM_AFAR = { Host = "api.example.com" }

describe("/metrics", function()
  it("is answered to administrators from anywhere", function()
    local admin = { id = "a", email = "root@example.com", role = "admin" }
    local user = { id = "b", email = "someone@example.com", role = "user" }
    assert.equal(200, test.get("/metrics", { headers = FROM_AFAR, as = admin }).status)
    assert.equal(403, test.get("/metrics", { headers = FROM_AFAR, as = user }).status)
    assert.equal(403, test.get("/metrics", { headers = FROM_AFAR }).status)
  end)

  it("tells the same of the pool as db.pool_status", function()
    local text = test.get("/metrics").body
    local status, metrics = db.pool_status(), prometheus.parse(text)
    assert.equal(status.max, metrics:get "neap_db_connections_max")
    assert.equal(status.busy, metrics:get("neap_db_connections", { state = "busy" }))
    assert.equal(status.idle, metrics:get("neap_db_connections", { state = "idle" }))
    assert.equal(status.waiting, metrics:get "neap_db_waiting")
    for name, metric in pairs {
      acquired = "acquired", connects = "connects", connect_failures = "connect_failures", lost = "connections_lost",
      leaked = "leaked_transactions",
    } do
      assert.equal(status[name], metrics:get(("neap_db_%s_total"):format(metric)), name)
    end
  end)

  it("is in no document", function()
    assert.is_nil(test.get("/openapi.json").json.paths["/metrics"])
  end)
end)
