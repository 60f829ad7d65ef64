--- What a command undoes however it ends. One that a signal or a limit ended runs no more Lua of its own, not even after
--- a pcall: the host runs main() in another task then.
---
---     local undo = leave.undo(function() server:stop() end)
---     ...
---     undo()
local core = require "neap.core"
local terminal = require "neap.tool.terminal"

local M = {}

local SIGNALS = { [1] = "SIGHUP", [2] = "SIGINT", [15] = "SIGTERM" }

---@type { fn: function }[]
local pending = {}

local function is_pending(entry)
  for i, other in ipairs(pending) do
    if other == entry then
      return i
    end
  end
end

local function take(entry)
  local i = is_pending(entry)
  if i then
    table.remove(pending, i)
  end
end

--- Has fn() called when the command has ended, unless what this returns was called before: that calls it at once, and
--- again nothing. An fn that is interrupted is called again.
---@param fn fun()
---@return fun() undo
function M.undo(fn)
  local entry = { fn = fn }
  pending[#pending + 1] = entry
  return function()
    if is_pending(entry) then
      local ok, problem = pcall(fn)
      take(entry) -- not when it was interrupted: then main() begins it again
      if not ok then
        error(problem, 0)
      end
    end
  end
end

--- The name of the signal that ended the command, and the traceback of where it was; nil when none did.
---@return string? signal
---@return string? traceback
function M.interruption()
  local number, traceback = core.interruption()
  if number then
    return SIGNALS[number] or ("signal " .. number), traceback
  end
end

--- For the host: what is still to be undone, the newest first.
---@return integer exit_code
function M.main()
  local code = 0
  while #pending > 0 do
    local ok, problem = pcall(table.remove(pending).fn)
    if not ok then
      terminal.note("neap: ", tostring(problem))
      code = 1
    end
  end
  return code
end

return M
