--- neap check: loads everything without serving, and looks at the layers.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core = require "neap.core"
local core_os = require "neap.core.os"
local layers = require "neap.check.layers"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "check",
  summary = "load settings, application and every module, without serving",
  usage = { "neap check [--serve] [--db]" },
  flags = {
    serve = { help = "check the settings as the service would: what it requires must be there" },
    db = { help = "compare the stores, and the schemas that have a table, with the live tables" },
  },
  max = 0,
}

local function lua_files(dir, prefix, out)
  for _, entry in ipairs(core_os.list(dir) or {}) do
    local path = dir .. "/" .. entry.name
    if entry.type == "directory" then
      lua_files(path, prefix .. entry.name .. "/", out)
    elseif entry.name:find "%.lua$" then
      out[#out + 1] = { path = path, name = prefix .. entry.name }
    end
  end
  return out
end

local function load_module(file, problems)
  local module = file.name:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  local ok, problem = pcall(require, module)
  if not ok then
    problems[#problems + 1] = tostring(problem)
  end
end

local function check_files()
  local problems = {}
  local files = lua_files(core.app_dir .. "/lua/app", "lua/app/", {})
  for _, file in ipairs(files) do
    load_module(file, problems)
    for _, problem in ipairs(layers.check(file.name, core_os.read_file(file.path))) do
      problems[#problems + 1] = problem
    end
  end
  return problems, #files
end

local function counted(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

local function check_migrations()
  return #require("neap.migrate").files(core.app_dir .. "/migrations")
end

local function tell_unknown_settings()
  for _, one in ipairs(boot.unknown_settings()) do
    terminal.note(("%s: %s"):format(terminal.colour("yellow", "warning"), one.text))
  end
end

-- After the modules: they declare the schemas and the stores.
local function check_tables()
  local problems, compared
  require("neap.tool.database").with(function()
    problems, compared = require("neap.check.db").problems()
    for _, problem in ipairs(require("neap.check.stores").problems()) do
      problems[#problems + 1] = problem
    end
  end)
  if #problems > 0 then
    args.fail(table.concat(problems, "\n"))
  end
  return compared
end

function M.main()
  return command:run(function(flags)
    boot.config(flags.serve and "serve" or "tool")
    tell_unknown_settings()
    local routes = #boot.load("tool"):routes()
    local problems, modules = check_files()
    if #problems > 0 then
      args.fail(table.concat(problems, "\n"))
    end
    local tables = flags.db and (", %s like their tables"):format(counted(check_tables(), "schema")) or ""
    terminal.line(("%s: %s, %s, %s%s"):format(terminal.colour("green", "ok"), counted(routes, "route"),
      counted(modules, "module"), counted(check_migrations(), "migration"), tables))
  end)
end

return M
