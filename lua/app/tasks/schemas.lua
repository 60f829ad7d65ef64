local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Status = s.enum { "pending", "in_progress", "in_review", "completed", "failed", "cancelled" }
local Priority = s.enum { "low", "medium", "high", "urgent" }

-- Texts are trimmed before they are measured: a title of blanks is no title.
M.TaskResponse = s.object {
  { "id", s.uuid() },
  { "user_id", s.uuid():describe "Whose it is" },
  { "title", s.string { min = 1, max = 500, trim = true } },
  { "description", s.string { max = 65536 }:nullable() },
  { "status", Status },
  { "priority", Priority },
  { "completed", s.boolean():describe "Whether the status is completed" },
  { "assigned_agent_id", s.uuid():nullable():describe "The agent that it was handed to" },
  { "git_branch", s.string { min = 1, max = 255 }:nullable() },
  { "pull_request_url", s.url { max = 2048 }:nullable() },
}
M.TaskResponse = M.TaskResponse:extend(s.Timestamps):extend({ completed_at = s.datetime():nullable() })
  :named("TaskResponse"):table("tasks")

M.TaskPage = s.page(M.TaskResponse)

local writable = M.TaskResponse:pick { "title", "description", "priority", "git_branch", "pull_request_url" }

M.TaskCreate = writable:partial():extend({
  title = s.string { min = 1, max = 500, trim = true },
  priority = Priority:default "medium",
}):named("TaskCreate"):table("tasks")

M.TaskUpdate = writable:extend({ status = Status, completed = s.boolean() }):partial():named("TaskUpdate")

M.TaskFilter = shared.list_query({ "created_at", "updated_at", "priority", "title" }, "-created_at", {
  status = Status,
  priority = Priority,
  completed = s.boolean(),
  assigned_agent_id = s.uuid(),
  q = s.string { max = 500 }:describe "Part of the title, in any case",
})

return M
