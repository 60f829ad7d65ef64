local neap = require "neap"
local rules = require "app.tasks.rules"
local s = require "neap.schema"
local S = require "app.tasks.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/tasks", tags = { "tasks" }, auth = "user" }

r:get("/", {
  summary = "List my tasks",
  query = S.TaskFilter,
  response = S.TaskPage,
}, function(req)
  return rules.list(work, req.user, req.query)
end)

r:post("/", {
  summary = "Create a task",
  body = S.TaskCreate,
  response = { [201] = S.TaskResponse },
}, function(req)
  return shared.made(201, "/tasks", rules.create(work, req.user, req.body))
end)

r:get("/{id}", {
  summary = "One of my tasks",
  params = s.id_uuid,
  response = S.TaskResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

r:patch("/{id}", {
  summary = "Change a task, or its status",
  description = "`completed` is for to-do lists: true completes the task, false opens it again. An agent whose task ends is"
    .. " free.",
  params = s.id_uuid,
  body = S.TaskUpdate,
  response = S.TaskResponse,
  errors = { [409] = shared.INVALID_TRANSITION },
}, function(req)
  return rules.update(work, req.user, req.params.id, req.body)
end)

r:delete("/{id}", {
  summary = "Delete a task",
  params = s.id_uuid,
  response = { [204] = false },
  errors = { [409] = "`task_in_use`: an agent works on it" },
}, function(req)
  rules.delete(work, req.user, req.params.id)
end)

r:post("/{id}/assign", {
  summary = "Hand a pending task to an agent, or to none",
  params = s.id_uuid,
  body = S.TaskAssign,
  response = S.TaskResponse,
  errors = { [409] = "`task_not_pending`: it was begun already" },
}, function(req)
  return rules.assign(work, req.user, req.params.id, req.body.agent_id)
end)

local ACTIONS = {
  { "complete", "Complete a task; the agent on it is free" },
  { "cancel", "Cancel a task for good; the agent on it is free" },
  { "reopen", "A completed or failed task is pending again" },
}

for _, action in ipairs(ACTIONS) do
  r:post("/{id}/" .. action[1], {
    summary = action[2],
    params = s.id_uuid,
    body = false,
    response = S.TaskResponse,
    errors = { [409] = "`invalid_transition`: its status does not allow it" },
  }, function(req)
    return rules.act(work, req.user, req.params.id, action[1])
  end)
end

return r
