--- Tables of options: each has a name and a check, which returns whether a value is right, and what it must be.
local keys = require "neap.base.keys"

local M = {}

function M.boolean(v)
  return type(v) == "boolean", "true or false"
end

--- A check of a list, each item of which is of a type.
---@param kind type
---@param plural string  for the message
---@return fun(v: any): boolean, string
function M.list_of(kind, plural)
  local wanted = "a list of " .. plural
  return function(v)
    if type(v) ~= "table" then
      return false, wanted
    end
    for _, item in ipairs(v) do
      if type(item) ~= kind then
        return false, wanted
      end
    end
    return true, wanted
  end
end

--- The first thing that is wrong, in words; nil when all is well.
---@param known table<string, fun(v: any): boolean, string?>
---@param opts table
---@return string?
function M.problem(known, opts)
  for name, value in pairs(opts) do
    local check = known[name]
    if check == nil then
      local names = table.concat(keys.sorted(known), ", ")
      return ("unknown option %q (%s)"):format(tostring(name), names ~= "" and "known: " .. names or "it takes none")
    end
    local ok, wanted = check(value)
    if not ok then
      return ("option %q must be %s"):format(name, wanted)
    end
  end
end

return M
