local s = require "neap.schema"
local auth = require "app.auth.schemas"
local shared = require "app.schemas"

local M = {}

local Role = s.enum { "user", "service", "admin" }

M.UserResponse = auth.UserResponse

M.UserPage = s.page(M.UserResponse)

M.UserUpdate = s.object("UserUpdate", {
  { "role", Role:optional() },
  { "is_active", s.boolean():optional():describe "false ends all their sessions" },
})

M.UserFilter = shared.list_query({ "created_at", "updated_at", "email" }, "-created_at", {
  role = Role,
  is_active = s.boolean(),
  q = s.string { max = 254 }:describe "Part of the address, in any case",
})

return M
