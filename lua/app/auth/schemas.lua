local s = require "neap.schema"

local M = {}

-- bcrypt reads 72 bytes and no more: what is longer is refused, so that nobody believes in letters that do not count.
local PASSWORD_BYTES_MAX = 72

local function password(min)
  return s.string { min = min, max = PASSWORD_BYTES_MAX }
    :refine(function(text)
      return #text <= PASSWORD_BYTES_MAX, ("must be at most %d bytes in UTF-8"):format(PASSWORD_BYTES_MAX)
    end)
end

local email = s.email { max = 254 }
local new_password = password(12):describe "12 characters at least, 72 bytes of UTF-8 at most"
local display_name = s.string { min = 1, max = 255, trim = true }:nullable()

M.UserResponse = s.object {
  { "id", s.uuid() },
  { "email", s.string { max = 254 }:nullable() },
  { "display_name", s.string { max = 255 }:nullable() },
  { "role", s.enum { "user", "service", "admin" } },
  { "is_active", s.boolean():describe "Whether they may sign in" },
}
M.UserResponse = M.UserResponse:extend(s.Timestamps):named("UserResponse"):table("users")

M.RegisterRequest = s.object("RegisterRequest", {
  { "email", email:describe "Kept in lower case" },
  { "password", new_password },
  { "display_name", display_name:optional() },
})

M.LoginRequest = s.object("LoginRequest", {
  { "email", email },
  { "password", password(1) },
  { "transport", s.enum({ "cookie", "body" }):default("cookie")
    :describe "body: no cookies, and the refresh token is in the answer. For clients that are no browsers" },
})

M.RefreshRequest = s.object("RefreshRequest", {
  { "refresh_token", s.string({ min = 1, max = 512 }):optional()
    :describe "For clients without cookies; otherwise it is in the cookie" },
})

M.SessionResponse = s.object("SessionResponse", {
  { "access_token", s.string():describe "For the Authorization header; the cookie has the same" },
  { "token_type", s.literal "Bearer" },
  { "expires_in", s.integer():describe "Seconds that the access token is good for" },
  { "refresh_token", s.string():optional():describe "Only for clients without cookies" },
  { "csrf_token", s.string():optional():describe "Only with cookies: for the header X-CSRF-Token of each change" },
  { "user", M.UserResponse },
})

M.MeUpdate = s.object("MeUpdate", {
  { "display_name", display_name:optional() },
  { "password", new_password:optional() },
  { "current_password", password(1):optional():describe "Needed with password" },
})

M.SessionPage = s.page(s.object("UserSession", {
  { "family_id", s.uuid():describe "What DELETE takes" },
  { "user_agent", s.string():nullable() },
  { "ip", s.string():nullable() },
  { "created_at", s.datetime():describe "When they signed in" },
  { "last_used_at", s.datetime():describe "When the access token was last made new" },
  { "expires_at", s.datetime() },
  { "current", s.boolean():describe "Whether it is the one that asks" },
}))

M.SessionParams = s.object { family_id = s.uuid() }

M.PageQuery = s.object {
  page = s.integer { min = 1, max = 10000000 }:default(1),
  page_size = s.integer { min = 1, max = 100 }:default(20),
}

return M
