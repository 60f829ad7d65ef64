--- What this service is.
local neap = require "neap"
local config = require "config"
local S = require "app.meta.schemas"

local r = neap.router { tags = { "meta" }, auth = false }

r:get("/", {
  summary = "Name, version and where the documentation is",
  response = S.ServiceResponse,
}, function()
  return {
    name = config.PROJECT_NAME,
    version = config.APP_VERSION,
    environment = config.ENVIRONMENT,
    docs = "/docs",
    openapi = "/openapi.json",
  }
end)

r:get("/version", { summary = "Name and version", response = S.VersionResponse }, function()
  return { name = config.PROJECT_NAME, version = config.APP_VERSION }
end)

return r
