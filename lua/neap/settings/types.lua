--- From the text of an environment variable to a value. Every reader gives the value, or nil and what the text must be;
--- what it was is never said, since it may be a secret.
local json = require "neap.json"
local rate_text = require "neap.rate_limit.text"

local M = {}

local UNITS = {
  duration = { ms = 0.001, s = 1, m = 60, min = 60, h = 3600, d = 86400 },
  size = {
    b = 1, k = 1 << 10, kb = 1 << 10, kib = 1 << 10, m = 1 << 20, mb = 1 << 20, mib = 1 << 20,
    g = 1 << 30, gb = 1 << 30, gib = 1 << 30,
  },
}

local function trim(text)
  return text:match "^%s*(.-)%s*$"
end

local function range_text(field, what)
  if field.min and field.max then
    return ("must be %s between %s and %s"):format(what, field.min, field.max)
  elseif field.min then
    return ("must be %s, at least %s"):format(what, field.min)
  elseif field.max then
    return ("must be %s, at most %s"):format(what, field.max)
  end
  return "must be " .. what
end

local function in_range(value, field, what)
  if (field.min and value < field.min) or (field.max and value > field.max) then
    return nil, range_text(field, what)
  end
  return value
end

function M.string(text, field)
  local length = utf8.len(text)
  if length == nil then
    return nil, "must be UTF-8"
  end
  if field.min and length < field.min then
    return nil, ("must have at least %d characters"):format(field.min)
  end
  if field.max and length > field.max then
    return nil, ("must have at most %d characters"):format(field.max)
  end
  if field.pattern and not text:find(field.pattern) then
    return nil, field.pattern_help or "does not have the right form"
  end
  return text
end

function M.secret(text, field)
  if field.min_bytes and #text < field.min_bytes then
    return nil, ("must be at least %d bytes"):format(field.min_bytes)
  end
  -- Long and yet no secret: the placeholder that somebody meant to replace.
  if field.min_bytes and text == text:sub(1, 1):rep(#text) then
    return nil, ("must be at least %d random bytes, not one byte over and over"):format(field.min_bytes)
  end
  return text
end

function M.integer(text, field)
  local digits = trim(text)
  -- math.tointeger on text would take hexadecimal, and a float where the number is too large.
  local value = digits:find "^[+-]?%d+$" and math.tointeger(tonumber(digits:match "^%+?(.*)$"))
  if value == nil or value == false then
    return nil, range_text(field, "an integer")
  end
  return in_range(value, field, "an integer")
end

function M.port(text, field)
  return M.integer(text, { min = field.min or 0, max = field.max or 65535 })
end

function M.number(text, field)
  local digits = trim(text)
  local value = digits:find "^[+-]?[%d.]+[eE]?[+-]?%d*$" and tonumber((digits:gsub("^%+", "")))
  if not value or value ~= value or value == math.huge or value == -math.huge then
    return nil, range_text(field, "a number")
  end
  return in_range(value, field, "a number")
end

local BOOLEANS = {
  ["true"] = true, ["1"] = true, yes = true, on = true,
  ["false"] = false, ["0"] = false, no = false, off = false,
}

function M.boolean(text)
  local value = BOOLEANS[trim(text):lower()]
  if value == nil then
    return nil, "must be true or false"
  end
  return value
end

local function with_unit(text, units, default_unit)
  local number, unit = trim(text):lower():match "^(%d+%.?%d*)%s*(%a*)$"
  local factor = units[unit ~= "" and unit or default_unit]
  if number == nil or factor == nil then
    return nil
  end
  local value = tonumber(number) * factor
  return math.tointeger(value) or value
end

local DURATION = "a duration like 30, 500ms, 15m or 30d"

--- Seconds; an integer when they are whole.
function M.duration(text, field)
  local value = with_unit(text, UNITS.duration, "s")
  if value == nil then
    return nil, range_text(field, DURATION)
  end
  return in_range(value, field, DURATION)
end

local SIZE = "a size like 1048576, 512k or 1MiB"

--- Bytes; units are powers of 1024.
function M.size(text, field)
  local value = with_unit(text, UNITS.size, "b")
  if value == nil or math.type(value) ~= "integer" then
    return nil, range_text(field, SIZE)
  end
  return in_range(value, field, SIZE)
end

function M.url(text, field)
  local url = trim(text)
  local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
  if scheme == nil or rest == "" or url:find "[%s%c]" then
    return nil, "must be a URL"
  end
  for _, allowed in ipairs(field.schemes or { scheme:lower() }) do
    if scheme:lower() == allowed then
      local problem = field.each and field.each(url)
      if problem then
        return nil, problem
      end
      return url
    end
  end
  return nil, "must be a URL that starts with " .. table.concat(field.schemes, ":// or ") .. "://"
end

--- A rate limit stays the text that it is; see neap.rate_limit.text.
function M.rate(text, field)
  local limit, problem = rate_text.parse_keyed(trim(text), field.keys)
  if limit == nil then
    return nil, problem
  end
  return trim(text)
end

function M.enum(text, field)
  local wanted = trim(text)
  for _, value in ipairs(field.values) do
    if value == wanted or value == wanted:lower() then
      return value
    end
  end
  return nil, "must be one of " .. table.concat(field.values, ", ")
end

local function json_list(text)
  local list = json.decode(text)
  if type(list) ~= "table" then
    return nil
  end
  local out = {}
  for i, item in ipairs(list) do
    if type(item) ~= "string" then
      return nil
    end
    out[i] = item
  end
  return out
end

local function comma_list(text)
  local out = {}
  for item in (text .. ","):gmatch "([^,]*)," do
    item = trim(item)
    if item ~= "" then
      out[#out + 1] = item
    end
  end
  return out
end

--- A JSON array of strings, or words between commas.
function M.list(text, field)
  local list
  if text:find "^%s*%[" then
    list = json_list(trim(text))
  else
    list = comma_list(text)
  end
  if list == nil then
    return nil, "must be a JSON array of strings, or words between commas"
  end
  for _, item in ipairs(list) do
    if field.each then
      local problem = field.each(item)
      if problem then
        return nil, problem
      end
    end
  end
  return list
end

return M
