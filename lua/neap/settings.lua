--- Typed settings, declared in APP/config.lua and read from the environment and APP/.env.
---
---     local settings = require "neap.settings"
---     return settings.define {
---       PROJECT_NAME = settings.string { default = "Workbench", alias = "APP_NAME", help = "Shown in the API's title" },
---       DATABASE_URL = settings.required,
---       livekit = settings.group { LIVEKIT_URL = settings.url {}, LIVEKIT_API_KEY = settings.secret {} },
---     }
---
--- The settings of a group come all together or not at all; `FEATURES=livekit` makes that group required.
--- The framework's own settings (neap.settings.builtin) are always there; declaring one again replaces it.
local keys = require "neap.base.keys"
local builtin = require "neap.settings.builtin"
local reader = require "neap.settings.reader"
local types = require "neap.settings.types"

local M = {}

---@class neap.Field
---@field kind string
---@field default any          a value, or function(get) that gives one
---@field alias string?        another name for the variable
---@field required boolean?    in a service; tools do without
---@field hint string?        where a required one comes from
---@field help string?
---@field min number?
---@field max number?
---@field min_bytes integer?   of a secret
---@field values string[]?     of an enum
---@field schemes string[]?    of a url
---@field keys table<string, boolean>?  of a rate: who may be counted; user and ip when nil

local FIELD_OPTIONS = {
  default = true, alias = true, required = true, hint = true, help = true, min = true, max = true, min_bytes = true,
  values = true, schemes = true, pattern = true, pattern_help = true, each = true, keys = true,
}

local function field(kind, opts)
  for name in pairs(opts) do
    if kind == "enum" and type(name) == "number" then
      goto continue
    end
    if not FIELD_OPTIONS[name] then
      error(("settings.%s: unknown option %q"):format(kind, tostring(name)), 3)
    end
    ::continue::
  end
  local out = { kind = kind }
  for name, value in pairs(opts) do
    out[name] = value
  end
  return out
end

for kind in pairs(types) do
  M[kind] = function(opts)
    return field(kind, opts or {})
  end
end

--- settings.enum { "a", "b", default = "a" }
function M.enum(opts)
  local out = field("enum", opts)
  out.values = out.values or table.move(opts, 1, #opts, 1, {})
  if #out.values == 0 then
    error("settings.enum: no values", 2)
  end
  return out
end

--- In place of a field: the framework's setting of that name must be set.
M.required = { kind = "required" }

--- Settings of one feature: none or all of them. The key in `define` is the feature's name.
---@param fields table<string, neap.Field>
function M.group(fields)
  return { kind = "group", fields = fields }
end

local function check_name(name)
  if type(name) ~= "string" or not name:find "^[A-Z][A-Z0-9_]*$" then
    error(("settings.define: %q is not a name like DATABASE_URL"):format(tostring(name)), 0)
  end
end

local function put(definition, name, spec, group)
  check_name(name)
  if type(spec) ~= "table" or (types[spec.kind] == nil and spec ~= M.required) then
    error(("settings.define: %s: wants settings.string {...} or the like"):format(name), 0)
  end
  if spec == M.required then
    local known = definition.fields[name]
    if known == nil then
      error(("settings.define: %s: settings.required is for settings that the framework has"):format(name), 0)
    end
    spec = setmetatable({ required = true }, { __index = known })
  end
  if definition.fields[name] == nil then
    definition.order[#definition.order + 1] = name
  end
  definition.fields[name] = spec
  if group then
    table.insert(definition.groups[group], name)
    definition.group_of[name] = group
  end
end

local function put_group(definition, group, fields)
  definition.groups[group] = {}
  for _, name in ipairs(keys.sorted(fields)) do
    put(definition, name, fields[name], group)
  end
end

--- What config.lua returns.
---@param declared table<string, neap.Field|table>
function M.define(declared)
  local definition = { fields = {}, order = {}, groups = {}, group_of = {}, checks = builtin.checks }
  for _, entry in ipairs(builtin.fields) do
    put(definition, entry[1], entry[2])
  end
  for _, name in ipairs(keys.sorted(declared)) do
    local spec = declared[name]
    if type(spec) == "table" and spec.kind == "group" then
      put_group(definition, name, spec.fields)
    else
      put(definition, name, spec)
    end
  end
  return setmetatable(definition, { __name = "neap.settings.definition" })
end

--- Every setting in order: what documentation and .env.example are compared with. A default that is computed is nil.
---@return { name: string, kind: string, default: any, secret: boolean, group: string?, alias: string?, help: string? }[]
function M.describe(definition)
  local out = {}
  for i, name in ipairs(definition.order) do
    local spec = definition.fields[name]
    local default = spec.default
    if type(default) == "function" then
      default = nil
    end
    out[i] = {
      name = name,
      kind = spec.kind,
      default = default,
      secret = spec.kind == "secret",
      required = spec.required == true,
      group = definition.group_of[name],
      alias = spec.alias,
      help = spec.help,
    }
  end
  return out
end

function M.is_definition(value)
  local mt = getmetatable(value)
  return type(mt) == "table" and mt.__name == "neap.settings.definition"
end

--- Reads and checks everything. Raises a table { problems = { "NAME: what it must be", ... } } that has all of them.
---@param definition table            from settings.define
---@param sources { environment: table<string, string>, file: table<string, string>?, problems: string[]?,
---  lines: table<string, integer>? }  file, problems and lines as neap.settings.dotenv gives them
---@param mode "serve"|"dev"|"tool"
---@return table config  frozen; an undeclared name is an error
---@return neap.UnknownSetting[] unknown  names in the file that no setting has
function M.resolve(definition, sources, mode)
  return reader.resolve(definition, sources, mode)
end

return M
