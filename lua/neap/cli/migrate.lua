--- neap migrate: applies, undoes, lists and makes migrations.
local args = require "neap.args"
local core = require "neap.core"
local terminal = require "neap.terminal"

local M = {}

local command = args.command {
  name = "migrate",
  summary = "SQL migrations of the folder migrations/",
  usage = { "neap migrate up", "neap migrate down [N]", "neap migrate status", "neap migrate new NAME" },
  help = [[
Each migration is NNNN_name.up.sql and NNNN_name.down.sql and runs in one transaction, unless its first line is
`-- no-transaction`. Several `neap migrate up` at once wait for each other. A file that was changed after it was applied
is refused.]],
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

local function in_database(fn)
  local migrate = require "neap.migrate"
  return require("neap.tool_database").with(function()
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
  local count = math.tointeger(tonumber(n or "1"))
  if count == nil or count < 1 then
    command:wrong("down: %s is not a number of migrations", tostring(n))
  end
  local reverted = in_database(function(migrate)
    return migrate.down(folder(), count, report)
  end)
  if reverted == 0 then
    terminal.line "nothing to undo"
  end
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
      row and terminal.colour("green", "applied") or terminal.colour("yellow", "pending"),
      row and tostring(row.applied_at) or "",
      row and ("%d ms"):format(row.execution_ms) or "",
    }
  end
  terminal.table({ "migration", "state", "at", "took" }, rows)
end

function actions.new(name)
  if name == nil then
    command:wrong "new: how is it called?"
  end
  local up, down = require("neap.migrate").create(folder(), name)
  terminal.line(up)
  terminal.line(down)
end

function M.main()
  return command:run(function(_, positions)
    local name = positions[1]
    local action = actions[name]
    if action == nil then
      command:wrong(name and "%s is not up, down, status or new" or "what to do?", name)
    end
    local takes_one = name == "down" or name == "new"
    if #positions > (takes_one and 2 or 1) then
      command:wrong("too many arguments: %s", positions[#positions])
    end
    action(positions[2])
  end)
end

return M
