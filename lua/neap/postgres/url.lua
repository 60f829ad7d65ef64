--- Parts of a postgresql:// URI (libpq, "Connection URIs").
local M = {}

local function split(url)
  local base, rest = url:match "^(postgres%a*://[^/?]*)(.*)$"
  if base == nil then
    error("not a postgresql:// URL", 0)
  end
  local path, query = rest:match "^/?([^?]*)%??(.*)$"
  return base, path, query
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- The same server and user, another database.
---@param url string
---@param name string
---@return string
function M.with_database(url, name)
  local base, _, query = split(url)
  local kept = {}
  for pair in query:gmatch "[^&]+" do
    if not pair:find "^dbname=" then
      kept[#kept + 1] = pair
    end
  end
  return ("%s/%s%s"):format(base, name, #kept > 0 and "?" .. table.concat(kept, "&") or "")
end

--- The name of its database; nil when libpq is left to choose one.
---@param url string
---@return string?
function M.database(url)
  local _, path, query = split(url)
  local name = query:match "^dbname=([^&]*)" or query:match "&dbname=([^&]*)" or path
  return name ~= "" and unescape(name) or nil
end

--- The URL without its password, and the password: what may be seen by whoever lists processes, and what may not.
---@param url string
---@return string url
---@return string? password
function M.without_password(url)
  local scheme, user, password, rest = url:match "^(postgres%a*://)([^/?@:]*):([^/?@]*)@(.*)$"
  if password == nil then
    return url, nil
  end
  return scheme .. user .. "@" .. rest, unescape(password)
end

return M
