--- neap repl: a prompt inside the application.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core_os = require "neap.core.os"
local json = require "neap.json"
local terminal = require "neap.tool.terminal"
local tool_database = require "neap.tool.database"

local M = {}

local command = args.command {
  name = "repl",
  summary = "a Lua prompt inside the application",
  usage = { "neap repl" },
  max = 0,
  help = [[
Loads the application without serving it. db, errors, json, config and app are there; the rest is required. What a line gives
is printed, tables as JSON; a statement may go over several lines. Ctrl-D ends it. It reads commands from a pipe, too.]],
}

-- What is typed keeps its names from line to line; locals end with theirs.
local function environment(app, config)
  local names = { app = app, config = config, db = require "neap.db", errors = require "neap.errors", json = json }
  return setmetatable(names, { __index = _G })
end

local function show(value)
  if type(value) == "table" or type(value) == "userdata" then
    local ok, text = pcall(json.encode, value)
    return ok and text or tostring(value)
  elseif type(value) == "string" then
    return ("%q"):format(value)
  end
  return tostring(value)
end

local function ends_too_soon(problem)
  return problem ~= nil and problem:find "<eof>'?$" ~= nil
end

-- A line is tried as an expression first. The error of one that only needs more says so at its end: "1 +" is no statement,
-- and yet it may go on.
local function compile(text, env)
  local fn, as_expression = load("return " .. text, "=line", "t", env)
  if fn then
    return fn
  end
  local as_statement
  fn, as_statement = load(text, "=line", "t", env)
  return fn, as_statement, fn == nil and (ends_too_soon(as_expression) or ends_too_soon(as_statement))
end

local function run(fn)
  local results = table.pack(xpcall(fn, function(err)
    return tostring(err)
  end))
  if not results[1] then
    terminal.line(terminal.colour("red", "error: "), results[2])
    return false
  end
  for i = 2, results.n do
    results[i] = show(results[i])
  end
  if results.n > 1 then
    terminal.line(table.concat(results, "\t", 2, results.n))
  end
  return true
end

local function prompt(text)
  if core_os.isatty(0) then
    io.stdout:write(text)
    io.stdout:flush()
  end
  return io.stdin:read "l"
end

-- One statement: more lines for as long as it is not whole.
local function read_statement(env)
  local text = prompt "> "
  while text do
    local fn, problem, wants_more = compile(text, env)
    local more = wants_more and prompt ">> "
    if not more then
      return text, fn, problem
    end
    text = text .. "\n" .. more
  end
end

--- Until the end of the input; the exit code of a script is 1 when any of it failed.
local function loop(env)
  local failed = false
  while true do
    local text, fn, problem = read_statement(env)
    if text == nil then
      break
    elseif fn == nil then
      terminal.line(terminal.colour("red", "error: "), problem)
      failed = true
    elseif not run(fn) then
      failed = true
    end
  end
  return failed and not core_os.isatty(0) and args.FAILED or 0
end

function M.main()
  return command:run(function()
    local config = boot.config "tool"
    local app = boot.load "tool"
    if not tool_database.is_wanted() then
      return loop(environment(app, config))
    end
    return tool_database.with(function()
      return loop(environment(app, config))
    end)
  end)
end

return M
