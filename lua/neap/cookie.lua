--- One Set-Cookie line.
---
---     return neap.response(200, body, { ["Set-Cookie"] = { cookie("theme", "dark", { max_age = 86400, path = "/" }) } })
---
--- A cookie is HttpOnly and SameSite=Lax unless told otherwise: script that reads it and other sites that send it are what
--- one has to ask for.

---@class neap.CookieOptions
---@field path string?       "/"
---@field domain string?
---@field max_age integer?   seconds; 0 removes it; without one it ends with the browser
---@field secure boolean?    HTTPS only, false
---@field http_only boolean? true
---@field same_site "Lax"|"Strict"|"None"|nil  "Lax"

local KNOWN = { path = true, domain = true, max_age = true, secure = true, http_only = true, same_site = true }
local SAME_SITE = { Lax = true, Strict = true, None = true }

-- RFC 6265 4.1.1: a name is a token.
local NAME = "^[%w!#$%%&'*+.^_`|~-]+$"
-- An attribute ends at a semicolon, a line at a line break.
local ATTRIBUTE = "^[^;%c]+$"

local function check(name, value, opts)
  if type(name) ~= "string" or not name:find(NAME) then
    return "the name is not a token"
  elseif type(value) ~= "string" or value:find "[%c %s\",;\\\x80-\xff]" then
    return ("the value of %s has a character that a cookie cannot have; encode it"):format(name)
  end
  for key in pairs(opts) do
    if not KNOWN[key] then
      return ("there is no option %q"):format(tostring(key))
    end
  end
  for _, key in ipairs { "path", "domain" } do
    if opts[key] ~= nil and not tostring(opts[key]):find(ATTRIBUTE) then
      return key .. " has a character that it cannot have"
    end
  end
  if opts.max_age ~= nil and math.type(opts.max_age) ~= "integer" then
    return "max_age must be an integer"
  elseif opts.same_site ~= nil and not SAME_SITE[opts.same_site] then
    return 'same_site must be "Lax", "Strict" or "None"'
  elseif opts.same_site == "None" and not opts.secure then
    return "same_site = \"None\" needs secure = true, or browsers drop it"
  end
end

--- The value of a Set-Cookie header.
---@param name string
---@param value string
---@param opts neap.CookieOptions?
---@return string
return function(name, value, opts)
  opts = opts or {}
  local problem = check(name, value, opts)
  if problem then
    error("cookie: " .. problem, 2)
  end
  local parts = { name .. "=" .. value, "Path=" .. (opts.path or "/") }
  if opts.domain then
    parts[#parts + 1] = "Domain=" .. opts.domain
  end
  if opts.max_age then
    parts[#parts + 1] = "Max-Age=" .. opts.max_age
  end
  if opts.secure then
    parts[#parts + 1] = "Secure"
  end
  if opts.http_only ~= false then
    parts[#parts + 1] = "HttpOnly"
  end
  parts[#parts + 1] = "SameSite=" .. (opts.same_site or "Lax")
  return table.concat(parts, "; ")
end
