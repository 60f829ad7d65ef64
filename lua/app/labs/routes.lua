local neap = require "neap"
local config = require "config"
local rules = require "app.labs.rules"
local s = require "neap.schema"
local S = require "app.labs.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/labs", tags = { "labs" }, auth = "user" }

r:get("/", {
  summary = "List my labs",
  query = S.LabFilter,
  response = S.LabPage,
}, function(req)
  return rules.list(work, req.user, req.query)
end)

r:post("/", {
  summary = "Request a lab of an active recipe",
  body = S.LabCreate,
  response = { [202] = S.LabResponse },
  errors = {
    [404] = "There is no such recipe",
    [409] = "`recipe_inactive`, or `labs_limit`: as many live labs as a user may have (`details.limit`)",
  },
}, function(req)
  return shared.made(202, "/labs", rules.request(work, req.user, req.body, config.LABS_MAX_LIVE))
end)

r:get("/{id}", {
  summary = "One of my labs",
  params = s.id_uuid,
  response = S.LabResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

r:patch("/{id}", {
  summary = "The provisioner tells how a lab is",
  auth = "service",
  params = s.id_uuid,
  body = S.LabReport,
  response = S.LabResponse,
  errors = { [409] = shared.INVALID_TRANSITION },
}, function(req)
  return rules.report_any(work, req.params.id, req.body)
end)

r:post("/{id}/end", {
  summary = "End a lab, also one that is not ready yet",
  params = s.id_uuid,
  body = false,
  response = { [202] = S.LabResponse },
  errors = { [409] = "`invalid_transition`: it has ended, or is about to" },
}, function(req)
  return 202, rules.finish(work, req.user, req.params.id)
end)

return r
