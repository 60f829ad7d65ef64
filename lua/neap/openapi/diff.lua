--- What a client of an older document would stumble over in a newer one. Requests may grow wider and answers narrower,
--- never the other way round.
local keys = require "neap.base.keys"
local diff_schema = require "neap.openapi.diff_schema"

local M = {}

local METHODS = { "get", "put", "post", "delete", "options", "head", "patch", "trace" }

---@class neap.OpenapiDiff
---@field old table
---@field new table
---@field found string[]
---@field place string   "GET /tasks"
local Diff = { __name = "neap.openapi.diff" }
Diff.__index = Diff

function Diff:say(message, ...)
  self.found[#self.found + 1] = self.place .. ": " .. message:format(...)
end

-- Parameters of the path count for each of its operations (OpenAPI 3.1, 4.8.9).
local function parameters_of(doc, path_item, operation)
  local out = {}
  for _, list in ipairs { path_item.parameters or {}, operation.parameters or {} } do
    for _, item in ipairs(list) do
      local parameter = diff_schema.resolve(doc, item)
      out[parameter["in"] .. " parameter " .. parameter.name] = parameter
    end
  end
  return out
end

local function compare_parameters(diff, old, new)
  for _, key in ipairs(keys.sorted(old)) do
    if new[key] == nil then
      diff:say("the %s is gone", key)
    else
      if new[key].required and not old[key].required then
        diff:say("the %s is required now", key)
      end
      diff_schema.compare_request(diff, old[key].schema or {}, new[key].schema or {}, "the " .. key)
    end
  end
  for _, key in ipairs(keys.sorted(new)) do
    if old[key] == nil and new[key].required then
      diff:say("the %s is new and required", key)
    end
  end
end

local function compare_content(diff, old, new, what, compare)
  for _, media in ipairs(keys.sorted(old)) do
    if new[media] == nil then
      diff:say("%s is no longer %s", what, media)
    else
      compare(diff, old[media].schema or {}, new[media].schema or {}, what)
    end
  end
end

local function compare_body(diff, old, new)
  if new == nil then
    if old then
      diff:say "the body is gone"
    end
    return
  end
  new = diff_schema.resolve(diff.new, new)
  if old == nil then
    if new.required then
      diff:say "a body is required now"
    end
    return
  end
  old = diff_schema.resolve(diff.old, old)
  if new.required and not old.required then
    diff:say "the body is required now"
  end
  compare_content(diff, old.content, new.content or {}, "the body", diff_schema.compare_request)
end

local function compare_responses(diff, old, new)
  for _, status in ipairs(keys.sorted(old)) do
    -- An error that is no longer given breaks nobody.
    if new[status] == nil and status:find "^[23]" then
      diff:say("the answer %s is gone", status)
    elseif new[status] ~= nil then
      local before = diff_schema.resolve(diff.old, old[status])
      local after = diff_schema.resolve(diff.new, new[status])
      compare_content(diff, before.content, after.content or {}, "the answer " .. status, diff_schema.compare_response)
    end
  end
end

local function is_public(doc, operation)
  local security = operation.security or doc.security or {}
  if #security == 0 then
    return true
  end
  for _, requirement in ipairs(security) do
    if next(requirement) == nil then
      return true
    end
  end
  return false
end

-- The roles and scopes that a caller needs in any case: those that every requirement has.
local function needed_of(doc, operation)
  local count, list = {}, {}
  local security = operation.security or doc.security or {}
  for _, requirement in ipairs(security) do
    for _, names in pairs(requirement) do
      for _, name in ipairs(names) do
        count[name] = (count[name] or 0) + 1
      end
    end
  end
  for name, times in pairs(count) do
    if times >= #security then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

local function compare_security(diff, old, new)
  if is_public(diff.old, old) and not is_public(diff.new, new) then
    diff:say "needs a signed-in user now"
    return
  end
  local had, more = {}, {}
  for _, name in ipairs(needed_of(diff.old, old)) do
    had[name] = true
  end
  for _, name in ipairs(needed_of(diff.new, new)) do
    more[#more + 1] = not had[name] and name or nil
  end
  if #more > 0 then
    diff:say("needs %s now", table.concat(more, ", "))
  end
end

local function compare_operation(diff, old_item, new_item, method)
  local old, new = old_item[method], new_item[method]
  if new == nil then
    diff:say "is gone"
    return
  end
  compare_security(diff, old, new)
  compare_parameters(diff, parameters_of(diff.old, old_item, old), parameters_of(diff.new, new_item, new))
  compare_body(diff, old.requestBody, new.requestBody)
  compare_responses(diff, old.responses or {}, new.responses or {})
end

-- The names of path parameters are nothing that a client sends.
local function by_shape(paths)
  local out = {}
  for path, item in pairs(paths or {}) do
    out[path:gsub("{[^}]*}", "{}")] = { path = path, item = item }
  end
  return out
end

--- A renamed path parameter is the same parameter: the new item speaks with the old names.
local function with_names(item, old_path, new_path)
  local names, list = {}, {}
  for name in old_path:gmatch "{([^}]*)}" do
    list[#list + 1] = name
  end
  for name in new_path:gmatch "{([^}]*)}" do
    names[name] = table.remove(list, 1)
  end
  local out = {}
  for method, operation in pairs(item) do
    out[method] = operation
    if type(operation) == "table" and operation.parameters then
      local copy, parameters = {}, {}
      for key, value in pairs(operation) do
        copy[key] = value
      end
      for i, parameter in ipairs(operation.parameters) do
        parameters[i] = parameter
        if parameter["in"] == "path" and names[parameter.name] ~= parameter.name then
          parameters[i] = setmetatable({ name = names[parameter.name] }, { __index = parameter })
        end
      end
      copy.parameters = parameters
      out[method] = copy
    end
  end
  return out
end

--- Everything in `new` that breaks a client of `old`, one sentence each, in the order of the paths.
---@param old table  a decoded OpenAPI 3.1 document
---@param new table
---@return string[]
function M.breaking(old, new)
  local diff = setmetatable({ old = old, new = new, found = {}, place = "" }, Diff)
  local after = by_shape(new.paths)
  for _, path in ipairs(keys.sorted(old.paths)) do
    local match = after[path:gsub("{[^}]*}", "{}")]
    local item = match and with_names(match.item, path, match.path) or {}
    for _, method in ipairs(METHODS) do
      if old.paths[path][method] then
        diff.place = method:upper() .. " " .. path
        compare_operation(diff, old.paths[path], item, method)
      end
    end
  end
  return diff.found
end

return M
