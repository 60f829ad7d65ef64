--- The schemas of a route: what may be declared, and the plans that the core holds requests and answers against.
--- Runs once, when the application loads.
local class = require "neap.schema.class"
local schema = require "neap.schema"

local M = {}

-- What comes with a request.
M.parts = { "params", "query", "headers", "cookies", "body" }

local function is_object(v)
  return schema.is(v) and v:node().kind == "object", "an object schema"
end

local function has_file(node)
  for _, field in ipairs(node.fields) do
    local inner = field.node.kind == "array" and field.node.items or field.node
    if inner.kind == "file" then
      return true
    end
  end
  return false
end

local function is_status(v)
  return math.type(v) == "integer" and v >= 200 and v <= 599
end

-- RFC 9110 8.3.1, without parameters.
local function is_media_type(v)
  return type(v) == "string" and v:find "^[%w!#$&^_.+-]+/[%w!#$&^_.+-]+$" ~= nil
end

local function is_response(v)
  local wanted = "a schema, or schemas by status (false: no body; a media type: bytes)"
  if schema.is(v) then
    return true
  elseif type(v) ~= "table" or next(v) == nil then
    return false, wanted
  end
  for status, answer in pairs(v) do
    if not is_status(status) or not (answer == false or schema.is(answer) or is_media_type(answer)) then
      return false, wanted
    end
  end
  return true
end

local function is_errors(v)
  local wanted = 'a list of statuses, or texts by status: { 409 } or { [409] = "It is busy" }'
  if type(v) ~= "table" then
    return false, wanted
  end
  for key, value in pairs(v) do
    local status = type(value) == "string" and key or value
    if not is_status(status) or status < 400 then
      return false, wanted
    end
  end
  return true
end

--- For neap.route.options.
M.options = {
  params = is_object,
  query = is_object,
  headers = is_object,
  cookies = is_object,
  body = function(v)
    return type(v) == "boolean" or schema.is(v), "a schema, true for any JSON, or false for none"
  end,
  form = is_object,
  response = is_response,
  errors = is_errors,
}

local function raise(route, message, ...)
  error(("%s: %s %s: %s"):format(route.where, route.method, route.path, message:format(...)), 0)
end

--- A {param} that its schema does not know would never be checked; a field that is not in the path would never be there.
local function check_params(route)
  local named = {}
  for _, field in ipairs(route.opts.params:node().fields) do
    named[field.name] = true
  end
  for name in route.path:gmatch "{([%a_][%w_]*)}" do
    if not named[name] then
      raise(route, "its params schema does not name {%s}", name)
    end
    named[name] = nil
  end
  local left = next(named)
  if left then
    raise(route, "its params schema names %q, which is not in the path", left)
  end
end

--- The schema of the body, whether it is declared as body or as form; nil when there is none.
---@param opts table
---@return neap.Schema?
function M.body_of(opts)
  if opts.form then
    return opts.form
  end
  return schema.is(opts.body) and opts.body or nil
end

--- The schema of one of M.parts; nil when it is not declared.
---@param opts table
---@param part string
---@return neap.Schema?
function M.part(opts, part)
  if part == "body" then
    return M.body_of(opts)
  end
  return opts[part]
end

--- The kind of form that a route takes.
---@param opts table
---@return "multipart"|"urlencoded"|nil
function M.form_kind(opts)
  return opts.form and (has_file(opts.form:node()) and "multipart" or "urlencoded") or nil
end

--- Answers by status, whichever way they were declared; `default` of a single schema is any success. One that is bytes of a
--- media type has no schema: false here.
---@param opts table
---@return table<integer|"default", neap.Schema|false>
function M.answers(opts)
  if opts.response == nil then
    return {}
  elseif schema.is(opts.response) then
    return { default = opts.response }
  end
  local out = {}
  for status, answer in pairs(opts.response) do
    out[status] = schema.is(answer) and answer
  end
  return out
end

--- The media type of an answer that is declared as bytes: { [200] = "text/event-stream" }.
---@param opts table
---@param status integer|"default"
---@return string?
function M.media_type(opts, status)
  local answer = type(opts.response) == "table" and not schema.is(opts.response) and opts.response[status]
  return type(answer) == "string" and answer or nil
end

local NOT_IN_TEXT = { object = true, map = true, union = true }

-- A form field or a query string has no shape in which these could arrive, and JSON none for a file.
local function check_kinds(route, part, node, is_form)
  for _, field in ipairs(node.fields or {}) do
    local inner = field.node.kind == "array" and field.node.items or field.node
    if NOT_IN_TEXT[inner.kind] then
      raise(route, "%s.%s is of kind %s, which text cannot carry", part, field.name, inner.kind)
    elseif inner.kind == "file" and not is_form then
      raise(route, "%s.%s is a file, which only a form can carry", part, field.name)
    end
  end
end

local function check_no_file(route, part, node)
  if node.kind == "file" then
    raise(route, "%s has a file, which only a form can carry", part)
  end
  for _, child in ipairs(class.children(node)) do
    check_no_file(route, part, child)
  end
end

local function check_carriers(route)
  local opts = route.opts
  for _, part in ipairs { "params", "query", "headers", "cookies" } do
    if opts[part] then
      check_kinds(route, part, opts[part]:node(), false)
    end
  end
  if opts.form then
    check_kinds(route, "form", opts.form:node(), true)
  elseif schema.is(opts.body) then
    check_no_file(route, "body", opts.body:node())
  end
  for _, answer in pairs(M.answers(opts)) do
    if answer then
      check_no_file(route, "response", answer:node())
    end
  end
end

-- Names of headers come in lower case (RFC 9110 5.1 has them in any), and a request has headers and cookies of which the
-- route knows nothing.
local function outer_node(node, part)
  local out = class.copy_node(node)
  out.extra = "drop"
  if part == "headers" then
    out.fields = {}
    for i, field in ipairs(node.fields) do
      out.fields[i] = { name = field.name:lower(), node = field.node }
    end
  end
  return out
end

local function plan_of(route, what, value)
  local ok, plan
  if what == "headers" or what == "cookies" then
    ok, plan = pcall(function()
      return schema.plan(class.new(outer_node(value:node(), what)))
    end)
  else
    ok, plan = pcall(schema.plan, value)
  end
  if not ok then
    raise(route, "%s: %s", what, plan)
  end
  return plan
end

--- The plans of a route as core.route takes them.
---@param route table  as route_table.flatten gives it
---@return table { params=, query=, headers=, cookies=, body=, form=, responses= }
function M.plans(route)
  local opts, out = route.opts, {}
  if opts.form and opts.body then
    raise(route, "it has a body or a form, not both")
  elseif opts.params then
    check_params(route)
  end
  check_carriers(route)
  for _, part in ipairs(M.parts) do
    local value = M.part(opts, part)
    out[part] = value and plan_of(route, part, value)
  end
  if out.body == nil then
    out.body = opts.body == true or nil
  end
  out.form = opts.form ~= nil or nil
  for status, answer in pairs(M.answers(opts)) do
    if answer then
      out.responses = out.responses or {}
      out.responses[status] = plan_of(route, "response", answer)
    end
  end
  return out
end

return M
