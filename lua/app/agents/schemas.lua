--- What goes in. The answers are rows of the store.
local checks = require "app.checks"

local M = {}

M.AgentId = { id = checks.uuid { required = true } }

M.AgentFilter = checks.list_query({ "created_at", "updated_at", "name" }, "-created_at", {
  status = checks.enum { "idle", "working", "paused", "error", "offline" },
  role = checks.string { max = 100 },
})

M.AgentCreate = {
  name = checks.string { min = 1, max = 255, required = true },
  role = checks.string { min = 1, max = 100, required = true },
  avatar_url = checks.url { max = 2048, nullable = true },
}

return M
