--- From schemas to JSON Schema 2020-12, as OpenAPI 3.1 has it: a schema with a name becomes a component, and is referred to.
local json = require "neap.json"

local M = {}

---@class neap.JsonSchemaWriter
---@field schemas table<string, table>  components by name
---@field seen table<string, { text: string, where: string }>
local Writer = { __name = "neap.openapi.json_schema.writer" }
Writer.__index = Writer

--- One for each document.
---@return neap.JsonSchemaWriter
function M.new()
  return setmetatable({ schemas = {}, seen = {} }, Writer)
end

--- An object whose keys stay in this order: readers of the document see fields and paths as they were declared.
---@param pairs_list { [1]: string, [2]: any }[]
---@return any  a JSON text
function M.ordered(pairs_list)
  local parts = {}
  for i, pair in ipairs(pairs_list) do
    parts[i] = json.encode(pair[1]) .. ":" .. json.encode(pair[2])
  end
  return json.raw("{" .. table.concat(parts, ",") .. "}")
end

local function set_bounds(out, node)
  out[node.exclusive_min and "exclusiveMinimum" or "minimum"] = node.min
  out[node.exclusive_max and "exclusiveMaximum" or "maximum"] = node.max
  out.multipleOf = node.multiple_of
end

local function text(format)
  return function(_, node)
    return { type = "string", format = format, minLength = node.min, maxLength = node.max }
  end
end

local kinds = {
  uuid = text "uuid",
  email = text "email",
  url = text "uri",
  date = text "date",
  datetime = text "date-time",
}

function kinds.string(_, node)
  return { type = "string", minLength = node.min, maxLength = node.max, pattern = node.pattern }
end

function kinds.integer(_, node)
  local out = { type = "integer", format = "int64" }
  set_bounds(out, node)
  return out
end

function kinds.number(_, node)
  local out = { type = "number", format = "double" }
  set_bounds(out, node)
  return out
end

--- The digits of numeric(precision, scale) as a pattern: a program that reads only the document knows them, too.
local function decimal_pattern(node)
  if node.precision == nil then
    return "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$"
  end
  local whole, scale = node.precision - node.scale, node.scale
  local before = whole > 0 and ("(0|[1-9][0-9]{0,%d})"):format(whole - 1) or "0"
  return "^-?" .. before .. (scale > 0 and ("(\\.[0-9]{1,%d})?$"):format(scale) or "$")
end

function kinds.decimal(_, node)
  return { type = "string", format = "decimal", pattern = decimal_pattern(node) }
end

function kinds.boolean()
  return { type = "boolean" }
end

function kinds.enum(_, node)
  return { type = "string", enum = json.array { table.unpack(node.values) } }
end

function kinds.literal(_, node)
  local kind = type(node.value)
  return { type = kind == "number" and "integer" or kind, const = node.value }
end

function kinds.any()
  return {}
end

-- Several types are told by the body's encoding: contentMediaType names one (JSON Schema 2020-12, validation 8.4).
function kinds.file(_, node)
  local one = node.types and #node.types == 1 and node.types[1]
  return { type = "string", format = "binary", contentMediaType = one or "application/octet-stream" }
end

function kinds.array(writer, node, where)
  return {
    type = "array",
    items = writer:schema(node.items, where),
    minItems = node.min,
    maxItems = node.max,
    uniqueItems = node.unique or nil,
  }
end

function kinds.object(writer, node, where)
  local out = { type = "object", required = json.array {} }
  local properties = {}
  for i, field in ipairs(node.fields) do
    properties[i] = { field.name, writer:schema(field.node, where) }
    if M.is_required(field.node) then
      out.required[#out.required + 1] = field.name
    end
  end
  out.properties = M.ordered(properties)
  if #out.required == 0 then
    out.required = nil
  end
  if node.extra == nil or node.extra == "refuse" then
    out.additionalProperties = false
  end
  return out
end

function kinds.map(writer, node, where)
  return {
    type = "object",
    additionalProperties = writer:schema(node.values, where),
    propertyNames = node.keys and writer:schema(node.keys, where),
    minProperties = node.min,
    maxProperties = node.max,
  }
end

function kinds.union(writer, node, where)
  local out = { oneOf = json.array {}, discriminator = { propertyName = node.discriminator } }
  for i, variant in ipairs(node.variants) do
    out.oneOf[i] = writer:schema(variant.node, where)
    if variant.node.name then
      out.discriminator.mapping = out.discriminator.mapping or {}
      out.discriminator.mapping[variant.tag] = out.oneOf[i]["$ref"]
    end
  end
  return out
end

--- Whether a field must be in what a client sends.
---@param node neap.SchemaNode
---@return boolean
function M.is_required(node)
  return not node.optional and node.default == nil
end

local function with_null(schema)
  if next(schema) == nil then
    return schema
  elseif schema["$ref"] or schema.oneOf or schema.const ~= nil then
    return { anyOf = json.array { schema, { type = "null" } } }
  end
  schema.type = json.array { schema.type, "null" }
  if schema.enum then
    schema.enum[#schema.enum + 1] = json.null
  end
  return schema
end

-- Two uses of one name must mean one thing. What is said around it (null, a default, a description) is the use's own.
local function add_component(self, node, where)
  local schema = kinds[node.kind](self, node, where)
  local shown = json.encode(schema)
  local seen = self.seen[node.name]
  if seen == nil then
    schema.description = node.description
    schema.examples = node.example ~= nil and json.array { node.example } or nil
    self.seen[node.name] = { text = shown, where = where, description = node.description }
    self.schemas[node.name] = schema
  elseif seen.text ~= shown then
    error(("%s: two different schemas have the name %s (the other is in %s)"):format(where, node.name, seen.where), 0)
  end
  return self.seen[node.name]
end

--- The schema of one use of a node: what it is, or a reference to its component.
---@param node neap.SchemaNode
---@param where string  the route, for messages
---@return table
function Writer:schema(node, where)
  local out
  if node.name then
    local component = add_component(self, node, where)
    out = { ["$ref"] = "#/components/schemas/" .. node.name }
    out.description = node.description ~= component.description and node.description or nil
  else
    out = kinds[node.kind](self, node, where)
    out.description = node.description
    out.examples = node.example ~= nil and json.array { node.example } or nil
  end
  if node.nullable then
    out = with_null(out)
  end
  out.default = node.default
  return out
end

return M
