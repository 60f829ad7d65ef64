--- Where the schemas with a table and the live table disagree: one sentence for each place.
local class = require "neap.schema.class"
local db = require "neap.db"

local M = {}

local MISSING = "%s: there is no table %s; is `neap migrate up` due?"

---@class neap.Column
---@field name string
---@field type string         pg_type.typname of it, of its base when it is a domain
---@field shown string        as \d shows it
---@field length integer?     of varchar(n) and char(n)
---@field precision integer?  of numeric(p, s)
---@field scale integer?
---@field not_null boolean
---@field filled boolean      an insert may leave it out: default, identity or generated
---@field generated boolean
---@field values string[]?    of an enum type, or of a CHECK (column IN (...))

-- The type modifier holds the length and the four bytes of its own header; numeric packs two numbers into it.
local COLUMNS = [[
select a.attname as name, b.typname as type, format_type(a.atttypid, a.atttypmod) as shown, a.attnotnull as not_null,
  case when b.typname in ('varchar', 'bpchar') and m.mod > 4 then m.mod - 4 end as length,
  case when b.typname = 'numeric' and m.mod > 4 then ((m.mod - 4) >> 16) & 65535 end as precision,
  case when b.typname = 'numeric' and m.mod > 4 then (m.mod - 4) & 2047 end as scale,
  a.atthasdef or a.attidentity <> '' or a.attgenerated <> '' as filled, a.attgenerated <> '' as generated,
  (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = b.oid) as labels,
  (select array_agg(pg_get_constraintdef(c.oid)) from pg_constraint c
    where c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]) as checks
from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  cross join lateral (select case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as mod) m
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped]]

--- The values of CHECK (column IN (...)), which Postgres keeps as CHECK (((status)::text = ANY ((ARRAY['idle'::character
--- varying, ...])::text[]))); nil for any other condition.
---@param text string    as pg_get_constraintdef gives it
---@param column string
---@return string[]?
function M.values_of_check(text, column)
  local marked = text:gsub("''", "\1")
  local bare = marked:gsub("'[^']*'", "")
  local left = bare:match "^CHECK %((.-) = ANY %("
  if left == nil or bare:find " AND " or bare:find " OR " then
    return nil
  end
  local named = left:gsub("::[%a ]+", ""):gsub('[()"]', "")
  local list = marked:match "ARRAY%[(.*)%]"
  if named ~= column or list == nil then
    return nil
  end
  local values = {}
  for value in list:gmatch "'([^']*)'" do
    values[#values + 1] = (value:gsub("\1", "'"))
  end
  return #values > 0 and values or nil
end

local function column_of(row)
  local values = row.labels
  for _, text in ipairs(row.checks or {}) do
    values = values or M.values_of_check(text, row.name)
  end
  return {
    name = row.name, type = row.type, shown = row.shown, length = row.length, precision = row.precision, scale = row.scale,
    not_null = row.not_null, filled = row.filled, generated = row.generated, values = values,
  }
end

--- The columns of a live table by name; nil when there is no such table.
---@param table_name string
---@return table<string, neap.Column>?
function M.columns(table_name)
  local out
  for _, row in ipairs(db.query(COLUMNS, table_name)) do
    out = out or {}
    out[row.name] = column_of(row)
  end
  return out
end

local function set(...)
  local out = {}
  for _, name in ipairs { ... } do
    out[name] = true
  end
  return out
end

local TEXTS = set("text", "varchar", "bpchar", "citext", "name")
local DOCUMENTS = set("json", "jsonb")
local NUMBERS = set("float4", "float8", "numeric", "int2", "int4", "int8")

-- What a column's type may be for each kind of schema. A type of enum values counts as text.
local TYPES = {
  string = set("text", "varchar", "bpchar", "citext", "name", "inet", "cidr", "interval", "xid8", "uuid"),
  email = TEXTS,
  url = TEXTS,
  enum = TEXTS,
  uuid = set "uuid",
  integer = set("int2", "int4", "int8"),
  number = NUMBERS,
  decimal = set "numeric",
  boolean = set "bool",
  date = set "date",
  datetime = set "timestamptz",
  object = DOCUMENTS,
  map = DOCUMENTS,
  union = DOCUMENTS,
  file = set "bytea",
}

local function literal_kind(node)
  local kind = type(node.value)
  return kind == "string" and "enum" or kind == "number" and "integer" or "boolean"
end

local function fits(node, column)
  if node.kind == "any" then
    return true
  elseif node.kind == "array" then
    return DOCUMENTS[column.type] or column.type:sub(1, 1) == "_"
  end
  local kind = node.kind == "literal" and literal_kind(node) or node.kind
  if column.values and not TEXTS[column.type] then
    return kind == "enum" or kind == "string"
  end
  return TYPES[kind][column.type] == true
end

local KIND_WORDS = {
  any = "any value", array = "a list", object = "an object", map = "an object", union = "an object", integer = "an integer",
  enum = "one of some values", email = "an email address", url = "a URL", uuid = "a UUID",
  literal = "one value", datetime = "a date and time with its offset",
}

local function without(list, others)
  local known = set(table.unpack(others))
  local left = {}
  for _, value in ipairs(list) do
    if not known[value] then
      left[#left + 1] = value
    end
  end
  return #left > 0 and table.concat(left, ", ") or nil
end

---@class neap.Comparison
---@field schema string   "Task"
---@field table_name string
---@field partial boolean
---@field found string[]
local Comparison = {}
Comparison.__index = Comparison

function Comparison:say(field, message, ...)
  self.found[#self.found + 1] = ("%s.%s %s"):format(self.schema, field, message:format(...))
end

function Comparison:length(field, node, column, here)
  if column.length == nil or node.kind == "enum" or node.kind == "literal" or node.kind == "uuid" then
    return
  elseif node.max == nil then
    self:say(field, "has no max, but %s holds at most %d characters", here, column.length)
  elseif node.max ~= column.length then
    self:say(field, "has at most %d characters, but %s holds %d", node.max, here, column.length)
  end
end

function Comparison:digits(field, node, column, here)
  if node.kind ~= "decimal" or column.precision == nil then
    return
  elseif node.precision ~= column.precision or node.scale ~= column.scale then
    self:say(field, "is a decimal of %s, but %s is %s",
      node.precision and ("(%d, %d)"):format(node.precision, node.scale) or "any size", here, column.shown)
  end
end

function Comparison:values(field, node, column, here)
  if column.values == nil then
    return
  end
  local values = node.values or (node.kind == "literal" and { node.value }) or nil
  if values == nil then
    if node.kind ~= "any" then
      self:say(field, "is any string, but %s only holds %s", here, table.concat(column.values, ", "))
    end
    return
  end
  local more, fewer = without(values, column.values), without(column.values, values)
  if more then
    self:say(field, "may be %s, which %s does not hold", more, here)
  end
  if fewer and node.kind == "enum" then
    self:say(field, "cannot be %s, which %s may hold", fewer, here)
  end
end

function Comparison:null(field, node, column, here)
  if column.not_null and node.nullable then
    self:say(field, "may be null, but %s is NOT NULL", here)
  elseif column.not_null and node.optional and node.default == nil and not column.filled and not self.partial then
    self:say(field, "may be absent, but %s is NOT NULL and has no default", here)
  elseif not column.not_null and not column.generated and not node.nullable and not node.optional then
    self:say(field, "is never null, but %s may be", here)
  end
end

function Comparison:field(field, node, column)
  local here = self.table_name .. "." .. field
  if column == nil then
    self:say(field, "has no column: %s is not there", here)
  elseif not fits(node, column) then
    self:say(field, "is %s, but %s is %s", KIND_WORDS[node.kind] or "a " .. node.kind, here, column.shown)
  else
    self:length(field, node, column, here)
    self:digits(field, node, column, here)
    self:values(field, node, column, here)
    self:null(field, node, column, here)
  end
end

--- Where an object and the columns of its table disagree.
---@param node neap.SchemaNode
---@param columns table<string, neap.Column>
---@return string[]
function M.compare(node, columns)
  local comparison = setmetatable({
    schema = node.name or "the object",
    table_name = node.table_name,
    partial = node.partial == true,
    found = {},
  }, Comparison)
  for _, field in ipairs(node.fields) do
    comparison:field(field.name, field.node, columns[field.name])
  end
  return comparison.found
end

--- Every disagreement of the schemas that were declared with :table so far, each with file and line.
---@return string[] problems
---@return integer compared
function M.problems()
  local out, told = {}, {}
  for _, entry in ipairs(class.with_table) do
    local columns = M.columns(entry.node.table_name)
    local found = columns and M.compare(entry.node, columns)
      or { MISSING:format(entry.node.name or "the object", entry.node.table_name) }
    for _, sentence in ipairs(found) do
      local line = entry.where .. ": " .. sentence
      -- A file that is loaded a second time declares its schemas again.
      if not told[line] then
        told[line] = true
        out[#out + 1] = line
      end
    end
  end
  return out, #class.with_table
end

return M
