--- How often something may be done. Routes say it as an option, anything else asks here:
---
---     r:post("/reports", { rate_limit = "5/min/user" }, make)
---     r:post("/login", { rate_limit = { limit = 5, per = 60, key = function(req) return req.body.email end } }, login)
---
---     local rate_limit = require "neap.rate_limit"
---     rate_limit.check("mail", address, "3/h")   -- raises 429 with Retry-After when it was done too often
---
--- Counts are exact over all workers of a host. A refused attempt costs nothing.
local core = require "neap.core"
local errors = require "neap.errors"
local rate_text = require "neap.rate_limit.text"

local M = {}

local KEYS = { user = true, ip = true }

-- As many as core/script/request/limit.h takes.
local RULES_MAX = 4

local function is_count(value)
  return math.type(value) == "integer" and value >= 1 and value <= 1000000000
end

local function table_problem(spec)
  for name in pairs(spec) do
    if name ~= "limit" and name ~= "per" and name ~= "key" and name ~= "burst" and name ~= "name" then
      return ("an option of a rate limit is limit, per, key, burst or name, not %q"):format(tostring(name))
    end
  end
  if not is_count(spec.limit) or type(spec.per) ~= "number" or not (spec.per > 0 and spec.per <= 366 * 86400) then
    return "{ limit = requests, per = seconds }"
  elseif spec.key ~= nil and type(spec.key) ~= "function" and not KEYS[spec.key] then
    return 'by key = "user", "ip" or a function'
  elseif spec.burst ~= nil and not is_count(spec.burst) then
    return "with a burst of 1 or more"
  elseif spec.name ~= nil and not (type(spec.name) == "string" and spec.name:find "^[%w._-]+$" and #spec.name < 32) then
    return "with a name of letters, digits and . _ -"
  end
end

local function one_problem(spec)
  if type(spec) == "string" then
    local limit, problem = rate_text.parse_keyed(spec, KEYS)
    return limit == nil and problem or nil
  elseif type(spec) ~= "table" then
    return "text like 100/min/user, a table, a list of them, or false"
  end
  return table_problem(spec)
end

local function list_of(spec)
  return type(spec) == "table" and spec.limit == nil and spec or { spec }
end

--- What is wrong with the option of a route; nil when it is fine.
---@param spec any
---@return string?
function M.problem(spec)
  if spec == false then
    return nil
  end
  local list = list_of(spec)
  if #list == 0 or #list > RULES_MAX then
    return ("from 1 to %d limits"):format(RULES_MAX)
  end
  for _, one in ipairs(list) do
    local problem = one_problem(one)
    if problem then
      return problem
    end
  end
end

local function rule_of(spec, scope, default_name)
  local limit = spec
  if type(spec) == "string" then
    limit = rate_text.parse(spec)
    if limit == false then
      return nil
    end
  end
  local name = limit.name or default_name
  return {
    name = name,
    -- A named limit is one for all routes that name it.
    scope = limit.name and "name " .. limit.name or scope,
    by = limit.key or "user",
    limit = limit.limit,
    per = limit.per,
    burst = limit.burst,
  }
end

local function wrap(rule, handler)
  return function(req)
    local key = rule.by(req)
    if key ~= nil then
      local allowed, retry = core.rate_take(rule.scope, "k" .. tostring(key), rule.limit, rule.per, rule.burst, rule.name)
      if not allowed then
        errors.too_many(nil, retry)
      end
    end
    return handler(req)
  end
end

--- For the core: the rules of a route that it counts itself, and the handler behind those whose key is a function. Who says
--- nothing is counted with all others that say nothing, by `default`.
---@param route table            as neap.route.table makes them
---@param default string         RATE_LIMIT_DEFAULT
---@return table[] rules
---@return function handler
function M.of_route(route, default)
  local own, rules, handler = route.opts.rate_limit, {}, route.handler
  if own == false then
    return rules, handler
  end
  local where = route.method .. " " .. route.path
  local list = own ~= nil and list_of(own) or { default }
  for i = #list, 1, -1 do
    local rule = own ~= nil and rule_of(list[i], where .. " " .. i, "route") or rule_of(list[i], "default", "default")
    if rule and type(rule.by) == "function" then
      handler = wrap(rule, handler)
    elseif rule then
      table.insert(rules, 1, rule)
    end
  end
  return rules, handler
end

--- Counts one attempt, and raises errors.too_many (429) when there were too many. Off by the limit "off".
---@param name string    what is attempted: attempts of one name share their counts
---@param key string     by whom
---@param limit string|neap.RateLimit  "5/min"; a key in it is not looked at, `key` says it already
function M.check(name, key, limit)
  local problem
  if type(limit) == "string" then
    limit, problem = rate_text.parse(limit)
  end
  if limit == nil then
    error(("rate_limit.check: the limit %s"):format(problem or "is missing"), 2)
  elseif limit == false then
    return
  end
  local allowed, retry = core.rate_take("check " .. name, key, limit.limit, limit.per, limit.burst)
  if not allowed then
    errors.too_many(nil, retry)
  end
end

return M
