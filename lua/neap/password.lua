--- Passwords, kept as bcrypt hashes. The three functions wait a quarter of a second or so (BCRYPT_COST), without holding
--- anybody else up.
---
---     local hash = password.hash(req.body.password)
---     local right, old = password.verify(req.body.password, user.password_hash)
---
--- They raise 422 for a password over 72 bytes, bcrypt's limit, or with NUL in it, and 503 with `Retry-After` when too many
--- wait already (PASSWORD_LINE).
local core = require "neap.core"
local errors = require "neap.errors"

local M = {}

--- What bcrypt looks at: a schema that takes passwords says `max_bytes = password.BYTES_MAX`.
M.BYTES_MAX = 72

local REFUSED = {
  too_long = { code = "too_long", message = "must have at most 72 bytes" },
  nul = { code = "invalid", message = "must not hold NUL" },
}

local function cost()
  return require("config").BCRYPT_COST
end

local function checked(result, why, seconds)
  if result ~= nil then
    return result
  elseif why == "full" then
    errors.unavailable("Too many sign in at this moment", seconds)
  end
  local refused = REFUSED[why]
  if refused then
    errors.validation { { field = "body.password", code = refused.code, message = refused.message } }
  end
  error("password: what should be a bcrypt hash is none", 0)
end

--- "$2b$..." with a new salt.
---@param password string
---@return string hash  60 bytes
function M.hash(password)
  return checked(core.password_hash(password, cost()))
end

--- Takes hashes of other bcrypt libraries too ($2a$, $2y$). Raises on one that is none at all.
---@param password string
---@param hash string
---@return boolean right
---@return boolean needs_upgrade  right, and the hash has a lower cost than BCRYPT_COST or another form: hash it anew
function M.verify(password, hash)
  local right = checked(core.password_verify(password, hash))
  return right, right and not core.password_is_current(hash, cost())
end

--- Takes as long as verify does: for an address that nobody has, so that a stranger cannot tell.
---@param password string
---@return false
function M.dummy(password)
  -- No password has this hash: its last part is none that bcrypt gave, but dots.
  checked(core.password_verify(password, ("$2b$%02d$%s"):format(cost(), ("."):rep(53))))
  return false
end

return M
