--- What a client says that it takes and has (RFC 9110, 12.5 and 13.1).
local M = {}

--- Whether an If-None-Match has this tag; the comparison is the weak one (RFC 9110 13.1.2).
---@param header string?
---@param tag string  quoted
---@return boolean
function M.is_known(header, tag)
  for known in (header or ""):gmatch '"[^"]*"' do
    if known == tag then
      return true
    end
  end
  return header == "*"
end

-- "text/html" by "text/html" is 3, by "text/*" 2, by "*/*" 1: what is said more exactly counts.
local function exactness(range, type)
  if range == type then
    return 3
  elseif range == type:match "^[^/]*/" .. "*" then
    return 2
  end
  return range == "*/*" and 1 or 0
end

local function quality(header, type)
  local best, q = 0, 0
  for range, params in header:lower():gmatch "([^,;%s]+)([^,]*)" do
    local exact = exactness(range, type)
    if exact > best then
      best, q = exact, tonumber(params:match ";%s*q%s*=%s*([%d.]+)") or 1
    end
  end
  return q
end

--- The media type of the offers that a client likes best; of equals the first. Nothing said, or nothing of ours wanted: the
--- first.
---@param header string?    Accept
---@param offers string[]   "application/json", "text/html"
---@return string
function M.best(header, offers)
  local chosen, best = offers[1], 0
  for _, offer in ipairs(offers) do
    local q = quality(header or "", offer)
    if q > best then
      chosen, best = offer, q
    end
  end
  return chosen
end

return M
