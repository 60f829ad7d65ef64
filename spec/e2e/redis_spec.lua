--- Two services that share their limits in a Redis that comes and goes.
local core = require "neap.core"
local edges = require "spec.support.edges"
local redis_server = require "spec.support.redis"
local test = require "neap.test"
local wire = require "spec.support.wire"

if redis_server.find() == nil then
  pending "redis-server is not here (tools/deps.sh test installs it)"
  return
end

local redis, one, other

local function start(url)
  return test.spawn_server {
    dir = core.app_dir .. "/spec/fixtures/limits",
    env = { WORKERS = "2", RATE_LIMIT_DEFAULT = "6/h/user", REDIS_URL = url },
  }
end

local function status(server, line)
  return wire.exchange(server, wire.request(line)).status
end

local function statuses(server, n, line)
  local found = {}
  for i = 1, n do
    found[i] = status(server, line)
  end
  return table.concat(found, " ")
end

local function count_of(server, message)
  return select(2, server:log_text():gsub('"message":"' .. message, ""))
end

local function wait_for(server, message, n)
  assert.is_true(edges.eventually(function()
    return count_of(server, message) >= n
  end), message)
end

setup(function()
  redis = redis_server.start()
  one, other = start(redis.url), start(redis.url)
  -- Each worker has a connection of its own.
  wait_for(one, "startup.redis", 2)
  wait_for(other, "startup.redis", 2)
end)

teardown(function()
  one:stop()
  other:stop()
  redis:discard()
end)

describe("two services with one Redis", function()
  it("share a limit", function()
    assert.equal("200 200", statuses(one, 2, "GET /ip"))
    assert.equal("200 429", statuses(other, 2, "GET /ip"))
    assert.equal(429, status(one, "GET /ip"))
  end)

  it("share the default one, told in the headers", function()
    assert.equal("200 200", statuses(one, 2, "GET /default"))
    local res = wire.exchange(other, wire.request "GET /default")
    assert.equal('"default";q=6;w=3600', res.headers["ratelimit-policy"])
    assert.matches('^"default";r=3;t=%d+$', res.headers["ratelimit"])
    assert.equal("200 200", statuses(other, 2, "GET /default"))
    assert.equal("200 429", statuses(one, 2, "GET /default"))
    res = wire.exchange(other, wire.request("POST /default", { "Content-Type: application/json" }, "1"))
    assert.equal(429, res.status)
    local seconds = tonumber(res.headers["retry-after"])
    assert.is_true(seconds > 500 and seconds <= 600)
    assert.equal("too_many_requests", res.json.error.code)
  end)

  it("share what functions count and what handlers check", function()
    assert.equal("200 200 429", statuses(one, 2, "GET /keyed/ann") .. " " .. status(other, "GET /keyed/ann"))
    assert.equal("204 204 429", statuses(one, 2, "POST /check/ann") .. " " .. status(other, "POST /check/ann"))
    assert.equal(204, status(other, "POST /check/bob"))
  end)

  it("keep nothing in Redis that owes nothing", function()
    assert.equal("$", redis:ask("INFO", "keyspace"):sub(1, 1))
    assert.is_nil(redis:ask("INFO", "keyspace"):find("db0", 1, true))
    local keys, expires = redis:ask("INFO", "keyspace"):match "db3:keys=(%d+),expires=(%d+)"
    assert.is_true(tonumber(keys) > 0)
    assert.equal(keys, expires)
  end)
end)

describe("when Redis loses its scripts", function()
  it("they are given to it again", function()
    redis:ask("SCRIPT", "FLUSH")
    -- Counted here alone, by whichever worker noticed.
    assert.equal(200, status(one, "GET /shared/a"))
    assert.is_true(edges.eventually(function()
      return status(one, "GET /keyed/" .. core.uuid()) == 200
        and wire.exchange(one, wire.request("GET /keyed/" .. core.uuid())).headers["ratelimit"] ~= nil
    end))
    assert.equal(0, count_of(one, "redis.away"))
  end)
end)

describe("when Redis is killed", function()
  it("each host counts for itself, says so once, and shares again when it is back", function()
    redis:kill()
    wait_for(one, "redis.away", 2)
    wait_for(other, "redis.away", 2)
    assert.equal("200 200 429", statuses(one, 3, "GET /keyed/away"))
    assert.equal("200 200 429", statuses(other, 3, "GET /keyed/away"))
    assert.equal(2, count_of(one, "redis.away"))
    assert.matches("\nneap_rate_alone_total [1-9]", one:get("/metrics").body)
    redis:start()
    wait_for(one, "redis.back", 2)
    wait_for(other, "redis.back", 2)
    assert.equal("200 200 429", statuses(one, 2, "GET /keyed/back") .. " " .. status(other, "GET /keyed/back"))
  end)
end)

describe("when Redis becomes a replica", function()
  it("it counts as away, once, until it can be written to again", function()
    redis:ask("REPLICAOF", "127.0.0.1", "1")
    for _ = 1, 8 do
      assert.equal(200, status(one, "GET /keyed/" .. core.uuid()))
    end
    wait_for(one, "redis.away", 3)
    core.sleep(0.5)
    local away = count_of(one, "redis.away")
    assert.is_true(away <= 4, tostring(away))
    assert.matches("READONLY", one:log_text(), 1, true)
    redis:ask("REPLICAOF", "NO", "ONE")
    wait_for(one, "redis.back", away)
    assert.equal("200 200 429", statuses(one, 2, "GET /keyed/primary") .. " " .. status(other, "GET /keyed/primary"))
  end)
end)

describe("when Redis does not answer", function()
  it("requests go on after a moment, and at once from then on", function()
    local before = count_of(one, "redis.away")
    redis:freeze()
    assert.equal(200, status(one, "GET /keyed/frozen"))
    wait_for(one, "redis.away", before + 1)
    assert.equal("200 429", statuses(one, 2, "GET /keyed/frozen"))
    redis:thaw()
    wait_for(one, "redis.back", before + 1)
    assert.equal(200, status(other, "GET /free"))
  end)
end)

describe("a client that leaves while Redis is asked", function()
  it("costs nothing that stays", function()
    redis:freeze()
    for _ = 1, 20 do
      local conn = wire.open(other)
      conn:write(wire.request "GET /thousand")
      conn:close()
    end
    redis:thaw()
    -- other:stop() fails when a task or a connection is left.
    assert.equal(200, status(other, "GET /free"))
  end)
end)

describe("readiness", function()
  local function start_workbench(env)
    env.WORKERS, env.REDIS_URL = "1", redis.url
    local server = test.spawn_server { database = true, env = env }
    wait_for(server, "startup.redis", 1)
    assert.same({ status = "ok", database = "connected", redis = "connected" }, server:get("/health/ready").json)
    return server
  end

  it("is 503 while Redis is away, and tells that it is Redis", function()
    local server = start_workbench {}
    redis:freeze()
    local began = core.monotonic()
    local res = server:get("/api/v1/health/ready")
    assert.same({ 503, "1" }, { res.status, res.headers["retry-after"] })
    assert.same({ status = "unavailable", database = "connected", redis = "disconnected" }, res.json)
    assert.is_true(core.monotonic() - began < 5)
    assert.equal(200, server:get("/health").status)
    redis:thaw()
    assert.is_true(edges.eventually(function()
      return server:get("/api/v1/health/ready").status == 200
    end))
    server:stop()
  end)

  it("tells it and is 200 with READY_WITHOUT_REDIS", function()
    local server = start_workbench { READY_WITHOUT_REDIS = "true" }
    redis:freeze()
    local res = server:get("/api/v1/health/ready")
    assert.equal(200, res.status)
    assert.same({ status = "ok", database = "connected", redis = "disconnected" }, res.json)
    redis:thaw()
    server:stop()
  end)
end)

describe("REDIS_URL", function()
  it("that no Redis listens at keeps nobody from starting", function()
    for _, url in ipairs {
      "redis://127.0.0.1:1/0", "redis://localhost:1", "redis://nowhere.invalid", "unix:///no/such.sock",
    } do
      local server = start(url)
      wait_for(server, "redis.away", 2)
      assert.equal("200 200 200 429", statuses(server, 4, "GET /ip"))
      server:stop()
    end
  end)

  it("with a wrong password is told, without the password", function()
    local server = start((redis.url:gsub("sesame%%20open", "hunter2hunter2")))
    wait_for(server, "redis.away", 2)
    assert.matches("WRONGPASS", server:log_text(), 1, true)
    assert.is_nil(server:log_text():find("hunter2", 1, true))
    server:stop()
  end)
end)
