local neap = require "neap"
local accounts = require "app.auth.store"
local rules = require "app.users.rules"
local s = require "neap.schema"
local S = require "app.users.schemas"
local store = require "app.users.store"

local r = neap.router { prefix = "/users", tags = { "users" }, auth = "admin" }

r:get("/", { summary = "List users", query = S.UserFilter, response = S.UserPage }, function(req)
  return rules.list(store, req.query)
end)

r:get("/{id}", { summary = "One user", params = s.id_uuid, response = S.UserResponse }, function(req)
  return rules.read(store, req.params.id)
end)

r:patch("/{id}", {
  summary = "Change a user's role, or whether they may sign in",
  params = s.id_uuid,
  body = S.UserUpdate,
  response = S.UserResponse,
  errors = { [409] = "`own_account`: your own role and account are not yours to take away" },
}, function(req)
  return rules.update(store, accounts, req.user, req.params.id, req.body)
end)

return r
