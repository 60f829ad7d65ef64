--- Waiting until something is so, in place of waiting for a time.
local core = require "neap.core"

-- Long enough for a machine that does much besides: what comes is not waited for any longer than it takes.
local PATIENCE_S = 30
local POLL_S = 0.01

---@param question fun(): any
---@return boolean  whether it became so
return function(question)
  local deadline = core.monotonic() + PATIENCE_S
  while true do
    if question() then
      return true
    elseif core.monotonic() > deadline then
      return false
    end
    core.sleep(POLL_S)
  end
end
