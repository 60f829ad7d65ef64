--- The options of each kind of schema, and what may be said in them.
local options = require "neap.base.options"
local place = require "neap.schema.place"

place.own_file()

local M = {}

local function is_count(v)
  return math.type(v) == "integer" and v >= 0, "an integer, 0 or more"
end

local function is_integer(v)
  return math.type(v) == "integer", "an integer"
end

local function is_number(v)
  return type(v) == "number" and v == v and v ~= math.huge and v ~= -math.huge, "a number"
end

local function is_step(v)
  return math.type(v) == "integer" and v > 0, "an integer above 0"
end

local function is_number_step(v)
  return type(v) == "number" and v > 0 and v < math.huge, "a number above 0"
end

local function is_text(v)
  return type(v) == "string" and v ~= "", "a string"
end

local function is_digits(v)
  return math.type(v) == "integer" and v >= 1 and v <= 1000, "an integer from 1 to 1000"
end

local function is_scale(v)
  return math.type(v) == "integer" and v >= 0 and v <= 1000, "an integer from 0 to 1000"
end

local is_boolean = options.boolean
local is_list = options.list_of("string", "strings")

local function is_string_list(v)
  local ok, wanted = is_list(v)
  if ok then
    ok = #v > 0
    for _, item in ipairs(v) do
      ok = ok and item ~= ""
    end
  end
  return ok, wanted
end

local TEXT = { min = is_count, max = is_count }

M.known = {
  string = { min = is_count, max = is_count, pattern = is_text, trim = is_boolean, lower = is_boolean },
  integer = {
    min = is_integer, max = is_integer, multiple_of = is_step, exclusive_min = is_boolean, exclusive_max = is_boolean,
  },
  number = {
    min = is_number, max = is_number, multiple_of = is_number_step, exclusive_min = is_boolean, exclusive_max = is_boolean,
  },
  decimal = { precision = is_digits, scale = is_scale },
  boolean = {},
  uuid = {},
  email = TEXT,
  url = { min = is_count, max = is_count, schemes = is_string_list },
  date = {},
  datetime = {},
  any = {},
  array = { min = is_count, max = is_count, unique = is_boolean },
  map = { min = is_count, max = is_count, keys = function() return true end },
  file = { max = is_count, types = is_string_list },
}

local function check_bounds(kind, opts)
  if opts.min and opts.max and opts.min > opts.max then
    place.fail("s.%s: min %s is above max %s", kind, opts.min, opts.max)
  end
  for _, side in ipairs { "min", "max" } do
    if opts["exclusive_" .. side] and opts[side] == nil then
      place.fail("s.%s: exclusive_%s says nothing without %s", kind, side, side)
    end
  end
  if (opts.exclusive_min or opts.exclusive_max) and opts.min == opts.max then
    place.fail("s.%s: nothing is between min %s and max %s", kind, opts.min, opts.max)
  end
end

local function check_digits(opts)
  if opts.scale and not opts.precision then
    place.fail("s.decimal: scale says nothing without precision")
  elseif opts.scale and opts.scale > opts.precision then
    place.fail("s.decimal: scale %d is above precision %d", opts.scale, opts.precision)
  end
end

--- Raises where the declaration stands when an option is unknown, has the wrong type, or contradicts another.
---@param kind string
---@param opts table?
---@return table opts  never nil
function M.check(kind, opts)
  if opts == nil then
    return {}
  elseif type(opts) ~= "table" then
    place.fail("s.%s: wants a table of options, not a %s", kind, type(opts))
  end
  local problem = options.problem(M.known[kind], opts)
  if problem then
    place.fail("s.%s: %s", kind, problem)
  end
  check_bounds(kind, opts)
  if kind == "decimal" then
    check_digits(opts)
  end
  return opts
end

return M
