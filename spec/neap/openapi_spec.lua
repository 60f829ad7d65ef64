local boot = require "neap.boot"
local config = require "config"
local json = require "neap.json"
local neap = require "neap"
local openapi = require "neap.openapi"
local openapi_diff = require "neap.openapi.diff"
local s = require "neap.schema"
local test = require "neap.test"

local function nothing() end

-- As a client reads it.
local function document(declare, opts)
  local app = neap.app(opts or { auth = false })
  declare(app)
  return json.decode(openapi.document(app:routes(), openapi.info(app, config)))
end

local function operation(opts, method, path)
  method, path = method or "get", path or "/a"
  local doc = document(function(app)
    app[method](app, path, opts, nothing)
  end)
  return doc.paths[path][method], doc
end

local function statuses(op)
  local list = {}
  for status in pairs(op.responses) do
    list[#list + 1] = status
  end
  table.sort(list)
  return table.concat(list, " ")
end

local function schema_of(schema)
  local op = operation({ response = schema })
  return op.responses["200"].content["application/json"].schema
end

describe("the document of Workbench", function()
  it("has every route of the application and no other", function()
    local told, declared = {}, {}
    for path, item in pairs(test.get("/openapi.json").json.paths) do
      for method in pairs(item) do
        told[#told + 1] = method:upper() .. " " .. path
      end
    end
    for _, route in ipairs(boot.load("tool"):routes()) do
      if not route.opts.hidden then
        declared[#declared + 1] = route.method .. " " .. route.path
      end
    end
    table.sort(told)
    table.sort(declared)
    assert.is_true(#told > 10)
    assert.same(declared, told)
  end)

  it("is OpenAPI 3.1 and has the title, the version and the names that the application's readers know", function()
    local doc = test.get("/openapi.json").json
    assert.equal("3.1.0", doc.openapi)
    assert.equal(config.API_TITLE, doc.info.title)
    assert.equal(config.APP_VERSION, doc.info.version)
    for _, name in ipairs {
      "AgentCreate", "AgentResponse", "TaskCreate", "TaskResponse", "HealthResponse", "ReadinessResponse", "VersionResponse",
      "ErrorResponse", "PaginatedTaskResponse",
    } do
      assert.equal("object", doc.components.schemas[name].type, name)
    end
  end)

  it("has its tags once each, in the order in which the routes bring them", function()
    local told, declared, seen = {}, {}, {}
    for i, tag in ipairs(test.get("/openapi.json").json.tags) do
      told[i] = tag.name
    end
    for _, route in ipairs(boot.load("tool"):routes()) do
      for _, tag in ipairs(not route.opts.hidden and route.opts.tags or {}) do
        declared[#declared + 1] = not seen[tag] and tag or nil
        seen[tag] = true
      end
    end
    assert.same({ "meta", "health", "auth", "users" }, table.move(told, 1, 4, 1, {}))
    assert.same(declared, told)
  end)

  it("has each tag, a summary and an id of its own on every operation", function()
    local ids = {}
    for path, item in pairs(test.get("/openapi.json").json.paths) do
      for method, op in pairs(item) do
        local name = method .. " " .. path
        assert.is_nil(ids[op.operationId], name)
        ids[op.operationId] = true
        assert.is_string(op.summary, name)
        assert.is_true(#op.tags > 0, name)
      end
    end
  end)

  it("has paths and fields in the order in which they are declared", function()
    local text = test.get("/openapi.json").body
    local version, health = text:find('"/version":', 1, true), text:find('"/health":', 1, true)
    assert.is_true(version < health and health < text:find('"/api/v1/agents":', 1, true))
    assert.truthy(text:find('"properties":{"id":{', 1, true))
    assert.equal('{"openapi":"3.1.0","info":{', text:sub(1, 27))
  end)

  it("is sent again only when it changed", function()
    local first = test.get "/openapi.json"
    assert.equal("application/json", first.headers["content-type"])
    local etag = first.headers["etag"]
    local again = test.get("/openapi.json", { headers = { ["If-None-Match"] = etag } })
    assert.equal(304, again.status)
    assert.equal("", again.body)
    assert.equal(200, test.get("/openapi.json", { headers = { ["If-None-Match"] = '"other"' } }).status)
  end)
end)

describe("an operation", function()
  it("has the errors that its route can give, and no others", function()
    assert.equal("200 429 500 503", statuses(operation {}))
    assert.equal("200 404 429 500 503", statuses((operation({}, "get", "/a/{id}"))))
    assert.equal("200 422 429 500 503", statuses(operation { query = s.object { a = s.any() } }))
    assert.equal("200 401 429 500 503", statuses(operation { auth = "user" }))
    assert.equal("200 401 403 429 500 503", statuses(operation { auth = "admin" }))
    assert.equal("200 401 403 429 500 503", statuses(operation { auth = "user", scopes = { "a:read" } }))
    assert.equal("200 401 403 429 500 503", statuses((operation({ auth = "user" }, "delete"))))
    assert.equal("200 403 429 500 503", statuses(operation { guards = { nothing } }))
    assert.equal("200 400 413 415 429 500 503", statuses((operation({ body = true }, "post"))))
    assert.equal("200 400 413 415 422 429 500 503", statuses((operation({ body = s.object { a = s.any() } }, "post"))))
    assert.equal("200 500 503", statuses(operation { rate_limit = false }))
    assert.equal("200 409 410 429 500 503", statuses(operation { errors = { 409, [410] = "Gone for good" } }))
  end)

  it("tells errors by reference to the one error body", function()
    local op, doc = operation { errors = { 409, [410] = "Gone for good" } }
    assert.equal("#/components/responses/Conflict", op.responses["409"]["$ref"])
    assert.equal("#/components/schemas/ErrorResponse",
      doc.components.responses.Conflict.content["application/json"].schema["$ref"])
    assert.equal("Gone for good", op.responses["410"].description)
  end)

  it("may answer bytes of a media type", function()
    local op = operation { response = { [200] = "text/csv", [404] = false } }
    assert.same({ ["text/csv"] = { schema = { type = "string" } } }, op.responses["200"].content)
    assert.is_nil(op.responses["404"].content)
  end)

  it("has its parameters, each where it is sent", function()
    local op = operation({
      params = s.object { id = s.uuid():describe "Which" },
      query = s.object { page = s.integer { min = 1 }:default(1), q = s.string() },
      headers = s.object { ["X-Trace"] = s.string():optional(), Authorization = s.string():optional() },
      cookies = s.object { tab = s.string():optional() },
    }, "get", "/a/{id}")
    assert.same({
      {
        name = "id", ["in"] = "path", required = true, description = "Which",
        schema = { type = "string", format = "uuid" },
      },
      { name = "page", ["in"] = "query", schema = { type = "integer", format = "int64", minimum = 1, default = 1 } },
      { name = "q", ["in"] = "query", required = true, schema = { type = "string" } },
      { name = "X-Trace", ["in"] = "header", schema = { type = "string" } },
      { name = "tab", ["in"] = "cookie", schema = { type = "string" } },
    }, op.parameters)
  end)

  it("without a params schema has its path parameters as strings", function()
    local op = operation({}, "get", "/a/{id}")
    assert.same({ { name = "id", ["in"] = "path", required = true, schema = { type = "string" } } }, op.parameters)
  end)

  it("has a body of JSON, of a form, or of a form with files", function()
    local function media(opts)
      local body = operation(opts, "post").requestBody
      return next(body.content), body.required
    end
    assert.same({ "application/json", true }, { media { body = s.object { a = s.any() } } })
    assert.same({ "application/json" }, { media { body = s.object { a = s.any() }:optional() } })
    assert.same({ "application/x-www-form-urlencoded", true }, { media { form = s.object { a = s.any() } } })
    assert.same({ "multipart/form-data", true }, { media { form = s.object { a = s.file() } } })
    assert.is_nil(operation({ body = false }, "post").requestBody)
  end)

  it("with files says which types they may have", function()
    local form = s.object { pic = s.array(s.file { types = { "image/png", "image/jpeg" } }), any = s.file() }
    local content = operation({ form = form }, "post").requestBody.content["multipart/form-data"]
    assert.same({ pic = { contentType = "image/png, image/jpeg" } }, content.encoding)
    assert.same({ type = "string", format = "binary", contentMediaType = "application/octet-stream" },
      content.schema.properties.any)
  end)

  it("that a signed-in user may call says how to be one, and one for everybody says so", function()
    local op, doc = operation { auth = "user" }
    assert.same({ { bearerAuth = {} }, { cookieAuth = {} } }, op.security)
    assert.same({ type = "http", scheme = "bearer", bearerFormat = "JWT" }, doc.components.securitySchemes.bearerAuth)
    assert.same({ type = "apiKey", ["in"] = "cookie", name = "access_token" }, doc.components.securitySchemes.cookieAuth)
    local needed = { "admin", "a:read", "b" }
    assert.same({ { bearerAuth = needed }, { cookieAuth = needed } },
      operation({ auth = "admin", scopes = { "a:read", "b" } }).security)
    assert.same({}, operation({}).security)
  end)

  it("is called by its name, or by method and path", function()
    local doc = document(function(app)
      app:get("/", nothing)
      app:get("/a/{id}", { name = "read_a" }, nothing)
      app:delete("/a/{id}/b", nothing)
      app:get("/again/{id}", { name = "read_a" }, nothing)
    end)
    assert.equal("get_root", doc.paths["/"].get.operationId)
    assert.equal("read_a", doc.paths["/a/{id}"].get.operationId)
    assert.equal("delete_a_id_b", doc.paths["/a/{id}/b"].delete.operationId)
    assert.equal("get_again_id", doc.paths["/again/{id}"].get.operationId)
  end)

  it("that is hidden is not told", function()
    local doc = document(function(app)
      app:get("/a", { hidden = true }, nothing)
      app:get("/b", { deprecated = true }, nothing)
    end)
    assert.is_nil(doc.paths["/a"])
    assert.is_true(doc.paths["/b"].get.deprecated)
  end)

  it("whose own answer has the status of an error may give either", function()
    local op = operation { response = { [200] = s.any(), [503] = s.object { a = s.any() } } }
    assert.equal(2, #op.responses["503"].content["application/json"].schema.anyOf)
    local quiet = operation { response = { [204] = false } }
    assert.is_nil(quiet.responses["204"].content)
  end)
end)

describe("a schema in the document", function()
  it("says all that is checked", function()
    for i, case in ipairs {
      { s.string { min = 1, max = 5, pattern = "^a" }, { type = "string", minLength = 1, maxLength = 5, pattern = "^a" } },
      { s.integer { min = 1, max = 9, multiple_of = 2 },
        { type = "integer", format = "int64", minimum = 1, maximum = 9, multipleOf = 2 } },
      { s.number { min = 0, max = 1, exclusive_min = true, exclusive_max = true },
        { type = "number", format = "double", exclusiveMinimum = 0, exclusiveMaximum = 1 } },
      { s.decimal { precision = 4, scale = 2 },
        { type = "string", format = "decimal", pattern = "^-?(0|[1-9][0-9]{0,1})(\\.[0-9]{1,2})?$" } },
      { s.boolean(), { type = "boolean" } },
      { s.uuid(), { type = "string", format = "uuid" } },
      { s.email { max = 254 }, { type = "string", format = "email", maxLength = 254 } },
      { s.url(), { type = "string", format = "uri" } },
      { s.date(), { type = "string", format = "date" } },
      { s.datetime(), { type = "string", format = "date-time" } },
      { s.enum { "a", "b" }, { type = "string", enum = { "a", "b" } } },
      { s.literal(5), { type = "integer", const = 5 } },
      { s.array(s.boolean(), { min = 1, max = 2, unique = true }),
        { type = "array", items = { type = "boolean" }, minItems = 1, maxItems = 2, uniqueItems = true } },
      { s.object { a = s.boolean(), b = s.boolean():optional(), c = s.boolean():default(true) }, {
        type = "object", required = { "a" }, additionalProperties = false,
        properties = { a = { type = "boolean" }, b = { type = "boolean" }, c = { type = "boolean", default = true } },
      } },
      { s.object({ a = s.boolean():optional() }):extra "keep",
        { type = "object", properties = { a = { type = "boolean" } } } },
      { s.map(s.boolean(), { keys = s.string { max = 3 }, max = 9 }), {
        type = "object", additionalProperties = { type = "boolean" }, propertyNames = { type = "string", maxLength = 3 },
        maxProperties = 9,
      } },
      { s.any():describe "Whatever":example(5), { description = "Whatever", examples = { 5 } } },
    } do
      assert.same(case[2], schema_of(case[1]), i)
    end
  end)

  it("that may be null says so", function()
    assert.same({ type = { "string", "null" } }, schema_of(s.string():nullable()))
    assert.same({ type = { "string", "null" }, enum = { "a", json.null } }, schema_of(s.enum({ "a" }):nullable()))
    assert.same({ anyOf = { { ["$ref"] = "#/components/schemas/T" }, { type = "null" } } },
      schema_of(s.object("T", { a = s.any() }):nullable()))
    assert.same({}, schema_of(s.any():nullable()))
  end)

  it("of a union has the tag of each variant", function()
    local Cat = s.object("Cat", { type = s.literal "cat" })
    local Dog = s.object("Dog", { type = s.literal "dog" })
    assert.same({
      oneOf = { { ["$ref"] = "#/components/schemas/Cat" }, { ["$ref"] = "#/components/schemas/Dog" } },
      discriminator = {
        propertyName = "type",
        mapping = { cat = "#/components/schemas/Cat", dog = "#/components/schemas/Dog" },
      },
    }, schema_of(s.union("type", { Cat, Dog })))
  end)

  it("that has a name is there once, and two of one name are refused with the place of both", function()
    local T = s.object("T", { a = s.string() })
    local _, doc = operation { response = s.object { one = T, two = T:nullable(), list = s.array(T) } }
    assert.same({ a = { type = "string" } }, doc.components.schemas.T.properties)
    local ok, err = pcall(document, function(app)
      app:get("/a", { response = T }, nothing)
      app:get("/b", { response = s.object("T", { a = s.integer() }) }, nothing)
    end)
    assert.is_false(ok)
    assert.matches("^spec/neap/openapi_spec%.lua:%d+: two different schemas have the name T %(the other is in "
      .. "spec/neap/openapi_spec%.lua:%d+%)$", err)
  end)
end)

describe("a change", function()
  local function breaks(before, after, method)
    local function of(opts)
      return document(function(app)
        if opts then
          app[method or "post"](app, "/a", opts, nothing)
        end
      end)
    end
    return openapi_diff.breaking(of(before), of(after))
  end

  local function body(fields)
    return { body = s.object(fields) }
  end

  local function answer(fields)
    return { body = false, response = s.object(fields) }
  end

  it("of nothing breaks nobody", function()
    local opts = { body = s.object { a = s.string() }, response = s.object { a = s.string():nullable() } }
    assert.same({}, breaks(opts, opts))
  end)

  it("that takes away an operation breaks its callers", function()
    assert.same({ "POST /a: is gone" }, breaks({ body = false }, nil))
  end)

  it("to a request breaks callers where it takes less", function()
    local old = { a = s.string { max = 10 }, e = s.enum { "x", "y" }, n = s.integer():nullable(), o = s.string():optional() }
    local function with(name, schema)
      local fields = {}
      for key, value in pairs(old) do
        fields[key] = value
      end
      fields[name] = schema
      return breaks(body(old), body(fields))
    end
    assert.same({ "POST /a: the body.a: maxLength was 10 and is 9" }, with("a", s.string { max = 9 }))
    assert.same({ "POST /a: the body.a: pattern was none and is ^x" }, with("a", s.string { max = 10, pattern = "^x" }))
    assert.same({ "POST /a: the body.a: format was none and is uuid" }, with("a", s.uuid()))
    assert.same({ "POST /a: the body.a: string is no longer allowed" }, with("a", s.boolean()))
    assert.same({ "POST /a: the body.e: the value y is no longer allowed" }, with("e", s.enum { "x", "z" }))
    assert.same({ "POST /a: the body.a: only x is allowed now" }, with("a", s.enum { "x" }))
    assert.same({ "POST /a: the body.n: null is no longer allowed" }, with("n", s.integer()))
    assert.same({ "POST /a: the body.n: minimum was none and is 0" }, with("n", s.integer({ min = 0 }):nullable()))
    assert.same({ "POST /a: the body: the field o is required now" }, with("o", s.string()))
    assert.same({ "POST /a: the body: the field p is new and required" }, with("p", s.string()))
    assert.same({ "POST /a: the body: the field o is no longer known" }, with("o", nil)
      and breaks(body(old), body { a = old.a, e = old.e, n = old.n }))
  end)

  it("to a request that takes more breaks nobody", function()
    assert.same({}, breaks(
      body { a = s.string { max = 10, min = 1 }, e = s.enum { "x" }, n = s.integer(), m = s.integer { min = 1 } },
      body { a = s.string { max = 11 }, e = s.enum { "x", "y" }, n = s.number():nullable(), m = s.integer():optional(),
        p = s.string():default "d" }))
  end)

  it("to an answer breaks callers where it gives less or something else", function()
    local old = { a = s.string(), o = s.string() }
    assert.same({ "POST /a: the answer 200: the field o is gone" }, breaks(answer(old), answer { a = s.string() }))
    assert.same({ "POST /a: the answer 200: the field o may be absent now" },
      breaks(answer(old), answer { a = s.string(), o = s.string():optional() }))
    assert.same({ "POST /a: the answer 200.o: may be null now" },
      breaks(answer(old), answer { a = s.string(), o = s.string():nullable() }))
    assert.same({ "POST /a: the answer 200.o: may be integer now" },
      breaks(answer(old), answer { a = s.string(), o = s.integer() }))
    assert.same({ "POST /a: the answer 200 is gone" },
      breaks({ body = false, response = { [200] = s.any() } }, { body = false, response = { [201] = s.any() } }))
    assert.same({}, breaks(answer(old), answer { a = s.string(), o = s.string(), more = s.string() }))
  end)

  it("is found in items, in components and in variants", function()
    local function pet(cat)
      return { body = s.object { list = s.array(s.union("type", {
        s.object("Cat", { type = s.literal "cat", lives = cat }), s.object("Dog", { type = s.literal "dog" }),
      })) } }
    end
    assert.same({ "POST /a: the body.list[] (cat).lives: maximum was 9 and is 7" },
      breaks(pet(s.integer { max = 9 }), pet(s.integer { max = 7 })))
  end)

  it("to parameters and to who may call breaks callers", function()
    local function query(fields, more)
      local opts = more or {}
      opts.query = s.object(fields)
      return opts
    end
    assert.same({ "GET /a: the query parameter b is new and required" },
      breaks(query { a = s.string():optional() }, query { a = s.string():optional(), b = s.string() }, "get"))
    assert.same({ "GET /a: the query parameter a is required now" },
      breaks(query { a = s.string():optional() }, query { a = s.string() }, "get"))
    assert.same({ "GET /a: the query parameter b is gone" },
      breaks(query { a = s.any(), b = s.any() }, query { a = s.any() }, "get"))
    assert.same({ "GET /a: needs a signed-in user now" }, breaks({}, { auth = "user" }, "get"))
    assert.same({ "GET /a: needs admin now" }, breaks({ auth = "user" }, { auth = "admin" }, "get"))
    assert.same({ "GET /a: needs b, c now" },
      breaks({ auth = "user", scopes = { "a" } }, { auth = "user", scopes = { "c", "a", "b" } }, "get"))
    assert.same({}, breaks({ auth = "admin" }, { auth = "user" }, "get"))
  end)

  it("of the name of a path parameter breaks nobody", function()
    local function of(path)
      return document(function(app)
        app:get(path, nothing)
      end)
    end
    assert.same({}, openapi_diff.breaking(of "/a/{id}", of "/a/{key}"))
  end)
end)
