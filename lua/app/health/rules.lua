--- What the health routes answer. Without Redis limits are counted on this host alone, which is no reason to send nobody
--- here: readiness tells of it and does not depend on it.
local M = {}

---@return {status: "ok"}
function M.alive()
  return { status = "ok" }
end

---@param database_ok boolean
---@param pool table as from db.pool_status
---@return {status: "healthy"|"unhealthy", database_ok: boolean, pool_status: table}
function M.health(database_ok, pool)
  return {
    status = database_ok and "healthy" or "unhealthy",
    database_ok = database_ok,
    pool_status = { size = pool.size, idle = pool.idle, busy = pool.busy, waiting = pool.waiting, max = pool.max },
  }
end

---@param database_ok boolean
---@param redis "connected"|"disconnected"|"disabled"
---@param draining boolean the process is on its way out
---@return {status: "ok"|"unavailable", database: "connected"|"disconnected", redis: string}
function M.readiness(database_ok, redis, draining)
  return {
    status = database_ok and not draining and "ok" or "unavailable",
    database = database_ok and "connected" or "disconnected",
    redis = redis,
  }
end

return M
