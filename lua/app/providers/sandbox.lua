--- Sandboxes for a laptop: nothing runs behind them, but they take their time, LOCAL_SANDBOX_DELAY. What it calls a sandbox
--- comes of the key, so a call that comes again finds the same one, and there is nothing to remember.
local config = require "config"
local core = require "neap.core"

local M = {}

---@param request { key: string, repo_url: string?, branch_name: string? }
---@return string provider_ref
function M.create(request)
  core.sleep(config.LOCAL_SANDBOX_DELAY)
  return "local-" .. core.hex(core.sha256(request.key)):sub(1, 24)
end

---@param request { key: string, provider_ref: string? }
---@return true
function M.destroy(request) -- luacheck: no unused args
  core.sleep(config.LOCAL_SANDBOX_DELAY / 2)
  return true
end

return M
