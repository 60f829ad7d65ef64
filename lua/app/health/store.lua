local core = require "neap.core"
local db = require "neap.db"
local log = require "neap.log"

-- Between two looks whether Redis has answered.
local POLL_S = 0.01

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

--- Asks Postgres and Redis together. Never waits longer than `seconds`, never raises.
---@param seconds number
---@return boolean database
---@return "connected"|"disconnected"|"disabled" redis
function M.ping_all(seconds)
  local deadline = core.monotonic() + seconds
  local ping = core.redis_ping()
  local database = M.ping(seconds)
  if ping == false then
    return database, "disabled"
  end
  while ping and not core.redis_ponged(ping) and core.monotonic() < deadline do
    core.sleep(POLL_S)
  end
  return database, ping and core.redis_ponged(ping) and "connected" or "disconnected"
end

---@return {size: integer, idle: integer, busy: integer, waiting: integer, max: integer}
function M.pool_status()
  return db.pool_status()
end

return M
