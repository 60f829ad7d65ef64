--- Workbench: people own tasks and hand them to agents.
local accounts = require "app.auth.store"
local auth = require "app.auth.rules"
local neap = require "neap"
local token = require "neap.token"

require "app.jobs"

---@param config table the frozen settings
return function(config)
  local app = neap.app {
    title = config.API_TITLE,
    version = config.APP_VERSION,
    idempotent = true,
    description = "Tasks, the agents that work on them, and what comes of it.",
  }

  app:mount(require "app.meta.routes")
  app:mount(require("app.page").router)
  app:mount(require "app.health.routes")

  local v1 = app:group(config.API_V1_PREFIX)
  v1:mount(require "app.health.routes")
  v1:mount(require "app.auth.routes")
  v1:mount(require "app.users.routes")
  v1:mount(require "app.events.routes")
  v1:mount(require "app.agents.routes")
  v1:mount(require "app.tasks.routes")
  v1:mount(require "app.sandboxes.routes")
  v1:mount(require "app.git_operations.routes")
  v1:mount(require "app.recipes.routes")
  v1:mount(require "app.labs.routes")
  v1:mount(require "app.conversations.routes")

  token.external(function(subject, claims)
    return auth.external(accounts, subject, claims)
  end)

  return app
end
