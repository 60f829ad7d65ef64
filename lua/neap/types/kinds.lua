--- What the types of schemas have in common in every language that they are written in.
local named = require "neap.openapi.named_schemas"

local M = {}

local TEXTS = { "string", "decimal", "uuid", "email", "url", "date", "datetime" }

---@class neap.TypeWords
---@field names table<string, string>  the types of integer, number, boolean and any
---@field null string
---@field union string  stands between the types of a union

--- What writes the type of a node, by its kind, for the language to add to: of objects, arrays, maps and files; and the
--- type of one use of a node.
---@param words neap.TypeWords
---@return table<string, fun(node: neap.SchemaNode, indent: string?): string> kinds
---@return fun(node: neap.SchemaNode, indent: string?): string type_of
function M.new(words)
  local kinds = {}

  local function type_of(node, indent)
    local text = node.name or kinds[node.kind](node, indent)
    return node.nullable and node.kind ~= "any" and text .. words.union .. words.null or text
  end

  for kind, name in pairs(words.names) do
    kinds[kind] = function() return name end
  end
  for _, kind in ipairs(TEXTS) do
    kinds[kind] = function() return "string" end
  end

  function kinds.enum(node)
    local list = {}
    for i, value in ipairs(node.values) do
      list[i] = named.quote(value)
    end
    return table.concat(list, words.union)
  end

  function kinds.literal(node)
    return type(node.value) == "string" and named.quote(node.value) or tostring(node.value)
  end

  function kinds.union(node, indent)
    local list = {}
    for i, variant in ipairs(node.variants) do
      list[i] = type_of(variant.node, indent)
    end
    return table.concat(list, words.union)
  end

  return kinds, type_of
end

return M
