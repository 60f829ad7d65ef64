--- All SQL about accounts and their sessions. Whose it is comes first, but for signing in, where nobody is known yet.
local config = require "config"
local db = require "neap.db"
local sessions = require "neap.sessions"
local shared = require "app.store"

local M = {}

local refresh_tokens = sessions {
  table = "refresh_tokens",
  owner = "user_id",
  ttl = config.REFRESH_TOKEN_TTL,
  grace = config.REFRESH_REUSE_GRACE,
}

local COLUMNS = "id, email, display_name, role, is_active, created_at, updated_at"

local READ = ("select %s from users where id = $1"):format(COLUMNS)
local FIND_BY_EMAIL = ("select %s, password_hash from users where email = $1"):format(COLUMNS)
local FIND_EXTERNAL = ("select %s from users where external_id = $1"):format(COLUMNS)
local RENAME = ("update users set display_name = $2 where id = $1 returning %s"):format(COLUMNS)
local CREATE = ([[
  insert into users (email, password_hash, display_name) values ($1, $2, $3) returning %s]]):format(COLUMNS)
local CREATE_EXTERNAL = ([[
  insert into users (external_id, email, display_name)
  select $1, (select $2::text where not exists (select from users where email = $2)), $3
  on conflict do nothing returning %s]]):format(COLUMNS)

--- The account of somebody who says that this is their address: with its password_hash, for the rules alone.
---@param email string  in lower case
---@return table? user
function M.find_by_email_any(email)
  return shared.call("auth.find_by_email_any", nil, nil, db.one, FIND_BY_EMAIL, email)
end

--- Refused by the constraint users_email_key, 409, when the address is taken.
---@param user {email: string, password_hash: string, display_name: string?}
---@return table user
function M.create(user)
  return shared.call("auth.create", nil, nil, db.one, CREATE, user.email, user.password_hash, user.display_name)
end

--- Somebody whom another service signs in.
---@param external_id string  the subject of their tokens
---@return table? user
function M.find_external_any(external_id)
  return shared.call("auth.find_external_any", nil, nil, db.one, FIND_EXTERNAL, external_id)
end

--- Nothing when they are there already. An address that somebody else has is not theirs.
---@param external_id string
---@param email string?
---@param display_name string?
---@return table? user
function M.create_external(external_id, email, display_name)
  return shared.call("auth.create_external", nil, nil, db.one, CREATE_EXTERNAL, external_id, email, display_name)
end

---@param user_id string
---@return table? user
function M.read(user_id)
  return shared.call("auth.read", user_id, user_id, db.one, READ, user_id)
end

---@param user_id string
---@return string? password_hash
function M.password_hash(user_id)
  local row = shared.call("auth.password_hash", user_id, user_id, db.one,
    "select password_hash from users where id = $1", user_id)
  return row and row.password_hash
end

---@param user_id string
---@param display_name string|userdata  json.null empties it
---@return table? user
function M.rename(user_id, display_name)
  return shared.call("auth.rename", user_id, user_id, db.one, RENAME, user_id, display_name)
end

--- The same password under another cost: only while it still is that password.
---@param user_id string
---@param old string hash
---@param new string hash
function M.upgrade_hash(user_id, old, new)
  shared.call("auth.upgrade_hash", user_id, user_id, db.exec,
    "update users set password_hash = $3 where id = $1 and password_hash = $2", user_id, old, new)
end

--- Sets a password and signs out everywhere else, both or neither.
---@param user_id string
---@param hash string
---@param family_id string? the session that stays
function M.set_password(user_id, hash, family_id)
  shared.call("auth.set_password", user_id, user_id, db.tx, function(tx)
    tx.exec("update users set password_hash = $2 where id = $1", user_id, hash)
    refresh_tokens.close_all(user_id, family_id)
  end)
end

---@param user_id string
---@param seen neap.SessionSeen
---@return neap.SessionToken
function M.open_session(user_id, seen)
  return shared.call("auth.open_session", user_id, nil, refresh_tokens.open, user_id, seen)
end

--- See neap.sessions: nil, why and whose, when the token is not good for another one.
---@param token string
---@param seen neap.SessionSeen
function M.rotate_any(token, seen)
  return shared.call("auth.rotate_any", nil, nil, refresh_tokens.rotate, token, seen)
end

---@param user_id string
---@param family_id string
---@return boolean
function M.close_session(user_id, family_id)
  return shared.call("auth.close_session", user_id, family_id, refresh_tokens.close, user_id, family_id)
end

---@param user_id string
---@return integer families
function M.close_sessions(user_id)
  return shared.call("auth.close_sessions", user_id, nil, refresh_tokens.close_all, user_id)
end

---@param user_id string
---@param query {page: integer, page_size: integer}
---@return table page
function M.list_sessions(user_id, query)
  return shared.call("auth.list_sessions", user_id, nil, refresh_tokens.list, user_id, query)
end

--- Removes refresh tokens that have expired.
---@param limit integer
---@return integer removed
function M.sweep_any(limit)
  return shared.call("auth.sweep_any", nil, nil, refresh_tokens.sweep, limit)
end

return M
