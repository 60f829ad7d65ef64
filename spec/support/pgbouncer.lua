--- A real pgbouncer in front of a private Postgres, to be started, killed and started again.
local core = require "neap.core"
local postgres = require "neap.postgres"
local run = require "neap.test.scratch"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"

local M = {}

local PROGRAM = "/usr/sbin/pgbouncer"
local START_S = 20

local CONFIG = [[
[databases]
* = host=%s port=5432 user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
logfile = %s/log
]]

--- Whether there is one to start; specs skip themselves where there is none.
---@return boolean
function M.is_here()
  return sys.stat(PROGRAM) ~= nil
end

---@class spec.PgBouncer
---@field port integer
---@field folder string
local PgBouncer = {}
PgBouncer.__index = PgBouncer

function PgBouncer:url()
  return ("postgresql://%s@127.0.0.1:%d/%s"):format(postgres.USER, self.port, postgres.DATABASE)
end

function PgBouncer:start()
  local owner = self.owner or {}
  self.proc = assert(sys.spawn {
    PROGRAM, "-q", self.folder .. "/ini", uid = owner.uid, gid = owner.gid, stdin = "null", stdout = "null", stderr = "null",
  })
  local deadline = core.monotonic() + START_S
  repeat
    local sock = sys.tcp("127.0.0.1", self.port)
    core.sleep(0.02)
    if sock then
      sock:close()
    end
    assert(core.monotonic() < deadline, "pgbouncer does not start")
  until sock
end

--- How often somebody has connected.
---@return integer
function PgBouncer:logins()
  local _, n = sys.read_file(self.folder .. "/log"):gsub("login attempt", "")
  return n
end

function PgBouncer:kill()
  self.proc:kill "KILL"
  self.proc:wait(10)
end

function PgBouncer:discard()
  self:kill()
  run.forget(self)
  scratch.remove(self.folder)
end

---@param private neap.Postgres
---@param opts {mode: "session"|"transaction", size: integer}  size: connections to Postgres
---@return spec.PgBouncer
function M.start(private, opts)
  local folder, listener = scratch.folder(), assert(sys.listen(0))
  local self = setmetatable({ folder = folder, port = listener.port, owner = private.owner }, PgBouncer)
  listener:close()
  scratch.write(folder .. "/ini",
    CONFIG:format(private.socket, postgres.USER, self.port, opts.mode, opts.size, folder))
  if self.owner then -- it does not run as root
    assert(sys.chown(folder, self.owner.uid, self.owner.gid))
  end
  self:start()
  return run.keep(self)
end

return M
