--- A Postgres that is there and does not answer, answers no more, or has no place left: every wait ends, what cannot be
--- served is 503 or 504, and all is well afterwards without a restart.
local cluster = require "spec.support.cluster"
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local eventually = edges.eventually
local nodes = {}

local function postgres(settings)
  local node = cluster.node(settings)
  node.private:start()
  nodes[#nodes + 1] = node
  return node
end

after_each(function()
  while #nodes > 0 do
    table.remove(nodes):discard()
  end
end)

local function start(url, env)
  local all = {
    DATABASE_URL = url, DB_POOL_MIN = "2", DB_POOL_MAX = "4", DB_ACQUIRE_TIMEOUT = "1", DB_STATEMENT_TIMEOUT = "0.5",
  }
  for name, value in pairs(env or {}) do
    all[name] = value
  end
  return edges.start { env = all }
end

local function ask(server, path)
  return wire.exchange(server, wire.request("GET " .. (path or "/sql/who")))
end

local function refused(res)
  assert(res.status == 503 or res.status == 504, res.head)
  if res.status == 503 then
    assert.matches("^%d+$", res.headers["retry-after"])
  end
end

local function serves_again(server)
  assert(eventually(function()
    for _ = 1, 8 do
      if ask(server).status ~= 200 then
        return false
      end
    end
    return true
  end))
end

describe("a Postgres of which every process is frozen", function()
  it("is 503 or 504 within the deadlines, holds up nothing else, and is used again when it wakes", function()
    local node = postgres()
    local server = start(node:url())
    local worker = edges.worker_pid(server)
    serves_again(server)
    local pids = node:pids()
    assert.equal(0, sys.exec { "kill", "-STOP", table.unpack(pids) })
    local conns = load.connect(server, 12)
    local began = core.monotonic()
    for _, conn in ipairs(conns) do
      conn:write(wire.request "GET /sql/who")
    end
    assert.equal(200, ask(server, "/hello").status)
    assert(core.monotonic() - began < 0.5)
    for _, conn in ipairs(conns) do
      refused(assert(conn:answer()))
    end
    refused(ask(server))
    assert.equal(0, sys.exec { "kill", "-CONT", table.unpack(pids) })
    load.close(conns)
    serves_again(server)
    assert.equal(worker, edges.worker_pid(server))
    server.counts_before.handles = server.counts_before.handles + 4 -- the pool has grown meanwhile
    edges.finish(server)
  end)
end)

describe("a network that takes connections and never answers", function()
  it("is 503 within the deadlines", function()
    local listener <close> = sys.listen(0)
    local server = start(("postgresql://neap@127.0.0.1:%d/x"):format(listener.port))
    for _ = 1, 3 do
      local began = core.monotonic()
      local res = ask(server)
      refused(res)
      assert(core.monotonic() - began < 5)
      assert.equal(200, ask(server, "/hello").status)
    end
    server:wait_log "no connection to the database"
    server:stop()
  end)

  it("costs a service with a second server nothing but a moment", function()
    local listener <close> = sys.listen(0)
    local node = postgres()
    local url = ("postgresql://neap@127.0.0.1:%d,%s:5432/neap_dev?connect_timeout=1"):format(listener.port, node.address)
    local server = start(url)
    serves_again(server)
    node:psql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'neap'"
    serves_again(server)
    server:stop()
  end)
end)

describe("a name that cannot be found", function()
  it("is 503, and is told", function()
    local server = start "postgresql://neap@no-such-host.invalid/x"
    refused(ask(server))
    assert.matches("no%-such%-host%.invalid", server:wait_log("no connection to the database").error)
    assert.equal(200, ask(server, "/hello").status)
    server:stop()
  end)
end)

describe("a server with fewer places than DB_POOL_MAX", function()
  local SETTINGS = { max_connections = "4", superuser_reserved_connections = "0", max_wal_senders = "0" }

  it("serves everybody with those that it has", function()
    local node = postgres(SETTINGS)
    local server = start(node:url(), { DB_POOL_MAX = "8", DB_ACQUIRE_TIMEOUT = "5" })
    serves_again(server)
    local conns = load.connect(server, 16)
    for _ = 1, 3 do
      for _, res in ipairs(load.round(conns, function() return wire.request "GET /sql/sleep/0.05" end)) do
        assert.equal(200, res.status)
      end
    end
    load.close(conns)
    server:stop()
  end)

  it("is 503 while others have all of them, and is used as soon as they leave", function()
    local node = postgres(SETTINGS)
    local holders = {}
    -- One that came while another place was taken for a moment is gone again: so they are sent until nobody gets in.
    assert(eventually(function()
      local code, _, err = sys.exec { "psql", "-XAtq", "-d", node.private:url(), "-c", "select 1" }
      if code == 0 then
        holders[#holders + 1] = sys.spawn {
          "psql", "-XAtq", "-d", node.private:url(), "-c", "select pg_sleep(60)", stdout = "null", stderr = "null",
        }
      end
      return code ~= 0 and err:find "too many clients"
    end))
    local server = start(node:url())
    refused(ask(server))
    assert.matches("too many clients", server:wait_log("no connection to the database").error)
    for _, holder in ipairs(holders) do
      holder:kill "KILL"
      holder:wait(5)
    end
    -- Their backends see it at the next write only.
    assert(eventually(function()
      for _, pid in ipairs(node:pids()) do
        local name = sys.read_file(("/proc/%d/cmdline"):format(pid)) or ""
        if name:find "SELECT" then
          sys.exec { "kill", "-TERM", tostring(pid) }
        end
      end
      return ask(server).status == 200
    end))
    serves_again(server)
    server:stop()
  end)
end)

describe("sessions that are ended while idle", function()
  it("by the server's idle_session_timeout cost no request", function()
    local node = postgres { idle_session_timeout = "100ms" }
    local server = start(node:url())
    for _ = 1, 10 do
      assert.equal(200, ask(server).status)
      core.sleep(0.15)
    end
    server:stop()
  end)

  it("by a reset in between, as of a pooler or a firewall, cost at most what was on them", function()
    local node = postgres()
    local server = start(node:url())
    serves_again(server)
    for _ = 1, 3 do
      local pids = node:psql "select pid from pg_stat_activity where application_name = 'neap'"
      for pid in pids:gmatch "%d+" do
        sys.exec { "kill", "-KILL", pid }
      end
      serves_again(server)
    end
    server:stop()
  end)
end)
