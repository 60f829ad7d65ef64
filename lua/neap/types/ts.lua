--- TypeScript of an application's schemas, and of what each operation takes and answers.
local keys = require "neap.base.keys"
local answers = require "neap.openapi.answers"
local json_schema = require "neap.openapi.json_schema"
local named = require "neap.openapi.named_schemas"
local route_schemas = require "neap.route.schemas"
local writer = require "neap.types.kinds"

local M = {}

local kinds, type_of = writer.new {
  names = { integer = "number", number = "number", boolean = "boolean", any = "unknown", file = "Blob" },
  null = "null",
  union = " | ",
}

-- Of the module that is being made: fields in camelCase, for clients that rename what they send and get.
local is_camel = false

local function key_of(name)
  if is_camel then
    name = name:sub(1, 1) .. name:sub(2):gsub("_(%w)", string.upper)
  end
  return name:find "^[%a_$][%w_$]*$" and name or named.quote(name)
end

-- A comment that would end early is opened again.
local function comment(text, indent)
  if text == nil then
    return ""
  end
  text = text:gsub("%*/", "* /")
  if not text:find "\n" then
    return ("%s/** %s */\n"):format(indent, text)
  end
  return ("%s/**\n%s * %s\n%s */\n"):format(indent, indent, text:gsub("\n", "\n" .. indent .. " * "), indent)
end

local function field_lines(fields, indent)
  local lines = {}
  for i, field in ipairs(fields) do
    local mark = json_schema.is_required(field.node) and "" or "?"
    lines[i] = ("%s%s%s%s: %s;\n"):format(comment(field.node.description, indent), indent, key_of(field.name), mark,
      type_of(field.node, indent))
  end
  return table.concat(lines)
end

local function object_type(node, indent)
  local inner = indent .. "  "
  local body = field_lines(node.fields, inner)
  if node.extra == "keep" then
    body = body .. inner .. "[key: string]: unknown;\n"
  elseif body == "" then
    return "Record<string, never>"
  end
  return "{\n" .. body .. indent .. "}"
end

kinds.object = object_type

function kinds.array(node, indent)
  return "Array<" .. type_of(node.items, indent) .. ">"
end

function kinds.map(node, indent)
  local key = node.keys and node.keys.kind == "enum" and type_of(node.keys, indent) or "string"
  local record = ("Record<%s, %s>"):format(key, type_of(node.values, indent))
  return key == "string" and record or "Partial<" .. record .. ">"
end

local function declaration(item)
  local node = named.definition(item.node)
  local head = comment(node.description, "")
  if node.kind == "object" and (#node.fields > 0 or node.extra == "keep") then
    return ("%sexport interface %s %s\n"):format(head, item.name, object_type(node, ""))
  end
  return ("%sexport type %s = %s;\n"):format(head, item.name, type_of(node, ""))
end

local function all_optional(node)
  for _, field in ipairs(node.fields or {}) do
    if json_schema.is_required(field.node) then
      return false
    end
  end
  return true
end

local function part_line(route, part)
  local value = route_schemas.part(route.opts, part)
  if value == nil then
    if part == "params" and route.path:find("{", 1, true) then
      local list = {}
      for name in route.path:gmatch "{([%w_]+)}" do
        list[#list + 1] = name .. ": string"
      end
      return ("    params: { %s };\n"):format(table.concat(list, "; "))
    end
    return part == "body" and route.opts.body == true and "    body: unknown;\n" or ""
  end
  local node = value:node()
  local mark = (part == "body" and node.optional or part ~= "body" and all_optional(node)) and "?" or ""
  return ("    %s%s: %s;\n"):format(part, mark, type_of(node, "    "))
end

local function answer_lines(route)
  local by_status = {}
  for status in pairs(answers.errors_of(route)) do
    by_status[status] = "ErrorResponse"
  end
  local declared = route_schemas.answers(route.opts)
  for status, answer in pairs(declared) do
    local number = status == "default" and 200 or status
    local bytes = route_schemas.media_type(route.opts, status) and "string" or "undefined"
    local text = answer and type_of(answer:node(), "      ") or bytes
    by_status[number] = by_status[number] and text .. " | ErrorResponse" or text
  end
  if next(declared) == nil then
    by_status[200] = "unknown"
  end
  local lines = {}
  for i, status in ipairs(keys.sorted(by_status)) do
    lines[i] = ("      %d: %s;\n"):format(status, by_status[status])
  end
  return "    responses: {\n" .. table.concat(lines) .. "    };\n"
end

local function operation(route)
  local lines = { comment(route.opts.summary, "  "), ("  %s: {\n"):format(named.quote(route.method .. " " .. route.path)) }
  for _, part in ipairs(route_schemas.parts) do
    lines[#lines + 1] = part_line(route, part)
  end
  lines[#lines + 1] = answer_lines(route)
  lines[#lines + 1] = "  };\n"
  return table.concat(lines)
end

--- A module of types: one for each schema with a name, and Operations by method and path.
---@param routes table[]
---@param camel boolean?  fields in camelCase; the wire has them as they are declared
---@return string
function M.module(routes, camel)
  is_camel = camel == true
  local parts = { "// Made by `neap types --ts`.\n" }
  for _, item in ipairs(named.of(routes)) do
    parts[#parts + 1] = declaration(item)
  end
  local operations = {}
  for _, route in ipairs(routes) do
    if not route.opts.hidden then
      operations[#operations + 1] = operation(route)
    end
  end
  parts[#parts + 1] = "/** What each operation takes and answers. */\nexport interface Operations {\n"
    .. table.concat(operations) .. "}\n"
  return table.concat(parts, "\n")
end

return M
