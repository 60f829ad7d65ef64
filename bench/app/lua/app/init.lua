--- The endpoints of the peer benchmark, as a user of Neap would write them.
local neap = require "neap"

return function()
  local app = neap.app { title = "Benchmark", rate_limit = false, auth = false }

  app:get("/plaintext", {}, function()
    return neap.response.text("Hello, World!")
  end)

  app:get("/json", {}, function()
    return { message = "Hello, World!" }
  end)

  app:mount(require "app.create")
  app:mount(require "app.micro")
  app:mount(require "app.rows")

  return app
end
