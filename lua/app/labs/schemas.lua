local json = require "neap.json"
local rules = require "app.labs.rules"
local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Status = s.enum(rules.machine.states)

-- What a user wishes for, in whatever words the provisioner knows.
local Intent = s.map(s.any(), { keys = s.string { min = 1, max = 100 }, max = 100 })

M.LabResponse = s.object({
  { "id", s.uuid() },
  { "owner_id", s.uuid() },
  { "recipe_id", s.uuid() },
  { "status", Status },
  { "requested_intent", Intent },
  { "failure_reason", s.string():nullable() },
}):extend(s.Timestamps):extend({ finished_at = s.datetime():nullable() })
  :named("LabResponse"):table("labs")

M.LabPage = s.page(M.LabResponse)

M.LabCreate = s.object("LabCreate", {
  { "recipe_id", s.uuid() },
  { "requested_intent", Intent:default(json.object {}) },
}):table("labs")

M.LabReport = s.object("LabReport", {
  { "status", s.enum { "provisioning", "ready", "finished", "failed" } },
  { "failure_reason", s.string { min = 1, max = 4096 }:optional():describe "With failed, and only then" },
}):refine(function(report)
  local fits = (report.status == "failed") == (report.failure_reason ~= nil)
  return fits, "is needed with failed, and only then", "failure_reason"
end)

M.LabFilter = shared.list_query({ "created_at", "updated_at" }, "-created_at", {
  status = Status,
  recipe_id = s.uuid(),
})

return M
