--- Finds each setting's text, makes values of them, and gathers all that is wrong before it says anything.
local keys = require "neap.base.keys"
local types = require "neap.settings.types"
local unknown = require "neap.settings.unknown"

local M = {}

local Problems = { __name = "neap.settings.problems" }

function Problems:__tostring()
  return table.concat(self.problems, "\n")
end

--- Raises all of them as one error; does nothing when there are none.
---@param problems string[]
function M.raise(problems)
  if #problems > 0 then
    error(setmetatable({ problems = problems }, Problems), 0)
  end
end

local function read_secret_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  -- Editors and `echo` end a file with a line break that is not part of the value.
  return text and (text:gsub("\r?\n$", ""))
end

-- One name in one source: the text, or nil; or nil and a problem.
local function find_in(source, name)
  local text, path = source[name], source[name .. "_FILE"]
  -- `NAME=` in a .env says "not set": that is how the example file shows what there is.
  text, path = text ~= "" and text or nil, path ~= "" and path or nil
  if text and path then
    return nil, ("%s and %s_FILE are both set"):format(name, name)
  end
  if path then
    local content = read_secret_file(path)
    if content == nil then
      return nil, ("%s_FILE: the file cannot be read"):format(name)
    end
    return content ~= "" and content or nil
  end
  return text
end

local function find(sources, name, field)
  for _, source in ipairs { sources.environment, sources.file or {} } do
    for _, candidate in ipairs { name, field.alias } do
      local text, problem = find_in(source, candidate)
      if text or problem then
        return text, problem
      end
    end
  end
end

local function freeze(value)
  if type(value) ~= "table" then
    return value
  end
  -- A list stays a plain table for `#` and ipairs; writes to it go to nobody else's copy of the defaults.
  return table.move(value, 1, #value, 1, {})
end

local function frozen_config(definition, values)
  return setmetatable({}, {
    __name = "neap.config",
    __metatable = false,
    __index = function(_, name)
      if definition.fields[name] == nil then
        error(("config: no setting is named %q"):format(tostring(name)), 2)
      end
      return freeze(values[name])
    end,
    __newindex = function(_, name)
      error(("config: %s cannot be changed"):format(tostring(name)), 2)
    end,
    __pairs = function()
      local i = 0
      return function()
        i = i + 1
        local name = definition.order[i]
        if name then
          return name, freeze(values[name])
        end
      end
    end,
  })
end

local function read_all(definition, sources, problems)
  local values, failed = {}, {}
  for _, name in ipairs(definition.order) do
    local field = definition.fields[name]
    local text, problem = find(sources, name, field)
    if text then
      values[name], problem = types[field.kind](text, field)
      problem = problem and ("%s: %s"):format(name, problem)
    end
    if problem then
      failed[name] = true
      problems[#problems + 1] = problem
    end
  end
  return values, failed
end

local function apply_defaults(definition, values, failed)
  local function get(name)
    local default = definition.fields[name] and definition.fields[name].default
    if values[name] == nil and not failed[name] and default ~= nil then
      if type(default) == "function" then
        values[name] = default(get)
      else
        values[name] = default
      end
    end
    return values[name]
  end
  for _, name in ipairs(definition.order) do
    get(name)
  end
end

local function check_required(definition, values, failed, problems)
  for _, name in ipairs(definition.order) do
    local field = definition.fields[name]
    if field.required and values[name] == nil and not failed[name] then
      problems[#problems + 1] = ("%s: is required%s"):format(name, field.hint and "; " .. field.hint or "")
    end
  end
end

local function wanted_features(definition, values, problems)
  local wanted, known = {}, keys.sorted(definition.groups)
  for _, feature in ipairs(values.FEATURES or {}) do
    wanted[feature] = true
    if definition.groups[feature] == nil then
      problems[#problems + 1] = #known == 0 and "FEATURES: this application has no optional features"
        or "FEATURES: must be of " .. table.concat(known, ", ")
    end
  end
  return wanted, known
end

local function check_groups(definition, values, failed, problems)
  local wanted, known = wanted_features(definition, values, problems)
  for _, group in ipairs(known) do
    local some = false
    for _, name in ipairs(definition.groups[group]) do
      some = some or values[name] ~= nil or failed[name]
    end
    local why = wanted[group] and ("is required because FEATURES names " .. group)
      or some and ("is required when other %s settings are set"):format(group)
    for _, name in ipairs(definition.groups[group]) do
      if why and values[name] == nil and not failed[name] then
        problems[#problems + 1] = ("%s: %s"):format(name, why)
      end
    end
  end
end

--- See neap.settings.resolve.
function M.resolve(definition, sources, mode)
  local problems = table.move(sources.problems or {}, 1, #(sources.problems or {}), 1, {})
  local values, failed = read_all(definition, sources, problems)
  apply_defaults(definition, values, failed)
  if mode ~= "tool" then
    check_required(definition, values, failed, problems)
  end
  check_groups(definition, values, failed, problems)
  for _, check in ipairs(definition.checks) do
    local problem = check(values)
    if problem then
      problems[#problems + 1] = problem
    end
  end
  local strangers = unknown.find(definition, sources.file or {}, sources.lines)
  if #problems > 0 then
    -- The setting that is missing may be there under a name with a typing error.
    for _, one in ipairs(strangers) do
      problems[#problems + 1] = one.text
    end
  end
  M.raise(problems)
  return frozen_config(definition, values), strangers
end

return M
