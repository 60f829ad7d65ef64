--- Checks what came in against a table of fields and raises a 422 that names everything wrong with it.
---
---     local TaskCreate = { title = checks.string { min = 1, max = 500, required = true } }
---     local body = checks.body(req.body, TaskCreate)
---
--- A field is a function(value, text) that returns the value to use, or nil and a code, a message and a limit. `text` is
--- true where values arrive as strings (query, path): then numbers and booleans are read from them.
local errors = require "neap.errors"
local json = require "neap.json"

local M = {}

-- The client sees at most this many problems: a person fixes them in turn, and a hostile body must not write a book.
local PROBLEMS_MAX = 64

---@class app.Field
---@field check fun(value: any, text: boolean): any, string?, string?, any?
---@field required boolean?
---@field nullable boolean?
---@field default any

local function field(opts, check)
  return { check = check, required = opts.required, nullable = opts.nullable, default = opts.default }
end

---@param opts {min: integer?, max: integer?, required: boolean?, nullable: boolean?} lengths in code points
---@return app.Field
function M.string(opts)
  return field(opts, function(value)
    if type(value) ~= "string" then
      return nil, "type", "must be a string"
    end
    local length = utf8.len(value)
    if length == nil then
      return nil, "type", "must be UTF-8"
    end
    if opts.min and length < opts.min then
      return nil, "too_short", ("must have at least %d characters"):format(opts.min), opts.min
    end
    if opts.max and length > opts.max then
      return nil, "too_long", ("must have at most %d characters"):format(opts.max), opts.max
    end
    if opts.min and not value:find("[^ ]") then
      return nil, "too_short", "must not be blank", opts.min
    end
    return value
  end)
end

---@param opts {max: integer, required: boolean?, nullable: boolean?}
---@return app.Field
function M.url(opts)
  local text = M.string { min = 1, max = opts.max }
  return field(opts, function(value)
    local url, code, message, limit = text.check(value, false)
    if url and not url:find("^https?://[^%s]+$") then
      return nil, "url", "must be an http or https URL"
    end
    return url, code, message, limit
  end)
end

---@param opts {min: integer?, max: integer?, default: integer?, required: boolean?}
---@return app.Field
function M.integer(opts)
  return field(opts, function(value, text)
    if text and type(value) == "string" then
      value = value:find("^%-?%d+$") and math.tointeger(tonumber(value)) or value
    end
    if math.type(value) ~= "integer" then
      return nil, "type", "must be an integer"
    end
    if opts.min and value < opts.min then
      return nil, "minimum", ("must be at least %d"):format(opts.min), opts.min
    end
    if opts.max and value > opts.max then
      return nil, "maximum", ("must be at most %d"):format(opts.max), opts.max
    end
    return value
  end)
end

---@return app.Field
function M.boolean(opts)
  return field(opts or {}, function(value, text)
    if text then
      value = ({ ["true"] = true, ["false"] = false })[value]
    end
    if type(value) ~= "boolean" then
      return nil, "type", "must be true or false"
    end
    return value
  end)
end

---@param values string[]
---@param opts {default: string?, required: boolean?}?
---@return app.Field
function M.enum(values, opts)
  local known = {}
  for _, value in ipairs(values) do
    known[value] = true
  end
  return field(opts or {}, function(value)
    if type(value) ~= "string" then
      return nil, "type", "must be a string"
    end
    if not known[value] then
      return nil, "enum", "must be one of " .. table.concat(values, ", ")
    end
    return value
  end)
end

--- RFC 9562 section 4: 8-4-4-4-12 hex digits.
---@return app.Field
function M.uuid(opts)
  local pattern = "^" .. ("%x"):rep(8) .. ("%-%x%x%x%x"):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"
  return field(opts or {}, function(value)
    if type(value) ~= "string" then
      return nil, "type", "must be a string"
    end
    if not value:find(pattern) then
      return nil, "uuid", "must be a UUID"
    end
    return value:lower()
  end)
end

local function problem(details, path, code, message, limit)
  if #details < PROBLEMS_MAX then
    details[#details + 1] = { field = path, code = code, message = message, limit = limit }
  end
end

local function sorted_keys(a, b)
  local keys = {}
  for _, source in ipairs { a, b } do
    for key in pairs(source) do
      keys[key] = true
    end
  end
  local list = {}
  for key in pairs(keys) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function check_field(spec, value, text)
  if value == json.null and (spec.nullable or text) then
    return nil
  end
  if value == nil or value == json.null then
    if value == nil and not spec.required then
      return spec.default
    end
    return nil, value == nil and "required" or "type", value == nil and "is required" or "must not be null"
  end
  return spec.check(value, text)
end

local function check(where, input, fields, text)
  local details, out = {}, {}
  for _, name in ipairs(sorted_keys(input, fields)) do
    local path = where .. "." .. name
    if not fields[name] then
      problem(details, path, "unknown_field", "is not known here")
    else
      local value, code, message, limit = check_field(fields[name], input[name], text)
      out[name] = value
      if code then
        problem(details, path, code, message, limit)
      end
    end
  end
  if #details > 0 then
    errors.validation(details)
  end
  return out
end

--- A JSON object with these fields and no others.
---@param body any the decoded body
---@param fields table<string, app.Field>
---@return table checked
function M.body(body, fields)
  if type(body) ~= "table" or #body > 0 or (getmetatable(body) or {}).__name == "neap.json.array" then
    errors.validation { { field = "body", code = "type", message = "must be an object" } }
  end
  return check("body", body, fields, false)
end

---@param query table<string, string>
---@param fields table<string, app.Field>
---@return table checked
function M.query(query, fields)
  return check("query", query, fields, true)
end

---@param params table<string, string>
---@param fields table<string, app.Field>
---@return table checked
function M.params(params, fields)
  return check("params", params, fields, true)
end

--- The query of a list: its own filters, and page, page_size and sort.
---@param sorts string[] what may be sorted by; each also with a leading "-"
---@param default string
---@param filters table<string, app.Field>
---@return table<string, app.Field>
function M.list_query(sorts, default, filters)
  local both = {}
  for _, name in ipairs(sorts) do
    both[#both + 1] = name
    both[#both + 1] = "-" .. name
  end
  local fields = {
    -- 10,000,000 pages of 100 stay far inside a bigint offset.
    page = M.integer { min = 1, max = 10000000, default = 1 },
    page_size = M.integer { min = 1, max = 100, default = 20 },
    sort = M.enum(both, { default = default }),
  }
  for name, spec in pairs(filters) do
    fields[name] = spec
  end
  return fields
end

return M
