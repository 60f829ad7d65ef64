--- What the features' rules share.
local json = require "neap.json"

local M = {}

--- A function that publishes the event of a row, in the transaction that changed it: `tell(work, owner_id, row, "created")`
--- is the event `task.created` of the topic `tasks`.
---@param topic string
---@param noun string      "task"
---@param columns string[] what the event carries of the row; no long texts
---@return fun(work: table, owner_id: string, row: table, what: string, more: table?)
function M.teller(topic, noun, columns)
  return function(work, owner_id, row, what, more)
    local data = M.without(more or {})
    for _, column in ipairs(columns) do
      local value = row[column]
      data[column] = value == nil and json.null or value
    end
    work.publish(owner_id, topic, noun .. "." .. what, row.id, data)
  end
end

--- Whether a checked body has anything in it.
---@param fields table
---@return boolean
function M.is_empty(fields)
  return next(fields) == nil
end

--- A copy without some of the fields.
---@param fields table
---@param ... string
---@return table
function M.without(fields, ...)
  local out = {}
  for name, value in pairs(fields) do
    out[name] = value
  end
  for _, name in ipairs { ... } do
    out[name] = nil
  end
  return out
end

return M
