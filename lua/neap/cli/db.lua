--- neap db: the private Postgres, and a look into whichever database the settings name.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core = require "neap.core"
local core_os = require "neap.core.os"
local database_url = require "neap.postgres.url"
local loan = require "neap.postgres.loan"
local postgres = require "neap.postgres"
local programs = require "neap.postgres.programs"
local terminal = require "neap.tool.terminal"
local tool_database = require "neap.tool.database"

local M = {}

local command = args.command {
  name = "db",
  summary = "the private Postgres in .neap/postgres, or the one of DATABASE_URL",
  usage = {
    "neap db up", "neap db down [--if-unused]", "neap db psql [psql options]", "neap db ping", "neap db stats",
    "neap db init", "neap db seed", "neap db reset [--yes]",
  },
  flags = {
    ["if-unused"] = { help = "down: not while others are connected" },
    yes = { help = "reset: do not ask" },
  },
  rest = true,
  help = [[
up and down start and stop the private Postgres. psql opens a prompt, ping connects once, stats tells
what is in the database and who is connected. init makes the database where there is none, applies the migrations that are
not applied and seeds; seed adds what lua/app/seed.lua says (both as often as you like); reset drops the database and
applies all migrations again.]],
}

local actions = {}

function actions.up()
  if boot.config("tool").DATABASE_URL then
    args.fail "DATABASE_URL is set: the private Postgres is not used"
  end
  local private = postgres.of(core.app_dir)
  local started = private:start()
  terminal.line(started and "started " or "already runs ", private:url())
end

function actions.down(_, flags)
  if not postgres.exists(core.app_dir) then
    terminal.line "there is no private Postgres here"
    return
  end
  local private = postgres.of(core.app_dir)
  local stopped, used
  if flags["if-unused"] then
    stopped, used = loan.leave(private)
  else
    stopped = private:stop()
  end
  if used then
    terminal.line "others use the private Postgres, so it goes on; `neap db down` stops it"
    return
  end
  terminal.line(stopped and "stopped" or "did not run")
end

function actions.psql(positions)
  local database = tool_database.find()
  if database.started then
    terminal.note "the private Postgres goes on; `neap db down` stops it"
  end
  local url, password = database_url.without_password(database.url)
  if password then
    core_os.setenv("PGPASSWORD", password)
  end
  local argv = { programs.find "psql", url }
  table.move(positions, 2, #positions, 3, argv)
  core_os.replace(argv)
end

function actions.ping()
  local started = core.monotonic()
  local version = tool_database.with(function()
    return require("neap.db").one("select current_setting('server_version') as version").version
  end)
  terminal.line(("PostgreSQL %s answers (%.0f ms)"):format(version, (core.monotonic() - started) * 1000))
end

local function has_seed()
  return core_os.stat(core.app_dir .. "/lua/app/seed.lua") ~= nil
end

local function seed()
  local said = false
  require "app.seed"(boot.config "tool", function(text)
    said = true
    terminal.line(text)
  end)
  if not said then
    terminal.line "nothing to add"
  end
end

function actions.seed()
  if not has_seed() then
    args.fail "there is no lua/app/seed.lua here"
  end
  tool_database.with(seed)
end

local UNITS = { "B", "kB", "MB", "GB", "TB" }

local function size(bytes)
  local unit = 1
  while bytes >= 1024 and unit < #UNITS do
    bytes, unit = bytes / 1024, unit + 1
  end
  return (unit == 1 and "%d %s" or "%.1f %s"):format(bytes, UNITS[unit])
end

local function show_tables(stats)
  local rows = {}
  for i, t in ipairs(stats.tables()) do
    rows[i] = {
      t.name, tostring(t.rows), tostring(t.dead), size(t.bytes), size(t.index_bytes), tostring(t.seq_scans),
      tostring(t.index_scans),
    }
  end
  terminal.table({ "table", "rows ~", "dead ~", "size", "indexes", "seq scans", "index scans" }, rows)
end

local function show_connections(stats)
  local rows = {}
  for i, c in ipairs(stats.connections()) do
    rows[i] = { c.application, c.state, tostring(c.connections), ("%.1f s"):format(c.longest) }
  end
  terminal.table({ "application", "state", "connections", "for up to" }, rows)
end

function actions.stats()
  tool_database.with(function()
    local stats = require "neap.db.stats"
    local all = stats.database()
    terminal.line(("%s on PostgreSQL %s: %s, %d of %d connections, %s, %d rolled back, %d deadlocks"):format(all.name,
      all.version, size(all.bytes), all.used, all.max,
      all.hit_ratio and ("%.1f%% of blocks from memory"):format(all.hit_ratio * 100) or "no block read yet", all.rolled_back,
      all.deadlocks))
    show_tables(stats)
    show_connections(stats)
  end)
end

local function confirm(name)
  if not terminal.is_terminal() then
    command:wrong "reset: drops the whole database; say --yes"
  end
  local answer = core_os.readline(("Drop the database %s and everything in it? Type its name: "):format(name))
  if answer ~= name then
    args.fail "nothing was done"
  end
end

local function quote(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

local function recreate(db, name)
  db.exec("drop database if exists " .. quote(name) .. " with (force)")
  db.exec("create database " .. quote(name))
end

local function name_of(database)
  return database_url.database(database.url) or args.fail "DATABASE_URL names no database"
end

-- From where databases are made and dropped.
local function connect_beside(database)
  core.use_database(database_url.with_database(database.url, "postgres"), { min = 1, max = 1, statement_timeout = 0 })
end

local function migrate(database)
  tool_database.connect(database.url)
  return require("neap.migrate").up(core.app_dir .. "/migrations")
end

-- Who may not connect to the database called postgres may still use one of their own that is there.
local function make_if_missing(database)
  local db = require "neap.db"
  local name = name_of(database)
  connect_beside(database)
  local asked, found = pcall(db.one, "select 1 as n from pg_database where datname = $1", name)
  if asked and found == nil then
    db.exec("create database " .. quote(name))
    terminal.line("made the database ", name)
  end
end

function actions.init()
  tool_database.with_server(function(database)
    make_if_missing(database)
    terminal.line(("%d migrations applied"):format(migrate(database)))
    if has_seed() then
      seed()
    end
  end)
end

function actions.reset(_, flags)
  local environment = boot.config("tool").ENVIRONMENT
  if environment == "production" then
    args.fail "ENVIRONMENT is production: reset is not for there"
  end
  local db = require "neap.db"
  -- The database itself may be missing: a reset that was interrupted is mended by another one.
  tool_database.with_server(function(database)
    local name = name_of(database)
    if not flags.yes then
      confirm(name)
    end
    connect_beside(database)
    recreate(db, name)
    terminal.line(("%s is new, %d migrations applied"):format(name, migrate(database)))
  end)
end

function M.main()
  return command:run(function(flags, positions)
    local name = positions[1]
    local action = actions[name]
    if action == nil then
      command:wrong(name and "%s is not up, down, psql, ping, stats, init, seed or reset" or "what to do?", name)
    end
    if name ~= "psql" and #positions > 1 then
      command:wrong("too many arguments: %s", positions[2])
    end
    return action(positions, flags)
  end)
end

return M
