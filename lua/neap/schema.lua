--- What goes in and out, declared once: the check of a request, the filter of an answer, the OpenAPI document, the types of
--- TypeScript and of the editor all come from it.
---
---     local s = require "neap.schema"
---     local Task = s.object("Task", {
---       { "id", s.uuid() },
---       { "title", s.string { min = 1, max = 500 } },
---       { "due_at", s.datetime():nullable() },
---     })
---     local TaskCreate = Task:pick { "title", "due_at" }:named "TaskCreate"
---
--- A declaration that cannot be right raises with its file and line while the application loads.
local class = require "neap.schema.class"
local options = require "neap.schema.options"
local place = require "neap.schema.place"

place.own_file()

local M = {}

local function make(kind, opts)
  local node = { kind = kind }
  for name, value in pairs(options.check(kind, opts)) do
    node[name] = value
  end
  return class.new(node)
end

local function node_of(schema, what)
  if not class.is(schema) then
    place.fail("%s wants a schema, not a %s", what, type(schema))
  end
  return schema:node()
end

---@return boolean
M.is = class.is

-- Ephemeral: a plan goes with its schema.
local plans = setmetatable({}, { __mode = "k" })

--- The compiled schema: plan:check(value) and plan:encode(value).
---@param schema neap.Schema
---@return userdata
function M.plan(schema)
  local plan = plans[schema]
  if plan == nil then
    plan = class.compile(node_of(schema, "schema.plan"), "schema.plan")
    plans[schema] = plan
  end
  return plan
end

--- Lengths in code points; pattern as in JSON Schema (a search: anchor it with ^ and $), run by PCRE2 with a limit.
--- trim and lower change the value before it is checked and used.
---@param opts { min: integer?, max: integer?, pattern: string?, trim: boolean?, lower: boolean? }?
---@return neap.Schema
function M.string(opts)
  local made = make("string", opts)
  if opts and opts.pattern then
    class.compile(made:node(), "s.string")
  end
  return made
end

--- 64 bits, exact.
---@param opts { min: integer?, max: integer?, multiple_of: integer?, exclusive_min: boolean?, exclusive_max: boolean? }?
---@return neap.Schema
function M.integer(opts)
  return make("integer", opts)
end

--- A double: for what is measured. Money is s.decimal.
---@param opts { min: number?, max: number?, multiple_of: number?, exclusive_min: boolean?, exclusive_max: boolean? }?
---@return neap.Schema
function M.number(opts)
  return make("number", opts)
end

--- An exact decimal number, as a string on the wire and in Lua, as Postgres' numeric(precision, scale).
---@param opts { precision: integer?, scale: integer? }?
---@return neap.Schema
function M.decimal(opts)
  local made = make("decimal", opts)
  local node = made:node()
  if node.precision and node.scale == nil then
    node.scale = 0
  end
  return made
end

---@return neap.Schema
function M.boolean(opts)
  return make("boolean", opts)
end

--- Read in either case, given in lower case.
---@return neap.Schema
function M.uuid(opts)
  return make("uuid", opts)
end

--- An address as an HTML input of type email takes it.
---@param opts { min: integer?, max: integer? }?
---@return neap.Schema
function M.email(opts)
  return make("email", opts)
end

--- Absolute, with a host.
---@param opts { max: integer?, schemes: string[]? }?  schemes: http and https
---@return neap.Schema
function M.url(opts)
  return make("url", opts)
end

--- "2026-02-28", a day that exists.
---@return neap.Schema
function M.date(opts)
  return make("date", opts)
end

--- RFC 3339 with its offset: "2026-02-28T18:30:00Z".
---@return neap.Schema
function M.datetime(opts)
  return make("datetime", opts)
end

--- Any JSON value.
---@return neap.Schema
function M.any(opts)
  return make("any", opts)
end

--- An uploaded file, in a form. The handler gets { filename, content_type, size } and the bytes as `data`, or, over 256 KiB,
--- the `path` of a temporary file that goes when the request ends (os.rename keeps it). filename and content_type are what
--- the client says, the filename without folders.
---@param opts { max: integer?, types: string[]? }?  max: bytes; types: "image/png"
---@return neap.Schema
function M.file(opts)
  return make("file", opts)
end

--- One of these strings.
---@param values string[]
---@return neap.Schema
function M.enum(values)
  if type(values) ~= "table" or #values == 0 then
    place.fail "s.enum wants a list of strings"
  end
  local node, seen = { kind = "enum", values = {} }, {}
  for i, value in ipairs(values) do
    if type(value) ~= "string" then
      place.fail("s.enum: value %d is a %s, not a string", i, type(value))
    elseif seen[value] then
      place.fail("s.enum: %q is there twice", value)
    end
    node.values[i], seen[value] = value, true
  end
  return class.new(node)
end

--- This value and no other.
---@param value string|integer|boolean
---@return neap.Schema
function M.literal(value)
  if type(value) ~= "string" and type(value) ~= "boolean" and math.type(value) ~= "integer" then
    place.fail("s.literal wants a string, an integer or a boolean, not a %s", math.type(value) or type(value))
  end
  return class.new { kind = "literal", value = value }
end

---@param items neap.Schema
---@param opts { min: integer?, max: integer?, unique: boolean? }?
---@return neap.Schema
function M.array(items, opts)
  local made = make("array", opts)
  made:node().items = node_of(items, "s.array")
  return made
end

--- Fields by name are sorted; a list of { "name", schema } keeps its order, and answers are written in it.
---@param name string|table  may be left out
---@param fields table?
---@return neap.Schema
function M.object(name, fields)
  if fields == nil and type(name) ~= "string" then
    name, fields = nil, name
  end
  if name ~= nil then
    class.check_name(name)
  end
  local what = name and ("s.object(%q)"):format(name) or "s.object"
  return class.new { kind = "object", name = name, fields = class.fields(fields, what) }
end

local KEYS = {
  string = true, uuid = true, email = true, url = true, date = true, datetime = true, enum = true, decimal = true,
}

--- An object with keys that are not known before.
---@param values neap.Schema
---@param opts { keys: neap.Schema?, min: integer?, max: integer? }?  keys: a schema of strings
---@return neap.Schema
function M.map(values, opts)
  local made = make("map", opts)
  local node = made:node()
  node.values = node_of(values, "s.map")
  if node.keys ~= nil then
    node.keys = node_of(node.keys, "s.map: keys")
    if not KEYS[node.keys.kind] then
      place.fail("s.map: keys must be a schema of strings, not of kind %s", node.keys.kind)
    end
  end
  return made
end

local function tag_of(node, discriminator)
  for _, field in ipairs(node.fields or {}) do
    if field.name == discriminator and field.node.kind == "literal" and type(field.node.value) == "string" then
      return field.node.value
    end
  end
end

--- One of several objects, told apart by a field that is a literal string in each of them.
---@param discriminator string
---@param variants neap.Schema[]
---@return neap.Schema
function M.union(discriminator, variants)
  if type(discriminator) ~= "string" or type(variants) ~= "table" or class.is(variants) or #variants == 0 then
    place.fail 's.union wants ("field", { schema, ... })'
  end
  local node, seen = { kind = "union", discriminator = discriminator, variants = {} }, {}
  for i, schema in ipairs(variants) do
    local variant = node_of(schema, "s.union")
    local tag = tag_of(variant, discriminator)
    if tag == nil then
      place.fail("s.union: variant %d must be an object whose field %q is s.literal of a string", i, discriminator)
    elseif seen[tag] then
      place.fail("s.union: two variants have %q = %q", discriminator, tag)
    end
    seen[tag] = true
    node.variants[i] = { tag = tag, node = variant }
  end
  return class.new(node)
end

--- A page of a list, named Paginated and the name of what it lists.
---@param item neap.Schema  a named one
---@return neap.Schema
function M.page(item)
  local node = node_of(item, "s.page")
  if node.name == nil then
    place.fail "s.page wants a schema that has a name"
  end
  return M.object("Paginated" .. node.name, {
    { "items", M.array(item) },
    { "total", M.integer { min = 0 }:describe "How many there are on all pages" },
    { "page", M.integer { min = 1 } },
    { "page_size", M.integer { min = 1 } },
  })
end

--- For :extend.
M.Timestamps = M.object {
  { "created_at", M.datetime() },
  { "updated_at", M.datetime() },
}

--- What every error answers.
M.ErrorResponse = M.object("ErrorResponse", {
  { "error", M.object {
    { "code", M.string():describe "For programs: it does not change" },
    { "message", M.string():describe "For people" },
    { "details", M.any():optional():describe "What is wrong in which field, or the like" },
  } },
})

--- The same for who names application/problem+json in Accept: RFC 9457 3.1. No `type` is about:blank.
M.ProblemDetails = M.object("ProblemDetails", {
  { "title", M.string():describe "The reason of the status" },
  { "status", M.integer() },
  { "detail", M.string():describe "For people" },
  { "code", M.string():describe "For programs: it does not change" },
  { "details", M.any():optional():describe "What is wrong in which field, or the like" },
})

--- The params of a path with {id}.
M.id_uuid = M.object { id = M.uuid() }

return M
