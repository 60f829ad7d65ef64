--- Where the stores and the live tables disagree: names of columns that are not there. A query that asks for one is a 500,
--- and one that nobody asks for yet is found here.
local check_db = require "neap.check.db"
local sql = require "neap.store.sql"

local M = {}

--- The names that a declaration takes for columns of its table, by the option that has them. Sorts by an expression are SQL
--- of the application and stay unread.
local function named_columns(spec)
  local all = { { "key", { spec.key or "id" } }, { "columns", spec.columns } }
  local function add(option, names)
    all[#all + 1] = { option, names }
  end
  add("owner", { type(spec.owner) == "table" and spec.owner.column or spec.owner })
  add("write", spec.write or {})
  add("moves", spec.moves or {})
  local filters = {}
  for name, filter in pairs(spec.filters or {}) do
    filters[#filters + 1] = type(filter) == "table" and filter.column or type(name) == "number" and filter or name
  end
  table.sort(filters)
  add("filters", filters)
  add("sort", table.move(spec.sort or {}, 1, #(spec.sort or {}), 1, {}))
  return all
end

--- Where a store's declaration and the columns of its table disagree.
---@param spec neap.StoreSpec
---@param columns table<string, neap.Column>?  nil: there is no such table
---@return string[]
function M.compare(spec, columns)
  if columns == nil then
    return { ("the store of %s: there is no such table; is `neap migrate up` due?"):format(spec.table) }
  end
  local found = {}
  for _, entry in ipairs(named_columns(spec)) do
    local option, names = entry[1], entry[2]
    for _, name in ipairs(names) do
      if columns[name] == nil then
        found[#found + 1] = ("the store of %s: %s names %s, which is no column of it"):format(spec.table, option, name)
      end
    end
  end
  return found
end

--- Every disagreement of the stores that were declared so far.
---@return string[] problems
function M.problems()
  local out, told = {}, {}
  for _, spec in ipairs(sql.declared) do
    for _, sentence in ipairs(M.compare(spec, check_db.columns(spec.table))) do
      if not told[sentence] then
        told[sentence] = true
        out[#out + 1] = sentence
      end
    end
  end
  return out
end

return M
