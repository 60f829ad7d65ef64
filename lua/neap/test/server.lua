--- The built binary as a process of its own, for end-to-end specs: on a free port, with an environment of its own.
local core = require "neap.core"
local core_os = require "neap.core.os"
local http = require "neap.test.http"
local json = require "neap.json"
local scratch = require "neap.test.scratch"

local M = {}

-- A dev server makes a Postgres first; under sanitizers on a busy machine that takes its time.
local READY_S = 60
local STOP_S = 35
-- A log line comes at once, unless much else goes on beside.
local LINE_S = 30
local POLL_S = 0.02

-- Of our own environment: what a process needs anywhere, and what tells sanitizers what to do.
local INHERITED = {
  "PATH", "HOME", "LANG", "TMPDIR", "PGBIN", "NEAP_HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
}

local count = 0

---@class neap.TestServer
---@field port integer
---@field pid integer
---@field url string
---@field proc table
---@field database neap.ScratchDatabase?
local Server = {}
Server.__index = Server

local function environment(opts, database)
  local env = { PORT = "0" }
  for _, name in ipairs(INHERITED) do
    env[name] = os.getenv(name)
  end
  if opts.command ~= "dev" then
    env.SECRET_KEY = ("test"):rep(8)
  end
  -- Specs ask often; those that are about it say so.
  env.RATE_LIMIT_DEFAULT = "off"
  env.DATABASE_URL = database
  for name, value in pairs(opts.env or {}) do
    env[name] = tostring(value)
  end
  return env
end

-- The log goes to a file: nobody has to read a pipe while the spec does something else. exec keeps the pid.
local function command_line(opts, log)
  local argv = {
    "/bin/sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log,
    core.program, opts.command or "serve", opts.dir or core.app_dir,
  }
  return table.move(opts.args or {}, 1, #(opts.args or {}), #argv + 1, argv)
end

--- Everything that it wrote so far.
---@return string
function Server:log_text()
  return core_os.read_file(self.log_path) or ""
end

--- The log lines so far, decoded. What is not JSON is left out.
---@return table[]
function Server:logs()
  local lines = {}
  for text in self:log_text():gmatch "([^\n]*)\n" do
    local line = text:sub(1, 1) == "{" and json.decode(text)
    if line then
      lines[#lines + 1] = line
    end
  end
  return lines
end

local function find_line(self, message, after)
  local lines = self:logs()
  for i = (after or 0) + 1, #lines do
    if lines[i].message == message then
      return lines[i]
    end
  end
end

--- Waits for a log line; raises when it does not come or the process ends before it.
---@param message string
---@param timeout number?  seconds, 30
---@param after integer?   only lines after this many
---@return table line
function Server:wait_log(message, timeout, after)
  local deadline = core.monotonic() + (timeout or LINE_S)
  while true do
    local ended = self:wait(0.001) ~= nil
    local line = find_line(self, message, after)
    if line then
      return line
    end
    if ended or core.monotonic() > deadline then
      error(("%s a log line %q; it said:\n%s"):format(ended and "the server ended without" or "the server did not write",
        message, self:log_text()), 0)
    end
    core.sleep(POLL_S)
  end
end

--- The exit code once it ended; nil when it still runs after so many seconds.
---@param timeout number?  seconds
---@return integer? code
---@return integer|string? signal  or "timeout"
function Server:wait(timeout)
  if self.exit_code == nil then
    local code, signal = self.proc:wait(timeout or STOP_S)
    if code == nil then
      return nil, signal
    end
    self.exit_code, self.exit_signal = code, signal
  end
  return self.exit_code, self.exit_signal
end

---@param name string|integer  "TERM", "HUP", ...
function Server:signal(name)
  self.proc:kill(name)
end

--- A raw connection, as neap.core.os.tcp gives it.
function Server:connect()
  return assert(core_os.tcp("127.0.0.1", self.port))
end

--- One request.
---@param opts table
---@return neap.TestAnswer
function Server:request(opts)
  return http.request("127.0.0.1", self.port, opts)
end

-- Every worker ends with a line that counts what is still alive in it.
local function leftovers(self)
  local found = {}
  for _, line in ipairs(self:logs()) do
    if line.message == "shutdown.complete" then
      for _, name in ipairs { "handles", "tasks", "background", "connections", "pool_busy" } do
        if line[name] ~= 0 then
          found[#found + 1] = ("%s = %s"):format(name, tostring(line[name]))
        end
      end
      found.told = true
    end
  end
  return found
end

--- Ends it with SIGTERM. Raises when it does not exit with 0, or when a handle, task or connection was left in it.
function Server:stop()
  if self:wait(0.001) == nil then
    self:signal "TERM"
  end
  local code, signal = self:wait(STOP_S)
  local text, left = self:log_text(), leftovers(self)
  self:discard()
  if code == nil then
    error(("the server did not stop within %d s; it said:\n%s"):format(STOP_S, text), 2)
  elseif code ~= 0 then
    error(("the server ended with code %s, signal %s; it said:\n%s"):format(code, tostring(signal), text), 2)
  elseif not left.told then
    error("the server ended without a shutdown.complete line; it said:\n" .. text, 2)
  elseif #left > 0 then
    error("the server left something open: " .. table.concat(left, ", "), 2)
  end
end

--- Ends it in any way and removes what it had.
function Server:discard()
  if self:wait(0.001) == nil then
    -- A supervisor that is killed leaves its workers: let it end them first.
    self:signal "TERM"
    if self:wait(5) == nil then
      self:signal "KILL"
      self:wait(5)
    end
  end
  core_os.remove(self.log_path)
  if self.owns_database then
    self.database:drop()
  end
  scratch.forget(self) -- not before: the run may be ended over it
end

local function database_of(opts)
  if opts.database == true then
    local database = scratch.database { migrate = true, dir = opts.dir }
    return database, database.url, true
  elseif type(opts.database) == "table" then
    return opts.database, opts.database.url, false
  end
  return nil, opts.database or nil, false
end

--- Starts the binary and waits until it listens.
---@param opts { dir: string?, command: "serve"|"dev"|nil, args: string[]?, env: table?, database: boolean|string|table|nil,
---   ready: boolean? }  database: true for a migrated scratch one, or a URL; ready = false: do not wait
---@return neap.TestServer
function M.spawn(opts)
  count = count + 1
  local database, url, owned = database_of(opts)
  local self = setmetatable({
    database = database,
    owns_database = owned,
    log_path = ("%s/server-%d.log"):format(scratch.folder(), count),
  }, Server)
  assert(core_os.write_file(self.log_path, ""))
  local argv = command_line(opts, self.log_path)
  argv.env = environment(opts, url)
  argv.stdin, argv.stdout, argv.stderr = "null", "null", "null"
  self.proc = assert(core_os.spawn(argv))
  self.pid = self.proc.pid
  scratch.keep(self)
  for name, verb in pairs(M.verbs_of(self)) do
    self[name] = verb
  end
  if opts.ready ~= false then
    self.port = self:wait_log("listening", READY_S).port
    self.url = ("http://127.0.0.1:%d"):format(self.port)
  end
  return self
end

--- get, post and so on, called with a colon.
function M.verbs_of(self)
  local plain, methods = {}, {}
  http.add_verbs(plain, function(opts)
    return self:request(opts)
  end)
  for name, verb in pairs(plain) do
    methods[name] = function(_, ...)
      return verb(...)
    end
  end
  return methods
end

return M
