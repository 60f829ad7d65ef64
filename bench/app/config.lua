--- The application that `make bench` measures: nothing to configure.
local settings = require "neap.settings"

return settings.define {}
