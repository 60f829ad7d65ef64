--- Who may call a route: the option `auth`, scopes and guards, as they are once everything above the route had its say.
---
---     r:post("/", { auth = "admin", scopes = { "reports:write" }, guards = { in_office_hours }, body = S.Report }, ...)
---
--- The core asks for the role and the scopes before the body is read; guards run in the task, before the handler.
local errors = require "neap.errors"

local M = {}

--- What `auth` may be: any role, one role, or nobody in particular.
local ROLES = { user = true, admin = true, service = true }

-- RFC 6749 3.3, scope-token: ! and # to [ and ] to ~, so no blank, no quote, no backslash.
local SCOPE = "^[]-~!#-[]+$"

---@param value any
---@return boolean
---@return string wanted
function M.is_auth(value)
  return type(value) == "boolean" or ROLES[value] == true, '"user", "admin", "service", true or false'
end

---@param value any
---@return boolean
---@return string? wanted
function M.is_scopes(value)
  local wanted = "a list of scopes, words without blanks"
  if type(value) ~= "table" then
    return false, wanted
  end
  for _, scope in ipairs(value) do
    if type(scope) ~= "string" or not scope:find(SCOPE) then
      return false, wanted
    end
  end
  return true
end

--- AUTH_REQUIRED of the application that is loaded. Code without one (a tool, a spec of the framework) has the default.
local function is_required()
  local config = package.loaded.config
  return config == nil or config.AUTH_REQUIRED
end

--- Makes of what was declared what holds: nobody said anything is "user", true is "user", a route that is open to
--- everybody needs no scopes of the router that it stands in.
---@param opts table  the route's, with what it inherited; changed
---@param own table   the route's own
---@return string? problem
function M.settle(opts, own)
  if opts.auth == nil then
    opts.auth = is_required() and "user" or false
  elseif opts.auth == true then
    opts.auth = "user"
  end
  if opts.auth == false then
    if own.scopes and #own.scopes > 0 then
      return "it has scopes, and auth = false: who has no token has no scope"
    end
    opts.scopes = nil
  end
end

--- The handler behind the route's guards, the outermost router's first. A guard raises an error of its own, or returns
--- false, which is 403.
---@param guards (fun(req: table): boolean?)[]?
---@param handler function
---@return function
function M.guarded(guards, handler)
  if guards == nil or #guards == 0 then
    return handler
  end
  return function(req)
    for _, guard in ipairs(guards) do
      if guard(req) == false then
        errors.forbidden()
      end
    end
    return handler(req)
  end
end

--- Who may call it, for people: "-", "user", "admin a:read a:write +1 guard".
---@param opts table  of a route
---@return string
function M.describe(opts)
  local words = { opts.auth or "-" }
  table.move(opts.scopes or {}, 1, #(opts.scopes or {}), 2, words)
  local guards = #(opts.guards or {})
  if guards > 0 then
    words[#words + 1] = ("+%d guard%s"):format(guards, guards == 1 and "" or "s")
  end
  return table.concat(words, " ")
end

return M
