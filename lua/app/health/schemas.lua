local s = require "neap.schema"

local M = {}

M.HealthQuery = s.object {
  check = s.enum { "db" }:optional():describe "db: ask the database, too",
}

local count = s.integer { min = 0 }

M.HealthResponse = s.object("HealthResponse", {
  { "status", s.enum { "ok", "healthy", "unhealthy" }
    :describe "ok: the process is alive; the others say how the database is" },
  { "database_ok", s.boolean():optional() },
  { "pool_status", s.object({
    { "size", count },
    { "idle", count },
    { "busy", count },
    { "waiting", count:describe "Requests that wait for a connection" },
    { "max", count },
  }):optional():describe "The connections of the worker that answered" },
})

M.ReadinessResponse = s.object("ReadinessResponse", {
  { "status", s.enum { "ok", "unavailable" } },
  { "database", s.enum { "connected", "disconnected" } },
  { "redis", s.enum { "connected", "disconnected", "disabled" } },
})

return M
