--- Waiting until something is so, in place of waiting for a time.
local core = require "neap.core"

-- Long enough for a machine that does much besides: what comes is not waited for any longer than it takes.
local PATIENCE_S = 30
local POLL_S = 0.01

---@param question fun(): any
---@return any answer  the first one that is true; the last one when none was
return function(question)
  local deadline = core.monotonic() + PATIENCE_S
  while true do
    local answer = question()
    if answer or core.monotonic() > deadline then
      return answer
    end
    core.sleep(POLL_S)
  end
end
