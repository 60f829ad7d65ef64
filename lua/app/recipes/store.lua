--- All SQL about recipes. They are nobody's: everybody reads them, administrators write them.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("recipes", {
  table = "recipes",
  columns = {
    "id", "name", "description", "software", "version_constraint", "exploit_family", "is_active", "created_at", "updated_at",
  },
  write = { "name", "description", "software", "version_constraint", "exploit_family", "is_active" },
  filters = { "software", "exploit_family", "is_active" },
  sort = { "name", "software", "created_at", "updated_at" },
  default_sort = "name",
  conflicts = {
    labs_recipe_id_fkey = { "in_use", "Labs were built from this recipe: deactivate it instead" },
  },
})

--- Nobody changes or deletes it before the transaction ends; others may hold it, too.
---@param id string
---@return { id: string, is_active: boolean }?
function M.hold_any(id)
  return shared.call("recipes.hold_any", nil, id, db.one, "select id, is_active from recipes where id = $1 for share", id)
end

return M
