--- GET /metrics of a service with several workers.
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local prometheus = require "spec.support.prometheus"
local run = require "neap.test.scratch"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local server, database

local function start(env)
  return test.spawn_server { dir = core.app_dir .. "/spec/fixtures/edges", env = env }
end

setup(function()
  database = run.database()
  server = start {
    WORKERS = "3", DATABASE_URL = database.url, DB_POOL_MIN = "3", DB_POOL_MAX = "3", DB_SLOW_MS = "40",
  }
  server:wait_log "ready"
end)

teardown(function()
  server:stop()
  database:drop()
end)

local function ask(headers)
  return wire.exchange(server, wire.request("GET /metrics", headers))
end

local function metrics()
  local res = ask()
  assert.equal(200, res.status)
  assert.equal("text/plain; version=0.0.4; charset=utf-8", res.headers["content-type"])
  return prometheus.parse(res.body)
end

local HELLO = { method = "GET", route = "/hello" }

local function hello(n)
  local conns = load.connect(server, n)
  load.round(conns, function() return wire.request "GET /hello" end)
  load.close(conns)
end

local function workers()
  local path = ("/proc/%d/task/%d/children"):format(server.pid, server.pid)
  local list = {}
  for pid in sys.read_file(path):gmatch "%d+" do
    list[#list + 1] = pid
  end
  return list
end

describe("/metrics", function()
  it("counts each request of every worker once", function()
    local before = metrics()
    for _ = 1, 5 do
      hello(60)
    end
    local now = metrics()
    assert.equal(300, now:get("neap_http_requests_total", HELLO) - before:get("neap_http_requests_total", HELLO))
    local count = "neap_http_request_duration_seconds_count"
    assert.equal(300, now:get(count, HELLO) - before:get(count, HELLO))
    assert.equal(301, now:get "neap_http_connections_total" - before:get "neap_http_connections_total")
    assert.equal(3, now:get "neap_workers")
  end)

  it("knows the class of an answer, and whose client left before it", function()
    local before = metrics()
    wire.exchange(server, wire.request "GET /broken/raise-nil")
    wire.exchange(server, wire.request "GET /private")
    local conn = wire.open(server)
    conn:write(wire.request "GET /sleep/2000")
    core.sleep(0.1)
    conn.sock:reset()
    local function more(route, status)
      local labels = { route = route, status = status }
      return metrics():get("neap_http_requests_total", labels) - before:get("neap_http_requests_total", labels)
    end
    assert.equal(1, more("/broken/raise-nil", "5xx"))
    assert.equal(1, more("/private", "4xx"))
    assert(edges.eventually(function() return more("/sleep/{ms}", "left") == 1 end))
  end)

  it("has a series for each route, and none for what clients make up", function()
    ask()
    local before = metrics():size()
    local conns = load.connect(server, 50)
    load.round(conns, function(i) return wire.request(("GET /made-up/%d"):format(i)) end)
    load.round(conns, function(i) return wire.request(("GET /items/%d/x"):format(i)) end)
    load.round(conns, function() return "NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n" end)
    load.close(conns)
    local now = metrics()
    assert(now:size() <= before + 40, now:size() - before)
    assert.equal(50, now:get("neap_http_requests_total", { route = "/items/{id}/{part}" }))
    assert(now:get("neap_http_requests_total", { route = "none" }) >= 100)
  end)

  it("tells how long connections were waited for, and which statements were slow", function()
    local before = metrics()
    local conns = load.connect(server, 24)
    load.round(conns, function() return wire.request "GET /sql/sleep/0.05" end)
    load.close(conns)
    local now = metrics()
    local function more(name, labels)
      return now:get(name, labels) - before:get(name, labels)
    end
    assert.equal(24, more "neap_db_statements_total")
    assert.equal(24, more "neap_db_slow_statements_total")
    assert(more "neap_db_statement_seconds_total" >= 24 * 0.05)
    assert.equal(24, more "neap_db_acquired_total")
    -- One connection for each worker: all but the first of each wait.
    assert(more("neap_db_wait_seconds_count") - more("neap_db_wait_seconds_bucket", { le = "0.01" }) >= 15)
    assert(more "neap_db_wait_seconds_sum" > 0.5)
    assert(edges.eventually(function()
      local gauges = metrics()
      return gauges:get "neap_db_connections_max" == 3 and gauges:get "neap_db_waiting" == 0
        and gauges:get("neap_db_connections", { state = "busy" }) == 0
        and gauges:get("neap_db_connections", { state = "idle" }) == 3
        and gauges:get "neap_db_available_workers" == 3
    end))
  end)

  it("goes on with the numbers of a worker that was killed", function()
    hello(30)
    local before = metrics():get("neap_http_requests_total", HELLO)
    local after = #server:logs()
    sys.exec { "kill", "-KILL", workers()[1] }
    server:wait_log("listening", 20, after)
    local now = metrics()
    assert.equal(before, now:get("neap_http_requests_total", HELLO))
    assert.equal(1, now:get "neap_worker_restarts_total")
    hello(30)
    assert.equal(before + 30, metrics():get("neap_http_requests_total", HELLO))
  end)

  it("counts reloads, and keeps the routes' numbers over them", function()
    local before = metrics()
    local after = #server:logs()
    server:signal "HUP"
    server:wait_log("loaded", 20, after)
    assert(edges.eventually(function()
      return metrics():get("neap_reloads_total", { result = "loaded" }) == 3
    end))
    assert.equal(before:get("neap_http_requests_total", HELLO), metrics():get("neap_http_requests_total", HELLO))
  end)

  it("is where the application says, or nowhere", function()
    for url, status in pairs { ["false"] = 404, ['"/internal/metrics"'] = 200 } do
      local app = scratch.app {
        links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
        files = { ["lua/app/init.lua"] = ([[
          return function() return require "neap".app { metrics_url = %s } end
        ]]):format(url) },
      }
      local other = test.spawn_server { dir = app, env = { WORKERS = "1" } }
      assert.equal(404, wire.exchange(other, wire.request "GET /metrics").status)
      assert.equal(status, wire.exchange(other, wire.request "GET /internal/metrics").status)
      other:stop()
      scratch.remove(app)
    end
  end)

  it("is for this machine: not for who comes through a proxy", function()
    for _, name in ipairs { "X-Forwarded-For", "Forwarded", "X-Real-IP", "Via" } do
      assert.equal(403, ask({ name .. ": 203.0.113.7" }).status)
    end
    assert.equal(403, wire.exchange(server, "GET /metrics HTTP/1.1\r\nHost: api.example.com\r\n\r\n").status)
    assert.equal(200, wire.exchange(server, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n").status)
    assert.equal(200, wire.exchange(server, "GET /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n").status)
  end)

  it("is in production, and where a proxy shares the address, for who is named", function()
    for expected, env in pairs {
      ["403 403 of production"] = { ENVIRONMENT = "production" },
      ["200 200 of one that is named"] = { ENVIRONMENT = "production", METRICS_FROM = "10.0.0.0/8,127.0.0.1" },
      ["403 403 of others than are named"] = { METRICS_FROM = "10.0.0.0/8" },
      ["403 200 of a proxy's address"] = { TRUSTED_PROXIES = "127.0.0.1", METRICS_FROM = "127.0.0.1,127.0.0.2" },
    } do
      env.WORKERS = "1"
      local other = start(env)
      local first = wire.exchange(other, wire.request "GET /metrics").status
      local _, second = sys.exec {
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface",
        expected:find "proxy" and "127.0.0.2" or "127.0.0.1", other.url .. "/metrics",
      }
      assert.equal(expected:match "%d+ %d+", first .. " " .. second, expected)
      other:stop()
    end
  end)
end)
