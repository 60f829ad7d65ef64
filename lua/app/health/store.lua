local db = require "neap.db"
local log = require "neap.log"

local M = {}

--- Does Postgres answer? Never waits longer than `seconds`, never raises.
---@param seconds number
---@return boolean
function M.ping(seconds)
  local ok, err = db.ping(seconds)
  if not ok then
    log.warn("health.database_unreachable", { reason = tostring(err) })
  end
  return ok == true
end

---@return {size: integer, idle: integer, busy: integer, waiting: integer, max: integer}
function M.pool_status()
  return db.pool_status()
end

return M
