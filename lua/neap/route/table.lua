--- From the tree of routers to the flat list that the core is told: prefixes joined, options inherited, middleware wrapped
--- around the handlers. Runs once, when the application loads.
local access = require "neap.route.access"
local idempotency = require "neap.idempotency"
local options = require "neap.route.options"
local refine = require "neap.route.refine"

local M = {}

-- The nearest that says it wins; tags and scopes add up.
local INHERITED = { "auth", "timeout", "body_max", "rate_limit", "hidden", "idempotent" }
local GATHERED = { "tags", "scopes", "guards" }

local function joined(...)
  local list
  for i = 1, select("#", ...) do
    for _, item in ipairs((select(i, ...)) or {}) do
      list = list or {}
      list[#list + 1] = item
    end
  end
  return list
end

local function inherit(above, own)
  local out = {}
  for _, name in ipairs(INHERITED) do
    out[name] = own[name]
    if out[name] == nil then
      out[name] = above[name]
    end
  end
  for _, name in ipairs(GATHERED) do
    out[name] = joined(above[name], own[name])
  end
  return out
end

local function join_path(prefix, path)
  -- "/" of a router with a prefix is the prefix itself: no route ends with a slash but the root.
  if path == "/" and prefix ~= "" then
    return prefix
  end
  return prefix .. path
end

local function wrap(middleware, next)
  return function(req)
    return middleware(req, next)
  end
end

--- The onion: the first of the list is the outermost.
---@param list function[]?
---@param handler function
---@return function
function M.compose(list, handler)
  for i = #(list or {}), 1, -1 do
    handler = wrap(list[i], handler)
  end
  return handler
end

local function finish(entry, context)
  local opts = inherit(context.opts, entry.opts)
  for name, value in pairs(entry.opts) do
    if opts[name] == nil then
      opts[name] = value
    end
  end
  opts.use = nil
  local path = join_path(context.prefix, entry.path)
  local problem = options.path_problem(path)
  problem = problem and "the path " .. problem or access.settle(opts, entry.opts)
  if problem then
    error(("%s: %s %s: %s"):format(entry.where, entry.method, path, problem), 0)
  end
  opts.idempotent = idempotency.applies({ method = entry.method, opts = opts }, entry.opts)
  local handler = refine.wrap(opts, entry.fn)
  return {
    method = entry.method,
    path = path,
    opts = opts,
    where = entry.where,
    -- Innermost: who may not call has been told so before a :refine queries anything, or an answer is given again.
    handler = M.compose(joined(context.middleware, entry.opts.use),
      access.guarded(opts.guards, opts.idempotent and idempotency.wrap(opts, handler) or handler)),
  }
end

local function check_prefix(prefix, where)
  if prefix == "" then
    return
  end
  local problem = options.path_problem(prefix)
  if prefix == "/" then
    problem = "is not needed when it is only a slash"
  end
  if problem then
    error(("%s: the prefix %q %s"):format(where, prefix, problem), 0)
  end
end

local walk

local function walk_entry(entry, context, out)
  if entry.mount == nil then
    out[#out + 1] = finish(entry, context)
    return
  end
  check_prefix(entry.prefix, entry.where)
  if context.open[entry.mount] then
    error(("%s: this router is mounted into itself"):format(entry.where), 0)
  end
  walk(entry.mount, {
    prefix = context.prefix .. entry.prefix,
    opts = context.opts,
    middleware = context.middleware,
    open = context.open,
  }, out)
end

function walk(router, above, out)
  local own = router.opts.prefix or ""
  check_prefix(own, router.where)
  local context = {
    prefix = above.prefix .. own,
    opts = inherit(above.opts, router.opts),
    middleware = joined(above.middleware, router.opts.use, router.middleware),
    open = above.open,
  }
  context.open[router] = true
  for _, entry in ipairs(router.entries) do
    walk_entry(entry, context, out)
  end
  context.open[router] = nil
end

local function refuse_duplicates(routes)
  local seen = {}
  for _, route in ipairs(routes) do
    local shape = route.method .. " " .. route.path:gsub("{[^}]*}", "{}")
    local first = seen[shape]
    if first then
      error(("%s: %s %s is declared twice, first as %s at %s"):format(
        route.where, route.method, route.path, first.path, first.where), 0)
    end
    seen[shape] = route
  end
end

--- Every route below a router, in the order of declaration. Raises "file:line: ..." on a bad path or a duplicate.
---@param root neap.Router
---@return { method: string, path: string, opts: table, handler: function, where: string }[]
function M.flatten(root)
  local out = {}
  walk(root, { prefix = "", opts = {}, middleware = nil, open = {} }, out)
  refuse_duplicates(out)
  return out
end

return M
