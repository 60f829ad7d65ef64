--- db.listen in a service: what becomes of a listener when the code is replaced, when Postgres restarts and at the end.
local edges = require "spec.support.edges"
local postgres = require "neap.postgres"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

local INIT = [[
local db = require "neap.db"
local log = require "neap.log"
local neap = require "neap"
local core = require "neap.core"
local version = 1

return function()
  local app = neap.app { auth = false }
  app:on_load(function()
    db.listen("news", function(payload)
      local slow = payload and payload:match "^slow"
      if slow then
        core.sleep(0.2)
      end
      log.info("heard", { payload = payload or "(gap)", version = version })
    end)
    log.info("listener.ready", { version = version })
  end)
  app:get("/counts", { auth = false }, function() return core.counts() end)
  app:post("/tell/{what}", { auth = false, body = false }, function(req) db.notify("news", req.params.what) end)
  return app
end
]]

local app, private, server

local function heard()
  local all = {}
  for _, line in ipairs(server:logs()) do
    if line.message == "heard" then
      all[#all + 1] = line.version .. ":" .. line.payload
    end
  end
  return table.concat(all, " ")
end

local function psql(sql)
  return query(private:url(), sql)
end

local function tell(what)
  assert.equal(204, wire.exchange(server, wire.request("POST /tell/" .. what, { "Content-Length: 0" })).status)
end

local function wait_for(what)
  assert(edges.eventually(function() return heard() == what end), "heard: " .. heard())
end

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  private = postgres.of(app)
  private:start()
end)

teardown(function()
  scratch.remove(app)
end)

before_each(function()
  scratch.write(app .. "/lua/app/init.lua", INIT)
  server = edges.start { dir = app, env = { DATABASE_URL = private:url(), DB_POOL_MIN = "2", DB_POOL_MAX = "2" } }
  server:wait_log "listener.ready"
  tell "hello"
  wait_for "1:hello"
  server.counts_before = edges.counts(server)
end)

describe("a listener of a service", function()
  it("hears other sessions too, and is no task while it waits", function()
    psql "notify news, 'psql'"
    wait_for "1:hello 1:psql"
    assert.same({ 1, 0 }, { edges.counts(server).tasks, edges.counts(server).background })
    edges.finish(server)
  end)

  it("ends with its code: after a reload the new one alone hears, on the same connection", function()
    local sessions = "select count(*) from pg_stat_activity where query ~ '^(UN)?LISTEN'"
    tell "slow"
    scratch.write(app .. "/lua/app/init.lua", (INIT:gsub("local version = 1", "local version = 2")))
    server:signal "HUP"
    assert(edges.eventually(function() return server:log_text():find('"listener%.ready"[^\n]-"version":2') end))
    tell "new"
    -- The old one works on its message to the end, beside the new one.
    assert(edges.eventually(function() return heard():find("1:slow", 1, true) and heard():find("2:new", 1, true) end))
    assert.equal(#"1:hello 1:slow 2:new", #heard())
    assert.equal("1", psql(sessions))
    edges.finish(server)
  end)

  it("is told of a gap when Postgres has restarted, and goes on", function()
    private:stop "immediate"
    private:start()
    wait_for "1:hello 1:(gap)"
    psql "notify news, 'again'"
    wait_for "1:hello 1:(gap) 1:again"
    assert(edges.eventually(function()
      return wire.exchange(server, wire.request("POST /tell/more", { "Content-Length: 0" })).status == 204
    end))
    wait_for "1:hello 1:(gap) 1:again 1:more"
    edges.finish(server)
  end)

  it("works on its last message to the end when the worker stops", function()
    tell "slow"
    server:signal "TERM"
    assert.equal(0, server:wait(35))
    local last = assert(server:wait_log "shutdown.complete")
    assert.same({ 0, 0, 0 }, { last.handles, last.tasks, last.pool_busy })
    assert.equal("1:hello 1:slow", heard())
  end)
end)
