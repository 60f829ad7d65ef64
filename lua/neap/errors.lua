--- Errors that end a request with an answer of their own, and the one place that knows which error means which status.
---
---     local task = db.one("select ...", id) or errors.not_found("Task not found")
local constraints = require "neap.db.constraints"

local M = {}

---@class neap.Error
---@field status integer
---@field code string      for programs, snake_case
---@field message string   for people, safe to show
---@field details any?
---@field headers table<string, string>?
local Error = { __name = "neap.error" }
Error.__index = Error

function Error:__tostring()
  return ("%d %s: %s"):format(self.status, self.code, self.message)
end

local function raise(status, code, message, details, headers)
  -- Level 0: an error that is a table carries no position; the traceback in the log has it.
  error(setmetatable({ status = status, code = code, message = message, details = details, headers = headers }, Error), 0)
end

local function simple(status, code, default)
  return function(message, details)
    raise(status, code, message or default, details)
  end
end

M.bad_request = simple(400, "bad_request", "The request cannot be understood")
M.unauthorized = simple(401, "unauthorized", "Sign in first")
M.forbidden = simple(403, "forbidden", "You may not do this")
M.not_found = simple(404, "not_found", "Not found")
M.internal = simple(500, "internal", "Internal server error")

--- 409. The code says which conflict it is.
---@param code string?     "conflict"
---@param message string?
---@param details any?
function M.conflict(code, message, details)
  raise(409, code or "conflict", message or "This conflicts with the present state", details)
end

--- 422, with what is wrong in each field.
---@param details { field: string, code: string, message: string }[]
---@param message string?
function M.validation(details, message)
  raise(422, "validation_failed", message or "The request is not valid", details)
end

local function retry_headers(seconds)
  return { ["Retry-After"] = tostring(math.max(1, math.ceil(seconds or 1))) }
end

--- 429.
---@param message string?
---@param retry_after number?  seconds, 1
function M.too_many(message, retry_after)
  raise(429, "too_many_requests", message or "Too many requests", nil, retry_headers(retry_after))
end

--- 503.
---@param message string?
---@param retry_after number?  seconds, 1
function M.unavailable(message, retry_after)
  raise(503, "unavailable", message or "The service is not available right now", nil, retry_headers(retry_after))
end

--- Any other answer.
---@param spec { status: integer, code: string, message: string, details: any?, headers: table<string, string>? }
function M.app(spec)
  if math.type(spec.status) ~= "integer" or spec.status < 400 or spec.status > 599 then
    error("errors.app: status must be an integer from 400 to 599", 2)
  end
  if type(spec.code) ~= "string" or type(spec.message) ~= "string" then
    error("errors.app: code and message must be strings", 2)
  end
  raise(spec.status, spec.code, spec.message, spec.details, spec.headers)
end

-- What goes out for a failed statement. Nothing of the statement, the values or the server's text is in it.
local CONFLICT = { status = 409, code = "conflict", message = "This conflicts with what is there already" }
local INVALID = { status = 422, code = "validation_failed", message = "The request is not valid" }
local BUSY = { status = 503, code = "unavailable", message = "The database is not available right now", retry = 1 }
local LATE = { status = 504, code = "timeout", message = "The database did not answer in time" }
local FORBIDDEN = { status = 403, code = "forbidden", message = "You may not do this" }
local INTERNAL = { status = 500, code = "internal", message = "Internal server error" }

local FOREIGN = { status = 409, code = "conflict", message = "This refers to something that is not there" }
local IN_USE = { status = 409, code = "in_use", message = "Something else still refers to this" }

-- What a broken rule says about a field.
local TAKEN = { code = "taken", message = "is taken already" }
local UNKNOWN = { code = "unknown", message = "names nothing that is there" }
local REQUIRED = { code = "required", message = "is required" }
local BROKEN = { code = "invalid", message = "is not valid" }

-- PostgreSQL 15, Appendix A. A code of five characters wins over its class, its first two.
local BY_SQLSTATE = {
  ["23505"] = CONFLICT, -- unique_violation
  ["23503"] = FOREIGN, -- foreign_key_violation; IN_USE from its other side
  ["23P01"] = CONFLICT, -- exclusion_violation
  ["23001"] = IN_USE, -- restrict_violation
  ["23514"] = INVALID, -- check_violation
  ["23502"] = INVALID, -- not_null_violation
  ["22"] = INVALID, -- data_exception: 22P02 bad text, 22001 too long, 22003 out of range, 22007 and 22008 dates
  ["22012"] = INTERNAL, -- division_by_zero: our own arithmetic
  ["44"] = INVALID, -- with_check_option_violation
  ["08"] = BUSY, -- connection_exception
  ["08P01"] = INTERNAL, -- protocol_violation: a wrong number of parameters
  ["25006"] = BUSY, -- read_only_sql_transaction: a standby answered
  ["28"] = BUSY, -- invalid_authorization: the log says why
  ["3D000"] = BUSY, -- the database does not exist (yet)
  ["40"] = BUSY, -- transaction_rollback: 40001 serialization_failure, 40P01 deadlock_detected
  ["53"] = BUSY, -- insufficient_resources: 53300 too_many_connections
  ["55P03"] = BUSY, -- lock_not_available
  ["57014"] = LATE, -- query_canceled
  ["57"] = BUSY, -- operator_intervention: 57P01 admin_shutdown, 57P03 cannot_connect_now
  ["58"] = BUSY, -- system_error
}

local BY_KIND = {
  unavailable = BUSY,
  line_full = BUSY,
  waited = BUSY,
  lost = BUSY,
  timed_out = LATE,
  cancelled = LATE,
  -- A string with a NUL byte: Postgres has no text that could hold it, so it can only have come with the request.
  bad_param = INVALID,
}

-- The database is well, but more want it than it has connections.
local IS_QUEUE = { line_full = true, waited = true }

local FIELD_RULES = { ["23505"] = TAKEN, ["23P01"] = TAKEN, ["23503"] = UNKNOWN, ["23502"] = REQUIRED, ["23514"] = BROKEN }

local function for_db_error(err)
  local known = BY_KIND[err.kind]
  if known == nil and type(err.sqlstate) == "string" then
    known = BY_SQLSTATE[err.sqlstate] or BY_SQLSTATE[err.sqlstate:sub(1, 2)]
  end
  if known == FOREIGN and constraints.is_in_use(err) then
    known = IN_USE
  elseif err.sqlstate == "42501" and (err.message or ""):find "row%-level security" then
    -- insufficient_privilege has two meanings: a policy refused the row, or a GRANT is missing, which is our own fault.
    known = FORBIDDEN
  end
  return known or INTERNAL
end

-- One entry for each field that the broken rule is about.
local function field_details(err)
  local rule = FIELD_RULES[err.sqlstate]
  local details = {}
  for i, column in ipairs(rule and constraints.columns(err) or {}) do
    details[i] = { field = "body." .. column, code = rule.code, message = rule.message }
  end
  return #details > 0 and details or nil
end

-- For the log, which may hold what the client must not see.
local LOGGED = { "kind", "sqlstate", "where", "detail", "hint", "constraint", "table", "column", "outcome", "statement" }

local function log_details(err)
  local out = {}
  for _, name in ipairs(LOGGED) do
    out[name] = err[name]
  end
  return out
end

local function name_of(value)
  if type(value) ~= "table" then
    return nil
  end
  local mt = getmetatable(value)
  return type(mt) == "table" and mt.__name or nil
end

-- A 503 that was raised is a refusal under load, one for each of many requests; 500 and its like are somebody's mistake.
local function is_logged(status)
  return status == 503 and "warn" or status >= 500
end

local function answer(known)
  local out = { status = known.status, code = known.code, message = known.message, log = known.status >= 500 }
  if known.retry then
    out.headers = retry_headers(known.retry)
  end
  return out
end

-- Also what the client did wrong is logged: which rule of the database it was is known nowhere else.
local function db_answer(err)
  local declared = constraints.conflict(err)
  local known = declared or for_db_error(err)
  local out = answer(known)
  if not declared and known ~= IN_USE and known.status < 500 then
    out.details = field_details(err)
  end
  out.log, out.log_details = IS_QUEUE[err.kind] and "warn" or true, log_details(err)
  return out
end

--- The answer to whatever a handler raised. Never raises.
---@param err any
---@return { status: integer, code: string, message: string, details: any, headers: table?, log: boolean|"warn",
---   log_details: table? }  log_details never leave the house
function M.map(err)
  local name = name_of(err)
  if name == "neap.error" then
    return {
      status = err.status,
      code = err.code,
      message = err.message,
      details = err.details,
      headers = err.headers,
      log = is_logged(err.status),
    }
  elseif name == "neap.db.error" then
    return db_answer(err)
  end
  return answer(INTERNAL)
end

--- One line about any error value, for logs and terminals; a __tostring that fails does no harm.
---@param err any
---@return string
function M.describe(err)
  if err == nil then
    return "error(nil)"
  end
  local ok, text = pcall(tostring, err)
  return ok and text or ("error value of type " .. type(err))
end

--- Whether err is one that errors.* raised (with this code, when one is given).
---@param err any
---@param code string?
---@return boolean
function M.is(err, code)
  return name_of(err) == "neap.error" and (code == nil or err.code == code)
end

return M
