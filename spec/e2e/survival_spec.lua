--- Postgres is killed, and fails over, while clients write. Figures over more cycles:
---
---     NEAP_KILLS=100 NEAP_PROMOTIONS=20 neap test spec/e2e/survival_spec.lua
local cluster = require "spec.support.cluster"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"
local writers = require "spec.support.writers"

local KILLS = tonumber(os.getenv "NEAP_KILLS") or 3
local PROMOTIONS = tonumber(os.getenv "NEAP_PROMOTIONS") or 2
-- The criterion of a figure; here only whether it comes back by itself counts.
local BACK_WITHIN_S = 15

local app

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua", ["lua"] = "spec/fixtures/edges/lua" },
  }
end)

teardown(function()
  scratch.remove(app)
end)

local function create_notes(node)
  -- Not unique: a write that was done twice would be seen.
  node:psql "create table notes (id integer generated always as identity primary key, body text not null)"
end

local function start(url)
  local server = edges.start {
    dir = app,
    env = { DATABASE_URL = url, DB_POOL_MIN = "4", DB_POOL_MAX = "8", DB_ACQUIRE_TIMEOUT = "2", ACCESS_LOG = "false" },
  }
  -- All connections open before the handles are counted: the pool keeps what it opened.
  local conns = load.connect(server, 8)
  load.round(conns, function()
    return wire.request "GET /sql/sleep/0.1"
  end)
  load.close(conns)
  server.counts_before = edges.counts(server)
  return server
end

local function report(what, all, lags)
  if os.getenv "NEAP_KILLS" or os.getenv "NEAP_PROMOTIONS" then
    table.sort(lags)
    local function at(part)
      return lags[math.max(1, math.ceil(#lags * part))] * 1000
    end
    io.stderr:write(("%s: %d, %d writes acknowledged, %d refused; "):format(what, #lags, #all.acknowledged, all.refused))
    io.stderr:write(("first 201 after it accepts: median %.0f ms, 95 of 100 within %.0f ms, worst %.0f ms\n"):format(at(0.5),
      at(0.95), at(1)))
  end
end

--- Every acknowledged write is there, once; nothing but 503 and 504 was told otherwise; no worker was started anew.
local function hold_against(all, node, server, worker)
  local missing, twice = all:compare(node)
  assert.same({}, missing)
  assert.same({}, twice)
  assert.same({}, all.wrong)
  assert(all.refused > 0, "nobody noticed anything")
  assert.equal(worker, edges.worker_pid(server))
  for _, line in ipairs(server:logs()) do
    assert.is_nil(line.message:match "^worker ")
  end
end

describe("Postgres killed with -9 under write load", function()
  it("costs no acknowledged write, makes none twice, and is used again without a restart", function()
    local node = cluster.node()
    node.private:start()
    create_notes(node)
    local server = start(node:url())
    local worker, lags = edges.worker_pid(server), {}
    local all = writers.open(server, 8)
    for i = 1, KILLS do
      all:for_seconds(0.2)
      all:during(node:signal_command "KILL")
      node:wait_gone()
      all:round()
      all:mark()
      all:during(node:start_command())
      all:until_ok()
      lags[i] = all.first_ok - node:ready_at()
      assert(lags[i] < BACK_WITHIN_S, lags[i])
    end
    all:for_seconds(0.2)
    hold_against(all, node, server, worker)
    report("kill -9", all, lags)
    all:close()
    edges.finish(server)
    node:discard()
  end)
end)

describe("target_session_attrs", function()
  it("finds a standby, and a primary where that will do when there is none", function()
    local primary, standby = cluster.node(), cluster.node()
    primary.private:start()
    create_notes(primary)
    assert.equal(0, sys.exec(standby:copy_command(primary)))
    assert.equal(0, sys.exec(standby:start_command()))
    local function sessions(node)
      return tonumber(node:psql "select count(*) from pg_stat_activity where application_name = 'neap'")
    end
    local function ask(server)
      return wire.exchange(server, wire.request "GET /sql/who").status
    end

    local server = start(cluster.url({ primary, standby }, "target_session_attrs=prefer-standby"))
    assert.equal(200, ask(server))
    assert(edges.eventually(function() return sessions(primary) == 0 end))
    assert(sessions(standby) > 0)
    -- What is wanted takes no writes: that is no reason to look for another.
    for _ = 1, 5 do
      local note = wire.request("POST /notes", { "Content-Type: application/json" }, '{"body":"no"}')
      assert.equal(503, wire.exchange(server, note).status)
    end
    assert(edges.eventually(function() return sessions(primary) == 0 end))
    assert.equal(0, sys.exec(standby:signal_command "KILL"))
    assert(edges.eventually(function() return ask(server) == 200 end))
    assert(sessions(primary) > 0)
    server:stop()

    local strict = start(cluster.url({ primary, standby }, "target_session_attrs=standby"))
    assert.equal(503, ask(strict))
    standby:wait_gone()
    assert.equal(0, sys.exec(standby:start_command()))
    assert(edges.eventually(function() return ask(strict) == 200 end))
    -- It asks the primary too, which is first in the list, and leaves it again.
    assert(edges.eventually(function() return sessions(primary) == 0 end))
    strict:stop()
    standby:discard()
    primary:discard()
  end)
end)

describe("a standby that is promoted under write load", function()
  it("has every acknowledged write, once, and is used without a restart", function()
    local primary, standby = cluster.node(), cluster.node()
    primary.private:start()
    create_notes(primary)
    assert.equal(0, sys.exec(standby:copy_command(primary)))
    assert.equal(0, sys.exec(standby:start_command()))
    primary:wait_for_standby()
    local server = start(cluster.url({ primary, standby }, "target_session_attrs=read-write"))
    local worker, lags = edges.worker_pid(server), {}
    local all = writers.open(server, 8)
    for i = 1, PROMOTIONS do
      all:for_seconds(0.3)
      all:during(primary:signal_command "KILL")
      primary:wait_gone()
      all:round()
      all:mark()
      all:during(standby:promote_command())
      all:until_ok()
      lags[i] = all.first_ok - standby:ready_at()
      assert(lags[i] < BACK_WITHIN_S, lags[i])
      -- The one that was killed follows the new primary from now on.
      all:during(primary:copy_command(standby))
      all:during(primary:start_command())
      primary, standby = standby, primary
      primary:wait_for_standby()
    end
    all:for_seconds(0.3)
    hold_against(all, primary, server, worker)
    report("promotions", all, lags)
    all:close()
    edges.finish(server)
    primary:discard()
    standby:discard()
  end)
end)
