--- Clients that leave in the middle of a statement, many of them, between others who stay. Figures over more:
---
---     NEAP_CANCELS=10000 neap test spec/e2e/cancel_spec.lua
local cluster = require "spec.support.cluster"
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local CANCELS = tonumber(os.getenv "NEAP_CANCELS") or 400
local LEAVING, STAYING = 50, 12

local OURS = "from pg_stat_activity where application_name = 'neap'"

local node, app, server

setup(function()
  node = cluster.node()
  node.private:start()
  node:psql "create table notes (id integer generated always as identity primary key, body text not null)"
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua", ["lua"] = "spec/fixtures/edges/lua" },
  }
  server = edges.start {
    dir = app,
    env = {
      DATABASE_URL = node:url(), DB_POOL_MIN = "40", DB_POOL_MAX = "40",
      DB_ACQUIRE_TIMEOUT = "30", DB_STATEMENT_TIMEOUT = "60", ACCESS_LOG = "false",
    },
  }
  local conns = load.connect(server, 40)
  load.round(conns, function() return wire.request "GET /sql/sleep/0.2" end)
  load.close(conns)
  server.counts_before = edges.counts(server)
end)

teardown(function()
  edges.finish(server)
  scratch.remove(app)
  node:discard()
end)

local function report(...)
  if os.getenv "NEAP_CANCELS" then
    io.stderr:write((...):format(select(2, ...)), "\n")
  end
end

-- What runs when its client leaves, what waits for its connection then, and what has a transaction open.
local LEAVE = { "GET /sql/sleep/30", "GET /sql/tx-sleep/30", "GET /sql/sleep/0.02" }
local STAY = { "GET /sql/sleep/0.002", "GET /sql/divide/4", "GET /sql/tx-sleep/0.001", "GET /sql/who" }

describe("requests whose clients leave in the middle of a statement", function()
  it("leave an idle pool and no transaction, and no other's statement is cancelled", function()
    local staying = load.connect(server, STAYING)
    local began, stayed = core.monotonic(), 0
    for batch = 1, CANCELS // LEAVING do
      local leaving = load.connect(server, LEAVING)
      for i, conn in ipairs(leaving) do
        conn:write(wire.request(LEAVE[(i + batch) % #LEAVE + 1]))
      end
      for i, conn in ipairs(staying) do
        conn:write(wire.request(STAY[(i + batch) % #STAY + 1]))
      end
      core.sleep(0.01 + batch % 4 * 0.01)
      for _, conn in ipairs(leaving) do
        conn.sock:reset()
      end
      for _, conn in ipairs(staying) do
        local res = assert(conn:answer())
        assert.equal(200, res.status, res.body)
        stayed = stayed + 1
      end
    end
    local _, cancelled = sys.read_file(node.private.log):gsub("canceling statement due to user request", "")
    assert(cancelled > CANCELS / 10, "hardly any statement ran when its client left")
    report("%d clients left in %.1f s, %d statements were cancelled, %d requests of others were all served", CANCELS,
      core.monotonic() - began, cancelled, stayed)
    load.close(staying)
    assert(edges.eventually(function()
      return edges.counts(server).pool_busy == 0
    end))
    assert.equal("0", node:psql("select count(*) " .. OURS .. " and state <> 'idle'"))
    for _, line in ipairs(server:logs()) do
      assert.not_equal("a transaction was left open and is rolled back", line.message)
    end
  end)

  it("are gone from pg_stat_activity at once", function()
    for _, path in ipairs { "/sql/sleep/30", "/sql/tx-sleep/30" } do
      local running = "select count(*) " .. OURS .. " and state = 'active'"
      local conn = wire.open(server)
      conn:write(wire.request("GET " .. path))
      core.sleep(0.2)
      assert.equal("1", node:psql(running))
      conn:close() -- as curl -m does
      local left = core.monotonic()
      assert(edges.eventually(function() return node:psql(running) == "0" end))
      report("GET %s: gone %.0f ms after its client", path, (core.monotonic() - left) * 1000)
    end
  end)
end)
