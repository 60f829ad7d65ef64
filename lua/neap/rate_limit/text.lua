--- How a rate limit is written: "100/min", "5/min/ip", "1000/h/user", "off".
local keys = require "neap.base.keys"

local M = {}

local UNITS = {
  s = 1, sec = 1, second = 1, m = 60, min = 60, minute = 60, h = 3600, hour = 3600, d = 86400, day = 86400,
}

local LIMIT_MAX = 1000000000

---@class neap.RateLimit
---@field limit integer   requests
---@field per number      in so many seconds
---@field key string?     who is counted: "user", "ip", or what the text says
---@field burst integer?  at once; as many as `limit` when nil

--- The limit, false for "off", or nil and what the text must be.
---@param text string
---@return neap.RateLimit|false|nil
---@return string? problem
function M.parse(text)
  if text == "off" then
    return false
  end
  local count, unit, key = text:match "^(%d+)/(%a+)/?([%a+]*)$"
  local limit, per = math.tointeger(tonumber(count)), UNITS[unit]
  if limit == nil or per == nil or limit < 1 or limit > LIMIT_MAX or text:sub(-1) == "/" then
    return nil, "must be like 100/min/user, 5/h/ip or off"
  end
  return { limit = limit, per = per, key = key ~= "" and key or nil }
end

--- The same for a text that must name one of these keys, if it names any.
---@param text string
---@param allowed table<string, boolean>?  user and ip
---@return neap.RateLimit|false|nil
---@return string? problem
function M.parse_keyed(text, allowed)
  local limit, problem = M.parse(text)
  allowed = allowed or { user = true, ip = true }
  if limit and limit.key and not allowed[limit.key] then
    return nil, "must count by " .. table.concat(keys.sorted(allowed), " or ")
  end
  return limit, problem
end

return M
