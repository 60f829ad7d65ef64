--- The settings that every application has, with their defaults. docs and .env.example follow this list.
local edges = require "neap.settings.edges"

local M = {}

local MIB = 1 << 20

local function percent(text)
  return (text:gsub("[^%w%-._~]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

-- Those that are nothing but a keyword of the connection string.
local PG_KEYWORDS = {
  PGSSLMODE = "sslmode", PGSSLROOTCERT = "sslrootcert", PGTARGETSESSIONATTRS = "target_session_attrs",
}

-- Of one host or several, "a,b", which have one port.
local function places_of(hosts, port)
  return (hosts:gsub("[^,]+", function(host)
    return (host:find(":", 1, true) and "[" .. host .. "]" or host) .. (port and ":" .. port or "")
  end))
end

--- A libpq URI of the PG* variables. A host that is a path is a folder of Unix sockets.
local function url_of_pg_variables(get)
  local host, database = get "PGHOST", get "PGDATABASE"
  if host == nil and database == nil then
    return nil
  end
  local user, password = get "PGUSER", get "PGPASSWORD"
  local who = user and percent(user) .. (password and ":" .. percent(password) or "") .. "@" or ""
  local is_path = host and host:sub(1, 1) == "/"
  -- With a path for a host the port goes to the query too: "@:5432/" is not a place.
  local port = get "PGPORT"
  local where = host and not is_path and places_of(host, port) or ""
  local query = {}
  if is_path then
    query[#query + 1] = "host=" .. percent(host)
    query[#query + 1] = port and "port=" .. port or nil
  end
  for variable, keyword in pairs(PG_KEYWORDS) do
    if get(variable) then
      query[#query + 1] = keyword .. "=" .. percent(get(variable))
    end
  end
  table.sort(query)
  return ("postgresql://%s%s/%s%s"):format(who, where, database and percent(database) or "",
    #query > 0 and "?" .. table.concat(query, "&") or "")
end

local function database_url(get)
  return get "NEON_DATABASE_URL" or url_of_pg_variables(get)
end

local POSTGRES = { "postgresql", "postgres" }

-- In the order of the documentation.
M.fields = {
  -- app
  { "ENVIRONMENT", { kind = "string", default = "development", help = "development, production, or your own word" } },
  { "DEBUG", { kind = "boolean", default = false, help = "LOG_LEVEL is debug unless it is set" } },
  { "LOG_LEVEL", {
    kind = "enum", values = { "debug", "info", "warn", "error" },
    default = function(get) return get "DEBUG" and "debug" or "info" end,
    help = "debug, info, warn or error",
  } },
  { "FEATURES", { kind = "list", default = {}, help = "optional groups that must be configured" } },
  -- server
  { "HOST", { kind = "string", default = "127.0.0.1", help = "the address to listen on" } },
  { "PORT", { kind = "port", default = 8000, help = "0 takes a free one" } },
  { "WORKERS", { kind = "integer", min = 1, max = 1024, help = "processes; as many as there are cores" } },
  { "MAX_BODY", { kind = "size", default = MIB, min = 1, help = "of a request, unless its route says otherwise" } },
  { "ACCESS_LOG", { kind = "boolean", default = true, help = "a line for each request" } },
  { "SERVER_TIMING", { kind = "boolean", default = false, help = "a Server-Timing header on each answer" } },
  { "SHUTDOWN_TIMEOUT", { kind = "duration", default = 30, help = "for running requests when the service stops" } },
  { "HEADER_TIMEOUT", { kind = "duration", default = 10, min = 0.1, help = "for a request's head" } },
  { "BODY_TIMEOUT", { kind = "duration", default = 60, min = 0.1, help = "for a request's body" } },
  { "KEEPALIVE_TIMEOUT", { kind = "duration", default = 65, min = 0.1, help = "for an idle connection" } },
  { "HANDLER_TIMEOUT", { kind = "duration", default = 30, min = 0.1, help = "for a handler, waits included" } },
  { "HANDLER_CPU", { kind = "duration", default = 2, min = 0.01, help = "for a handler between two waits" } },
  { "HANDLER_HEAP", { kind = "size", default = 64 * MIB, min = MIB, help = "of Lua memory for one request" } },
  { "MAX_CONNECTIONS", { kind = "integer", default = 10000, min = 1, max = 1000000, help = "of one worker" } },
  { "TRUSTED_PROXIES", {
    kind = "list", default = {}, each = edges.network_problem,
    help = "addresses and networks whose word on the client counts",
  } },
  { "METRICS_FROM", {
    kind = "list", each = edges.network_problem,
    help = "addresses and networks that may read /metrics; this machine, and in production nobody",
  } },
  { "TRUSTED_PROXY_HEADER", {
    kind = "enum", values = { "x-forwarded-for", "forwarded" }, default = "x-forwarded-for",
    help = "the header that those proxies write",
  } },
  { "WORKER_MAX_HEAP", { kind = "size", default = 512 * MIB, min = 16 * MIB, help = "of Lua memory for one worker" } },
  -- database
  { "DATABASE_URL", { kind = "url", schemes = POSTGRES, default = database_url, help = "postgresql://user@host/name" } },
  { "NEON_DATABASE_URL", { kind = "url", schemes = POSTGRES, help = "used when DATABASE_URL is not set" } },
  { "PGHOST", { kind = "string", help = "PG*: used when there is no URL" } },
  { "PGPORT", { kind = "port", min = 1 } },
  { "PGUSER", { kind = "string" } },
  { "PGPASSWORD", { kind = "secret" } },
  { "PGDATABASE", { kind = "string" } },
  { "PGSSLMODE", { kind = "string" } },
  { "PGSSLROOTCERT", { kind = "string", help = "the file of the authorities for sslmode=verify-full" } },
  { "PGTARGETSESSIONATTRS", { kind = "string", help = "of several servers: read-write takes the primary" } },
  { "DB_POOL_MIN", {
    kind = "integer", min = 0, max = 10000, help = "connections of this host; 5, or DB_POOL_MAX where that is less",
    default = function(get) return math.min(5, get "DB_POOL_MAX" or 5) end,
  } },
  { "DB_POOL_MAX", { kind = "integer", default = 20, min = 1, max = 10000, help = "connections of this host" } },
  { "DB_POOL_LINE", { kind = "integer", default = 1000, min = 0, max = 100000, help = "waiting for one, in each worker" } },
  { "DB_POOL_PRE_PING", { kind = "boolean", default = true, help = "test a connection that was idle" } },
  { "DB_POOL_RECYCLE", { kind = "duration", default = 3600, help = "the age at which a connection is replaced" } },
  { "DB_ACQUIRE_TIMEOUT", { kind = "duration", default = 5, min = 0.01, help = "for a free connection" } },
  { "DB_STATEMENT_TIMEOUT", { kind = "duration", default = 5, help = "for one statement; 0 is for ever" } },
  { "MIGRATE_LOCK_TIMEOUT", { kind = "duration", default = 5, help = "for a migration's locks; 0 is for ever" } },
  { "DB_SLOW_MS", { kind = "integer", default = 100, min = 0, max = 3600000, help = "slower ones are logged; 0: none" } },
  { "DB_PREPARED", { kind = "boolean", default = true, help = "false behind a transaction pooler" } },
  { "DB_PIPELINE", { kind = "boolean", default = true, help = "quick statements share connections" } },
  { "DB_WRITE_LANE", { kind = "boolean", default = false, help = "writes outside of db.tx share one, too" } },
  -- redis
  { "REDIS_URL", {
    kind = "url", schemes = { "redis", "unix" }, each = edges.redis_problem, help = "many hosts share rate limits there",
  } },
  { "REDIS_ENABLED", { kind = "boolean", default = function(get) return get "REDIS_URL" ~= nil end } },
  -- auth
  { "SECRET_KEY", {
    kind = "secret", required = true, min_bytes = 32, hint = "`neap secret` makes one",
    help = "signs the tokens; `neap secret` makes one",
  } },
  { "SECRET_KEY_PREVIOUS", { kind = "secret", min_bytes = 32, help = "its tokens are still taken" } },
  { "JWT_ALGORITHM", { kind = "enum", values = { "HS256", "HS384", "HS512" }, default = "HS256", help = "of our tokens" } },
  { "JWT_ISSUER", { kind = "string", default = "neap", max = 512, help = "iss of our tokens; empty: not looked at" } },
  { "JWT_AUDIENCE", { kind = "string", default = "neap", max = 512, help = "aud of our tokens; empty: as above" } },
  { "BETTER_AUTH_SECRET", { kind = "secret", min_bytes = 32, help = "of another issuer's HS256 tokens" } },
  { "JWKS_URL", { kind = "url", schemes = { "https", "http" }, help = "where another issuer publishes its keys" } },
  { "JWKS_FILE", { kind = "string", help = "a file with its keys" } },
  { "AUTH_ISSUER", { kind = "string", max = 512, help = "iss of that issuer's tokens" } },
  { "AUTH_AUDIENCE", { kind = "string", max = 512, help = "aud of that issuer's tokens" } },
  { "TOKEN_CACHE", { kind = "size", default = 8 * MIB, min = 64 << 10, help = "of verified tokens, in each worker" } },
  { "AUTH_REQUIRED", { kind = "boolean", default = true } },
  { "ACCESS_TOKEN_TTL", { kind = "duration", default = 900, min = 1 } },
  { "REFRESH_TOKEN_TTL", { kind = "duration", default = 30 * 86400, min = 1 } },
  { "REFRESH_REUSE_GRACE", { kind = "duration", default = 10 } },
  { "BCRYPT_COST", { kind = "integer", default = 12, min = 4, max = 16, help = "each step doubles a password's time" } },
  { "PASSWORD_LINE", { kind = "integer", default = 32, min = 1, max = 10000, help = "waiting for a hash, by worker" } },
  { "COOKIE_SECURE", { kind = "boolean", default = function(get) return get "ENVIRONMENT" ~= "development" end } },
  -- jobs
  { "JOBS_CONCURRENCY", { kind = "integer", default = 4, min = 0, max = 1000, help = "at a time in a worker; 0: none" } },
  { "JOBS_QUEUES", { kind = "list", default = {}, help = "that are served, in this order" } },
  { "JOBS_POLL", { kind = "duration", default = 5, min = 0.05, help = "how often to look for what nobody told of" } },
  { "JOBS_LEASE", { kind = "duration", default = 60, min = 1, help = "a worker that is gone is known by then" } },
  { "JOBS_KEEP", { kind = "duration", default = 7 * 86400, min = 60, help = "ended jobs; dead ones four times as long" } },
  { "JOBS_TABLE", { kind = "string", default = "jobs", help = "their table, also schema.table" } },
  -- edges
  { "CORS_ORIGINS", {
    kind = "list", default = { "http://localhost:3000" }, each = edges.origin_problem,
    help = "pages of these origins may call the API",
  } },
  { "RATE_LIMIT_DEFAULT", {
    kind = "rate", default = "100/min/user", keys = { user = true, ip = true },
    help = "of the routes that have no limit of their own, together; or off",
  } },
  { "RATE_LIMIT_LOGIN", {
    kind = "rate", default = "5/min/ip+email", keys = { ["ip+email"] = true }, help = "attempts to sign in; or off",
  } },
}

--- What two settings must have in common. Each gives a problem or nil; a value that is itself wrong is absent here.
M.checks = {
  function(values)
    local name = values.JOBS_TABLE
    if name and not (name:find "^[%l_][%l%d_]*$" or name:find "^[%l_][%l%d_]*%.[%l_][%l%d_]*$") then
      return "JOBS_TABLE: must be a name in lower case, or schema.name"
    end
  end,
  function(values)
    if values.JWKS_URL and values.JWKS_FILE then
      return "JWKS_URL: must not be set together with JWKS_FILE"
    end
  end,
  function(values)
    -- Issuers that serve many customers sign all their tokens with the same keys.
    if (values.JWKS_URL or values.JWKS_FILE) and not (values.AUTH_ISSUER and values.AUTH_AUDIENCE) then
      return "AUTH_ISSUER and AUTH_AUDIENCE: are required with JWKS_URL and JWKS_FILE"
    end
  end,
  function(values)
    local host = values.JWKS_URL and values.JWKS_URL:match "^http://(%[?[^/?]*)"
    if host and not (host:find "^localhost:?%d*$" or host:find "^127%.0%.0%.1:?%d*$" or host:find "^%[::1%]:?%d*$") then
      return "JWKS_URL: must be https"
    end
  end,
  function(values)
    local bytes = { HS384 = 48, HS512 = 64 }
    local least = bytes[values.JWT_ALGORITHM]
    for _, name in ipairs { "SECRET_KEY", "SECRET_KEY_PREVIOUS" } do
      if least and values[name] and #values[name] < least then
        return ("%s: must be at least %d bytes for %s"):format(name, least, values.JWT_ALGORITHM)
      end
    end
  end,
  function(values)
    if values.DB_POOL_MIN and values.DB_POOL_MAX and values.DB_POOL_MIN > values.DB_POOL_MAX then
      return "DB_POOL_MIN: must be at most DB_POOL_MAX"
    end
  end,
  function(values)
    if values.REDIS_ENABLED and values.REDIS_URL == nil then
      return "REDIS_URL: is required when REDIS_ENABLED is true"
    end
  end,
  function(values)
    if values.PGPASSWORD and values.PGHOST == nil and values.PGDATABASE == nil
      and values.DATABASE_URL == nil then
      return "PGHOST: is required when PGPASSWORD is set and there is no DATABASE_URL"
    end
  end,
}

return M
