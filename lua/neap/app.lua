--- The application: what APP/lua/app/init.lua makes and returns.
---
---     return function(config)
---       local app = neap.app { title = config.API_TITLE, version = config.APP_VERSION }
---       app:group(config.API_V1_PREFIX):mount(require "app.tasks.routes")
---       return app
---     end
local options = require "neap.route.options"
local route_table = require "neap.route.table"
local router = require "neap.router"

local M = {}

---@class neap.App : neap.Router
---@field start_hooks function[]
---@field stop_hooks function[]
---@field load_hooks function[]
local App = setmetatable({ __name = "neap.app" }, { __index = router.class })
App.__index = App

---@param opts table?  title, version, description, docs (false: no pages), docs_url, redoc_url, openapi_url, metrics_url,
---  and what neap.router takes
---@return neap.App
function M.new(opts)
  local where = router.position(2)
  opts = opts or {}
  local problem = options.problem("app", opts)
  if problem then
    error(("%s: app: %s"):format(where, problem), 0)
  end
  local self = router.root(opts, where)
  self.start_hooks, self.load_hooks, self.stop_hooks = {}, {}, {}
  return setmetatable(self, App)
end

function M.is(value)
  return getmetatable(value) == App
end

local function add_hook(list, fn, name, where)
  if type(fn) ~= "function" then
    error(("%s: %s: wants a function"):format(where, name), 0)
  end
  list[#list + 1] = fn
end

--- Runs once in each worker as it begins to serve; it may wait and query. One that fails is logged, and the worker serves
--- all the same: a database that is away for a moment must not keep a service down.
---@param fn fun()
function App:on_start(fn)
  add_hook(self.start_hooks, fn, "on_start", router.position(2))
end

--- Runs in each worker whenever this code takes over: as it begins to serve (after on_start), and after each reload. For
--- what belongs to the code and ends with it, like background tasks and listeners.
---@param fn fun()
function App:on_load(fn)
  add_hook(self.load_hooks, fn, "on_load", router.position(2))
end

--- Runs in each worker when its requests are done, the last declared first.
---@param fn fun()
function App:on_stop(fn)
  add_hook(self.stop_hooks, fn, "on_stop", router.position(2))
end

--- All routes with prefixes, inherited options and middleware applied.
function App:routes()
  return route_table.flatten(self)
end

return M
