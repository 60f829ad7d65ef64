--- All SQL about agents. The owner is the first parameter of every function and in every WHERE.
local shared = require "app.store"

return shared.repository("agents", {
  table = "agents",
  owner = "owner_id",
  columns = {
    "id", "owner_id", "name", "role", "status", "current_task_id", "sandbox_id", "avatar_url", "created_at", "updated_at",
  },
  write = { "name", "role", "avatar_url" },
  moves = { "current_task_id", "sandbox_id" },
  filters = { "status", "role" },
  sort = { "created_at", "updated_at", "name" },
  default_sort = "-created_at",
})
