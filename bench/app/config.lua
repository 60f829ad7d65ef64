--- The application that `make bench` measures. The tokens of its /me name no issuer and no audience, and like its peers it
--- says nothing to pages of other origins.
local settings = require "neap.settings"

return settings.define {
  JWT_ISSUER = settings.string { default = "" },
  JWT_AUDIENCE = settings.string { default = "" },
  CORS_ORIGINS = settings.list { default = {} },
}
