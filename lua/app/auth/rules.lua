--- Who may sign in, and for how long they stay. Rules take plain values and never see HTTP or SQL.
local config = require "config"
local errors = require "neap.errors"
local json = require "neap.json"
local log = require "neap.log"
local password = require "neap.password"
local rate_limit = require "neap.rate_limit"
local token = require "neap.token"

local M = {}

-- Every refresh token that is not taken is a 401; the code says whether it is worth asking the user for anything but a new
-- sign-in.
local REFUSED = { expired = "token_expired", unknown = "token_invalid", revoked = "token_invalid", reused = "token_invalid" }

---@class app.auth.Session
---@field user table
---@field access_token string
---@field refresh_token string
---@field expires_in integer seconds

---@class app.auth.Seen: neap.SessionSeen
---@field network string what attempts are counted by: the address, or the /64 of IPv6

local function unauthorized(code, message)
  errors.app { status = 401, code = code, message = message, headers = { ["WWW-Authenticate"] = "Bearer" } }
end

--- The claims that the core reads back (core/http/caller.h).
local function session_for(user, refresh)
  return {
    user = user,
    access_token = token.sign { sub = user.id, role = user.role, email = user.email, sid = refresh.family_id },
    refresh_token = refresh.token,
    expires_in = math.floor(config.ACCESS_TOKEN_TTL),
  }
end

---@param store table app.auth.store, or one like it
---@param fields table checked RegisterRequest
---@return table user
function M.register(store, fields)
  local user = store.create {
    email = fields.email:lower(),
    password_hash = password.hash(fields.password),
    display_name = fields.display_name,
  }
  log.info("auth.registered", { account_id = user.id })
  return user
end

-- The password is looked at in any case: who measures the time, or reads the answer, learns nothing about an address.
local function check_password(account, text)
  if account == nil or account.password_hash == nil then
    password.dummy(text)
    return false
  end
  local ok, needs_upgrade = password.verify(text, account.password_hash)
  return ok and account.is_active, needs_upgrade
end

--- 429 after RATE_LIMIT_LOGIN attempts at one account from one place, right or wrong: before a password is looked at.
---@param fields {email: string, password: string}
---@param seen app.auth.Seen
---@return app.auth.Session
function M.login(store, fields, seen)
  local email = fields.email:lower()
  rate_limit.check("login", seen.network .. " " .. email, config.RATE_LIMIT_LOGIN)
  local account = store.find_by_email_any(email)
  local ok, needs_upgrade = check_password(account, fields.password)
  if not ok then
    log.warn("auth.login_refused", { account_id = account and account.id, ip = seen.ip })
    unauthorized("invalid_credentials", "The e-mail address or the password is wrong")
  end
  if needs_upgrade then
    store.upgrade_hash(account.id, account.password_hash, password.hash(fields.password))
  end
  account.password_hash = nil
  return session_for(account, store.open_session(account.id, seen))
end

--- What becomes of a refresh token. When it is refused because it was used before, its family has been revoked for good by
--- the time this raises.
---@param text string?
---@param seen app.auth.Seen
---@return app.auth.Session
function M.refresh(store, text, seen)
  if text == nil or text == "" then
    unauthorized("token_missing", "There is no refresh token")
  end
  local refresh, why, owner = store.rotate_any(text, seen)
  if refresh == nil then
    if why == "reused" then
      log.warn("auth.refresh_token_reused", { account_id = owner, ip = seen.ip })
    end
    unauthorized(REFUSED[why], why == "expired" and "The session is over" or "Sign in again")
  end
  local user = store.read(refresh.owner)
  if user == nil or not user.is_active then
    store.close_sessions(refresh.owner)
    unauthorized("token_invalid", "Sign in again")
  end
  return session_for(user, refresh)
end

--- A caller without a session (a token of another issuer) has none to end.
---@param user {id: string, session: string?}
function M.logout(store, user)
  if user.session then
    store.close_session(user.id, user.session)
  end
end

---@param user {id: string}
function M.logout_all(store, user)
  store.close_sessions(user.id)
end

---@param user {id: string}
---@return table user
function M.me(store, user)
  -- The token is older than the deletion.
  return store.read(user.id) or unauthorized("token_invalid", "Sign in again")
end

-- The claim is another service's word: only an address that it has made sure of, and one that fits.
local function email_of(claims)
  local email = claims.email_verified == true and claims.email
  if type(email) == "string" and #email <= 254 and email:find "^[%w.!#$%%&'*+/=?^_`{|}~-]+@[%w.-]+$" then
    return email:lower()
  end
end

local function name_of(claims)
  local name = claims.name
  return type(name) == "string" and name ~= "" and utf8.len(name) and utf8.len(name) <= 255 and name or nil
end

--- Who a token of another issuer is for. Somebody new gets an account when EXTERNAL_USERS is create. An account that is
--- there is never handed over because of its address: only `external_id` counts.
---@param subject string
---@param claims table
---@return {id: string, email: string?, role: string}?
function M.external(store, subject, claims)
  local user = store.find_external_any(subject)
  if user == nil and config.EXTERNAL_USERS == "create" then
    -- Of two first requests one makes it, and the other finds it.
    user = store.create_external(subject, email_of(claims), name_of(claims)) or store.find_external_any(subject)
    log.info("auth.external_user", { account_id = user and user.id })
  end
  if user and user.is_active then
    return { id = user.id, email = user.email, role = user.role }
  end
end

local function refuse(field, code, message)
  errors.validation { { field = "body." .. field, code = code, message = message } }
end

local function change_password(store, user, changes)
  -- An access token that was stolen must not do for finding the password.
  rate_limit.check("password", user.id, config.RATE_LIMIT_LOGIN)
  local hash = store.password_hash(user.id)
  if hash == nil then
    errors.conflict("no_password", "This account signs in elsewhere and has no password")
  elseif changes.current_password == nil then
    refuse("current_password", "required", "is required to set another password")
  elseif not password.verify(changes.current_password, hash) then
    refuse("current_password", "wrong", "is not the present password")
  end
  store.set_password(user.id, password.hash(changes.password), user.session)
  log.info("auth.password_changed", { account_id = user.id })
end

--- A new password signs out everywhere else.
---@param user {id: string, session: string?}
---@param changes table checked MeUpdate
---@return table user
function M.update_me(store, user, changes)
  if changes.password then
    change_password(store, user, changes)
  end
  if changes.display_name ~= nil then
    store.rename(user.id, changes.display_name)
  end
  return M.me(store, user)
end

---@param user {id: string, session: string?}
---@param query {page: integer, page_size: integer}
---@return table page
function M.sessions(store, user, query)
  local page = store.list_sessions(user.id, query)
  local items = json.array {}
  for i, row in ipairs(page.items) do
    items[i] = {
      family_id = row.family_id,
      user_agent = row.user_agent or json.null,
      ip = row.ip or json.null,
      created_at = row.created_at,
      last_used_at = row.last_used_at,
      expires_at = row.expires_at,
      current = row.family_id == user.session,
    }
  end
  page.items = items
  return page
end

---@param user {id: string}
---@param family_id string
function M.end_session(store, user, family_id)
  if not store.close_session(user.id, family_id) then
    errors.not_found "Session not found"
  end
end

-- Rows that one statement removes: a sweep of years must not hold its locks for long.
local SWEEP_BATCH = 1000

---@return integer removed
function M.sweep(store)
  local removed = 0
  repeat
    local n = store.sweep_any(SWEEP_BATCH)
    removed = removed + n
  until n < SWEEP_BATCH
  return removed
end

return M
