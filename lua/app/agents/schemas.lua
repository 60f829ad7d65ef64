local rules = require "app.agents.rules"
local s = require "neap.schema"
local sandboxes = require "app.sandboxes.schemas"
local shared = require "app.schemas"
local tasks = require "app.tasks.schemas"

local M = {}

local Status = s.enum(rules.machine.states)

-- Texts are trimmed before they are measured: a name of blanks is no name.
M.AgentResponse = s.object({
  { "id", s.uuid() },
  { "owner_id", s.uuid() },
  { "name", s.string { min = 1, max = 255, trim = true } },
  { "role", s.string { min = 1, max = 100, trim = true }:describe "What it does: reviewer, builder ..." },
  { "status", Status },
  { "current_task_id", s.uuid():nullable():describe "The task that it works on or has paused" },
  { "sandbox_id", s.string { max = 255 }:nullable() },
  { "avatar_url", s.url { max = 2048 }:nullable() },
}):extend(s.Timestamps):named("AgentResponse"):table("agents")

M.AgentPage = s.page(M.AgentResponse)

M.AgentCreate = M.AgentResponse:pick({ "name", "role" })
  :extend({ avatar_url = s.url { max = 2048 }:nullable():optional() })
  :named("AgentCreate"):table("agents")

M.AgentUpdate = M.AgentResponse:pick({ "name", "role", "avatar_url" })
  :extend({ status = s.enum { "idle", "offline" }:describe "What its owner may set" })
  :partial():named("AgentUpdate")

M.StartTask = s.object("StartTask", {
  { "task_id", s.uuid() },
  { "repo_url", sandboxes.RepoUrl:nullable():optional() },
  { "branch_name", s.string { min = 1, max = 255 }:nullable():optional():describe "git_branch of the task unless given" },
})

M.StartTaskResponse = s.object("StartTaskResponse", {
  { "agent", M.AgentResponse },
  { "task", tasks.TaskResponse },
  { "sandbox", sandboxes.SandboxResponse },
})

M.AgentFilter = shared.list_query({ "created_at", "updated_at", "name" }, "-created_at", {
  status = Status,
  role = s.string { max = 100 },
})

return M
