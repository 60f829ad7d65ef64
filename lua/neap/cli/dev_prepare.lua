--- What `neap dev` needs before it serves: a secret, a database with its tables, a user. It runs as a process of its own and
--- tells NAME=VALUE lines on descriptor 3; what it does is told on stderr.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core = require "neap.core"
local core_os = require "neap.core.os"
local postgres = require "neap.postgres"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "dev", -- what the reader of a complaint has called
  summary = "what neap dev does before it serves",
  usage = { "neap dev-prepare [--as EMAIL]" },
  flags = { as = { value = "EMAIL", help = "sign every request in as this user, made when missing" } },
  max = 0,
}

local OUT = "/dev/fd/3"

-- Opened for each line: a file that stays open here would be open in the Postgres that we start, and who reads would wait
-- for its end. And told at once: a Postgres that was started must be known even when we are interrupted right after.
local function tell(name, value)
  local out = assert(io.open(OUT, "w"))
  out:write(name, "=", value, "\n")
  out:close()
end

local function is_heard()
  local out = io.open(OUT, "w")
  return out ~= nil and out:close()
end

local function secret()
  local path = postgres.make_state_folder(core.app_dir) .. "/secret"
  local text = core_os.read_file(path)
  if text == nil or #text < 32 then
    text = core.hex(core.random(32))
    assert(core_os.write_file(path, text, 384)) -- 0600
  end
  return text
end

local function find_database(config)
  if config.DATABASE_URL then
    return config.DATABASE_URL
  end
  local private = postgres.of(core.app_dir)
  if not postgres.exists(core.app_dir) then
    terminal.note "making a private Postgres in .neap/postgres"
  end
  local started, kept = private:start()
  if started or kept then
    tell("NEAP_STARTED_POSTGRES", "1")
  end
  tell("DATABASE_URL", private:url())
  return private:url()
end

local function migrate()
  local applied = require("neap.migrate").up(core.app_dir .. "/migrations", function(event, migration, ms)
    if event == "applied" then
      terminal.note(("applied %s (%d ms)"):format(migration.label, ms))
    end
  end)
  return applied
end

local function seed(config)
  if core_os.stat(core.app_dir .. "/lua/app/seed.lua") then
    require "app.seed"(config, terminal.note)
  end
end

-- Any identity will do for a user of ours: a row must have a password or an external id.
local function user_row(email)
  local db = require "neap.db"
  email = email:lower()
  local row = db.one("select id, email, role from users where email = $1", email)
  if row == nil then
    row = db.one("insert into users (email, external_id) values ($1, $2) returning id, email, role", email, "dev:" .. email)
    terminal.note(("made the user %s"):format(email))
  end
  return row
end

local function prepare_database(config, email)
  require("neap.tool.database").connect(find_database(config))
  migrate()
  seed(config)
  if email then
    local user = user_row(email)
    tell("NEAP_AS_ID", user.id)
    tell("NEAP_AS_EMAIL", user.email)
    tell("NEAP_AS_ROLE", user.role)
  end
  core.use_database(nil)
end

function M.main()
  return command:run(function(flags)
    if not is_heard() then
      command:wrong "this is a part of `neap dev`"
    end
    local config = boot.config "tool"
    if config.SECRET_KEY == nil then
      tell("SECRET_KEY", secret())
    end
    if require("neap.tool.database").is_wanted() then
      prepare_database(config, flags.as)
    elseif flags.as then
      args.fail "--as: the application has no database, so no users"
    end
  end)
end

return M
