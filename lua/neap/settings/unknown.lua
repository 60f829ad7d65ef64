--- Names in a .env that no setting has: most are typing errors, and nothing else would say so. The environment is not looked
--- at, since it has the names of all programs.
local core = require "neap.core"
local keys = require "neap.base.keys"

local M = {}

---@class neap.UnknownSetting
---@field name string?     nil when it is nothing like a setting's: the line may be a piece of a secret
---@field line integer?
---@field nearest string?  the setting that may have been meant
---@field text string      all of it in one line, for people

local function known_names(definition)
  local known = {}
  for _, name in ipairs(definition.order) do
    for _, candidate in ipairs { name, definition.fields[name].alias } do
      known[candidate], known[candidate .. "_FILE"] = true, true
    end
  end
  return known
end

--- A letter in four may be wrong, and three at most; of several that are as near, the first by name.
---@param name string
---@param known string[]  sorted
---@return string?
local function nearest(name, known)
  local best, best_distance = nil, math.min(3, (#name + 1) // 4) + 1
  for _, candidate in ipairs(known) do
    if math.abs(#candidate - #name) < best_distance then
      local far = core.edit_distance(name:upper(), candidate)
      if far < best_distance then
        best, best_distance = candidate, far
      end
    end
  end
  return best
end

local function describe(one)
  return (".env%s: no setting has %s%s"):format(one.line and ":" .. one.line or "",
    one.name and "the name " .. one.name or "this name", one.nearest and ("; did you mean %s?"):format(one.nearest) or "")
end

--- In the order of the file. A name counts as known when it is a setting's, its alias, or either with _FILE.
---@param definition table               from settings.define
---@param values table<string, string>   of the .env
---@param lines table<string, integer>?  where each name stands
---@return neap.UnknownSetting[]
function M.find(definition, values, lines)
  local known, out = known_names(definition), {}
  local sorted = keys.sorted(known)
  for _, name in ipairs(keys.sorted(values)) do
    if not known[name] then
      local near = nearest(name, sorted)
      local is_name = near or name:find "^[A-Z][A-Z0-9_]*$"
      local one = { name = is_name and name or nil, line = lines and lines[name], nearest = near }
      one.text = describe(one)
      out[#out + 1] = one
    end
  end
  table.sort(out, function(a, b)
    return (a.line or 0) < (b.line or 0)
  end)
  return out
end

return M
