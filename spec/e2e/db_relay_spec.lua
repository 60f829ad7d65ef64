--- A service and its Postgres with a link in between that is far away, or slow.
local edges = require "spec.support.edges"
local postgres = require "neap.postgres"
local relays = require "spec.support.relay"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

local INIT = [[
local core = require "neap.core"
local db = require "neap.db"
local neap = require "neap"

local function sum_of(rows)
  local sum = 0
  for i = 1, 6 do
    sum = sum + rows[i].v
  end
  return sum
end

return function()
  local app = neap.app { auth = false }
  app:get("/counts", function() return core.counts() end)
  app:get("/six/one", function()
    local began, rows = core.monotonic(), {}
    for i = 1, 6 do
      rows[i] = db.one("select $1::int as v", i)
    end
    return { sum = sum_of(rows), ms = (core.monotonic() - began) * 1000 }
  end)
  app:get("/six/all", function()
    local began, statements = core.monotonic(), {}
    for i = 1, 6 do
      statements[i] = { "select $1::int as v", i }
    end
    local found, rows = db.all(statements), {}
    for i = 1, 6 do
      rows[i] = found[i][1]
    end
    return { sum = sum_of(rows), ms = (core.monotonic() - began) * 1000 }
  end)
  app:post("/bytes/{kib}", { body = false }, function(req)
    local bytes = {}
    for i = 0, 255 do
      bytes[i + 1] = string.char(i)
    end
    local sent = table.concat(bytes):rep(4 * req.params.kib)
    local back = db.one("select $1::bytea as v, length($1::bytea) as n", db.bytes(sent))
    return { same = back.v == sent, n = back.n }
  end)
  return app
end
]]

local app, private, relay, server

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  private = postgres.of(app)
  private:start()
  relay = relays.open(private.socket .. "/.s.PGSQL.5432")
end)

teardown(function()
  relay:close()
  scratch.remove(app)
end)

local function start(env)
  local user, database = private:url():match "//([^@/]*)@[^/]*/([^?]*)"
  env.DATABASE_URL = ("postgresql://%s@127.0.0.1:%d/%s"):format(user, relay.port, database)
  server = edges.start { dir = app, env = env }
end

local function get(path)
  local res = wire.exchange(server, wire.request("GET " .. path))
  assert.equal(200, res.status)
  return res.json
end

local function turns_of(path)
  local before = relay.turns
  assert.equal(21, get(path).sum)
  return relay.turns - before
end

describe("round trips", function()
  for name, env in pairs {
    ["on a connection of its own"] = { DB_POOL_MIN = "1", DB_POOL_MAX = "1" },
    ["on connections that requests share"] = { DB_POOL_MIN = "3", DB_POOL_MAX = "3" },
  } do
    it("are one for db.all of six statements and six for six db.one, " .. name, function()
      start(env)
      for _ = 1, 30 do -- until the text is prepared, and known to be quick
        get "/six/one"
        get "/six/all"
      end
      relay.delay = 0.001
      for _ = 1, 3 do
        assert.equal(1, turns_of "/six/all")
        assert.equal(6, turns_of "/six/one")
      end
      relay.delay = 0
      edges.finish(server)
    end)
  end
end)

describe("a slow link", function()
  after_each(function()
    relay.rate = math.huge
    edges.finish(server)
  end)

  it("takes its time for a large value, which arrives whole in both directions", function()
    start { DB_POOL_MIN = "1", DB_POOL_MAX = "2", DB_STATEMENT_TIMEOUT = "60" }
    relay.rate = 8 << 20
    local res = wire.exchange(server, wire.request("POST /bytes/1024", { "Content-Length: 0" }))
    assert.same({ same = true, n = 1 << 20 }, res.json)
  end)

  it("that is too slow for DB_STATEMENT_TIMEOUT is a 504, and the next statement is served", function()
    start { DB_POOL_MIN = "1", DB_POOL_MAX = "2", DB_STATEMENT_TIMEOUT = "0.5" }
    relay.rate = 256 << 10
    local res = wire.exchange(server, wire.request("POST /bytes/1024", { "Content-Length: 0" }))
    assert.equal(504, res.status)
    assert.equal("timeout", res.json.error.code)
    relay.rate = math.huge
    assert(edges.eventually(function()
      local next_one = wire.exchange(server, wire.request("POST /bytes/1", { "Content-Length: 0" }))
      return next_one.status == 200 and next_one.json.same
    end))
  end)
end)
