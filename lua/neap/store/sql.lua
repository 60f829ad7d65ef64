--- The SQL of a neap.store, put together from its declaration alone: what a client sends is looked up in whitelists or
--- bound as a parameter, and never becomes text.
local keys = require "neap.base.keys"
local constraints = require "neap.db.constraints"

local M = {}

--- What was declared, in its order: what `neap check --db` looks at.
---@type neap.StoreSpec[]
M.declared = {}

-- NAMEDATALEN - 1: Postgres would cut a longer one, and two names could become one.
local IDENTIFIER_MAX = 63

-- As an application declares it -> as SQL. %s is the column, then the parameter.
local OPERATORS = {
  ["="] = "%s = %s",
  ["<>"] = "%s <> %s",
  ["<"] = "%s < %s",
  ["<="] = "%s <= %s",
  [">"] = "%s > %s",
  [">="] = "%s >= %s",
  ["in"] = "%s = any(%s)",
  contains = "%s ilike %s",
  starts = "%s ilike %s",
}

---@class neap.StoreFilter
---@field column string
---@field op "="|"<>"|"<"|"<="|">"|">="|"in"|"contains"|"starts"

---@class neap.StoreOwner  the owner is that of the row of another table
---@field column string                 that refers to it
---@field of string                     the other table
---@field key string?                   what column refers to, "id"
---@field owner string|neap.StoreOwner  the owner's column there, or the next table on the way to it

---@class neap.StoreSpec
---@field table string                   "tasks" or "schema.tasks"
---@field key string?                    the primary key's column, "id"
---@field owner string|neap.StoreOwner|nil  the column with the owner; without one, no method takes an owner
---@field columns string[]               what is read, in this order
---@field write string[]?                what create and update may set; all of columns but the key and the owner
---@field filters table<string|integer, string|neap.StoreFilter>?  "status", or q = { column = "title", op = "contains" }
---@field sort table<string|integer, string>?  "created_at", or priority = "an SQL expression"
---@field default_sort string?           "-created_at"; the first of sort
---@field moves string[]?                what a move (see neap.machine) may set besides write
---@field conflicts table<string, { [1]: string, [2]: string }>?  constraint -> code and message of its 409

---@class neap.StorePlan  a checked declaration
---@field name string       for messages and the log
---@field from string       the quoted table
---@field key string        quoted
---@field key_name string
---@field owner string?     quoted; nil when the owner is that of another table's row
---@field owned (fun(param: string): string)?  the condition that a row is this owner's
---@field selected string   the quoted columns
---@field write string[]
---@field writable table<string, string>    name -> quoted
---@field filters table<string, { text: string, op: string, column: string }>
---@field filter_names string[]             sorted, so that a set of filters has one text
---@field sorts table<string, { expression: string, column: string? }>
---@field default_sort string
---@field movable table<string, string>     name -> quoted: what a move may set
---@field columns table<string, string>     name -> quoted

local function fail(message, ...)
  error(("neap.store: " .. message):format(...), 0)
end

local function quote(name, what)
  if type(name) ~= "string" or name == "" then
    fail("%s must be a name", what)
  elseif #name > IDENTIFIER_MAX or name:find "%c" then
    fail("%s: %q is no identifier of Postgres", what, name)
  end
  return '"' .. name:gsub('"', '""') .. '"'
end

local function quote_table(name)
  local schema, table_name = tostring(name):match "^([^.]+)%.([^.]+)$"
  if schema then
    return quote(schema, "table") .. "." .. quote(table_name, "table"), table_name
  end
  return quote(name, "table"), name
end

local function quote_all(names, what)
  if type(names) ~= "table" or #names == 0 then
    fail("%s must be a list of columns", what)
  end
  local quoted, by_name = {}, {}
  for i, name in ipairs(names) do
    quoted[i] = quote(name, what)
    if by_name[name] then
      fail("%s: %s is there twice", what, name)
    end
    by_name[name] = quoted[i]
  end
  return quoted, by_name
end

local function read_filter(name, filter)
  local column, op = filter, "="
  if type(filter) == "table" then
    column, op = filter.column, filter.op or "="
  end
  local text = OPERATORS[op]
  if text == nil then
    fail("filters: %s: there is no operator %q", name, tostring(op))
  end
  return { text = text, op = op, column = quote(column, "filters") }
end

local function read_filters(list)
  local filters = {}
  for name, filter in pairs(list or {}) do
    if math.type(name) == "integer" then
      name = type(filter) == "table" and filter.column or filter
    end
    if filters[name] then
      fail("filters: %s is there twice", name)
    end
    filters[name] = read_filter(name, filter)
  end
  return filters, keys.sorted(filters)
end

local function read_sorts(list, columns)
  local sorts = {}
  for name, value in pairs(list or {}) do
    if math.type(name) == "integer" then
      local quoted = quote(value, "sort")
      sorts[value] = { expression = quoted, column = columns[value] and value or nil }
    elseif type(value) == "string" then
      sorts[name] = { expression = "(" .. value .. ")" }
    else
      fail("sort: %s must be an SQL expression", tostring(name))
    end
  end
  return sorts
end

local function without(columns, ...)
  local out = {}
  for _, name in ipairs(columns) do
    local skip = false
    for _, other in ipairs { ... } do
      skip = skip or name == other
    end
    if not skip then
      out[#out + 1] = name
    end
  end
  return out
end

local OWNER_KEYS = { column = true, of = true, key = true, owner = true }

-- Each table on the way to the owner is one more "in (select ...)", which Postgres plans as a join.
local function owned_by(owner)
  if type(owner) ~= "table" then
    local quoted = quote(owner, "owner")
    return function(param)
      return quoted .. " = " .. param
    end
  end
  for name in pairs(owner) do
    if not OWNER_KEYS[name] then
      fail("owner has no option %q", tostring(name))
    end
  end
  local column, of, key = quote(owner.column, "owner.column"), quote_table(owner.of), quote(owner.key or "id", "owner.key")
  local inner = owned_by(owner.owner)
  return function(param)
    return ("%s in (select %s from %s where %s)"):format(column, key, of, inner(param))
  end
end

local function read_movable(moves, writable)
  local movable = {}
  for name, quoted in pairs(writable) do
    movable[name] = quoted
  end
  for _, name in ipairs(moves or {}) do
    movable[name] = quote(name, "moves")
  end
  return movable
end

local KNOWN = {
  table = true, key = true, owner = true, columns = true, write = true, filters = true, sort = true, default_sort = true,
  moves = true, conflicts = true,
}

--- Checks a declaration; raises a text without a position.
---@param spec neap.StoreSpec
---@return neap.StorePlan
function M.plan(spec)
  for name in pairs(spec) do
    if not KNOWN[name] then
      fail("there is no option %q", tostring(name))
    end
  end
  local key = spec.key or "id"
  local from, name = quote_table(spec.table)
  local quoted, columns = quote_all(spec.columns, "columns")
  local write = spec.write or without(spec.columns, key, spec.owner)
  local writable = #write == 0 and {} or select(2, quote_all(write, "write"))
  if type(spec.owner) == "string" and writable[spec.owner] then
    fail("write: %s is the owner, which no update may change", spec.owner)
  end
  local filters, filter_names = read_filters(spec.filters)
  local sorts = read_sorts(spec.sort, columns)
  sorts[key] = sorts[key] or { expression = quote(key, "key"), column = columns[key] and key or nil }
  local default = spec.default_sort or (spec.sort and spec.sort[1]) or key
  if sorts[default:match "^%-?(.*)$"] == nil then
    fail("default_sort: %s is not in sort", default)
  end
  local owner = type(spec.owner) == "string" and spec.owner or nil
  constraints.declare(name, spec.columns, owner)
  constraints.declare(name, write, owner)
  for constraint, answer in pairs(spec.conflicts or {}) do
    constraints.declare_conflict(constraint, answer[1], answer[2])
  end
  M.declared[#M.declared + 1] = spec
  return {
    name = name,
    from = from,
    key = quote(key, "key"),
    key_name = key,
    owner = owner and quote(owner, "owner"),
    owned = spec.owner and owned_by(spec.owner),
    selected = table.concat(quoted, ", "),
    write = write,
    writable = writable,
    filters = filters,
    filter_names = filter_names,
    sorts = sorts,
    default_sort = default,
    movable = read_movable(spec.moves, writable),
    columns = columns,
  }
end

--- Whether the filter compares texts by a pattern.
---@param filter { op: string }
---@return boolean
function M.is_search(filter)
  return filter.op == "contains" or filter.op == "starts"
end

---@class neap.StoreArgs  values in the order of their parameters
local Args = {}
Args.__index = Args

--- Adds a value; the text of its parameter.
function Args:add(value)
  self.n = self.n + 1
  self[self.n] = value
  return "$" .. self.n
end

---@return neap.StoreArgs
function M.args()
  return setmetatable({ n = 0 }, Args)
end

return M
