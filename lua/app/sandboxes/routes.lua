local neap = require "neap"
local G = require "app.git_operations.schemas"
local git_operations = require "app.git_operations.rules"
local rules = require "app.sandboxes.rules"
local S = require "app.sandboxes.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/sandboxes", tags = { "sandboxes" }, auth = "user" }

r:get("/", {
  summary = "List the sandboxes of my agents",
  query = S.SandboxFilter,
  response = S.SandboxPage,
}, function(req)
  return rules.list(work, req.user, req.query)
end)

r:post("/", {
  summary = "Make a sandbox without starting the task",
  body = S.SandboxCreate,
  response = { [202] = S.SandboxResponse },
  errors = { [404] = "The agent or the task does not exist, or belongs to somebody else",
    [409] = "`agent_busy`: the agent has a live sandbox already" },
}, function(req)
  return shared.made(202, "/sandboxes", rules.create(work, req.user, req.body))
end)

r:get("/{id}", {
  summary = "One of my sandboxes",
  params = S.sandbox_id,
  response = S.SandboxResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

r:patch("/{id}", {
  summary = "The provider tells how a sandbox is",
  auth = "service",
  params = S.sandbox_id,
  body = S.SandboxReport,
  response = S.SandboxResponse,
  errors = { [409] = shared.INVALID_TRANSITION },
}, function(req)
  return rules.report_any(work, req.params.id, req.body)
end)

r:delete("/{id}", {
  summary = "Send a sandbox away; an agent that works in it is stopped",
  params = S.sandbox_id,
  response = { [202] = S.SandboxResponse },
  errors = { [409] = "`invalid_transition`: it is on its way out already" },
}, function(req)
  return 202, rules.destroy(work, req.user, req.params.id)
end)

r:get("/{id}/git-operations", {
  summary = "The git operations of a sandbox",
  params = S.sandbox_id,
  query = G.GitOperationFilter,
  response = G.GitOperationPage,
}, function(req)
  return git_operations.list(work, req.user, req.params.id, req.query)
end)

r:post("/{id}/git-operations", {
  summary = "Ask for a git operation in a running sandbox",
  params = S.sandbox_id,
  body = G.GitOperationCreate,
  response = { [202] = G.GitOperationResponse },
  errors = { [409] = "`sandbox_not_running`: the sandbox is not running" },
}, function(req)
  return shared.made(202, "/git-operations", git_operations.request(work, req.user, req.params.id, req.body))
end)

return r
