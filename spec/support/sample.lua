--- The smallest value that a schema takes, for specs that send something to every route.
local core = require "neap.core"
local json = require "neap.json"

local M = {}

local makers

--- A value of a node as neap.schema has it.
---@param node neap.SchemaNode
---@return any
function M.of(node)
  local make = makers[node.kind] or error(("spec/support/sample.lua makes nothing of kind %s"):format(node.kind), 0)
  return make(node)
end

local function text(node)
  return ("x"):rep(math.max(node.min or 0, 1))
end

local function number(node)
  return node.min or 0
end

-- A body without any field says nothing: of those that may be left out the first that is no reference is put in.
local function object(node)
  local out, spare = json.object {}, nil
  for _, field in ipairs(node.fields) do
    if not field.node.optional and field.node.default == nil then
      out[field.name] = M.of(field.node)
    elseif field.node.kind ~= "uuid" and not field.name:find "_id$" then
      spare = spare or field
    end
  end
  if next(out) == nil and spare then
    out[spare.name] = M.of(spare.node)
  end
  return out
end

makers = {
  string = text,
  integer = number,
  number = number,
  decimal = function() return "1" end,
  boolean = function() return true end,
  uuid = function() return core.uuid() end,
  email = function() return "somebody@example.com" end,
  url = function() return "https://example.com/" end,
  date = function() return "2024-01-31" end,
  datetime = function() return "2024-01-31T12:00:00Z" end,
  enum = function(node) return node.values[1] end,
  literal = function(node) return node.value end,
  array = function() return json.array {} end,
  object = object,
  map = function() return json.object {} end,
  any = function() return json.object {} end,
}

return M
