--- The fixture application "edges" as a service, and the question that every end-to-end file ends with: is anything left?
local core = require "neap.core"
local eventually = require "spec.support.eventually"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local M = {}

--- One worker, so that its counts are all there is.
---@param opts {env: table<string, string>?, dir: string?, command: string?, database: any}? dir: another application that
---   has /counts too
---@return table server
function M.start(opts)
  opts = opts or {}
  local env = { WORKERS = "1" }
  for name, value in pairs(opts.env or {}) do
    env[name] = value
  end
  local server = test.spawn_server {
    dir = opts.dir or core.app_dir .. "/spec/fixtures/edges",
    command = opts.command,
    database = opts.database,
    env = env,
  }
  server.counts_before = M.counts(server)
  return server
end

--- core.counts() of the server's worker, the question itself included.
function M.counts(server)
  return wire.exchange(server, wire.request("GET /counts", { "Connection: close" })).json
end

--- Waits until nothing is alive in the server that was not there at its start, then stops it; that raises when its last
--- words tell of anything that was left.
function M.finish(server)
  local before, now = server.counts_before, nil
  eventually(function()
    now = M.counts(server)
    return now.handles <= before.handles and now.tasks == 1 and now.connections == 1 and now.pool_busy == 0
  end)
  assert.same({ handles = before.handles, tasks = 1, connections = 1, pool_busy = 0 }, {
    -- Fewer is fine: a pool that was full at the start may have lost connections since.
    handles = math.max(now.handles, before.handles),
    tasks = now.tasks,
    connections = now.connections,
    pool_busy = now.pool_busy,
  })
  server:stop()
end

M.eventually = eventually

--- The only child of the supervisor.
function M.worker_pid(server)
  local path = ("/proc/%d/task/%d/children"):format(server.pid, server.pid)
  return math.tointeger(tonumber(sys.read_file(path):match "%d+"))
end

--- Resident kilobytes of the worker, and whether a sanitizer is among them.
---@return integer kilobytes, boolean sanitized
function M.resident(server)
  local proc = ("/proc/%d/"):format(M.worker_pid(server))
  local kilobytes = sys.read_file(proc .. "status"):match "VmRSS:%s*(%d+) kB"
  return math.tointeger(tonumber(kilobytes)), sys.read_file(proc .. "maps"):find "asan" ~= nil
end

return M
