--- The :refine functions of a route's schemas, in front of its handler: they run in the task, when all that C could check
--- was right.
local errors = require "neap.errors"
local json = require "neap.json"
local schemas = require "neap.route.schemas"

local M = {}

-- As many as core/plan/check.h tells of.
local PROBLEMS_MAX = 64

local refiner

local function each_field(fields)
  return function(value, path, problems)
    for _, field in ipairs(fields) do
      if value[field.name] ~= nil then
        field.check(value[field.name], path .. "." .. field.name, problems)
      end
    end
  end
end

local function object_refiner(node)
  local fields = {}
  for _, field in ipairs(node.fields) do
    local check = refiner(field.node)
    if check then
      fields[#fields + 1] = { name = field.name, check = check }
    end
  end
  return #fields > 0 and each_field(fields) or nil
end

local function array_refiner(node)
  local check = refiner(node.items)
  return check and function(value, path, problems)
    for i, item in ipairs(value) do
      check(item, ("%s[%d]"):format(path, i - 1), problems)
    end
  end
end

local function map_refiner(node)
  local check = refiner(node.values)
  return check and function(value, path, problems)
    for key, item in pairs(value) do
      check(item, path .. "." .. key, problems)
    end
  end
end

local function union_refiner(node)
  local by_tag = {}
  for _, variant in ipairs(node.variants) do
    by_tag[variant.tag] = refiner(variant.node)
  end
  return next(by_tag) and function(value, path, problems)
    local check = by_tag[value[node.discriminator]]
    if check then
      check(value, path, problems)
    end
  end
end

local INNER = { object = object_refiner, array = array_refiner, map = map_refiner, union = union_refiner }

local function own_refiner(fn, message)
  return function(value, path, problems)
    local ok, why, field = fn(value)
    if not ok and #problems < PROBLEMS_MAX then
      problems[#problems + 1] = {
        field = field and path .. "." .. field or path,
        code = "invalid",
        message = message or why or "is not valid",
      }
    end
  end
end

--- The checks of :refine below a node, as one function; nil when there are none. A whole is judged after its parts.
function refiner(node)
  local list = {}
  local inner = INNER[node.kind]
  list[1] = inner and inner(node)
  for _, fn in ipairs(node.refine or {}) do
    list[#list + 1] = own_refiner(fn, node.message)
  end
  if #list == 0 then
    return nil
  end
  return function(value, path, problems)
    if value ~= json.null then
      for _, check in ipairs(list) do
        check(value, path, problems)
      end
    end
  end
end

--- The handler with the route's :refine functions in front of it; the handler itself when it has none.
---@param opts table  of the route
---@param handler function
---@return function
function M.wrap(opts, handler)
  local checks = {}
  for _, part in ipairs(schemas.parts) do
    local value = schemas.part(opts, part)
    local check = value and refiner(value:node())
    if check then
      checks[#checks + 1] = { part = part, check = check }
    end
  end
  if #checks == 0 then
    return handler
  end
  return function(req)
    local problems = {}
    for _, item in ipairs(checks) do
      local value = req[item.part]
      if value ~= nil then
        item.check(value, item.part, problems)
      end
    end
    if #problems > 0 then
      errors.validation(problems)
    end
    return handler(req)
  end
end

return M
