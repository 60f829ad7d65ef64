local neap = require "neap"
local rules = require "app.agents.rules"
local s = require "neap.schema"
local S = require "app.agents.schemas"
local shared = require "app.routes"
local T = require "app.tasks.schemas"
local tasks = require "app.tasks.rules"
local work = require "app.work"

local r = neap.router { prefix = "/agents", tags = { "agents" }, auth = "user" }

r:get("/", {
  summary = "List my agents",
  query = S.AgentFilter,
  response = S.AgentPage,
}, function(req)
  return rules.list(work, req.user, req.query)
end)

r:post("/", {
  summary = "Create an agent",
  body = S.AgentCreate,
  response = { [201] = S.AgentResponse },
}, function(req)
  return shared.made(201, "/agents", rules.create(work, req.user, req.body))
end)

r:get("/{id}", {
  summary = "One of my agents",
  params = s.id_uuid,
  response = S.AgentResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

r:patch("/{id}", {
  summary = "Change an agent, or take it off line and back",
  params = s.id_uuid,
  body = S.AgentUpdate,
  response = S.AgentResponse,
  errors = { [409] = shared.INVALID_TRANSITION },
}, function(req)
  return rules.update(work, req.user, req.params.id, req.body)
end)

r:delete("/{id}", {
  summary = "Delete an agent",
  params = s.id_uuid,
  response = { [204] = false },
  errors = { [409] = "`agent_busy`: it has a task" },
}, function(req)
  rules.delete(work, req.user, req.params.id)
end)

r:post("/{id}/start-task", {
  summary = "Begin a pending task, in a new sandbox",
  description = "Agent, task and sandbox change together or not at all. The sandbox is made afterwards: its events tell.",
  params = s.id_uuid,
  body = S.StartTask,
  response = { [202] = S.StartTaskResponse },
  errors = { [409] = "`agent_busy`: the agent is not idle; `task_not_pending`: the task is not pending" },
}, function(req)
  return 202, rules.start_task(work, req.user, req.params.id, req.body)
end)

local ACTIONS = {
  { "stop", "Take the agent off its task, which is pending again", rules.stop },
  { "pause", "Pause the agent; it keeps its task", rules.pause },
  { "resume", "Go on with the task", rules.resume },
}

for _, action in ipairs(ACTIONS) do
  r:post("/{id}/" .. action[1], {
    summary = action[2],
    params = s.id_uuid,
    body = false,
    response = { [202] = S.AgentResponse },
    errors = { [409] = "`invalid_transition`: its status does not allow it" },
  }, function(req)
    return 202, action[3](work, req.user, req.params.id)
  end)
end

r:get("/{id}/tasks", {
  summary = "The tasks that the agent was given",
  params = s.id_uuid,
  query = T.AgentTaskFilter,
  response = T.TaskPage,
}, function(req)
  return tasks.list_of_agent(work, req.user, req.params.id, req.query)
end)

return r
