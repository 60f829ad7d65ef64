local core = require "neap.core"
local errors = require "neap.errors"
local json = require "neap.json"
local neap = require "neap"
local route_schemas = require "neap.route.schemas"
local s = require "neap.schema"
local test = require "neap.test"

-- Runs fn, which must fail with the line of this file on which the declaration stands; gives the message alone.
local function refused(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.matches("^spec/neap/route/schemas_spec%.lua:%d+: ", err)
  return (err:gsub("^[^ ]* ", ""))
end

-- A route of its own for each test: /route-schemas-<n>, and whatever the test puts behind it.
local count = 0

local function serve(method, tail, opts, handler)
  count = count + 1
  local app = neap.app {}
  app[method](app, ("/route-schemas-%d%s"):format(count, tail), opts, handler)
  local route = app:routes()[1]
  local spec = route_schemas.plans(route)
  spec.method, spec.pattern, spec.handler = route.method, route.path, route.handler
  core.route(spec)
  return ("/route-schemas-%d"):format(count)
end

local function problems_of(res)
  assert.equal(422, res.status)
  local list = {}
  for i, detail in ipairs(res.json.error.details) do
    list[i] = detail.field .. " " .. detail.code
  end
  return list
end

describe("a route", function()
  it("gets what was checked: params, query, headers, cookies and body", function()
    local path = serve("post", "/{n}", {
      params = s.object { n = s.integer() },
      query = s.object { on = s.boolean():default(true), list = s.array(s.integer()):optional() },
      headers = s.object { ["X-Trace"] = s.integer() },
      cookies = s.object { tab = s.string():optional() },
      body = s.object { at = s.integer():default(5) },
    }, function(req)
      return {
        n = req.params.n, on = req.query.on, list = req.query.list, at = req.body.at,
        trace = req.headers["x-trace"], tab = req.cookies.tab,
      }
    end)
    local headers = { ["X-Trace"] = "3", Cookie = "tab=a; b=c" }
    local res = test.post(path .. "/7?list=1&list=2", json.object {}, { headers = headers })
    assert.same({ n = 7, on = true, list = { 1, 2 }, trace = 3, tab = "a", at = 5 }, res.json)
  end)

  it("tells everything that is wrong with a request at once", function()
    local path = serve("post", "/{n}", {
      params = s.object { n = s.integer() },
      query = s.object { on = s.boolean() },
      body = s.object { at = s.integer() },
    }, function() end)
    local res = test.post(path .. "/x?on=maybe&more=1", { at = "now" })
    assert.same({ "params.n type", "query.more unknown_field", "query.on type", "body.at type" }, (function()
      local list = problems_of(res)
      table.sort(list, function(a, b)
        local order = { p = 1, q = 2, b = 3 }
        local x, y = order[a:sub(1, 1)], order[b:sub(1, 1)]
        return x < y or (x == y and a < b)
      end)
      return list
    end)())
  end)

  it("answers only what its schema declares, in the schema's order, with [] for an empty list", function()
    local path = serve("get", "", { response = s.object { { "z", s.array(s.any()) }, { "a", s.integer() } } }, function()
      return { a = 1, z = {}, secret = "x" }
    end)
    assert.equal('{"z":[],"a":1}', test.get(path).body)
  end)

  it("answers by the schema of the status", function()
    local path = serve("get", "", {
      response = { [200] = s.object { a = s.integer() }, [202] = s.object { b = s.integer() } },
    }, function()
      return 202, { a = 1, b = 2 }
    end)
    local res = test.get(path)
    assert.equal(202, res.status)
    assert.equal('{"b":2}', res.body)
  end)

  it("takes a form in place of JSON", function()
    local path = serve("post", "", { form = s.object { n = s.integer(), tags = s.array(s.string()) } }, function(req)
      return req.body
    end)
    local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    assert.same({ n = 5, tags = { "a b" } }, test.request {
      method = "POST", path = path, body = "n=5&tags=a+b", headers = headers,
    }.json)
    assert.equal(415, test.post(path, { n = 5 }).status)
  end)

  it("with a body that is optional may be sent without one", function()
    local path = serve("post", "", { body = s.object { a = s.integer() }:optional() }, function(req)
      return { got = req.body == nil and "nothing" or "something" }
    end)
    assert.equal("nothing", test.request { method = "POST", path = path }.json.got)
    assert.equal("something", test.post(path, { a = 1 }).json.got)
  end)
end)

describe("a check of one's own", function()
  it("runs after all others were passed, and its message is the client's", function()
    local asked = 0
    local path = serve("post", "", {
      body = s.object {
        name = s.string { max = 5 }:refine(function(value)
          asked = asked + 1
          return value ~= "admin", "is taken"
        end),
      },
    }, function(req)
      return { name = req.body.name }
    end)
    assert.same({ "body.name too_long" }, problems_of(test.post(path, { name = "toolong" })))
    assert.equal(0, asked)
    local res = test.post(path, { name = "admin" })
    assert.same({ { field = "body.name", code = "invalid", message = "is taken" } }, res.json.error.details)
    assert.equal("ann", test.post(path, { name = "ann" }).json.name)
  end)

  it("may wait", function()
    local path = serve("get", "", {
      query = s.object { a = s.string():refine(function()
        core.sleep(0.001)
        return true
      end) },
    }, function() return { ok = true } end)
    assert.is_true(test.get(path .. "?a=1").json.ok)
  end)

  it("reaches items, values and variants, and may name a field of an object", function()
    local odd = s.integer():refine(function(n) return n % 2 == 1, "must be odd" end)
    local Range = s.object { from = s.integer(), to = s.integer() }:refine(function(r)
      return r.from <= r.to, "must not be before from", "to"
    end)
    local Shape = s.union("type", { s.object { type = s.literal "n", n = odd } })
    local path = serve("post", "", {
      body = s.object {
        list = s.array(odd), map = s.map(odd), range = Range, shape = Shape, none = odd:nullable(),
        absent = odd:optional(),
      },
    }, function() return { ok = true } end)
    local res = test.post(path, {
      list = { 1, 2 }, map = { a = 4 }, range = { from = 2, to = 1 }, shape = { type = "n", n = 6 }, none = json.null,
    })
    assert.same({ "body.list[1] invalid", "body.map.a invalid", "body.range.to invalid", "body.shape.n invalid" },
      problems_of(res))
  end)

  it("may end the request with an error of its own, and runs behind the route's middleware", function()
    local asked = false
    local path = serve("get", "", {
      query = s.object { a = s.string():refine(function()
        asked = true
        errors.conflict("taken", "It is taken")
      end) },
      use = { function(req, next)
        if req.query.a == "stop" then
          errors.forbidden()
        end
        return next(req)
      end },
    }, function() end)
    assert.equal(403, test.get(path .. "?a=stop").status)
    assert.is_false(asked)
    assert.equal(409, test.get(path .. "?a=go").status)
  end)

  it("that gives no message says that the value is not valid", function()
    local Never = s.string():refine(function() return false end)
    local path = serve("get", "", { query = s.object { a = Never } }, function() end)
    assert.equal("is not valid", test.get(path .. "?a=1").json.error.details[1].message)
  end)
end)

describe("the declaration of a route", function()
  local function declared(path, opts)
    return refused(function()
      local app = neap.app {}
      app:get(path, opts, function() end)
      route_schemas.plans(app:routes()[1])
    end)
  end

  it("names in its params what is in the path, no more and no less", function()
    assert.equal("GET /a/{id}/{n}: its params schema does not name {n}", declared("/a/{id}/{n}", { params = s.id_uuid }))
    assert.equal('GET /a: its params schema names "id", which is not in the path', declared("/a", { params = s.id_uuid }))
  end)

  it("is refused when a part is no schema", function()
    assert.equal('GET /a: option "query" must be an object schema', declared("/a", { query = { a = s.any() } }))
    assert.equal('GET /a: option "query" must be an object schema', declared("/a", { query = s.string() }))
    for _, response in ipairs { { ok = s.string() }, { [200] = "csv" }, { [200] = "text/csv; header" }, "text/csv" } do
      assert.equal('GET /a: option "response" must be a schema, or schemas by status (false: no body; a media type: bytes)',
        declared("/a", { response = response }))
    end
    assert.equal('GET /a: option "body" must be a schema, true for any JSON, or false for none',
      declared("/a", { body = {} }))
    assert.matches('^GET /a: option "errors" must be a list of statuses', declared("/a", { errors = { 200 } }))
  end)

  it("is refused when a part cannot carry what is declared", function()
    assert.equal("GET /a: query.at is of kind object, which text cannot carry",
      declared("/a", { query = s.object { at = s.object { x = s.any() } } }))
    assert.equal("GET /a: query.f is a file, which only a form can carry",
      declared("/a", { query = s.object { f = s.file() } }))
    assert.equal("GET /a: body has a file, which only a form can carry",
      declared("/a", { body = s.array(s.object { f = s.file() }) }))
  end)

  it("is refused when it has a body and a form, or neither where it writes", function()
    assert.equal("GET /a: it has a body or a form, not both",
      declared("/a", { body = s.any(), form = s.object { a = s.any() } }))
    assert.equal("POST /a: declare its body, or body = false when it has none", refused(function()
      neap.app({}):post("/a", {}, function() end)
    end))
  end)

  it("without a params schema leaves {id} a plain string", function()
    local path = serve("get", "/{id}", {}, function(req) return { id = req.params.id } end)
    assert.equal("007", test.get(path .. "/007").json.id)
  end)
end)
