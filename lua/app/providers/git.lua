--- Git operations for a laptop: there is no repository behind them. What they answer has the shape of git's own answers, and
--- the commit of an operation is always the same one: the beginning of the SHA-256 of its key. It names nothing.
local config = require "config"
local core = require "neap.core"

local M = {}

local NEEDS_REMOTE = { clone = true, push = true, pull = true, pull_request = true }
local HAS_COMMIT = { clone = true, commit = true, push = true, pull = true }

---@param request { key: string, operation_type: string, provider_ref: string?, repo_url: string?, branch_name: string? }
---@return { commit_sha: string? }? result
---@return string? problem
function M.run(request)
  core.sleep(config.LOCAL_GIT_DELAY)
  if NEEDS_REMOTE[request.operation_type] and request.repo_url == nil then
    return nil, ("%s: the sandbox has no repository"):format(request.operation_type)
  end
  local sha = HAS_COMMIT[request.operation_type] and core.hex(core.sha256(request.key)):sub(1, 40) or nil
  return { commit_sha = sha }
end

return M
