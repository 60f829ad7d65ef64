--- What specs say about answers again and again.
local M = {}

--- Of a 422: "field code" for each problem, in order.
---@param res {status: integer, json: table}
---@return string[]
function M.problems(res)
  assert(res.status == 422, "expected 422, not " .. res.status)
  assert(res.json.error.code == "validation_failed")
  local found = {}
  for i, detail in ipairs(res.json.error.details) do
    found[i] = detail.field .. " " .. detail.code
  end
  return found
end

return M
