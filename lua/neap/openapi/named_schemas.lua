--- The schemas with a name that an application's routes use: what the type generators write down.
local class = require "neap.schema.class"
local json = require "neap.json"
local json_schema = require "neap.openapi.json_schema"
local route_schemas = require "neap.route.schemas"
local schema = require "neap.schema"

local M = {}

local function walk(node, where, state)
  if node.name and not state.seen[node.name] then
    state.seen[node.name] = true
    state.list[#state.list + 1] = { name = node.name, node = node }
  end
  for _, child in ipairs(class.children(node)) do
    walk(child, where, state)
  end
end

--- Sorted by name. Raises when two different schemas have one name.
---@param routes table[]
---@return { name: string, node: neap.SchemaNode }[]
function M.of(routes)
  local state = { seen = {}, list = {} }
  local writer = json_schema.new()
  local function add(value, where)
    writer:schema(value:node(), where)
    walk(value:node(), where, state)
  end
  add(schema.ErrorResponse, "neap.schema")
  for _, route in ipairs(routes) do
    for _, part in ipairs(route_schemas.parts) do
      local value = route_schemas.part(route.opts, part)
      if value then
        add(value, route.where)
      end
    end
    for _, answer in pairs(route_schemas.answers(route.opts)) do
      if answer then
        add(answer, route.where)
      end
    end
  end
  table.sort(state.list, function(a, b)
    return a.name < b.name
  end)
  return state.list
end

--- A node without its name and what is said of one use of it: the definition.
---@param node neap.SchemaNode
---@return neap.SchemaNode
function M.definition(node)
  local out = {}
  for key, value in pairs(node) do
    out[key] = value
  end
  out.name, out.nullable, out.optional, out.default = nil, nil, nil, nil
  return out
end

--- A string as JavaScript and Lua both read it between double quotes.
---@param text string
---@return string
function M.quote(text)
  return json.encode(text)
end

return M
