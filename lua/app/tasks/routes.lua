local neap = require "neap"
local checks = require "app.checks"
local config = require "config"
local rules = require "app.tasks.rules"
local schemas = require "app.tasks.schemas"
local store = require "app.tasks.store"

local r = neap.router { prefix = "/tasks", tags = { "tasks" }, auth = "user" }

r:get("/", { summary = "List my tasks" }, function(req)
  return rules.list(store, req.user, checks.query(req.query, schemas.TaskFilter))
end)

r:post("/", { summary = "Create a task", body = true }, function(req)
  local task = rules.create(store, req.user, checks.body(req.body, schemas.TaskCreate))
  return neap.response(201, task, { Location = config.API_V1_PREFIX .. "/tasks/" .. task.id })
end)

r:get("/{id}", { summary = "One of my tasks" }, function(req)
  return rules.read(store, req.user, checks.params(req.params, schemas.TaskId).id)
end)

return r
