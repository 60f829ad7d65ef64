--- Labs for a laptop: nothing runs behind them, but they take their time, LOCAL_LAB_DELAY.
local config = require "config"
local core = require "neap.core"

local M = {}

---@param request { key: string, recipe_id: string, intent: any }
---@return true
function M.provision(request) -- luacheck: no unused args
  core.sleep(config.LOCAL_LAB_DELAY)
  return true
end

---@param request { key: string }
---@return true
function M.finish(request) -- luacheck: no unused args
  core.sleep(config.LOCAL_LAB_DELAY / 4)
  return true
end

return M
