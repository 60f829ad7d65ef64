local neap = require "neap"
local rules = require "app.git_operations.rules"
local s = require "neap.schema"
local S = require "app.git_operations.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/git-operations", tags = { "git operations" }, auth = "user" }

r:get("/{id}", {
  summary = "One of the git operations in my sandboxes",
  params = s.id_uuid,
  response = S.GitOperationResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

r:patch("/{id}", {
  summary = "The worker tells how a git operation is",
  auth = "service",
  params = s.id_uuid,
  body = S.GitOperationReport,
  response = S.GitOperationResponse,
  errors = { [409] = shared.INVALID_TRANSITION },
}, function(req)
  return rules.report_any(work, req.params.id, req.body)
end)

return r
