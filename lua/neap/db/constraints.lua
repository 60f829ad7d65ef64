--- From a statement that broke a rule of the database to the fields of the request that it is about.
---
--- The columns come from what Postgres says (its column field, or the key in its detail: names, never values), else from
--- the constraint's name, `<table>_<column>_<what>`. For a table that a neap.store declares, the name is held against its
--- columns, and the owner, who is no part of a body, is left out.
local M = {}

-- By table: { columns = set, owner = name }.
local declared = {}

--- A store tells its columns.
---@param table_name string
---@param columns string[]
---@param owner string?
function M.declare(table_name, columns, owner)
  local known = declared[table_name] or { columns = {} }
  for _, column in ipairs(columns) do
    known.columns[column] = true
  end
  known.owner = known.owner or owner
  declared[table_name] = known
end

-- By constraint: { code = , message = }.
local conflicts = {}

--- A store says what it means to a client that a rule of the database was broken: a 409 of this code.
---@param constraint string
---@param code string
---@param message string
function M.declare_conflict(constraint, code, message)
  conflicts[constraint] = { status = 409, code = code, message = message }
end

---@param err neap.DbError
---@return { status: 409, code: string, message: string }?
function M.conflict(err)
  return err.constraint and conflicts[err.constraint]
end

-- What Postgres calls its constraints by itself, and the house's words for checks.
local WHATS = {
  "not_null", "not_blank", "not_empty", "key", "fkey", "check", "excl", "idx", "unique", "valid", "format", "len", "length",
  "size", "range", "min", "max", "positive", "http", "https", "url", "scheme", "hex", "object",
}

-- "id, user_id" of `Key (id, user_id)=(...)`, in whatever language the server speaks. Nothing for an expression.
local function key_columns(detail)
  local inside = detail and detail:match "^[^(]*%(([%w_, ]+)%)=%("
  if inside == nil then
    return nil
  end
  local columns = {}
  for name in inside:gmatch "[%w_]+" do
    columns[#columns + 1] = name
  end
  return columns
end

local function by_declaration(known, rest)
  local longest
  for column in pairs(known.columns) do
    local fits = rest == column or rest:sub(1, #column + 1) == column .. "_"
    if fits and (longest == nil or #column > #longest) then
      longest = column
    end
  end
  return longest
end

local function by_suffix(rest)
  rest = rest:gsub("%d+$", "")
  for _, what in ipairs(WHATS) do
    local column = rest:match("^(.+)_" .. what .. "$")
    if column then
      return column
    end
  end
end

local function named_column(err)
  local name, table_name = err.constraint, err.table
  if name == nil or table_name == nil or name:sub(1, #table_name + 1) ~= table_name .. "_" then
    return nil
  end
  local rest = name:sub(#table_name + 2)
  local known = declared[table_name]
  if known then
    return by_declaration(known, rest)
  end
  return by_suffix(rest)
end

local function without_owner(columns, owner)
  local out = {}
  for _, column in ipairs(columns) do
    if column ~= owner then
      out[#out + 1] = column
    end
  end
  return #out > 0 and out or columns
end

--- The columns that a violation is about; none when they cannot be told.
---@param err neap.DbError
---@return string[]
function M.columns(err)
  local columns = err.column and { err.column } or key_columns(err.detail)
  if columns == nil then
    local column = named_column(err)
    columns = column and { column } or {}
  end
  local known = declared[err.table]
  return without_owner(columns, known and known.owner)
end

--- Whether a foreign key was broken from its other side: the row is still in use. Postgres tells both by one SQLSTATE; the
--- referring side names its own columns in the constraint, the other one the key that is referred to.
---@param err neap.DbError
---@return boolean
function M.is_in_use(err)
  local message = err.message or ""
  if message:find "^insert or update on table" then
    return false
  elseif message:find "^update or delete on table" then
    return true
  end
  local key = key_columns(err.detail)
  return key ~= nil and by_suffix(err.constraint or "") ~= ("%s_%s"):format(err.table, table.concat(key, "_"))
end

return M
