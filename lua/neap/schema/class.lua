--- A schema as a value: never changed, each method gives a new one. What it says is its node, a plain table that the C core
--- compiles to a plan and that the generators (OpenAPI, TypeScript, Lua types) walk.
local core = require "neap.core"
local place = require "neap.schema.place"

place.own_file()

local M = {}

---@class neap.SchemaNode
---@field kind string
---@field name string?         of a named schema: its component, its type
---@field nullable boolean?
---@field optional boolean?
---@field default any
---@field message string?
---@field description string?
---@field example any
---@field refine function[]?
---@field table_name string?   of an object: the table that it describes
---@field partial boolean?     of an object: what :partial() gave
---@field fields { name: string, node: neap.SchemaNode }[]?

---@class neap.Schema
local methods = {}

local Schema = { __name = "neap.schema", __index = methods }

-- Kept outside of the values, so that there is nothing in them to assign to.
local nodes = setmetatable({}, { __mode = "k" })

function Schema:__newindex(key)
  place.fail("a schema is never changed: use its methods (set of %q)", tostring(key))
end

function Schema:__tostring()
  local node = nodes[self]
  return ("schema (%s%s)"):format(node.name and node.name .. ", " or "", node.kind)
end

--- Objects with a table, in the order of declaration: what `neap check --db` looks at.
---@type { node: neap.SchemaNode, where: string }[]
M.with_table = {}

---@return boolean
function M.is(value)
  return getmetatable(value) == Schema
end

--- A schema of a finished node.
---@param node neap.SchemaNode
---@return neap.Schema
function M.new(node)
  local self = setmetatable({}, Schema)
  nodes[self] = node
  return self
end

local function copy(node)
  local out = {}
  for key, value in pairs(node) do
    out[key] = value
  end
  return out
end
M.copy_node = copy

--- The nodes right below a node, in order.
---@param node neap.SchemaNode
---@return neap.SchemaNode[]
function M.children(node)
  local list = {}
  list[#list + 1] = node.items
  list[#list + 1] = node.values and node.kind == "map" and node.values or nil
  for _, group in ipairs { node.fields or {}, node.variants or {} } do
    for _, item in ipairs(group) do
      list[#list + 1] = item.node
    end
  end
  return list
end

local function with(self, key, value)
  local node = copy(nodes[self])
  node[key] = value
  return M.new(node)
end

--- The plan of a node, or a failure with the line of the declaration.
---@param node neap.SchemaNode
---@param what string  "s.string"
function M.compile(node, what)
  local ok, plan = pcall(core.plan, node)
  if not ok then
    place.fail("%s: %s", what, plan)
  end
  return plan
end

local function check_text(method, text)
  if type(text) ~= "string" or text == "" then
    place.fail(":%s wants a text", method)
  end
  return text
end

-- A default or an example that its own schema refuses would be told to every reader of the documentation.
local function check_value(self, method, value)
  local _, problems = M.compile(nodes[self], ":" .. method):check(value)
  if problems then
    place.fail(":%s does not fit the schema: %s", method, problems[1].message)
  end
end

--- The table that C compiles and the generators walk. Nobody changes it.
---@return neap.SchemaNode
function methods:node()
  return nodes[self]
end

--- null is a value of it. Absent is another thing: see :optional.
---@return neap.Schema
function methods:nullable()
  return with(self, "nullable", true)
end

--- As a field: it may be absent. Then the value is nil.
---@return neap.Schema
function methods:optional()
  return with(self, "optional", true)
end

--- As a field: what an absent one becomes.
---@param value any
---@return neap.Schema
function methods:default(value)
  if value == nil then
    place.fail ":default wants a value; a field that may be absent is :optional()"
  end
  check_value(self, "default", value)
  return with(self, "default", value)
end

--- For the documentation.
---@param text string
---@return neap.Schema
function methods:describe(text)
  return with(self, "description", check_text("describe", text))
end

--- For the documentation.
---@param value any
---@return neap.Schema
function methods:example(value)
  check_value(self, "example", value)
  return with(self, "example", value)
end

--- What a client reads in place of Neap's own message when this is wrong.
---@param text string
---@return neap.Schema
function methods:message(text)
  return with(self, "message", check_text("message", text))
end

--- A check of your own: `fn(value)` gives true, or nil and a message (and, for an object, the field that it is about).
--- It runs in the request's task after all other checks of the request were passed, so it may wait and query.
---@param fn fun(value: any): any, string?, string?
---@return neap.Schema
function methods:refine(fn)
  if type(fn) ~= "function" then
    place.fail ":refine wants a function(value)"
  end
  local list = table.move(nodes[self].refine or {}, 1, #(nodes[self].refine or {}), 1, {})
  list[#list + 1] = fn
  return with(self, "refine", list)
end

--- The name of its component in the OpenAPI document, and of its type.
---@param name string
---@return neap.Schema
function methods:named(name)
  M.check_name(name)
  return with(self, "name", name)
end

--- OpenAPI 3.1 allows more in the name of a component, but a type of TypeScript and Lua must be a word.
function M.check_name(name)
  if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
    place.fail("%s is no name for a schema: letters, digits and _, a letter first", tostring(name))
  end
end

local function object_of(self, method)
  local node = nodes[self]
  if node.kind ~= "object" then
    place.fail(":%s is for objects, not for a schema of kind %s", method, node.kind)
  end
  return node
end

--- An object with other fields is another schema: it has no name, no table and no checks of the first one's whole.
local function derive(node, fields)
  return M.new { kind = "object", fields = fields, extra = node.extra }
end

local function name_set(node, method, names)
  if type(names) ~= "table" then
    place.fail(":%s wants a list of field names", method)
  end
  local known, set = {}, {}
  for _, field in ipairs(node.fields) do
    known[field.name] = true
  end
  for _, name in ipairs(names) do
    if not known[name] then
      place.fail(":%s: there is no field %q", method, tostring(name))
    end
    set[name] = true
  end
  return set
end

local function filter(node, keep)
  local fields = {}
  for _, field in ipairs(node.fields) do
    if keep(field.name) then
      fields[#fields + 1] = field
    end
  end
  return derive(node, fields)
end

--- The same object with these fields only.
---@param names string[]
---@return neap.Schema
function methods:pick(names)
  local node = object_of(self, "pick")
  local set = name_set(node, "pick", names)
  return filter(node, function(name)
    return set[name]
  end)
end

--- The same object without these fields.
---@param names string[]
---@return neap.Schema
function methods:omit(names)
  local node = object_of(self, "omit")
  local set = name_set(node, "omit", names)
  return filter(node, function(name)
    return not set[name]
  end)
end

--- The same object with every field optional, as PATCH wants it: defaults are gone, so that what is absent stays absent.
---@return neap.Schema
function methods:partial()
  local node = object_of(self, "partial")
  local fields = {}
  for i, field in ipairs(node.fields) do
    local optional = copy(field.node)
    optional.optional, optional.default = true, nil
    fields[i] = { name = field.name, node = optional }
  end
  return M.new { kind = "object", fields = fields, extra = node.extra, partial = true }
end

--- The same object with more fields; one that is there already is replaced.
---@param more neap.Schema|table  an object schema, or fields as s.object takes them
---@return neap.Schema
function methods:extend(more)
  local node = object_of(self, "extend")
  local added = M.is(more) and object_of(more, "extend").fields or M.fields(more, ":extend")
  local fields, at = {}, {}
  for i, field in ipairs(node.fields) do
    fields[i], at[field.name] = field, i
  end
  for _, field in ipairs(added) do
    fields[at[field.name] or #fields + 1] = field
  end
  return derive(node, fields)
end

local EXTRA = { refuse = true, drop = true, keep = true }

--- What becomes of fields that are not declared: "refuse" (an error, the default), "drop" or "keep".
---@param what "refuse"|"drop"|"keep"
---@return neap.Schema
function methods:extra(what)
  object_of(self, "extra")
  if not EXTRA[what] then
    place.fail ':extra wants "refuse", "drop" or "keep"'
  end
  return with(self, "extra", what)
end

--- The table whose rows this object shows or writes: `neap check --db` compares the two.
---@param name string  "tasks", or "schema.tasks"
---@return neap.Schema
function methods:table(name)
  object_of(self, "table")
  local made = with(self, "table_name", check_text("table", name))
  M.with_table[#M.with_table + 1] = { node = nodes[made], where = place.where() }
  return made
end

local function field_of(name, schema, what)
  if type(name) ~= "string" or name == "" then
    place.fail("%s: %s is no name for a field", what, tostring(name))
  elseif not M.is(schema) then
    place.fail("%s: field %q is no schema but a %s", what, name, type(schema))
  end
  return { name = name, node = nodes[schema] }
end

local function ordered_fields(list, what)
  local fields, seen = {}, {}
  for i, pair in ipairs(list) do
    if type(pair) ~= "table" or M.is(pair) then
      place.fail('%s: item %d must be { "name", schema }', what, i)
    end
    fields[i] = field_of(pair[1], pair[2], what)
    if seen[pair[1]] then
      place.fail("%s: field %q is declared twice", what, pair[1])
    end
    seen[pair[1]] = true
  end
  for key in pairs(list) do
    if math.type(key) ~= "integer" then
      place.fail("%s: fields come as a list or by name, not as both (%s)", what, tostring(key))
    end
  end
  return fields
end

--- The fields of a declaration, in the order of the list, or sorted when they come by name: a table of Lua has no order.
---@param declared table  { title = schema, ... } or { { "title", schema }, ... }
---@param what string     for messages
---@return { name: string, node: neap.SchemaNode }[]
function M.fields(declared, what)
  if type(declared) ~= "table" or M.is(declared) then
    place.fail("%s wants a table of fields", what)
  elseif declared[1] ~= nil then
    return ordered_fields(declared, what)
  end
  local fields = {}
  for name, schema in pairs(declared) do
    fields[#fields + 1] = field_of(name, schema, what)
  end
  table.sort(fields, function(a, b)
    return a.name < b.name
  end)
  return fields
end

return M
