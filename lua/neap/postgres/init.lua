--- A private Postgres: data, log and socket below one folder, no TCP. `neap dev` and the specs use it when there is no
--- DATABASE_URL. Postgres refuses to run as root, so root hands it to an unprivileged user.
local keys = require "neap.base.keys"
local args = require "neap.tool.args"
local core = require "neap.core"
local core_os = require "neap.core.os"
local loan = require "neap.postgres.loan"
local programs = require "neap.postgres.programs"

local M = {}

-- sun_path of a Unix socket holds 107 bytes and a NUL, and Postgres adds its file's name to our folder's.
local SOCKET_FILE = "/.s.PGSQL.5432"
local SOCKET_PATH_MAX = 107
local LOCK_WAIT_S = 60
-- How long a server that is on its way up or down may take before it counts as dead.
local SETTLE_S = 30

M.USER, M.DATABASE = "neap", "neap_dev"

---@class neap.Postgres
---@field base string        where it was asked for; what lies beside the folder has this name
---@field root string        folder that holds everything
---@field owner { uid: integer, gid: integer }?  whom it runs as, when we are root
---@field settings table<string, string>?        for postgres -c
local Postgres = { __name = "neap.postgres" }
Postgres.__index = Postgres

local function digest(path)
  return core.hex(core.sha256(path)):sub(1, 16)
end

-- File operations say nil and why; here each of them has to work.
local function must(value, problem)
  if not value then
    args.fail(problem)
  end
  return value
end

local function exists(path)
  return core_os.stat(path) ~= nil
end

local function run_as(owner, argv)
  argv.uid, argv.gid = owner and owner.uid, owner and owner.gid
  argv.cwd = "/"
  return core_os.exec(argv)
end

local function unprivileged_user()
  for _, name in ipairs { "postgres", "nobody" } do
    local user = core_os.user(name)
    if user and user.uid ~= 0 then
      return user
    end
  end
  args.fail "Postgres cannot run as root, and there is neither a user postgres nor nobody to run it as"
end

local function make_private(path, owner)
  must(core_os.mkdir(path))
  must(core_os.chmod(path, 448)) -- 0700: whoever reaches the socket is trusted
  if owner then
    must(core_os.chown(path, owner.uid, owner.gid))
  end
end

local function is_reachable(path, owner)
  return run_as(owner, { "test", "-w", path, "-a", "-x", path }) == 0
end

-- A folder that its owner can use: here, or under /var/lib when a parent of the project is closed to that user (/root is).
local function settle(root, owner)
  if exists(root) then
    return core_os.realpath(root)
  end
  local made = pcall(make_private, root, owner)
  if made and (owner == nil or is_reachable(root, owner)) then
    return core_os.realpath(root)
  end
  core_os.remove(root, { recursive = true })
  local elsewhere = "/var/lib/neap/" .. digest(root)
  must(core_os.mkdir "/var/lib/neap")
  make_private(elsewhere, owner)
  must(core_os.symlink(elsewhere, root))
  return elsewhere
end

local function private_socket_folder(root, owner)
  local base = owner == nil and os.getenv "XDG_RUNTIME_DIR" or "/tmp"
  local path = ("%s/neap-%s"):format(base ~= "" and base or "/tmp", digest(root))
  if not exists(path) then
    make_private(path, owner)
  end
  local stat = core_os.stat(path)
  local uid = owner and owner.uid or core_os.uid()
  -- /tmp is everybody's: a folder or a link that somebody else put there first is not ours to trust.
  if stat.type ~= "directory" or stat.uid ~= uid or stat.mode & 63 ~= 0 or core_os.realpath(path) ~= path then
    args.fail(("%s is in the way of the private Postgres' socket: remove it"):format(path))
  end
  return path
end

local function socket_folder(root, owner)
  local inside = root .. "/run"
  if #inside + #SOCKET_FILE <= SOCKET_PATH_MAX then
    if not exists(inside) then
      make_private(inside, owner)
    end
    return inside
  end
  return private_socket_folder(root, owner)
end

--- A private Postgres in this folder, which is made when it is missing. Nothing runs yet.
---@param root string absolute
---@param settings table<string, string>?
---@return neap.Postgres
function M.at(root, settings)
  local owner = core_os.uid() == 0 and unprivileged_user() or nil
  must(core_os.mkdir(root:match "^(.*)/[^/]+$"))
  local settled = settle(root, owner)
  return setmetatable({
    base = root,
    lock_path = root .. ".lock",
    root = settled,
    data = settled .. "/data",
    log = settled .. "/postgres.log",
    socket = socket_folder(settled, owner),
    owner = owner,
    settings = settings or {},
  }, Postgres)
end

--- The application's own, in APP/.neap/postgres.
---@param app_dir string
---@return neap.Postgres
function M.of(app_dir)
  M.make_state_folder(app_dir)
  return M.at(app_dir .. "/.neap/postgres")
end

--- Whether the application has one, running or not.
function M.exists(app_dir)
  return exists(app_dir .. "/.neap/postgres/data")
end

--- APP/.neap: what the tools make up for this checkout. It keeps itself out of git.
---@param app_dir string
---@return string
function M.make_state_folder(app_dir)
  local path = app_dir .. "/.neap"
  must(core_os.mkdir(path))
  if not exists(path .. "/.gitignore") then
    must(core_os.write_file(path .. "/.gitignore", "*\n"))
  end
  return path
end

--- The URL of a database of this server.
---@param database string?
---@return string
function Postgres:url(database)
  local host = self.socket:gsub("[^%w%-._~]", function(c)
    return ("%%%02X"):format(c:byte())
  end)
  return ("postgresql://%s@/%s?host=%s"):format(M.USER, database or M.DATABASE, host)
end

--- Whether a server answers on the socket. The pid file says less: its number may be another process' by now.
---@return boolean
function Postgres:is_running()
  local sock = core_os.unix(self.socket .. SOCKET_FILE)
  if sock then
    sock:close()
  end
  return sock ~= nil
end

function Postgres:program(name)
  return programs.find(name, self.data)
end

local function tail(path, lines)
  local text = exists(path) and core_os.read_file(path) or ""
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return table.concat(list, "\n  ", math.max(1, #list - lines + 1))
end

function Postgres:run(what, argv, stdin_data)
  argv.stdin_data, argv.to_end = stdin_data, true
  local code, stdout, stderr = run_as(self.owner, argv)
  if code == nil then
    args.fail(("%s: %s"):format(what, stdout))
  elseif code ~= 0 then
    local text = (stderr ~= "" and stderr or stdout):gsub("%s+$", ""):gsub("\n", "\n  ")
    args.fail(("%s failed:\n  %s"):format(what, text))
  end
end

-- Made beside and then moved, so that a run that was interrupted leaves nothing that looks whole.
function Postgres:create()
  local fresh = self.data .. ".new"
  core_os.remove(fresh, { recursive = true })
  self:run("initdb", {
    self:program "initdb", "--pgdata=" .. fresh, "--username=" .. M.USER, "--auth=trust", "--encoding=UTF8",
    "--locale=C.UTF-8",
  })
  self:run("creating the database", { self:program "postgres", "--single", "-D", fresh, "postgres" },
    ("create database %s;\n"):format(M.DATABASE))
  must(core_os.rename(fresh, self.data))
end

local function is_postgres(pid)
  local file = io.open(("/proc/%d/comm"):format(pid), "r")
  if file == nil then
    -- No /proc here: then only whether it lives can be known.
    return not exists "/proc/self" and core_os.exec { "kill", "-0", tostring(pid) } == 0
  end
  local name = file:read "l"
  file:close()
  return name ~= nil and name:find "postgres" ~= nil
end

function Postgres:pid()
  local text = core_os.read_file(self.data .. "/postmaster.pid")
  return text and math.tointeger(tonumber(text:match "^%d+")) or nil
end

function Postgres:remove_pid()
  core_os.remove(self.data .. "/postmaster.pid")
  core_os.remove(self.socket .. SOCKET_FILE)
  core_os.remove(self.socket .. SOCKET_FILE .. ".lock")
end

-- After a crash, or in a container that began anew, the pid file names nobody or a stranger, and Postgres would not start.
function Postgres:clear_stale_pid()
  local deadline = core.monotonic() + SETTLE_S
  while true do
    local pid = self:pid()
    if pid == nil then
      return
    end
    if not is_postgres(pid) then
      self:remove_pid()
      return
    end
    if self:is_running() then
      return
    end
    if core.monotonic() > deadline then
      args.fail(("Postgres (process %d) neither answers nor ends; see %s"):format(pid, self.log))
    end
    core.sleep(0.1)
  end
end

-- pg_ctl hands its -o to a shell.
local function shell_quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

function Postgres:options()
  local words = { "-k", shell_quote(self.socket), "-c", "listen_addresses=''" }
  for _, name in ipairs(keys.sorted(self.settings)) do
    words[#words + 1] = "-c"
    words[#words + 1] = shell_quote(name .. "=" .. self.settings[name])
  end
  return table.concat(words, " ")
end

function Postgres:start_locked()
  if self:is_running() then
    return false
  end
  if not exists(self.data) then
    self:create()
  end
  self:clear_stale_pid()
  if self:is_running() then
    return false
  end
  -- A pg_ctl that is killed leaves a server behind that begins to run, and that nobody can find yet.
  local code = run_as(self.owner, {
    to_end = true, self:program "pg_ctl", "start", "-w", "-s", "-t", tostring(SETTLE_S), "-D", self.data, "-l", self.log,
    "-o", self:options(),
  })
  if code ~= 0 then
    args.fail(("Postgres did not start; the end of %s:\n  %s"):format(self.log, tail(self.log, 10)))
  end
  return true
end

--- Whether anybody is connected: then it is not ours to stop, whoever started it.
---@return boolean
function Postgres:is_used()
  local code, count = run_as(self.owner, {
    self:program "psql", "-XAtq", "-h", self.socket, "-U", M.USER, "-d", "postgres", "-c",
    "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  })
  return code == 0 and tonumber(count) > 0
end

function Postgres:locked(fn)
  local lock = core_os.lock(self.lock_path, LOCK_WAIT_S)
  if lock == nil then
    args.fail(("another process has held %s for %d seconds"):format(self.lock_path, LOCK_WAIT_S))
  end
  local held <close> = lock
  return fn(held)
end

--- Starts it, making it first when there is none, and keeps it: no command stops it at its end. Safe when several
--- processes do it at once.
---@return boolean started  false when it ran already
---@return boolean kept     it ran for commands only until now
function Postgres:start()
  return self:locked(function()
    local was_lent = loan.is_marked(self)
    loan.unmark(self)
    local started = self:start_locked()
    return started, was_lent and not started
  end)
end

function Postgres:stop_locked(mode)
  local pid = self:pid()
  if pid == nil or not is_postgres(pid) then
    -- pg_ctl would send its signal to whoever has that number now.
    if pid then
      self:remove_pid()
    end
    loan.unmark(self)
    return false
  end
  local code, _, stderr = run_as(self.owner, {
    to_end = true,
    self:program "pg_ctl", "stop", "-w", "-s", "-t", tostring(SETTLE_S), "-D", self.data, "-m", mode or "fast",
  })
  if code ~= 0 and self:is_running() then
    args.fail("Postgres did not stop:\n  " .. stderr)
  end
  loan.unmark(self)
  return true
end

--- Stops it and waits until it is gone.
---@param mode "fast"|"smart"|"immediate"|nil  fast
---@return boolean stopped  false when it did not run
function Postgres:stop(mode)
  return self:locked(function()
    return self:stop_locked(mode)
  end)
end

--- Stops it and removes all of it.
function Postgres:destroy()
  self:stop "immediate"
  core_os.remove(self.root, { recursive = true })
  core_os.remove(loan.folder(self), { recursive = true })
  core_os.remove(self.lock_path)
  if exists(self.socket) then
    core_os.remove(self.socket, { recursive = true })
  end
end

return M
