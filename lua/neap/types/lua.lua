--- LuaLS classes of an application's schemas: what a handler has in its hands after the check.
local named = require "neap.openapi.named_schemas"
local writer = require "neap.types.kinds"

local M = {}

local kinds, type_of = writer.new {
  names = { integer = "integer", number = "number", boolean = "boolean", any = "any" },
  null = "neap.Null",
  union = "|",
}

local function field_key(field)
  -- After the check a default is there: only what has none may be nil.
  local may_be_nil = field.node.optional and field.node.default == nil
  local name = field.name:find "^[%a_][%w_]*$" and field.name or ("[%s]"):format(named.quote(field.name))
  return name, may_be_nil
end

function kinds.object(node)
  local list = {}
  for i, field in ipairs(node.fields) do
    local name, may_be_nil = field_key(field)
    list[i] = ("%s%s: %s"):format(name, may_be_nil and "?" or "", type_of(field.node))
  end
  return #list > 0 and "{ " .. table.concat(list, ", ") .. " }" or "table"
end

-- A large one is on the disk.
function kinds.file()
  return "{ filename: string, content_type: string, size: integer, data?: string, path?: string }"
end

function kinds.array(node)
  local items = type_of(node.items)
  return (items:find("|", 1, true) and "(" .. items .. ")" or items) .. "[]"
end

function kinds.map(node)
  return ("table<string, %s>"):format(type_of(node.values))
end

local function one_line(text)
  return text and " # " .. text:gsub("%s*\n%s*", " ") or ""
end

local function declaration(item)
  local node = named.definition(item.node)
  local head = node.description and "--- " .. node.description:gsub("\n", "\n--- ") .. "\n" or ""
  if node.kind ~= "object" then
    return ("%s---@alias %s %s\n"):format(head, item.name, type_of(node))
  end
  local lines = { ("%s---@class %s\n"):format(head, item.name) }
  for _, field in ipairs(node.fields) do
    local name, may_be_nil = field_key(field)
    lines[#lines + 1] = ("---@field %s%s %s%s\n"):format(name, may_be_nil and "?" or "", type_of(field.node),
      one_line(field.node.description))
  end
  if node.extra == "keep" then
    lines[#lines + 1] = "---@field [string] any\n"
  end
  return table.concat(lines)
end

--- A definition file for the editor.
---@param routes table[]
---@return string
function M.module(routes)
  local parts = {
    "---@meta\n-- Made by `neap types --lua`.\n",
    "--- json.null: there, and null. What is absent is nil.\n---@alias neap.Null lightuserdata\n",
  }
  for _, item in ipairs(named.of(routes)) do
    parts[#parts + 1] = declaration(item)
  end
  return table.concat(parts, "\n")
end

return M
