--- Access tokens: signed with SECRET_KEY, and verified by the same rules as those that come with requests.
---
---     local token = require "neap.token"
---     local text = token.sign { sub = user.id, role = user.role, email = user.email, sid = family_id }
---
--- Requests need nothing of this: a route with `auth` has `req.user`, or has been answered 401.
local core = require "neap.core"
local errors = require "neap.errors"
local json = require "neap.json"

local M = {}

local own -- what sign() adds
local made_up
local find_user

local INVALID = {
  status = 401,
  code = "token_invalid",
  message = "The access token is not valid",
  headers = { ["WWW-Authenticate"] = 'Bearer error="invalid_token"' },
}

-- A key's name says nothing of it, and is the same in each worker and after each restart.
local function key_id(secret)
  return secret and core.hex(core.sha256("neap key " .. secret)):sub(1, 16)
end

local function read_file(path)
  local file, problem = io.open(path, "rb")
  if file == nil then
    return nil, problem
  end
  local text = file:read "a"
  file:close()
  return text
end

--- Called while the application loads. A problem is one of the configuration.
---@param config table
---@return string? problem
function M.configure(config)
  made_up = made_up or core.random(64)
  -- A command has no need of the service's key: what it signs, only it reads.
  local secret = config.SECRET_KEY or made_up
  local jwks, problem
  if config.JWKS_FILE then
    jwks, problem = read_file(config.JWKS_FILE)
    if jwks == nil then
      return "JWKS_FILE: " .. problem
    end
  end
  own = { iss = config.JWT_ISSUER ~= "" and config.JWT_ISSUER or nil, ttl = config.ACCESS_TOKEN_TTL }
  own.aud = config.JWT_AUDIENCE ~= "" and config.JWT_AUDIENCE or nil
  local ok
  ok, problem = core.auth_configure {
    algorithm = config.JWT_ALGORITHM,
    secret = secret,
    secret_id = key_id(secret),
    previous = config.SECRET_KEY_PREVIOUS,
    previous_id = key_id(config.SECRET_KEY_PREVIOUS),
    issuer = own.iss,
    audience = own.aud,
    shared_secret = config.BETTER_AUTH_SECRET,
    jwks = jwks,
    jwks_url = config.JWKS_URL,
    other_issuer = config.AUTH_ISSUER,
    other_audience = config.AUTH_AUDIENCE,
    cache = config.TOKEN_CACHE,
  }
  return not ok and "the keys of the tokens: " .. problem or nil
end

-- A command, or a spec, that has not loaded the application.
local function ready()
  local problem = own == nil and M.configure(require("neap.boot").config(core.mode))
  if problem then
    error(problem, 0)
  end
end

--- A token of these claims. `iss`, `aud`, `iat` and `exp` (ACCESS_TOKEN_TTL from now) are added where they are missing.
---@param claims { sub: string, role: string?, scope: string?, sid: string?, email: string?, exp: integer? }
---@return string
function M.sign(claims)
  ready()
  local now = math.floor(core.now())
  local all = { iss = own.iss, aud = own.aud, iat = now, exp = now + math.floor(own.ttl) }
  for name, value in pairs(claims) do
    all[name] = value
  end
  return core.token_sign(json.encode(all))
end

--- The claims of a token that is right; nil and why it is not.
---@param text string
---@return table? claims
---@return "token_expired"|"token_invalid"|nil
function M.verify(text)
  ready()
  return core.token_verify(text)
end

local function admit(handler, req)
  local subject, text = core.outsider()
  local user = find_user(subject, core.token_verify(text) or {})
  if user == nil then
    if core.name_outsider(nil) then
      errors.app(INVALID)
    end
    return handler(req)
  end
  local refused = core.name_outsider(user.id, user.email, user.role or "user", table.concat(user.scopes or {}, " "))
  if refused then
    errors.forbidden(refused)
  end
  return handler(req)
end

--- Says which user a subject of another issuer is (AUTH_ISSUER: BETTER_AUTH_SECRET, JWKS_URL, JWKS_FILE). Called in the
--- request, before middleware and guards, the first time that a token is seen and again after a quarter of an hour. Without
--- it such tokens are refused.
---@param fn fun(subject: string, claims: table): { id: string, email: string?, role: string?, scopes: string[]? }|nil
function M.external(fn)
  find_user = fn
  core.on_outsider(admit)
end

return M
