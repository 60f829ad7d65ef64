--- The OpenAPI 3.1 document of an application, from its live routes: what is told is what is checked.
local answers = require "neap.openapi.answers"
local idempotency = require "neap.idempotency"
local json = require "neap.json"
local json_schema = require "neap.openapi.json_schema"
local route_schemas = require "neap.route.schemas"

local M = {}

local SECURITY_SCHEMES = {
  bearerAuth = { type = "http", scheme = "bearer", bearerFormat = "JWT" },
  cookieAuth = { type = "apiKey", ["in"] = "cookie", name = "access_token" },
}

-- OpenAPI 3.1, 4.8.12.1: parameters of these names are ignored; other parts of the document say what they would.
local IGNORED_HEADERS = { accept = true, ["content-type"] = true, authorization = true }

-- The place of a parameter in OpenAPI, by ours.
local PLACES = { { "params", "path" }, { "query", "query" }, { "headers", "header" }, { "cookies", "cookie" } }

local function parameter(writer, place, field, where)
  local node = field.node
  local schema = writer:schema(node, where)
  local description
  if schema["$ref"] == nil then
    description, schema.description = schema.description, nil
  end
  return {
    name = field.name,
    ["in"] = place,
    required = place == "path" or json_schema.is_required(node) or nil,
    description = description,
    schema = schema,
  }
end

local function path_parameters(route, list)
  for name in route.path:gmatch "{([%a_][%w_]*)}" do
    list[#list + 1] = { name = name, ["in"] = "path", required = true, schema = { type = "string" } }
  end
end

local function parameters(writer, route)
  local list = json.array {}
  if route.opts.params == nil then
    path_parameters(route, list)
  end
  for _, pair in ipairs(PLACES) do
    local part, place = pair[1], pair[2]
    local schema = route.opts[part]
    for _, field in ipairs(schema and schema:node().fields or {}) do
      if place ~= "header" or not IGNORED_HEADERS[field.name:lower()] then
        list[#list + 1] = parameter(writer, place, field, route.where)
      end
    end
  end
  if route.opts.idempotent then
    list[#list + 1] = {
      name = idempotency.HEADER,
      ["in"] = "header",
      description = "A request that comes again with its key is done once, and answered alike for 24 hours",
      schema = { type = "string", minLength = 1, maxLength = idempotency.KEY_MAX, pattern = idempotency.KEY_PATTERN },
    }
  end
  return #list > 0 and list or nil
end

local FORMS = { multipart = "multipart/form-data", urlencoded = "application/x-www-form-urlencoded" }

-- OpenAPI 3.1, 4.8.15: the media types that a part of a form may have.
local function encoding_of(node)
  local out
  for _, field in ipairs(node.fields) do
    local inner = field.node.kind == "array" and field.node.items or field.node
    if inner.types then
      out = out or {}
      out[field.name] = { contentType = table.concat(inner.types, ", ") }
    end
  end
  return out
end

local function request_body(writer, route)
  local opts = route.opts
  local schema = route_schemas.body_of(opts)
  if schema == nil and not opts.body then
    return nil
  end
  local form = route_schemas.form_kind(opts)
  local node = schema and schema:node()
  return {
    required = not (node and node.optional) or nil,
    content = {
      [FORMS[form] or "application/json"] = {
        schema = node and writer:schema(node, route.where) or {},
        encoding = form == "multipart" and encoding_of(node) or nil,
      },
    },
  }
end

--- "GET /api/v1/tasks/{id}" is get_api_v1_tasks_id.
---@return string
local function operation_id(method, path)
  local words = path:gsub("[^%w]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  return words == "" and method:lower() .. "_root" or method:lower() .. "_" .. words
end

-- A router may be mounted twice, and then a name is there twice: the second goes by its path.
local function unique_id(route, taken)
  local id = route.opts.name
  if id == nil or taken[id] then
    id = operation_id(route.method, route.path)
  end
  while taken[id] do
    id = id .. "_"
  end
  taken[id] = true
  return id
end

local function security(doc, route)
  if not route.opts.auth then
    return json.array {}
  end
  doc.components.securitySchemes = SECURITY_SCHEMES
  -- OpenAPI 3.1, 4.8.30: for schemes that are not OAuth these are role names that are needed.
  local needed = json.array {}
  if route.opts.auth ~= "user" then
    needed[1] = route.opts.auth
  end
  for _, scope in ipairs(route.opts.scopes or {}) do
    needed[#needed + 1] = scope
  end
  return json.array { { bearerAuth = needed }, { cookieAuth = needed } }
end

local function add_tags(doc, route, seen)
  for _, name in ipairs(route.opts.tags or {}) do
    if not seen[name] then
      seen[name] = true
      doc.tags[#doc.tags + 1] = { name = name }
    end
  end
end

local function operation(doc, writer, route, state)
  local opts = route.opts
  add_tags(doc, route, state.tags)
  return {
    operationId = unique_id(route, state.ids),
    summary = opts.summary,
    description = opts.description,
    tags = opts.tags and json.array { table.unpack(opts.tags) },
    deprecated = opts.deprecated or nil,
    parameters = parameters(writer, route),
    requestBody = request_body(writer, route),
    responses = answers.responses(doc, writer, route),
    security = security(doc, route),
  }
end

-- The paths in the order of their first route, each with its methods in theirs.
local function paths_of(doc, writer, routes)
  local state = { ids = {}, tags = {} }
  local order, items = {}, {}
  for _, route in ipairs(routes) do
    if not route.opts.hidden then
      if items[route.path] == nil then
        items[route.path] = {}
        order[#order + 1] = route.path
      end
      table.insert(items[route.path], { route.method:lower(), operation(doc, writer, route, state) })
    end
  end
  local paths = {}
  for i, path in ipairs(order) do
    paths[i] = { path, json_schema.ordered(items[path]) }
  end
  return json_schema.ordered(paths)
end

--- The document as JSON. Raises when two different schemas have one name.
---@param routes table[]  as app:routes() gives them
---@param info { title: string, version: string, description: string? }
---@return string
function M.document(routes, info)
  local doc = { tags = json.array {}, components = { responses = {} } }
  local writer = json_schema.new()
  local paths = paths_of(doc, writer, routes)
  doc.components.schemas = writer.schemas
  return json.encode(json_schema.ordered {
    { "openapi", "3.1.0" },
    { "info", { title = info.title, version = info.version, description = info.description } },
    { "servers", json.array { { url = "/" } } },
    { "tags", doc.tags },
    { "paths", paths },
    { "components", doc.components },
  })
end

-- A small application declares none of these settings, and asking its config for one would raise.
local function declared(config, name)
  for key, value in pairs(config) do
    if key == name then
      return value
    end
  end
end

--- What a document is about, by the application and its settings.
---@param app neap.App
---@param config table
---@return { title: string, version: string, description: string? }
function M.info(app, config)
  local own = app.opts
  return {
    title = own.title or declared(config, "API_TITLE") or declared(config, "PROJECT_NAME") or "API",
    version = own.version or declared(config, "APP_VERSION") or "0.1.0",
    description = own.description,
  }
end

return M
