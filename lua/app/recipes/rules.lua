--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local errors = require "neap.errors"

local M = {}

---@param work table
---@param query table checked RecipeFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, query)
  return work.recipes.list_any(query)
end

---@param id string uuid
---@return table recipe
function M.read(work, id)
  return work.recipes.read_any(id) or errors.not_found "Recipe not found"
end

--- By an administrator.
---@param fields table checked RecipeCreate
---@return table recipe
function M.create_any(work, fields)
  return work.recipes.create_any(fields)
end

--- By an administrator. Labs that were built from it stay as they are.
---@param id string uuid
---@param fields table checked RecipeUpdate
---@return table recipe
function M.update_any(work, id, fields)
  return work.recipes.update_any(id, fields) or errors.not_found "Recipe not found"
end

--- By an administrator; 409 in_use when there are labs of it.
---@param id string uuid
function M.delete_any(work, id)
  if not work.recipes.delete_any(id) then
    errors.not_found "Recipe not found"
  end
end

--- One that labs may be built from, until the transaction ends; 409 recipe_inactive otherwise.
---@param id string uuid
function M.hold_active(work, id)
  local recipe = work.recipes.hold_any(id) or errors.not_found "Recipe not found"
  if not recipe.is_active then
    errors.conflict("recipe_inactive", "The recipe is not active")
  end
end

return M
