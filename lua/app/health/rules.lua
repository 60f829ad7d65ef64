--- What the health routes answer. A Redis that is configured and away makes the service not ready, as one asks who runs
--- many hosts; who would rather have each host count limits for itself meanwhile says READY_WITHOUT_REDIS.
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
---@param without_redis boolean? whether it is ready while Redis is away
---@return {status: "ok"|"unavailable", database: "connected"|"disconnected", redis: string}
function M.readiness(database_ok, redis, draining, without_redis)
  local redis_ok = redis ~= "disconnected" or without_redis
  return {
    status = database_ok and redis_ok and not draining and "ok" or "unavailable",
    database = database_ok and "connected" or "disconnected",
    redis = redis,
  }
end

return M
