local neap = require "neap"
local config = require "config"
local rules = require "app.tasks.rules"
local s = require "neap.schema"
local S = require "app.tasks.schemas"
local store = require "app.tasks.store"

local r = neap.router { prefix = "/tasks", tags = { "tasks" }, auth = "user" }

r:get("/", {
  summary = "List my tasks",
  query = S.TaskFilter,
  response = S.TaskPage,
}, function(req)
  return rules.list(store, req.user, req.query)
end)

r:post("/", {
  summary = "Create a task",
  body = S.TaskCreate,
  response = { [201] = S.TaskResponse },
}, function(req)
  local task = rules.create(store, req.user, req.body)
  return neap.response(201, task, { Location = config.API_V1_PREFIX .. "/tasks/" .. task.id })
end)

r:get("/{id}", {
  summary = "One of my tasks",
  params = s.id_uuid,
  response = S.TaskResponse,
}, function(req)
  return rules.read(store, req.user, req.params.id)
end)

return r
