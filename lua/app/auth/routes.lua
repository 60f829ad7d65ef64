local neap = require "neap"
local cookies = require "app.auth.cookies"
local rules = require "app.auth.rules"
local S = require "app.auth.schemas"
local store = require "app.auth.store"

-- Not idempotent: what these answer must not be kept, nor given out twice.
local r = neap.router { prefix = "/auth", tags = { "auth" }, auth = "user", idempotent = false }

local function seen(req)
  return { user_agent = req:header "user-agent", ip = req.ip, network = req.network }
end

-- RFC 6749 5.1: no cache keeps a token. With cookies the refresh token stays out of the body, or any script of the page
-- could ask for it.
local function answer(req, session, by_cookie)
  local body = {
    access_token = session.access_token,
    token_type = "Bearer",
    expires_in = session.expires_in,
    user = session.user,
  }
  local headers = { ["Cache-Control"] = "no-store" }
  if by_cookie then
    body.csrf_token = cookies.csrf(req)
    headers["Set-Cookie"] = cookies.set(session, body.csrf_token)
  else
    body.refresh_token = session.refresh_token
  end
  return neap.response(200, body, headers)
end

local function signed_out()
  return neap.response(204, nil, { ["Set-Cookie"] = cookies.clear() })
end

r:post("/register", {
  summary = "Make an account",
  auth = false,
  csrf = true,
  -- Each hashes a password.
  rate_limit = "10/min/ip",
  on_disconnect = "cancel",
  body = S.RegisterRequest,
  response = { [201] = S.UserResponse },
  errors = { [409] = "The address has an account already" },
}, function(req)
  return 201, rules.register(store, req.body)
end)

r:post("/login", {
  summary = "Sign in with a password",
  description = "Sets the cookies of a session, or with transport = body gives both tokens in the answer.",
  auth = false,
  csrf = true,
  -- Who left is not to stand in the line of those who wait for a hash.
  on_disconnect = "cancel",
  body = S.LoginRequest,
  response = S.SessionResponse,
  errors = { [401] = "`invalid_credentials`: the address or the password is wrong, or the account is not active" },
}, function(req)
  return answer(req, rules.login(store, req.body, seen(req)), req.body.transport == "cookie")
end)

r:post("/refresh", {
  summary = "A new access token for a refresh token, which is replaced",
  description = "The refresh token comes in its cookie, or in the body. It is good for one use; when it comes again after "
    .. "REFRESH_REUSE_GRACE seconds, the session is ended everywhere.",
  auth = false,
  csrf = true,
  body = S.RefreshRequest:optional(),
  response = S.SessionResponse,
  errors = { [401] = "`token_missing`, `token_expired` or `token_invalid`: sign in again" },
}, function(req)
  local sent = req.body and req.body.refresh_token
  return answer(req, rules.refresh(store, sent or req.cookies.refresh_token, seen(req)), sent == nil)
end)

r:post("/logout", { summary = "End this session", body = false, response = { [204] = false } }, function(req)
  rules.logout(store, req.user)
  return signed_out()
end)

r:post("/logout-all", { summary = "End all my sessions", body = false, response = { [204] = false } }, function(req)
  rules.logout_all(store, req.user)
  return signed_out()
end)

r:get("/me", { summary = "My account", response = S.UserResponse }, function(req)
  return rules.me(store, req.user)
end)

r:patch("/me", {
  summary = "Change my name or my password",
  description = "A new password needs the present one, and ends all other sessions.",
  body = S.MeUpdate,
  response = S.UserResponse,
  errors = { [409] = "`no_password`: the account signs in elsewhere" },
}, function(req)
  return rules.update_me(store, req.user, req.body)
end)

r:get("/sessions", {
  summary = "Where I am signed in",
  query = S.PageQuery,
  response = S.SessionPage,
}, function(req)
  return rules.sessions(store, req.user, req.query)
end)

r:delete("/sessions/{family_id}", {
  summary = "Sign out somewhere else",
  params = S.SessionParams,
  response = { [204] = false },
}, function(req)
  rules.end_session(store, req.user, req.params.family_id)
  return 204
end)

return r
