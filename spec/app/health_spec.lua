local config = require "config"
local test = require "neap.test"

local V1 = config.API_V1_PREFIX

describe("health", function()
  it("is exactly {\"status\":\"ok\"} at the root and under the prefix", function()
    for _, path in ipairs { "/health", V1 .. "/health" } do
      local res = test.get(path)
      assert.equal(200, res.status)
      assert.equal('{"status":"ok"}', res.body)
    end
  end)

  it("tells of the database and the pool when asked with ?check=db", function()
    local res = test.get("/health?check=db")
    assert.equal(200, res.status)
    assert.equal("healthy", res.json.status)
    assert.is_true(res.json.database_ok)
    for _, gauge in ipairs { "size", "idle", "busy", "waiting", "max" } do
      assert.equal("integer", math.type(res.json.pool_status[gauge]), gauge)
    end
    assert.is_true(res.json.pool_status.size <= res.json.pool_status.max)
  end)

  it("needs no user", function()
    assert.equal(200, test.get("/health", { as = false }).status)
  end)
end)

describe("readiness", function()
  it("says what it looked at, at the root and under the prefix", function()
    for _, path in ipairs { "/health/ready", V1 .. "/health/ready" } do
      local res = test.get(path)
      assert.equal(200, res.status)
      assert.same({ status = "ok", database = "connected", redis = "disabled" }, res.json)
    end
  end)
end)

describe("the rules of health", function()
  local rules = require "app.health.rules"

  it("call the service unavailable when the database is away", function()
    assert.same({ status = "unavailable", database = "disconnected", redis = "disabled" },
      rules.readiness(false, "disabled", false))
  end)

  it("call the service unavailable while it drains, with the database still connected", function()
    assert.same({ status = "unavailable", database = "connected", redis = "disabled" },
      rules.readiness(true, "disabled", true))
  end)

  it("show the five gauges of the pool and nothing else of it", function()
    local pool = { size = 1, idle = 1, busy = 0, waiting = 0, max = 20, last_error = "secret host" }
    assert.same(
      { status = "unhealthy", database_ok = false, pool_status = { size = 1, idle = 1, busy = 0, waiting = 0, max = 20 } },
      rules.health(false, pool)
    )
  end)
end)
