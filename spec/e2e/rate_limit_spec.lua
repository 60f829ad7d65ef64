--- Limits as clients meet them: a service of two workers, and one behind a proxy that is trusted.
local edges = require "spec.support.edges"
local core = require "neap.core"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local function start(env)
  local all = { WORKERS = "2", RATE_LIMIT_DEFAULT = "5/h/user" }
  for name, value in pairs(env or {}) do
    all[name] = value
  end
  return test.spawn_server { dir = core.app_dir .. "/spec/fixtures/limits", env = all }
end

local function statuses(server, n, line, headers)
  local found = {}
  for i = 1, n do
    found[i] = wire.exchange(server, wire.request(line, headers and headers(i))).status
  end
  return table.concat(found, " ")
end

describe("a limit", function()
  local server

  setup(function()
    server = start()
  end)

  teardown(function()
    server:stop()
  end)

  it("by default counts a client over all routes that have none of their own, on all workers", function()
    assert.equal("200 200 200", statuses(server, 3, "GET /default"))
    local last
    for _ = 1, 2 do
      last = wire.exchange(server, wire.request("POST /default", { "Content-Type: application/json" }, "1"))
      assert.equal(200, last.status)
    end
    assert.equal('"default";q=5;w=3600', last.headers["ratelimit-policy"])
    assert.matches('^"default";r=0;t=%d+$', last.headers["ratelimit"])
    local res = wire.exchange(server, wire.request "GET /default")
    assert.equal(429, res.status)
    assert.equal("too_many_requests", res.json.error.code)
    assert.is_true(tonumber(res.headers["retry-after"]) > 600 and tonumber(res.headers["retry-after"]) <= 720)
    assert.matches('^"default";r=0;t=%d+$', res.headers["ratelimit"])
    assert.equal(429, wire.exchange(server, wire.request("POST /default", { "Content-Type: application/json" }, "1")).status)
  end)

  it("does not count where the route says so", function()
    local res = wire.exchange(server, wire.request "GET /free")
    assert.is_nil(res.headers["ratelimit"])
    assert.equal(("200 "):rep(20):sub(1, -2), statuses(server, 20, "GET /free"))
    assert.equal(204, wire.exchange(server, wire.request "OPTIONS /default").status)
  end)

  it("of a route is its own", function()
    assert.equal("200 200 200 429 429", statuses(server, 5, "GET /ip"))
  end)

  it("by address holds before anybody asks who calls, whatever the headers say", function()
    local found = statuses(server, 20, "GET /private", function(i)
      return {
        ("X-Forwarded-For: 203.0.113.%d"):format(i), ("Forwarded: for=203.0.113.%d"):format(i),
        ("X-Real-IP: 203.0.113.%d"):format(i), ("X-Client-IP: 203.0.113.%d"):format(i),
        ("True-Client-IP: 203.0.113.%d"):format(i), ("CF-Connecting-IP: 203.0.113.%d"):format(i),
        ("X-Forwarded-Host: host%d"):format(i), ("Via: 1.1 proxy%d"):format(i),
      }
    end)
    assert.equal("401 401 401" .. (" 429"):rep(17), found)
  end)

  it("by user is each user's own, wherever they call from, and a stranger's 401 costs nobody anything", function()
    local function bearer(name)
      local res = wire.exchange(server, wire.request("GET /sign/" .. name))
      return function()
        return { "Authorization: Bearer " .. res.json.token }
      end
    end
    local ann, bob = bearer "ann", bearer "bob"
    assert.equal("200 200 200 429", statuses(server, 4, "GET /mine", ann))
    assert.equal(("401 "):rep(6):sub(1, -2), statuses(server, 6, "GET /mine"))
    assert.equal("200 200 200 429", statuses(server, 4, "GET /mine", bob))
    assert.equal("429", statuses(server, 1, "GET /mine", ann))
  end)

  it("may be several, each told in the headers", function()
    local res = wire.exchange(server, wire.request "GET /both")
    assert.equal(200, res.status)
    local _, policies = res.head:gsub("RateLimit%-Policy: ", "")
    assert.equal(2, policies)
    assert.matches('RateLimit%-Policy: "route";q=4;w=3600\r\nRateLimit: "route";r=3;t=900\r\n', res.head)
    assert.matches('RateLimit%-Policy: "route";q=2;w=60\r\nRateLimit: "route";r=0;t=30\r\n', res.head)
    res = wire.exchange(server, wire.request "GET /both")
    assert.equal(429, res.status)
    assert.is_true(tonumber(res.headers["retry-after"]) <= 30)
  end)

  it("with a name is one for all routes that name it", function()
    assert.equal(200, wire.exchange(server, wire.request "GET /shared/a").status)
    assert.equal(200, wire.exchange(server, wire.request "GET /shared/b").status)
    assert.equal(429, wire.exchange(server, wire.request "GET /shared/a").status)
  end)

  it("by a function counts what it returns, and nil not at all", function()
    assert.equal("200 200 429", statuses(server, 3, "GET /keyed/ann"))
    assert.equal("200 200 429", statuses(server, 3, "GET /keyed/bob"))
    assert.equal("200 200 200 200", statuses(server, 4, "GET /keyed/nobody"))
    local res = wire.exchange(server, wire.request "GET /keyed/ann")
    assert.matches('^"route";r=0;t=%d+$', res.headers["ratelimit"])
    assert.is_truthy(res.headers["retry-after"])
  end)

  it("keeps its counts when a worker is killed", function()
    local killed = edges.worker_pid(server)
    assert(sys.exec { "/bin/sh", "-c", "kill -KILL " .. killed })
    assert.is_true(edges.eventually(function()
      return #server:logs() > 0 and server:log_text():find "worker was killed" ~= nil
    end))
    assert.is_true(edges.eventually(function()
      return select(2, server:log_text():gsub('"listening"', "")) == 3
    end))
    assert.equal("429 429 429 429", statuses(server, 4, "GET /ip"))
  end)
end)

describe("a thousand an hour", function()
  it("are a thousand, over two workers", function()
    local server = start()
    local conns, allowed, refused = {}, 0, 0
    for i = 1, 16 do
      conns[i] = wire.open(server)
    end
    local request = wire.request "GET /thousand"
    for _ = 1, 10 do
      for _, conn in ipairs(conns) do
        conn:write(request:rep(20))
      end
      for _, conn in ipairs(conns) do
        for _ = 1, 20 do
          local status = conn:answer().status
          allowed, refused = allowed + (status == 200 and 1 or 0), refused + (status == 429 and 1 or 0)
        end
      end
    end
    for _, conn in ipairs(conns) do
      conn:close()
    end
    -- One more each 3.6 s that this took.
    assert.is_true(allowed >= 1000 and allowed <= 1010, tostring(allowed))
    assert.equal(3200, allowed + refused)
    server:stop()
  end)
end)

describe("behind a trusted proxy", function()
  local server

  setup(function()
    server = start { TRUSTED_PROXIES = "127.0.0.1,10.0.0.0/8", ENVIRONMENT = "production" }
  end)

  teardown(function()
    server:stop()
  end)

  local function ask(line, ...)
    return wire.exchange(server, wire.request(line, { ... }))
  end

  it("each client has its own limit, and cannot change whom it is", function()
    for client = 1, 3 do
      local found = statuses(server, 5, "GET /ip", function(i)
        return { ("X-Forwarded-For: 198.51.100.%d, 203.0.113.%d, 10.0.0.%d"):format(i, client, i) }
      end)
      assert.equal("200 200 200 429 429", found)
    end
  end)

  it("the addresses of one IPv6 network are one client", function()
    local found = statuses(server, 5, "GET /ip", function(i)
      return { ("X-Forwarded-For: 2001:db8:0:1:%x::%d"):format(i, i) }
    end)
    assert.equal("200 200 200 429 429", found)
    assert.equal(200, ask("GET /ip", "X-Forwarded-For: 2001:db8:0:2::1").status)
    assert.equal("2001:db8:0:1::/64", ask("GET /free", "X-Forwarded-For: 2001:db8:0:1:a::b").json.network)
  end)

  it("handlers and the log know the client and the scheme", function()
    local res = ask("GET /free", "X-Forwarded-For: 203.0.113.77", "X-Forwarded-Proto: https")
    assert.same({ ip = "203.0.113.77", network = "203.0.113.77", scheme = "https" }, res.json)
    assert.equal("max-age=31536000; includeSubDomains", res.headers["strict-transport-security"])
    assert.is_true(edges.eventually(function()
      return server:log_text():find('"ip":"203.0.113.77"', 1, true) ~= nil
    end))
    res = ask("GET /free", "X-Forwarded-For: 203.0.113.77", "X-Forwarded-Proto: http")
    assert.equal("http", res.json.scheme)
    assert.is_nil(res.headers["strict-transport-security"])
  end)
end)

describe("RATE_LIMIT_DEFAULT", function()
  it("can be turned off", function()
    local server = start { RATE_LIMIT_DEFAULT = "off" }
    assert.equal(("200 "):rep(20):sub(1, -2), statuses(server, 20, "GET /default"))
    assert.equal("200 200 200 429", statuses(server, 4, "GET /ip"))
    server:stop()
  end)
end)
