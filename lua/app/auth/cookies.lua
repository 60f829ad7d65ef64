--- The three cookies of a browser's session.
---
--- access_token and refresh_token are out of the page's reach; the second goes to the routes of this feature only.
--- csrf_token is for the page to read and to send back as the header X-CSRF-Token with each change, which another site
--- cannot do.
local config = require "config"
local cookie = require "neap.cookie"
local core = require "neap.core"

local M = {}

M.REFRESH_PATH = config.API_V1_PREFIX .. "/auth"

local CSRF_BYTES = 16

local function lines(access, refresh, csrf, max_age)
  local secure = config.COOKIE_SECURE
  return {
    cookie("access_token", access, { max_age = max_age, secure = secure }),
    cookie("refresh_token", refresh, { max_age = max_age, secure = secure, path = M.REFRESH_PATH }),
    cookie("csrf_token", csrf, { max_age = max_age, secure = secure, http_only = false }),
  }
end

--- All three live as long as the refresh token. An access token that is over is sent all the same: the answer is then
--- token_expired and not token_missing, and the page knows that a refresh is worth trying.
---@param session app.auth.Session
---@param csrf string
---@return string[]
function M.set(session, csrf)
  return lines(session.access_token, session.refresh_token, csrf, math.ceil(config.REFRESH_TOKEN_TTL))
end

--- At the end of a session only. A refresh that was refused clears nothing: its answer may arrive after another tab has
--- signed in again.
---@return string[]
function M.clear()
  return lines("", "", "", 0)
end

--- The one that the browser has, so that tabs which refresh side by side agree, or a new one.
---@param req table
---@return string
function M.csrf(req)
  local present = req.cookies.csrf_token
  if present and #present == CSRF_BYTES * 2 and not present:find "%X" then
    return present
  end
  return core.hex(core.random(CSRF_BYTES))
end

return M
