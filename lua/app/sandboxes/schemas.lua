local rules = require "app.sandboxes.life_rules"
local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Status = s.enum(rules.machine.states)

-- As the table has it: https, http, ssh and git, and what people paste from a page.
M.RepoUrl = s.string { max = 2048, pattern = "^((https?|ssh|git)://|git@)[^\\s]+$" }

M.SandboxResponse = s.object({
  { "id", s.string { max = 255 } },
  { "agent_id", s.uuid() },
  { "task_id", s.uuid() },
  { "status", Status },
  { "repo_url", M.RepoUrl:nullable() },
  { "branch_name", s.string { min = 1, max = 255 }:nullable() },
}):extend(s.Timestamps):extend({ destroyed_at = s.datetime():nullable() })
  :named("SandboxResponse"):table("sandboxes")

M.SandboxPage = s.page(M.SandboxResponse)

M.SandboxCreate = M.SandboxResponse:pick({ "agent_id", "task_id" }):extend({
  repo_url = M.RepoUrl:nullable():optional(),
  branch_name = s.string { min = 1, max = 255 }:nullable():optional(),
}):named("SandboxCreate"):table("sandboxes")

M.SandboxReport = s.object("SandboxReport", {
  { "status", s.enum { "running", "failed", "destroyed" } },
  { "provider_ref", s.string { min = 1, max = 255 }:optional():describe "What the provider calls it" },
})

M.SandboxFilter = shared.list_query({ "created_at", "updated_at" }, "-created_at", {
  status = Status,
  agent_id = s.uuid(),
  task_id = s.uuid(),
})

--- Ours have letters, digits and _; whatever else is asked for is simply not there.
M.sandbox_id = s.object { id = s.string { min = 1, max = 255 } }

return M
