--- neap migrate: applies, undoes, tries, lists and makes migrations.
local args = require "neap.tool.args"
local core = require "neap.core"
local templates = require "neap.migrate.templates"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "migrate",
  summary = "SQL migrations of the folder migrations/",
  usage = {
    "neap migrate up", "neap migrate down [N]", "neap migrate status", "neap migrate new NAME [--with PART]",
    "neap migrate verify",
    "neap migrate baseline N", "neap migrate resolve N applied|pending",
  },
  flags = { with = { value = "PART", help = "new: the tables of a part of the framework: " .. templates.names() } },
  help = [[
Each migration is NNNN_name.up.sql and NNNN_name.down.sql and runs in one transaction, unless its first line is
`-- no-transaction`. Several `neap migrate up` at once wait for each other. A file that was changed after it was applied
is refused.

verify    runs up, down and up on a scratch database of the same server and compares its schema each time
baseline  writes 1 to N down as applied without running them, for a database that has their tables already
resolve   says what became of a migration that failed in the middle, outside of a transaction]],
}

local function folder()
  return core.app_dir .. "/migrations"
end

local function report(event, migration, ms)
  if event == "waiting" then
    terminal.note "waiting for another migration to end"
  elseif event == "applied" then
    terminal.line(terminal.colour("green", "applied"), ("  %s (%d ms)"):format(migration.label, ms))
  else
    terminal.line(terminal.colour("yellow", "reverted"), (" %s (%d ms)"):format(migration.label, ms))
  end
end

local function number(word, what)
  local n = math.tointeger(tonumber(word))
  if n == nil or n < 1 then
    command:wrong("%s: %s is not a number of %s", what, tostring(word), what == "down" and "migrations" or "a migration")
  end
  return n
end

local function in_database(fn)
  local migrate = require "neap.migrate"
  return require("neap.tool.database").with(function()
    return fn(migrate)
  end)
end

local actions = {}

function actions.up()
  local count = in_database(function(migrate)
    return migrate.up(folder(), report)
  end)
  if count == 0 then
    terminal.line "nothing to apply"
  end
end

function actions.down(n)
  local count = number(n or "1", "down")
  local reverted = in_database(function(migrate)
    return migrate.down(folder(), count, report)
  end)
  if reverted == 0 then
    terminal.line "nothing to undo"
  end
end

function actions.verify()
  local count = require("neap.tool.database").with(function(database)
    return require("neap.migrate.verify").run(folder(), database.url)
  end)
  terminal.line(("%d migrations go up, down and up again to the same schema"):format(count))
end

function actions.baseline(n)
  local version = number(n, "baseline")
  local count = in_database(function(migrate)
    return migrate.baseline(folder(), version)
  end)
  terminal.line(("%d written down as applied, without running them"):format(count))
end

function actions.resolve(n, state)
  local version = number(n, "resolve")
  if state ~= "applied" and state ~= "pending" then
    command:wrong "resolve: is it applied or pending?"
  end
  in_database(function(migrate)
    return migrate.resolve(folder(), version, state)
  end)
  terminal.line(("%04d is %s"):format(version, state))
end

local function state_of(row)
  if row == nil then
    return terminal.colour("yellow", "pending")
  end
  return row.dirty and terminal.colour("red", "dirty") or terminal.colour("green", "applied")
end

function actions.status()
  local list = in_database(function(migrate)
    return migrate.status(folder())
  end)
  local rows = {}
  for i, entry in ipairs(list) do
    local row = entry.row
    rows[i] = {
      entry.migration.label,
      state_of(row),
      row and tostring(row.applied_at) or "",
      row and ("%d ms"):format(row.execution_ms) or "",
    }
  end
  terminal.table({ "migration", "state", "at", "took" }, rows)
end

function actions.new(name, _, flags)
  if name == nil then
    command:wrong "new: what is its name?"
  end
  local part = flags.with and templates.parts[flags.with]
  if flags.with and part == nil then
    command:wrong("new: --with %s: there is %s", flags.with, templates.names())
  end
  local up, down = require("neap.migrate").create(folder(), name, part)
  terminal.line(up)
  terminal.line(down)
end

local TAKES = { down = 1, new = 1, baseline = 1, resolve = 2 }

function M.main()
  return command:run(function(flags, positions)
    local name = positions[1]
    local action = actions[name]
    if action == nil then
      command:wrong(name and "%s is not up, down, status, new, verify, baseline or resolve" or "what to do?", name)
    end
    if #positions > 1 + (TAKES[name] or 0) then
      command:wrong("too many arguments: %s", positions[#positions])
    end
    action(positions[2], positions[3], flags)
  end)
end

return M
