--- What may be said of a route, and the checks of it that need nothing but the route itself.
local options = require "neap.base.options"
local access = require "neap.route.access"
local rate_limit = require "neap.rate_limit"
local schemas = require "neap.route.schemas"

local M = {}

local function is_string(v)
  return type(v) == "string", "a string"
end

local is_boolean = options.boolean
local is_string_list = options.list_of("string", "strings")
local is_function_list = options.list_of("function", "functions")

local function is_seconds(v)
  return type(v) == "number" and v > 0 and v < math.huge, "seconds, more than 0"
end

local function is_bytes(v)
  return math.type(v) == "integer" and v > 0, "a number of bytes, more than 0"
end

local function is_on_disconnect(v)
  return v == "cancel" or v == "finish", '"cancel" or "finish"'
end

local function is_rate_limit(v)
  local problem = rate_limit.problem(v)
  return problem == nil, problem
end

local function anything()
  return true
end

local function with(known, more)
  local out = {}
  for _, options_of in ipairs { known, more } do
    for name, check in pairs(options_of) do
      out[name] = check
    end
  end
  return out
end

-- What a route has, and a router and an application have for all of theirs.
local SHARED = {
  tags = is_string_list,
  auth = access.is_auth,
  scopes = access.is_scopes,
  guards = is_function_list,
  timeout = is_seconds,
  body_max = is_bytes,
  use = is_function_list,
  rate_limit = is_rate_limit,
  hidden = is_boolean,
  idempotent = is_boolean,
}

local ROUTE = with(with(SHARED, schemas.options), {
  summary = is_string,
  description = is_string,
  name = is_string,
  on_disconnect = is_on_disconnect,
  deprecated = is_boolean,
  csrf = is_boolean,
})

local ROUTER = with(SHARED, { prefix = is_string })

local APP = with(ROUTER, {
  title = is_string,
  version = is_string,
  description = is_string,
  docs = is_boolean,
  docs_url = anything,
  redoc_url = anything,
  openapi_url = anything,
  metrics_url = anything,
})

local KINDS = { route = ROUTE, router = ROUTER, app = APP }

--- The first thing that is wrong with the options, in words; nil when all is well.
---@param kind "route"|"router"|"app"
---@param opts table
---@return string?
function M.problem(kind, opts)
  return options.problem(KINDS[kind], opts)
end

-- As many as core/http/route.h takes.
local PARAMS_MAX, SEGMENTS_MAX = 8, 32

local function segment_problem(segment, seen)
  if segment == "" then
    return "has an empty segment"
  end
  local name = segment:match "^{(.*)}$"
  if name == nil then
    if segment:find "[{}]" then
      return ("has the segment %q: a parameter is a whole segment, {name}"):format(segment)
    end
    if segment:find "[^%w%-._~!$&'()*+,;=:@]" then
      return ("has a character that a path cannot have in %q"):format(segment)
    end
    return nil
  end
  if not name:find "^[%a_][%w_]*$" then
    return ("has the parameter {%s}: a name is letters, digits and _"):format(name)
  end
  if seen[name] then
    return ("has the parameter {%s} twice"):format(name)
  end
  seen[name] = true
  seen.count = (seen.count or 0) + 1
end

--- What is wrong with a whole path; nil when it is fine.
---@param path string
---@return string?
function M.path_problem(path)
  if path:sub(1, 1) ~= "/" then
    return "must start with a slash"
  end
  if path == "/" then
    return nil
  end
  if path:sub(-1) == "/" then
    return "must not end with a slash"
  end
  local seen, count = {}, 0
  for segment in path:gmatch "/([^/]*)" do
    count = count + 1
    local problem = segment_problem(segment, seen)
    if problem then
      return problem
    end
  end
  if count > SEGMENTS_MAX then
    return ("has more than %d segments"):format(SEGMENTS_MAX)
  end
  if (seen.count or 0) > PARAMS_MAX then
    return ("has more than %d parameters"):format(PARAMS_MAX)
  end
end

return M
