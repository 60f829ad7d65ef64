--- What goes in. The answers are rows of the store.
local checks = require "app.checks"

local M = {}

local STATUSES = { "pending", "in_progress", "in_review", "completed", "failed", "cancelled" }
local PRIORITIES = { "low", "medium", "high", "urgent" }

M.TaskId = { id = checks.uuid { required = true } }

M.TaskFilter = checks.list_query({ "created_at", "updated_at", "priority", "title" }, "-created_at", {
  status = checks.enum(STATUSES),
  priority = checks.enum(PRIORITIES),
  completed = checks.boolean(),
  assigned_agent_id = checks.uuid(),
  q = checks.string { max = 500 },
})

M.TaskCreate = {
  title = checks.string { min = 1, max = 500, required = true },
  description = checks.string { max = 65536, nullable = true },
  priority = checks.enum(PRIORITIES, { default = "medium" }),
  git_branch = checks.string { min = 1, max = 255, nullable = true },
  pull_request_url = checks.url { max = 2048, nullable = true },
}

return M
