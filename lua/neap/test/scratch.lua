--- Databases and servers that a spec may fill, break and forget. What is left at the end of the run is removed then.
local args = require "neap.tool.args"
local core = require "neap.core"
local core_os = require "neap.core.os"
local database_url = require "neap.postgres.url"
local postgres = require "neap.postgres"
local programs = require "neap.postgres.programs"

local M = {}

-- What is still there, newest last.
local alive = {}
local server_url, folder

--- Where scratch databases are made: a URL whose user may create databases.
function M.use_server(url)
  server_url = url
end

local function forget(thing)
  for i, other in ipairs(alive) do
    if other == thing then
      table.remove(alive, i)
      return
    end
  end
end

--- What has a :discard() is discarded when the run ends, unless it was forgotten before.
function M.keep(thing)
  alive[#alive + 1] = thing
  return thing
end

M.forget = forget

-- Through psql, not db.*: a spec's own connection is in a transaction, where no database can be made.
local function admin(sql)
  local url, password = database_url.without_password(database_url.with_database(server_url, "postgres"))
  local argv = { to_end = true, programs.find "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql }
  if password then
    core_os.setenv("PGPASSWORD", password)
  end
  local code, stdout, stderr = core_os.exec(argv)
  if code ~= 0 then
    args.fail(("test database: %s"):format(code and stderr or tostring(stdout)))
  end
  return stdout
end

--- Drops what runs that were killed left: databases whose name has the number of a process that is no more. Only for a
--- server of this machine.
function M.drop_forgotten()
  local names = admin "select datname from pg_database where datname ~ '^neap_test_[0-9]+_[0-9a-f]+$'"
  for name, pid in names:gmatch "(neap_test_(%d+)_%x+)" do
    if core_os.stat "/proc/self" and core_os.stat("/proc/" .. pid) == nil then
      admin(("drop database if exists %s with (force)"):format(name))
    end
  end
end

---@class neap.ScratchDatabase
---@field name string
---@field url string
local Database = {}
Database.__index = Database

function Database:drop()
  admin(("drop database if exists %s with (force)"):format(self.name))
  forget(self) -- not before it is gone: the run may be ended over it
end

Database.discard = Database.drop

--- A new database on the server that the specs use; empty unless `migrate` is set.
---@param opts { migrate: boolean?, dir: string? }?  dir: whose migrations, when they are not the specs' own application's
---@return neap.ScratchDatabase
function M.database(opts)
  if server_url == nil then
    args.fail "this application has no database, so specs have none either"
  end
  local name = ("neap_test_%d_%s"):format(core_os.getpid(), core.hex(core.random(4)))
  local database = M.keep(setmetatable({ name = name, url = database_url.with_database(server_url, name) }, Database))
  admin("create database " .. name)
  if opts and opts.migrate then
    local code, stdout, stderr = core_os.exec {
      "env", "DATABASE_URL=" .. database.url, core.program, "migrate", "up", cwd = opts.dir or core.app_dir,
    }
    if code ~= 0 then
      args.fail(("test database: %s"):format(code and stderr or stdout))
    end
  end
  return database
end

--- A folder of this run, removed at its end.
---@return string
function M.folder()
  if folder == nil then
    folder = assert(core_os.tempdir "neap-test-")
  end
  return folder
end

local Server = {}
Server.__index = Server

function Server:start()
  return self.private:start()
end

---@param mode "fast"|"smart"|"immediate"|nil
function Server:stop(mode)
  return self.private:stop(mode)
end

function Server:drop()
  if self.private then
    self.private:destroy()
  end
  core_os.remove(self.root, { recursive = true })
  forget(self)
end

Server.discard = Server.drop

--- A private Postgres of its own, running, that a spec may stop and start.
---@return { url: string, start: function, stop: function, drop: function }
function M.postgres()
  local root = assert(core_os.tempdir "neap-pg-")
  local server = M.keep(setmetatable({ root = root }, Server)) -- before it runs: the run may be ended over it
  -- Whom Postgres runs as must get through.
  assert(core_os.chmod(root, 457)) -- 0711
  server.private = postgres.at(root .. "/server", { fsync = "off" })
  server.url = server.private:url()
  server:start()
  return server
end

--- Removes what the specs left, the newest first, and tells what could not be removed.
---@return string[] problems
function M.discard_all()
  local problems = {}
  while #alive > 0 do
    local thing = alive[#alive]
    local ok, problem = pcall(thing.discard, thing)
    if not ok then
      problems[#problems + 1] = tostring(problem)
      forget(thing)
    end
  end
  if folder then
    core_os.remove(folder, { recursive = true })
    folder = nil
  end
  return problems
end

return M
