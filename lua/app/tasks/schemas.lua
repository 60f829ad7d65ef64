local rules = require "app.tasks.rules"
local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Status = s.enum(rules.machine.states)
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

M.TaskUpdate = writable:extend({
  status = Status,
  completed = s.boolean():describe "In place of status: true completes the task, false opens it again",
}):partial():refine(function(body)
  return body.status == nil or body.completed == nil, "cannot be given together with status", "completed"
end):named("TaskUpdate"):table("tasks")

M.TaskAssign = s.object("TaskAssign", {
  { "agent_id", s.uuid():nullable():describe "null: to none" },
})

local SORTS = { "created_at", "updated_at", "priority", "title" }

local filters = {
  status = Status,
  priority = Priority,
  completed = s.boolean(),
  q = s.string { max = 500 }:describe "Part of the title, in any case",
}

--- Of the tasks that one agent was given.
M.AgentTaskFilter = shared.list_query(SORTS, "-created_at", filters)
M.TaskFilter = M.AgentTaskFilter:extend { assigned_agent_id = s.uuid():optional() }

return M
