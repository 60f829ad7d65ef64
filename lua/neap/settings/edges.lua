--- Whether the settings of the edges are what the core understands: origins, networks of proxies.
local core = require "neap.core"

local M = {}

-- As many as core/base/address.h and core/http/cors.h take.
local ORIGIN_MAX = 256

local DEFAULT_PORTS = { http = "80", https = "443" }

--- An origin as browsers write it (RFC 6454 6.2): it is compared byte by byte, so it must be written the same here.
---@param origin string
---@return string? problem
function M.origin_problem(origin)
  if origin == "*" then
    return "must name each origin: browsers refuse * where cookies are allowed"
  end
  if origin == "null" then
    return "must not hold null: it is the origin of every sandboxed frame and every file, whoever made it"
  end
  local scheme, host, port = origin:match "^(%l[%l%d+.-]*)://([%l%d._-]+):?(%d*)$"
  if scheme == nil then
    scheme, host, port = origin:match "^(%l[%l%d+.-]*)://(%[[%x:]+%]):?(%d*)$"
  end
  local wants = "must be origins like https://app.example.com, in small letters and without a path"
  if host == nil or #origin > ORIGIN_MAX or origin:sub(-1) == ":" then
    return wants
  end
  if port == DEFAULT_PORTS[scheme] then
    return "must not name the port that the scheme has anyway: browsers leave it out"
  end
end

--- A Redis, as core/redis/place.h reads it.
---@param url string
---@return string? problem
function M.redis_problem(url)
  if not core.is_redis_url(url) then
    return "must be redis://[user:password@]host[:port][/db] or unix:///path"
  end
end

--- An address or a network of them.
---@param text string
---@return string? problem
function M.network_problem(text)
  if not core.is_network(text) then
    return "must be addresses or networks like 10.0.0.0/8, without bits behind the prefix"
  end
end

return M
