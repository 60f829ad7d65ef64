local neap = require "neap"
local config = require "config"
local rules = require "app.agents.rules"
local s = require "neap.schema"
local S = require "app.agents.schemas"
local store = require "app.agents.store"

local r = neap.router { prefix = "/agents", tags = { "agents" }, auth = "user" }

r:get("/", {
  summary = "List my agents",
  query = S.AgentFilter,
  response = S.AgentPage,
}, function(req)
  return rules.list(store, req.user, req.query)
end)

r:post("/", {
  summary = "Create an agent",
  body = S.AgentCreate,
  response = { [201] = S.AgentResponse },
}, function(req)
  local agent = rules.create(store, req.user, req.body)
  return neap.response(201, agent, { Location = config.API_V1_PREFIX .. "/agents/" .. agent.id })
end)

r:get("/{id}", {
  summary = "One of my agents",
  params = s.id_uuid,
  response = S.AgentResponse,
}, function(req)
  return rules.read(store, req.user, req.params.id)
end)

return r
