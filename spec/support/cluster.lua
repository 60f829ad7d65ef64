--- Real Postgres servers that are killed, promoted and built anew, while the specs' load goes on: whatever takes time is a
--- command, and who runs commands is the spec's choice.
local core = require "neap.core"
local postgres = require "neap.postgres"
local run = require "neap.test.scratch"
local sys = require "neap.core.os"

local M = {}

local count = 0

---@class spec.Node
---@field private neap.Postgres
---@field address string  of this host's loopback network, its own
local Node = {}
Node.__index = Node

-- Every server has 5432 at an address of its own, so that nobody has to look for free ports.
local function next_address()
  count = count + 1
  local pid = sys.getpid()
  return ("127.%d.%d.%d"):format(64 + (pid >> 8) % 128, pid % 256, count)
end

--- A server that is not there yet: see create and start.
---@param settings table<string, string>?
---@return spec.Node
function M.node(settings)
  local root = assert(sys.tempdir "neap-pg-")
  assert(sys.chmod(root, 457)) -- 0711: whom Postgres runs as must get through
  local self = setmetatable({ root = root, address = next_address() }, Node)
  local all = { listen_addresses = self.address, fsync = "off", log_line_prefix = "%n " }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  self.private = postgres.at(root .. "/server", all)
  return run.keep(self)
end

function Node:discard()
  run.forget(self)
  self.private:destroy()
  sys.remove(self.root, { recursive = true })
end

---@param query string?  "target_session_attrs=any"
function Node:url(query)
  return ("postgresql://%s@%s:5432/%s?%s"):format(postgres.USER, self.address, postgres.DATABASE, query or "")
end

--- Of several servers.
function M.url(nodes, query)
  local places = {}
  for i, node in ipairs(nodes) do
    places[i] = node.address .. ":5432"
  end
  return ("postgresql://%s@%s/%s?%s"):format(postgres.USER, table.concat(places, ","), postgres.DATABASE, query)
end

function Node:psql(sql)
  local code, out, err = sys.exec { "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.private:url(), "-c", sql }
  if code ~= 0 then
    error(err, 2)
  end
  return (out:gsub("\n$", ""))
end

local function as_owner(node, argv)
  local owner = node.private.owner
  argv.uid, argv.gid, argv.cwd = owner and owner.uid, owner and owner.gid, "/"
  argv.stdin, argv.stdout, argv.stderr = "null", "null", "null"
  return argv
end

--- Every process of it: the postmaster first.
---@return integer[]
function Node:pids()
  local postmaster = assert(self.private:pid())
  local list = { postmaster }
  local children = sys.read_file(("/proc/%d/task/%d/children"):format(postmaster, postmaster)) or ""
  for pid in children:gmatch "%d+" do
    list[#list + 1] = math.tointeger(tonumber(pid))
  end
  return list
end

--- A signal to each of its processes, one that it could not refuse: nothing of it gets to say good bye.
---@param name "KILL"|"STOP"|"CONT"
function Node:signal_command(name)
  return { "kill", "-" .. name, table.unpack(self:pids()) }
end

--- Waits until the processes that were killed are gone. Another one does not start before somebody took note of their end,
--- which in a container may be nobody's first concern.
function Node:wait_gone()
  local pid, deadline = self.private:pid(), core.monotonic() + 30
  while pid and sys.stat("/proc/" .. pid) do
    assert(core.monotonic() < deadline, "the server that was killed is still there")
    core.sleep(0.05)
  end
end

function Node:start_command()
  local private = self.private
  return as_owner(self, {
    private:program "pg_ctl", "start", "-w", "-s", "-t", "60", "-D", private.data, "-l", private.log,
    "-o", private:options(),
  })
end

function Node:promote_command()
  return as_owner(self, { self.private:program "pg_ctl", "promote", "-w", "-s", "-t", "60", "-D", self.private.data })
end

--- Makes its data a copy of the primary's, as a standby of it. Nothing may run here.
function Node:copy_command(primary)
  local private = self.private
  sys.remove(private.data, { recursive = true })
  return as_owner(self, {
    private:program "pg_basebackup", "-D", private.data, "-R", "-c", "fast", "-X", "stream", "-d", primary.private:url(),
  })
end

--- Commits wait for the standby from now on; returns when it follows.
function Node:wait_for_standby()
  self:psql "alter system set synchronous_standby_names = '*'"
  self:psql "select pg_reload_conf()"
  local deadline = core.monotonic() + 30
  while self:psql "select count(*) from pg_stat_replication where sync_state = 'sync'" ~= "1" do
    assert(core.monotonic() < deadline, "the standby does not follow")
    core.sleep(0.02)
  end
end

--- When it said last that it takes writes: seconds since 1970.
---@return number
function Node:ready_at()
  local text, last = sys.read_file(self.private.log) or "", nil
  for at in text:gmatch "(%d+%.%d+) [^\n]*database system is ready to accept connections" do
    last = at
  end
  return tonumber(last)
end

return M
