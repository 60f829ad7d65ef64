--- The keys of tables.
local M = {}

--- In order: what is made of them is the same each time.
---@param map table?
---@return any[]
function M.sorted(map)
  local list = {}
  for key in pairs(map or {}) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

return M
