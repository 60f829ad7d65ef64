--- The endpoints of the peer benchmark, as a user of Neap would write them.
local neap = require "neap"
local s = require "neap.schema"

local Me = s.object("Me", { { "sub", s.uuid() } })

return function()
  local app = neap.app { title = "Benchmark", rate_limit = false, auth = false }

  app:get("/plaintext", {}, function()
    return neap.response.text("Hello, World!")
  end)

  app:get("/json", {}, function()
    return { message = "Hello, World!" }
  end)

  app:get("/me", { auth = "user", response = Me }, function(req)
    return { sub = req.user.id }
  end)

  app:mount(require "app.create")
  app:mount(require "app.micro")
  app:mount(require "app.rows")

  return app
end
