--- Two schemas of two documents: whether the newer one refuses what the older one took (in requests), or gives what the
--- older one did not promise (in answers).
local keys = require "neap.base.keys"
local json = require "neap.json"

local M = {}

--- Follows a $ref within the document.
---@param doc table
---@param value table
---@return table
function M.resolve(doc, value)
  local hops = 0
  while type(value) == "table" and value["$ref"] do
    hops = hops + 1
    local at = doc
    for step in value["$ref"]:gsub("^#/", ""):gmatch "[^/]+" do
      at = type(at) == "table" and at[(step:gsub("~1", "/"):gsub("~0", "~"))] or nil
    end
    if at == nil or hops > 32 then
      error(("the document has a $ref that leads nowhere: %s"):format(value["$ref"]), 0)
    end
    value = at
  end
  return value
end

local ALL = { "array", "boolean", "integer", "null", "number", "object", "string" }

--- The JSON types that a schema lets through; nil for a schema that says nothing about it.
local function types_of(schema)
  if schema.type == nil then
    return nil
  end
  local set = {}
  for _, name in ipairs(type(schema.type) == "table" and schema.type or { schema.type }) do
    set[name] = true
    if name == "number" then
      set.integer = true
    end
  end
  return set
end

local function missing_types(from, within)
  if within == nil then
    return nil
  end
  local list = {}
  for _, name in ipairs(ALL) do
    -- With number there, integer goes without saying.
    if (from == nil or from[name]) and not within[name] and not (name == "integer" and from and from.number) then
      list[#list + 1] = name
    end
  end
  return #list > 0 and table.concat(list, ", ") or nil
end

-- anyOf { X, null } is how a reference or a literal is made nullable: taken apart, so that both are compared alike.
local function opened(doc, schema)
  schema = M.resolve(doc, schema)
  local list = schema.anyOf
  if list == nil or #list ~= 2 then
    return schema, false
  end
  for i = 1, 2 do
    local other = M.resolve(doc, list[3 - i])
    if M.resolve(doc, list[i]).type == "null" then
      return other, true
    end
  end
  return schema, false
end

local function value_set(schema)
  if schema.const ~= nil then
    return { [schema.const] = true }, { schema.const }
  elseif schema.enum == nil then
    return nil, {}
  end
  local set, list = {}, {}
  for _, value in ipairs(schema.enum) do
    if value ~= json.null then
      set[value] = true
      list[#list + 1] = value
    end
  end
  return set, list
end

local function names_of(list, without)
  local out = {}
  for _, value in ipairs(list) do
    if without == nil or not without[value] then
      out[#out + 1] = tostring(value)
    end
  end
  return #out > 0 and table.concat(out, ", ") or nil
end

local LOWER = { "minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties" }
local UPPER = { "maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties" }
local EXACT = { "pattern", "multipleOf" }

local function show(value)
  return value == nil and "none" or tostring(value)
end

-- The formats of numbers only repeat what their type and limits say.
local NUMERIC = { int32 = true, int64 = true, float = true, double = true }

local function compare_format(diff, old, new, what, is_request)
  local before = not NUMERIC[old.format] and old.format or nil
  local after = not NUMERIC[new.format] and new.format or nil
  if before ~= after and (is_request and after or not is_request and before) then
    diff:say("%s: format was %s and is %s", what, show(before), show(after))
  end
end

local function compare_limits(diff, old, new, what)
  for _, key in ipairs(LOWER) do
    if new[key] ~= nil and (old[key] == nil or new[key] > old[key]) and not (key:find "^min%u" and new[key] == 0) then
      diff:say("%s: %s was %s and is %s", what, key, show(old[key]), show(new[key]))
    end
  end
  for _, key in ipairs(UPPER) do
    if new[key] ~= nil and (old[key] == nil or new[key] < old[key]) then
      diff:say("%s: %s was %s and is %s", what, key, show(old[key]), show(new[key]))
    end
  end
  for _, key in ipairs(EXACT) do
    if new[key] ~= nil and old[key] ~= new[key] then
      diff:say("%s: %s was %s and is %s", what, key, show(old[key]), show(new[key]))
    end
  end
  if new.uniqueItems and not old.uniqueItems then
    diff:say("%s: items must be unique now", what)
  end
end

local function compare_values(diff, old, new, what)
  local old_set, old_list = value_set(old)
  local new_set, new_list = value_set(new)
  if new_set == nil then
    return
  elseif old_set == nil then
    diff:say("%s: only %s is allowed now", what, names_of(new_list))
    return
  end
  local gone = names_of(old_list, new_set)
  if gone then
    diff:say("%s: the value %s is no longer allowed", what, gone)
  end
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do
    set[name] = true
  end
  return set
end

-- The variants of a union by their tag, or by their place.
local function variants_of(doc, schema)
  local property = schema.discriminator and schema.discriminator.propertyName
  local out = {}
  for i, item in ipairs(schema.oneOf or {}) do
    local variant = M.resolve(doc, item)
    local field = property and variant.properties and M.resolve(doc, variant.properties[property] or {})
    out[field and tostring(field.const) or tostring(i)] = item
  end
  return out
end

local function compare_request_object(diff, old, new, what)
  local required = set_of(old.required)
  for _, name in ipairs(new.required or {}) do
    if not required[name] then
      diff:say("%s: the field %s is %s", what, name,
        (old.properties or {})[name] and "required now" or "new and required")
    end
  end
  for _, name in ipairs(keys.sorted(old.properties)) do
    local field = (new.properties or {})[name]
    if field then
      M.compare_request(diff, old.properties[name], field, what .. "." .. name)
    elseif new.additionalProperties == false then
      diff:say("%s: the field %s is no longer known", what, name)
    end
  end
  if new.additionalProperties == false and old.additionalProperties ~= false then
    diff:say("%s: fields that are not declared are refused now", what)
  elseif type(old.additionalProperties) == "table" and type(new.additionalProperties) == "table" then
    M.compare_request(diff, old.additionalProperties, new.additionalProperties, what .. ".*")
  end
end

local function compare_variants(diff, old, new, what, gone, compare)
  local before, after = variants_of(diff.old, old), variants_of(diff.new, new)
  for _, tag in ipairs(keys.sorted(before)) do
    if after[tag] then
      compare(diff, before[tag], after[tag], ("%s (%s)"):format(what, tag))
    elseif gone then
      diff:say("%s: the variant %s is gone", what, tag)
    end
  end
end

local depth = 0

-- Documents of others may refer to themselves; ours cannot.
local function guarded(fn)
  return function(...)
    if depth > 64 then
      return
    end
    depth = depth + 1
    local ok, problem = pcall(fn, ...)
    depth = depth - 1
    if not ok then
      error(problem, 0)
    end
  end
end

local function nullness(schema, is_null)
  local types = types_of(schema)
  if types and is_null then
    types.null = true
  end
  return types
end

--- Says what the newer schema refuses and the older took.
---@param diff neap.OpenapiDiff
---@param old table
---@param new table
---@param what string  "the body.title"
M.compare_request = guarded(function(diff, old, new, what)
  local old_null, new_null
  old, old_null = opened(diff.old, old)
  new, new_null = opened(diff.new, new)
  local gone = missing_types(nullness(old, old_null), nullness(new, new_null))
  if gone then
    diff:say("%s: %s is no longer allowed", what, gone)
    return
  end
  compare_values(diff, old, new, what)
  compare_format(diff, old, new, what, true)
  compare_limits(diff, old, new, what)
  if new.properties or type(new.additionalProperties) ~= "nil" then
    compare_request_object(diff, old, new, what)
  end
  if old.items and new.items then
    M.compare_request(diff, old.items, new.items, what .. "[]")
  end
  if old.oneOf and new.oneOf then
    compare_variants(diff, old, new, what, true, M.compare_request)
  end
end)

local function compare_response_object(diff, old, new, what)
  local required = set_of(new.required)
  for _, name in ipairs(keys.sorted(old.properties)) do
    local field = (new.properties or {})[name]
    if field == nil then
      diff:say("%s: the field %s is gone", what, name)
    else
      if set_of(old.required)[name] and not required[name] then
        diff:say("%s: the field %s may be absent now", what, name)
      end
      M.compare_response(diff, old.properties[name], field, what .. "." .. name)
    end
  end
  if type(old.additionalProperties) == "table" and type(new.additionalProperties) == "table" then
    M.compare_response(diff, old.additionalProperties, new.additionalProperties, what .. ".*")
  end
end

--- Says what the newer schema may give and the older did not promise. A new value of an enum is no break: a client must
--- expect a status that it does not know.
---@param diff neap.OpenapiDiff
---@param old table
---@param new table
---@param what string
M.compare_response = guarded(function(diff, old, new, what)
  local old_null, new_null
  old, old_null = opened(diff.old, old)
  new, new_null = opened(diff.new, new)
  local more = missing_types(nullness(new, new_null), nullness(old, old_null))
  if more then
    diff:say("%s: may be %s now", what, more)
    return
  end
  compare_format(diff, old, new, what, false)
  if old.properties or type(old.additionalProperties) == "table" then
    compare_response_object(diff, old, new, what)
  end
  if old.items then
    M.compare_response(diff, old.items, new.items or {}, what .. "[]")
  end
  if old.oneOf and new.oneOf then
    compare_variants(diff, old, new, what, false, M.compare_response)
  end
end)

return M
