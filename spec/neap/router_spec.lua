local errors = require "neap.errors"
local neap = require "neap"

local function nothing() end

-- "METHOD path" of each route, in order.
local function shapes(app)
  local list = {}
  for i, route in ipairs(app:routes()) do
    list[i] = route.method .. " " .. route.path
  end
  return list
end

local function refused(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.matches("^spec/neap/router_spec%.lua:%d+: ", err)
  return (err:gsub("^[^ ]* ", ""))
end

local function line_here()
  return debug.getinfo(2, "l").currentline
end

describe("a path", function()
  it("is joined of prefixes, and a router's / is its prefix", function()
    local app = neap.app {}
    local tasks = neap.router { prefix = "/tasks" }
    tasks:get("/", nothing)
    tasks:get("/{id}", nothing)
    tasks:delete("/{id}/labels/{label}", nothing)
    app:get("/", nothing)
    app:group("/api/v1"):mount(tasks)
    app:mount("/old", tasks)
    assert.same({
      "GET /", "GET /api/v1/tasks", "GET /api/v1/tasks/{id}", "DELETE /api/v1/tasks/{id}/labels/{label}",
      "GET /old/tasks", "GET /old/tasks/{id}", "DELETE /old/tasks/{id}/labels/{label}",
    }, shapes(app))
  end)

  it("that could never match is refused where it was declared", function()
    for path, problem in pairs {
      ["tasks"] = "must start with a slash",
      ["/tasks/"] = "must not end with a slash",
      ["/a//b"] = "has an empty segment",
      ["/a/x{id}"] = 'has the segment "x{id}": a parameter is a whole segment, {name}',
      ["/{id}/{id}"] = "has the parameter {id} twice",
      ["/{1d}"] = "has the parameter {1d}: a name is letters, digits and _",
      ["/{}"] = "has the parameter {}: a name is letters, digits and _",
      ["/a b"] = 'has a character that a path cannot have in "a b"',
      ["/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"] = "has more than 8 parameters",
    } do
      local said = refused(function()
        local app = neap.app {}
        app:get(path, nothing)
        app:routes()
      end)
      assert.equal(("GET %s: the path %s"):format(path, problem), said)
    end
  end)

  it("may not be declared twice; both places are named, parameters are alike whatever they are called", function()
    local app = neap.app {}
    app:get("/tasks/{id}", nothing)
    local first = line_here() - 1
    app:get("/tasks/{slug}", nothing)
    app:put("/tasks/{id}", { body = true }, nothing)
    assert.equal(("GET /tasks/{slug} is declared twice, first as /tasks/{id} at spec/neap/router_spec.lua:%d"):format(first),
      refused(function() app:routes() end))
  end)
end)

describe("options", function()
  local function route(opts)
    local app = neap.app {}
    app:get("/", opts, nothing)
    return app:routes()[1].opts
  end

  it("that are misspelt are refused, with those that there are", function()
    assert.matches('^GET /: unknown option "sumary" %(known: auth, body, ', refused(function() route { sumary = "x" } end))
    assert.matches('^router: unknown option "prefx"', refused(function() neap.router { prefx = "/x" } end))
    assert.matches('^app: unknown option "titel"', refused(function() neap.app { titel = "x" } end))
  end)

  it("of the wrong type are refused", function()
    for name, value in pairs {
      summary = 1, tags = "tasks", auth = "guest", scopes = { "a b" }, guards = { "no" },
      timeout = 0, body_max = 1.5, on_disconnect = "maybe", use = nothing, hidden = 1,
    } do
      assert.matches(('^GET /: option "%s" must be '):format(name), refused(function() route { [name] = value } end))
    end
  end)

  it("of a router hold for its routes until one says otherwise, and tags add up", function()
    local app = neap.app { tags = { "all" } }
    local outer = neap.router { prefix = "/a", auth = "user", timeout = 5, tags = { "outer" } }
    outer:get("/closed", { tags = { "own" } }, nothing)
    outer:get("/open", { auth = false, timeout = 1 }, nothing)
    outer:group { prefix = "/b", auth = "admin" }:get("/deep", nothing)
    app:mount(outer)
    local closed, open, deep = table.unpack(app:routes())
    assert.same({ "user", 5, { "all", "outer", "own" } }, { closed.opts.auth, closed.opts.timeout, closed.opts.tags })
    assert.same({ false, 1 }, { open.opts.auth, open.opts.timeout })
    assert.same({ "admin", 5 }, { deep.opts.auth, deep.opts.timeout })
  end)
end)

describe("who may call a route", function()
  it("is any signed-in user unless the route, its router or the application says otherwise", function()
    local function auth_of(app_auth, router_auth, route_auth)
      local app = neap.app { auth = app_auth }
      app:group({ prefix = "/g", auth = router_auth }):get("/", { auth = route_auth }, nothing)
      return app:routes()[1].opts.auth
    end
    assert.equal("user", auth_of())
    assert.equal("user", auth_of(nil, nil, true))
    assert.equal("admin", auth_of(false, "admin"))
    assert.is_false(auth_of("admin", nil, false))
    assert.is_false(auth_of(false))
  end)

  it("is anybody by default when AUTH_REQUIRED is off, and then what is said still holds", function()
    local config = package.loaded.config
    package.loaded.config = { AUTH_REQUIRED = false }
    finally(function() package.loaded.config = config end)
    local app = neap.app {}
    app:get("/silent", nothing)
    app:get("/closed", { auth = true }, nothing)
    local silent, closed = table.unpack(app:routes())
    assert.is_false(silent.opts.auth)
    assert.equal("user", closed.opts.auth)
  end)

  it("asks for the scopes of its routers and its own, but for none where nobody signs in", function()
    local app = neap.app { scopes = { "a" } }
    app:get("/b", { scopes = { "b" } }, nothing)
    app:get("/open", { auth = false }, nothing)
    local closed, open = table.unpack(app:routes())
    assert.same({ "a", "b" }, closed.opts.scopes)
    assert.is_nil(open.opts.scopes)
    app:get("/wrong", { auth = false, scopes = { "c" } }, nothing)
    assert.matches("^GET /wrong: it has scopes, and auth = false", refused(function() app:routes() end))
  end)

  it("is asked of its guards, from the outside in, after the middleware; false is 403", function()
    local trace = {}
    local function guard(name, answer)
      return function(req)
        trace[#trace + 1] = name .. req.n
        return answer
      end
    end
    local app = neap.app { guards = { guard("app") } }
    app:use(function(req, next) trace[#trace + 1] = "use" return next(req) end)
    app:get("/in", { guards = { guard("own", true) } }, function() return "in" end)
    app:get("/out", { guards = { guard("own", false), guard "never" } }, function() return "in" end)
    local inside, outside = table.unpack(app:routes())
    assert.equal("in", inside.handler { n = 1 })
    local ok, err = pcall(outside.handler, { n = 2 })
    assert.is_false(ok)
    assert.is_true(errors.is(err, "forbidden"))
    assert.same({ "use", "app1", "own1", "use", "app2", "own2" }, trace)
  end)
end)

describe("a route that writes", function()
  it("says what its body is, or that it has none", function()
    for _, method in ipairs { "post", "put", "patch" } do
      local said = refused(function()
        neap.router {}[method](neap.router {}, "/x", {}, nothing)
      end)
      assert.equal(method:upper() .. " /x: declare its body, or body = false when it has none", said)
    end
    local app = neap.app {}
    app:post("/x", { body = false }, nothing)
    assert.is_false(app:routes()[1].opts.body)
  end)

  it("by DELETE need not", function()
    local app = neap.app {}
    app:delete("/x", nothing)
    assert.same({ "DELETE /x" }, shapes(app))
  end)
end)

describe("middleware", function()
  local function named(name, trace)
    return function(req, next)
      trace[#trace + 1] = name .. " in"
      local status, body = next(req)
      trace[#trace + 1] = name .. " out"
      return status, body
    end
  end

  it("is an onion: the application's around the router's around the route's", function()
    local trace = {}
    local app = neap.app {}
    local r = neap.router { prefix = "/r" }
    app:use(named("app", trace))
    r:use(named("router", trace))
    r:get("/", { use = { named("first", trace), named("second", trace) } }, function(req)
      trace[#trace + 1] = "handler " .. req.id
      return 201, "body"
    end)
    app:mount(r)
    local status, body = app:routes()[1].handler { id = "7" }
    assert.same({ 201, "body" }, { status, body })
    assert.same({
      "app in", "router in", "first in", "second in", "handler 7", "second out", "first out", "router out", "app out",
    }, trace)
  end)

  it("costs nothing where nobody asked for it", function()
    local app = neap.app {}
    local r = neap.router { prefix = "/r" }
    r:use(nothing)
    app:mount(r)
    app:get("/plain", nothing)
    assert.equal(nothing, app:routes()[1].handler)
  end)

  it("may answer itself", function()
    local app = neap.app {}
    app:get("/", { use = { function() return 403 end } }, nothing)
    assert.equal(403, app:routes()[1].handler {})
  end)
end)

describe("mounting", function()
  it("wants a router", function()
    assert.equal("mount: wants a router (does its file return it?)", refused(function()
      local app = neap.app {}
      app:mount(true)
    end))
  end)

  it("of a router into itself is refused", function()
    assert.equal("this router is mounted into itself", refused(function()
      local r = neap.router { prefix = "/r" }
      r:mount(r)
      local app = neap.app {}
      app:mount(r)
      app:routes()
    end))
  end)
end)
