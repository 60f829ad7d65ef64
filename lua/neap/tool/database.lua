--- The database of a command: DATABASE_URL, or the private Postgres, which is started for as long as the command runs.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core = require "neap.core"
local core_os = require "neap.core.os"
local db = require "neap.db"
local leave = require "neap.tool.leave"
local loan = require "neap.postgres.loan"
local postgres = require "neap.postgres"
local terminal = require "neap.tool.terminal"

local M = {}

---@class neap.ToolDatabase
---@field url string
---@field private neap.Postgres?      when it is ours
---@field loan neap.PostgresLoan?     of that one
---@field started boolean             it did not run before, or only for other commands

--- Whether the application has one at all.
---@return boolean
function M.is_wanted()
  local field = boot.definition().fields.DATABASE_URL
  return field.required == true or core_os.stat(core.app_dir .. "/migrations") ~= nil
end

local function is_application()
  return core_os.stat(core.app_dir .. "/lua/app") ~= nil or core_os.stat(core.app_dir .. "/migrations") ~= nil
end

-- The fields of a neap.ToolDatabase, into a table that is known before the server is started.
local function find(found, start)
  found.url = boot.config("tool").DATABASE_URL
  found.started = false
  if found.url then
    return found
  end
  if not postgres.exists(core.app_dir) then
    if not is_application() then
      args.fail(("%s has neither lua/app nor migrations: is this the folder?"):format(core.app_dir), args.CONFIG)
    end
    terminal.note "no DATABASE_URL: making a private Postgres in .neap/postgres"
  end
  return start(found)
end

--- Starts the private Postgres for as long as commands need it. `found` has the loan also when it is interrupted over it.
---@param found table
---@return neap.ToolDatabase found
function M.start_private(found)
  found.private = postgres.of(core.app_dir)
  found.url = found.private:url()
  found.loan = loan.of(found.private)
  found.started = found.loan:start()
  return found
end

local function start_and_keep(found)
  found.private = postgres.of(core.app_dir)
  found.url = found.private:url()
  local started, kept = found.private:start()
  found.started = started or kept
  return found
end

--- Where the database is; starts the private one for good when there is no DATABASE_URL.
---@return neap.ToolDatabase
function M.find()
  return find({}, start_and_keep)
end

--- Points db.* of this process at a URL and fails when nobody answers there.
---@param url string
function M.connect(url)
  -- A migration may take its time: what ends it is the person who started it.
  core.use_database(url, { min = 1, max = 4, statement_timeout = 0 })
  db.one "select 1"
end

--- Stops the private Postgres if commands started it and this is the last that needs it.
---@param database neap.ToolDatabase
function M.release(database)
  if database.loan then
    database.loan:finish()
  end
end

--- Runs fn with its server up, connected to nothing yet, and leaves everything as it was found.
---@generic T
---@param fn fun(database: neap.ToolDatabase): T
---@return T
function M.with_server(fn)
  local database = {}
  local undo = leave.undo(function()
    core.use_database(nil)
    M.release(database)
  end)
  local ok, result = pcall(function()
    return fn(find(database, M.start_private))
  end)
  undo()
  if not ok then
    error(result, 0)
  end
  return result
end

--- Likewise, with db.* connected.
---@generic T
---@param fn fun(database: neap.ToolDatabase): T
---@return T
function M.with(fn)
  return M.with_server(function(database)
    M.connect(database.url)
    return fn(database)
  end)
end

return M
