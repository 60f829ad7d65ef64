--- From a folder to a running application: its settings, its app, its routes. The host calls this in every new engine.
local core = require "neap.core"
local app_module = require "neap.app"
local builtin_routes = require "neap.boot.builtin_routes"
local dotenv = require "neap.settings.dotenv"
local errors = require "neap.errors"
local log = require "neap.log"
local rate_limit = require "neap.rate_limit"
local route_schemas = require "neap.route.schemas"
local settings = require "neap.settings"
local settings_reader = require "neap.settings.reader"

local M = {}

-- The settings by mode: what a service must have, a command may do without.
local configs = {}
local config, app
local unknown = {}

local function read_file(path)
  local file = io.open(path, "rb")
  if file == nil then
    return nil
  end
  local text = file:read "a"
  file:close()
  return text
end

--- Any name is in the environment; os.getenv cannot list them, so it is asked for each.
local environment = setmetatable({}, {
  __index = function(_, name)
    return os.getenv(name)
  end,
})

local function definition_of(app_dir)
  local path = app_dir .. "/config.lua"
  local text = read_file(path)
  if text == nil then
    return settings.define {}
  end
  -- A config.lua that does not run is a configuration error like any other.
  local chunk, problem = load(text, "@config.lua", "t")
  if chunk == nil then
    settings_reader.raise { problem }
  end
  local ok, definition = pcall(chunk)
  if not ok then
    settings_reader.raise { errors.describe(definition) }
  elseif not settings.is_definition(definition) then
    settings_reader.raise { "config.lua: must return settings.define { ... }" }
  end
  return definition
end

--- What APP/config.lua declares, with the framework's own.
function M.definition()
  return definition_of(core.app_dir)
end

local function sources()
  local text = read_file(core.app_dir .. "/.env")
  local values, problems, lines = dotenv.parse(text or "")
  return { environment = environment, file = values, problems = problems, lines = lines }
end

--- The frozen settings, also as `require "config"`. Raises { problems = {...} } with everything that is wrong.
---@param mode "serve"|"dev"|"tool"
function M.config(mode)
  if configs[mode] == nil then
    configs[mode], unknown = settings.resolve(M.definition(), sources(), mode)
  end
  config = config or configs[mode]
  package.loaded.config = config
  return configs[mode]
end

--- Names in APP/.env that no setting has, so that nothing reads them.
---@return neap.UnknownSetting[]
function M.unknown_settings()
  M.config "tool"
  return unknown
end

-- The file is the same for all workers, and the first one speaks for them.
local function tell_unknown_settings()
  if core.mode == "tool" or core.worker ~= 0 then
    return
  end
  for _, one in ipairs(unknown) do
    log.warn("settings.unknown", { name = one.name, line = one.line, did_you_mean = one.nearest })
  end
end

local function make_app()
  if core.mode == "tool" and not read_file(core.app_dir .. "/lua/app/init.lua") then
    local args = require "neap.tool.args"
    local missing = "there is no application in %s: lua/app/init.lua is missing (`neap new NAME` makes one)"
    args.fail(missing:format(core.app_dir), args.CONFIG)
  end
  local make = require "app"
  if type(make) ~= "function" then
    error("lua/app/init.lua: must return function(config) return app end", 0)
  end
  local made = make(config)
  if not app_module.is(made) then
    error("lua/app/init.lua: its function must return what neap.app made", 0)
  end
  return made
end

-- Specs ask as often as they like, unless a route has a limit of its own.
local function default_limit()
  return core.mode == "tool" and "off" or config.RATE_LIMIT_DEFAULT
end

local function register(route)
  local opts = route.opts
  local spec = route_schemas.plans(route)
  spec.method, spec.pattern, spec.where = route.method, route.path, route.where
  spec.rate_limits, spec.handler = rate_limit.of_route(route, default_limit())
  for _, name in ipairs { "auth", "scopes", "csrf", "body_max", "timeout", "on_disconnect", "name" } do
    spec[name] = opts[name]
  end
  core.route(spec)
end

--- Loads the application and tells the core its routes.
---@param mode "serve"|"dev"|"tool"
---@return neap.App
function M.load(mode)
  if app then
    return app
  end
  M.config(mode)
  log.setup { level = config.LOG_LEVEL, redirect_print = core.mode ~= "tool" }
  tell_unknown_settings()
  require("neap.core.db").slow(config.DB_SLOW_MS)
  core.set_error_mapper(errors.map)
  local problem = require("neap.token").configure(config)
  if problem then
    settings_reader.raise { problem }
  end
  local made = make_app()
  local routes = made:routes()
  for _, route in ipairs(routes) do
    register(route)
  end
  local builtin, docs_path = builtin_routes.of(made, routes, config)
  for _, route in ipairs(builtin) do
    register(route)
  end
  core.set_docs_path(docs_path)
  app = made
  return app
end

-- One that fails is logged and does not keep the others from running.
local function run_hook(hook, event)
  local ok, problem = xpcall(hook, function(err)
    return { error = errors.describe(err), traceback = debug.traceback("", 2) }
  end)
  if not ok then
    log.error(event, problem)
  end
  return ok
end

local function run_hooks(hooks, event)
  local ok = true
  for _, hook in ipairs(hooks or {}) do
    ok = run_hook(hook, event) and ok
  end
  return ok
end

--- Runs the application's on_load hooks: in each worker, whenever this code takes over.
---@return boolean ok  whether all of them went well
function M.take_over()
  -- Specs and commands run jobs when they say so.
  if core.mode ~= "tool" and package.loaded["neap.jobs"] then
    require("neap.jobs.runner").start(config)
  end
  return run_hooks(app and app.load_hooks, "load.hook_failed")
end

--- Runs its on_start hooks, once in each worker as it begins to serve, and then those of on_load.
---@return boolean ok
function M.start()
  local ok = run_hooks(app and app.start_hooks, "startup.hook_failed")
  return M.take_over() and ok
end

--- Runs its on_stop hooks, the last declared first.
function M.stop()
  local hooks = app and app.stop_hooks or {}
  for i = #hooks, 1, -1 do
    run_hook(hooks[i], "shutdown.hook_failed")
  end
end

return M
