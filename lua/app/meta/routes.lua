--- What this service is.
local neap = require "neap"
local config = require "config"
local page = require "app.page"
local S = require "app.meta.schemas"

local r = neap.router { tags = { "meta" }, auth = false }

r:get("/", {
  summary = "Name, version and where the documentation is",
  description = "Browsers get a page here.",
  response = S.ServiceResponse,
}, function(req)
  if page.is_wanted(req) then
    return page.answer(req)
  end
  return neap.response(200, {
    name = config.PROJECT_NAME,
    version = config.APP_VERSION,
    environment = config.ENVIRONMENT,
    docs = "/docs",
    openapi = "/openapi.json",
  }, { Vary = "Accept" })
end)

r:get("/version", { summary = "Name and version", response = S.VersionResponse }, function()
  return { name = config.PROJECT_NAME, version = config.APP_VERSION }
end)

return r
