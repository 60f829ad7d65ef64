local neap = require "neap"
local checks = require "app.checks"
local config = require "config"
local rules = require "app.agents.rules"
local schemas = require "app.agents.schemas"
local store = require "app.agents.store"

local r = neap.router { prefix = "/agents", tags = { "agents" }, auth = "user" }

r:get("/", { summary = "List my agents" }, function(req)
  return rules.list(store, req.user, checks.query(req.query, schemas.AgentFilter))
end)

r:post("/", { summary = "Create an agent", body = true }, function(req)
  local agent = rules.create(store, req.user, checks.body(req.body, schemas.AgentCreate))
  return neap.response(201, agent, { Location = config.API_V1_PREFIX .. "/agents/" .. agent.id })
end)

r:get("/{id}", { summary = "One of my agents" }, function(req)
  return rules.read(store, req.user, checks.params(req.params, schemas.AgentId).id)
end)

return r
