--- What the stores share: the log line of each call.
local log = require "neap.log"

local M = {}

--- One debug line when `fn` is through, a warning when it raised. The error goes on to the caller.
---@param name string "tasks.create"
---@param owner_id string
---@param id string? of the entity; that of the row that fn returns when it is not known before
---@param fn fun(...): any
---@return any what fn returns
function M.call(name, owner_id, id, fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok then
    log.warn(name .. ".failed", { owner_id = owner_id, id = id, reason = tostring(result) })
    error(result, 0)
  end
  log.debug(name, { owner_id = owner_id, id = id or type(result) == "table" and result.id or nil })
  return result
end

return M
