local rules = require "app.git_operations.rules"
local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Status = s.enum(rules.machine.states)
local Type = s.enum { "clone", "branch", "commit", "push", "pull", "pull_request" }
local Sha = s.string { max = 40, pattern = "^[0-9a-f]{7,40}$" }

M.GitOperationResponse = s.object("GitOperationResponse", {
  { "id", s.uuid() },
  { "sandbox_id", s.string { max = 255 } },
  { "operation_type", Type },
  { "status", Status },
  { "commit_sha", Sha:nullable() },
  { "error_message", s.string():nullable():describe "Why it failed" },
  { "created_at", s.datetime() },
  { "finished_at", s.datetime():nullable() },
}):table("git_operations")

M.GitOperationPage = s.page(M.GitOperationResponse)

M.GitOperationCreate = s.object("GitOperationCreate", { { "operation_type", Type } })

M.GitOperationReport = s.object("GitOperationReport", {
  { "status", s.enum { "running", "succeeded", "failed" } },
  { "commit_sha", Sha:optional() },
  { "error_message", s.string { min = 1, max = 4096 }:optional():describe "With failed, and only then" },
}):refine(function(report)
  local fits = (report.status == "failed") == (report.error_message ~= nil)
  return fits, "is needed with failed, and only then", "error_message"
end)

M.GitOperationFilter = shared.list_query({ "created_at" }, "-created_at", { status = Status, operation_type = Type })

return M
