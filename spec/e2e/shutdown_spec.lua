--- SIGTERM: nothing that was taken on is dropped, nothing new is taken on.
local core = require "neap.core"
local edges = require "spec.support.edges"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

-- The slow request is with its handler.
local function wait_until_it_runs(server)
  assert(edges.eventually(function()
    return edges.counts(server).tasks > 1
  end))
end

describe("SIGTERM", function()
  it("lets a slow request end, answers it with Connection: close, and exits 0", function()
    local server = edges.start()
    local slow, idle = wire.open(server), wire.open(server)
    idle:write(wire.request "GET /hello")
    assert.equal(200, idle:answer().status)
    slow:write(wire.request "GET /sleep/1500")
    wait_until_it_runs(server)
    server:signal "TERM"
    assert.is_true(edges.eventually(function()
      local sock <close> = sys.tcp("127.0.0.1", server.port, 1)
      return sock == nil
    end))
    local res = assert(slow:answer())
    assert.equal(200, res.status)
    assert.equal(1500, res.json.slept)
    assert.equal("close", res.headers["connection"])
    assert.is_true(idle:is_closed())
    assert.equal(0, server:wait())
    slow:close()
    idle:close()
  end)

  it("answers a request on an open connection a moment later, and then closes it", function()
    local server = edges.start()
    local slow, conn = wire.open(server), wire.open(server)
    slow:write(wire.request "GET /sleep/800")
    conn:write(wire.request "GET /hello")
    conn:answer()
    server:signal "TERM"
    core.sleep(0.2)
    conn:write(wire.request "GET /hello")
    local res = assert(conn:answer())
    assert.equal(200, res.status)
    assert.equal("close", res.headers["connection"])
    assert.is_true(conn:is_closed())
    assert.equal(200, slow:answer().status)
    assert.equal(0, server:wait())
    slow:close()
    conn:close()
  end)

  it("cancels what takes longer than SHUTDOWN_TIMEOUT", function()
    local server = edges.start { env = { SHUTDOWN_TIMEOUT = "0.5" } }
    local slow = wire.open(server)
    slow:write(wire.request "GET /sleep/20000")
    wait_until_it_runs(server)
    local began = core.monotonic()
    server:signal "TERM"
    assert.equal(0, server:wait())
    -- It did not wait for the 20 s.
    assert(core.monotonic() - began < 15)
    slow:close()
  end)

  it("is what SIGINT does too", function()
    local server = edges.start()
    server:signal "INT"
    assert.equal(0, server:wait())
  end)
end)

describe("a worker that is killed", function()
  it("is replaced, and the port answers again", function()
    local server = edges.start()
    local pid = edges.worker_pid(server)
    sys.exec { "/bin/sh", "-c", "kill -KILL " .. pid }
    local status
    for _ = 1, 50 do
      local ok, res = pcall(wire.exchange, server, wire.request "GET /hello")
      status = ok and res.status
      if status == 200 then
        break
      end
      core.sleep(0.1)
    end
    assert.equal(200, status)
    assert.are_not.equal(pid, edges.worker_pid(server))
    edges.finish(server)
  end)
end)
