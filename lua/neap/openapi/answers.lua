--- The answers of an operation in the OpenAPI document: what the route declares, and each error that it can give.
local json = require "neap.json"
local route_schemas = require "neap.route.schemas"
local schema = require "neap.schema"

local M = {}

-- RFC 9110 15; the names of the components are ours.
local ERRORS = {
  [400] = { "BadRequest", "The request cannot be understood" },
  [401] = { "Unauthorized", "Nobody is signed in: token_missing, token_expired or token_invalid" },
  [403] = { "Forbidden", "The user may not do this" },
  [404] = { "NotFound", "It does not exist, or belongs to somebody else" },
  [405] = { "MethodNotAllowed", "The path has other methods" },
  [408] = { "RequestTimeout", "The request did not arrive in time" },
  [409] = { "Conflict", "It conflicts with the present state" },
  [410] = { "Gone", "It is no longer there" },
  [412] = { "PreconditionFailed", "The precondition does not hold" },
  [413] = { "PayloadTooLarge", "The body is too large" },
  [415] = { "UnsupportedMediaType", "The body is not of a type that is taken here" },
  [422] = { "ValidationFailed", "Fields are wrong: details names each" },
  [429] = { "TooManyRequests", "Too many requests" },
  [500] = { "InternalError", "A fault of the service" },
  [501] = { "NotImplemented", "This is not built" },
  [502] = { "BadGateway", "A service behind this one gave a bad answer" },
  [503] = { "Unavailable", "The service is busy or on its way out" },
  [504] = { "Timeout", "It took too long" },
}

local SUCCESS = { [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "Nothing to say", [304] = "Not modified" }

local RETRY_AFTER = {
  ["Retry-After"] = { description = "Seconds to wait", schema = { type = "integer", minimum = 0 } },
}

local function has_checks(opts)
  for _, part in ipairs(route_schemas.parts) do
    if route_schemas.part(opts, part) then
      return true
    end
  end
  return false
end

-- A cookie alone does not make a change, whoever it belongs to.
local SAFE = { GET = true, HEAD = true }

--- Whether some who are signed in are refused by a route.
---@param route table
---@return boolean
local function may_forbid(route)
  local opts = route.opts
  if not opts.auth then
    return opts.guards ~= nil or opts.csrf == true
  end
  return opts.auth ~= "user" or opts.scopes ~= nil or opts.guards ~= nil or not SAFE[route.method]
end

--- The errors that a route can give by what it declares: status -> text (false: the usual one).
---@param route table
---@return table<integer, string|false>
function M.errors_of(route)
  local opts, out = route.opts, { [500] = false, [503] = false }
  local function add(condition, ...)
    for _, status in ipairs(condition and { ... } or {}) do
      out[status] = false
    end
  end
  add(opts.body or opts.form, 400, 413, 415)
  add(opts.auth, 401)
  add(opts.idempotent, 400, 409, 422)
  add(may_forbid(route), 403)
  add(route.path:find("{", 1, true) ~= nil, 404)
  add(has_checks(opts), 422)
  add(opts.rate_limit ~= false, 429)
  for key, value in pairs(opts.errors or {}) do
    if type(value) == "string" then
      out[key] = value
    else
      out[value] = out[value] or false
    end
  end
  return out
end

local function content(schema_table)
  return { ["application/json"] = { schema = schema_table } }
end

local function error_body(writer)
  return writer:schema(schema.ErrorResponse:node(), "neap.schema")
end

-- Both forms, of which the client's Accept chooses (core/http/problem.c).
local function error_content(writer, body)
  local out = content(body or error_body(writer))
  out["application/problem+json"] = { schema = writer:schema(schema.ProblemDetails:node(), "neap.schema") }
  return out
end

local function error_response(doc, writer, status, description)
  local name = ERRORS[status] and ERRORS[status][1] or "Error" .. status
  local answer = {
    description = description or (ERRORS[status] and ERRORS[status][2]) or "An error",
    content = error_content(writer),
    headers = (status == 429 or status == 503) and RETRY_AFTER or nil,
  }
  if description then
    return answer
  end
  doc.components.responses[name] = doc.components.responses[name] or answer
  return { ["$ref"] = "#/components/responses/" .. name }
end

local function declared(writer, status, answer, is_error, where, media_type)
  local known = SUCCESS[status] or ERRORS[status] and ERRORS[status][2] or "Status " .. status
  if media_type then
    return { description = known, content = { [media_type] = { schema = { type = "string" } } } }
  elseif not answer then
    return { description = known }
  end
  local body = writer:schema(answer:node(), where)
  local description = answer:node().description or known
  if is_error then
    -- The host itself may give this status, before the handler is asked.
    local either = { anyOf = json.array { body, error_body(writer) } }
    return { description = description, content = error_content(writer, either) }
  end
  return { description = description, content = content(body) }
end

--- The responses object of an operation.
---@param doc table
---@param writer neap.JsonSchemaWriter
---@param route table
---@return table
function M.responses(doc, writer, route)
  local out = {}
  local errors = M.errors_of(route)
  local where = route.where
  for status, answer in pairs(route_schemas.answers(route.opts)) do
    local number = status == "default" and 200 or status
    local media_type = route_schemas.media_type(route.opts, status)
    out[tostring(number)] = declared(writer, number, answer, errors[number] ~= nil, where, media_type)
  end
  if next(out) == nil then
    out["200"] = { description = SUCCESS[200] }
  end
  for status, description in pairs(errors) do
    local key = tostring(status)
    out[key] = out[key] or error_response(doc, writer, status, description or nil)
  end
  return out
end

return M
