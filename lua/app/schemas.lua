--- What the features' schemas share.
local s = require "neap.schema"

local M = {}

--- The query of a list: its own filters, and page, page_size and sort.
---@param sorts string[] what may be sorted by; each also with a leading "-"
---@param default string
---@param filters table<string, neap.Schema>
---@return neap.Schema
function M.list_query(sorts, default, filters)
  local both = {}
  for _, name in ipairs(sorts) do
    both[#both + 1] = name
    both[#both + 1] = "-" .. name
  end
  local fields = {
    -- 10,000,000 pages of 100 stay far inside a bigint offset.
    page = s.integer { min = 1, max = 10000000 }:default(1),
    page_size = s.integer { min = 1, max = 100 }:default(20),
    sort = s.enum(both):default(default):describe "- in front turns the order around; ties are broken by id",
  }
  for name, schema in pairs(filters) do
    fields[name] = schema:optional()
  end
  return s.object(fields)
end

return M
