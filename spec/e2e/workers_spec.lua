--- Several processes behind one port, and what becomes of them when one of them, or the one above them, goes.
local core = require "neap.core"
local edges = require "spec.support.edges"
local json = require "neap.json"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local EDGES = core.app_dir .. "/spec/fixtures/edges"

local function pids_of(server)
  local pids = {}
  for _, line in ipairs(server:logs()) do
    if line.message == "listening" then
      pids[#pids + 1] = line.pid
    end
  end
  return pids
end

local function count_lines(server, message)
  local n = 0
  for _, line in ipairs(server:logs()) do
    n = n + (line.message == message and 1 or 0)
  end
  return n
end

local function is_alive(pid)
  local stat = sys.read_file(("/proc/%d/stat"):format(pid))
  return stat ~= nil and stat:match "%) (%a)" ~= "Z"
end

local function serve(app_dir, args, env)
  local argv = { core.program, "serve", app_dir, table.unpack(args) }
  argv.env = { PATH = os.getenv "PATH", SECRET_KEY = ("key!"):rep(8), ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" }
  for name, value in pairs(env or {}) do
    argv.env[name] = value
  end
  return sys.exec(argv)
end

describe("two workers", function()
  it("take requests on one port, and both drain at SIGTERM", function()
    local server = edges.start { env = { WORKERS = "2" } }
    server:wait_log "ready"
    -- Each worker counts its own requests: whoever took all 64 would have counted as many.
    local most = 0
    for _ = 1, 64 do
      most = math.max(most, edges.counts(server).requests)
    end
    assert(most < 60, most)
    server:signal "TERM"
    assert.equal(0, server:wait())
    assert.equal(2, count_lines(server, "shutdown.complete"))
  end)

  it("say once that an application does not load", function()
    local dir = sys.tempdir "neap-spec-"
    sys.mkdir(dir .. "/lua/app")
    sys.write_file(dir .. "/lua/app/init.lua", "return function() nonsense() end\n")
    local code, out = serve(dir, { "--port", "0", "--workers", "4" })
    sys.remove(dir, { recursive = true })
    assert.equal(1, code)
    assert.matches("lua/app/init.lua:1", out, 1, true)
    assert.equal(1, select(2, out:gsub("the application does not load", "")))
  end)

  it("leave nothing open when an application does not load", function()
    local dir = scratch.app { files = { ["lua/app/init.lua"] = "return function() nonsense() end\n" } }
    -- Nobody listens there: the pool is still at it when the worker leaves.
    local code, out = serve(dir, { "--port", "0", "--workers", "1" }, { DATABASE_URL = "postgresql://x@127.0.0.1:1/x" })
    scratch.remove(dir)
    assert.equal(1, code)
    local last = json.decode(out:match "([^\n]*shutdown%.complete[^\n]*)\n")
    assert.same({ 0, 0, 0, 0 }, { last.handles, last.tasks, last.connections, last.pool_busy })
  end)
end)

describe("a supervisor", function()
  it("that is killed takes its workers with it, once they have answered", function()
    local server = edges.start { env = { WORKERS = "2" } }
    server:wait_log "ready"
    local slow = wire.open(server)
    slow:write(wire.request "GET /sleep/600")
    core.sleep(0.1)
    server:signal "KILL"
    assert.equal(200, slow:answer().status)
    for _, pid in ipairs(pids_of(server)) do
      assert.is_true(edges.eventually(function()
        return not is_alive(pid)
      end))
    end
    assert.is_nil((sys.tcp("127.0.0.1", server.port, 1)))
    slow:close()
    server:wait(1)
  end)

  it("does not hurry its workers when a signal reaches the whole group", function()
    local server = edges.start()
    local worker = edges.worker_pid(server)
    local slow = wire.open(server)
    slow:write(wire.request "GET /sleep/600")
    core.sleep(0.1)
    sys.exec { "/bin/sh", "-c", ("kill -TERM %d %d; kill -TERM %d"):format(worker, server.pid, worker) }
    assert.equal(200, slow:answer().status)
    assert.equal(0, server:wait())
    slow:close()
  end)

  it("hurries them at the second signal: what runs is cancelled, and its client is told", function()
    local server = edges.start()
    local slow = wire.open(server)
    slow:write(wire.request "GET /sleep/20000")
    core.sleep(0.1)
    server:signal "INT"
    core.sleep(0.5)
    server:signal "INT"
    local answer = slow:answer()
    assert.equal(503, answer.status)
    assert.equal("unavailable", answer.json.error.code)
    assert.equal(0, server:wait())
    slow:close()
  end)

  it("names the port that is in use, although it could share it", function()
    local server = edges.start()
    local code, _, err = serve(EDGES, { "--port", tostring(server.port) })
    assert.equal(1, code)
    assert.matches(("port %d on 127.0.0.1 is in use"):format(server.port), err, 1, true)
    edges.finish(server)
  end)

  it("gives its flags to the settings", function()
    local code, _, err = serve(EDGES, { "--host", "192.0.2.1", "--port", "0" })
    assert.equal(1, code)
    assert.matches("192.0.2.1 is not an address of this machine", err, 1, true)
  end)
end)
