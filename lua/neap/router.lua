--- Routes that belong together. A router is data until the application loads: nothing here runs while requests do.
---
---     local r = neap.router { prefix = "/tasks", tags = { "tasks" }, auth = "user" }
---     r:get("/{id}", { summary = "Read a task" }, function(req) return ... end)
---     return r
local options = require "neap.route.options"

local M = {}

---@class neap.Router
---@field opts table
---@field where string
---@field entries table[]     routes and mounted routers, in the order they were declared
---@field middleware function[]
local Router = { __name = "neap.router" }
Router.__index = Router

--- "file:line" of a caller, as debug.getinfo counts from the function that asks.
---@param level integer
---@return string
local function position(level)
  local info = debug.getinfo(level + 1, "Sl")
  if info == nil then
    return "?"
  end
  return ("%s:%d"):format((info.source:gsub("^[@=]", "")), info.currentline)
end
M.position = position

local function fail(where, message, ...)
  error(where .. ": " .. message:format(...), 0)
end

local function make(opts, where)
  return setmetatable({ opts = opts, where = where, entries = {}, middleware = {} }, Router)
end

---@param opts table?  prefix, tags, auth, timeout, body_max, use
---@return neap.Router
function M.new(opts)
  local where = position(2)
  opts = opts or {}
  local problem = options.problem("router", opts)
  if problem then
    fail(where, "router: %s", problem)
  end
  return make(opts, where)
end

--- A router for neap.app, whose own options were checked already.
function M.root(opts, where)
  return make(opts, where)
end

function M.is(value)
  local mt = getmetatable(value)
  return type(mt) == "table" and (mt.__name == "neap.router" or mt.__name == "neap.app")
end

-- These carry a body unless they say otherwise (RFC 9110 9.3).
local WRITES = { POST = true, PUT = true, PATCH = true }

local function check_route(method, path, opts, fn, where)
  if type(path) ~= "string" then
    fail(where, "%s: the path must be a string", method)
  end
  if type(opts) ~= "table" or type(fn) ~= "function" then
    fail(where, "%s %s: wants (path, options, function)", method, path)
  end
  local problem = options.problem("route", opts)
  if problem then
    fail(where, "%s %s: %s", method, path, problem)
  end
  if WRITES[method] and opts.body == nil and opts.form == nil then
    fail(where, "%s %s: declare its body, or body = false when it has none", method, path)
  end
end

local function add(self, method, path, opts, fn, where)
  if fn == nil and type(opts) == "function" then
    opts, fn = {}, opts
  end
  check_route(method, path, opts, fn, where)
  self.entries[#self.entries + 1] = { method = method, path = path, opts = opts, fn = fn, where = where }
  return self
end

---@alias neap.Handler fun(req: table): any, any

--- The options may be left out.
---@param path string
---@param opts table|neap.Handler
---@param fn neap.Handler?
---@return neap.Router
function Router:get(path, opts, fn)
  return add(self, "GET", path, opts, fn, position(2))
end

---@param path string
---@param opts table
---@param fn neap.Handler
---@return neap.Router
function Router:post(path, opts, fn)
  return add(self, "POST", path, opts, fn, position(2))
end

---@param path string
---@param opts table
---@param fn neap.Handler
---@return neap.Router
function Router:put(path, opts, fn)
  return add(self, "PUT", path, opts, fn, position(2))
end

---@param path string
---@param opts table
---@param fn neap.Handler
---@return neap.Router
function Router:patch(path, opts, fn)
  return add(self, "PATCH", path, opts, fn, position(2))
end

---@param path string
---@param opts table|neap.Handler
---@param fn neap.Handler?
---@return neap.Router
function Router:delete(path, opts, fn)
  return add(self, "DELETE", path, opts, fn, position(2))
end

--- Middleware for every route of this router and of those mounted into it: `function(req, next) return next(req) end`.
---@param middleware fun(req: table, next: neap.Handler): any, any
---@return neap.Router
function Router:use(middleware)
  if type(middleware) ~= "function" then
    fail(position(2), "use: wants a function(req, next)")
  end
  self.middleware[#self.middleware + 1] = middleware
  return self
end

--- Puts another router below this one.
---@param prefix string|neap.Router  may be left out
---@param router neap.Router?
---@return neap.Router
function Router:mount(prefix, router)
  local where = position(2)
  if type(prefix) ~= "string" then
    -- `mount(require "x")` brings a second value along: Lua 5.4's require also returns where it found the file.
    prefix, router = "", prefix
  end
  if getmetatable(router) ~= Router then
    fail(where, "mount: wants a router (does its file return it?)")
  end
  self.entries[#self.entries + 1] = { mount = router, prefix = prefix, where = where }
  return self
end

--- A router mounted here: by prefix, or by options as neap.router takes them.
---@param opts string|table
---@return neap.Router
function Router:group(opts)
  local where = position(2)
  if type(opts) == "string" then
    opts = { prefix = opts }
  elseif type(opts) ~= "table" then
    fail(where, "group: wants a prefix or options")
  end
  local problem = options.problem("router", opts)
  if problem then
    fail(where, "group: %s", problem)
  end
  local child = make(opts, where)
  self.entries[#self.entries + 1] = { mount = child, prefix = "", where = where }
  return child
end

M.class = Router
return M
