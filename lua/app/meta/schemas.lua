local s = require "neap.schema"

local M = {}

M.VersionResponse = s.object("VersionResponse", {
  { "name", s.string() },
  { "version", s.string() },
})

M.ServiceResponse = s.object("ServiceResponse", {
  { "name", s.string() },
  { "version", s.string() },
  { "environment", s.string():describe "development, staging, production" },
  { "docs", s.string():describe "Where the documentation is" },
  { "openapi", s.string():describe "Where its OpenAPI document is" },
})

return M
