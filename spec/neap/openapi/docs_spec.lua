local core = require "neap.core"
local docs = require "neap.openapi.docs"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

-- Most of this is about the pages as they are when the build has them, whatever this one has.
local function paths(opts)
  local list = {}
  for i, route in ipairs(docs.routes(opts, "Shop", {})) do
    list[i] = route.path
  end
  return list
end

local server, app

-- An application's last word on what its build has.
local function start(pages_missing)
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = ([[
      local neap = require "neap"
      return function()
        require("neap.core").pages_missing = %s
        local app = neap.app { title = "Shop & <Co>", openapi_url = "/api/o.json", auth = false }
        app:get("/carts/{id}", { summary = "A <cart>", tags = { "carts" }, auth = "admin" }, function() end)
        app:get("/about", function() end)
        app:get("/secret", { hidden = true }, function() end)
        return app
      end
    ]]):format(pages_missing) },
  }
  server = test.spawn_server { dir = app, env = { WORKERS = "1" } }
end

local function stop()
  server:stop()
  scratch.remove(app)
end

local function ask(path, headers)
  return server:request { path = path, headers = headers }
end

local function asset(name, headers, version)
  return ask(("/docs/assets/%s/%s"):format(version or core.pages_version, name), headers)
end

describe("the pages of an application", function()
  it("are /docs, /redoc and their files", function()
    assert.same({ "/docs", "/redoc", "/docs/assets/{version}/{file}" }, paths {})
  end)

  it("are where it wants them, or not at all", function()
    assert.same({ "/api/docs", "/redoc", "/api/docs/assets/{version}/{file}" }, paths { docs_url = "/api/docs" })
    assert.same({ "/redoc", "/redoc/assets/{version}/{file}" }, paths { docs_url = false })
    assert.same({}, paths { docs_url = false, redoc_url = false })
    assert.same({}, paths { docs = false })
    assert.same({}, paths { openapi_url = false })
  end)

  it("need a path that can be one", function()
    assert.has_error(function()
      docs.routes({ docs_url = "docs" }, "Shop", {})
    end, "app: docs_url must start with a slash")
    assert.has_error(function()
      docs.routes({ redoc_url = "/" }, "Shop", {})
    end, "app: redoc_url cannot be the root")
  end)
end)

describe("a page", function()
  setup(function() start "nil" end)
  teardown(stop)

  it("names the application, escaped, and the document", function()
    local res = ask "/docs"
    assert.equal(200, res.status)
    assert.truthy(res.body:find("<title>Shop &amp; &lt;Co&gt;</title>", 1, true))
    assert.truthy(res.body:find('data-openapi="/api/o.json"', 1, true))
  end)

  it("has no script and no style of its own, and a policy that forbids them", function()
    for _, path in ipairs { "/docs", "/redoc" } do
      local res = ask(path)
      assert.is_nil(res.body:find "<style")
      assert.is_nil(res.body:find "<script>")
      assert.is_nil(res.body:find " style=")
      local policy = res.headers["content-security-policy"]
      assert.matches("^default%-src 'none'; script%-src 'self'; ", policy)
      assert.matches("frame%-ancestors 'none'$", policy)
      assert.is_nil(policy:find "unsafe")
    end
  end)

  it("is asked for again each time, and is 304 while it is the same", function()
    local first = ask "/docs"
    assert.equal("no-cache", first.headers["cache-control"])
    local again = ask("/docs", { ["if-none-match"] = 'W/"x", ' .. first.headers.etag })
    assert.equal(304, again.status)
    assert.equal("", again.body)
    assert.equal(first.headers.etag, again.headers.etag)
    assert.equal(200, ask("/docs", { ["if-none-match"] = '"x"' }).status)
  end)
end)

describe("a page that this build does not have", function()
  setup(function() start '"npm is not there"' end)
  teardown(stop)

  it("says why and what to do, and names the document", function()
    for _, path in ipairs { "/docs", "/redoc" } do
      local res = ask(path)
      assert.equal(200, res.status)
      assert.truthy(res.body:find("not in this build: npm is not there", 1, true))
      assert.truthy(res.body:find("make pages", 1, true))
      assert.truthy(res.body:find('href="/api/o.json"', 1, true))
      assert.is_nil(res.body:find "<script")
    end
  end)

  it("lists the operations that are in the document by their tag, escaped", function()
    local body = ask("/docs").body
    assert.truthy(body:find("<h2>carts</h2>", 1, true))
    assert.truthy(body:find("<td>GET</td><td><code>/carts/{id}</code></td><td>admin</td><td>A &lt;cart&gt;</td>", 1, true))
    assert.truthy(body:find("<td>GET</td><td><code>/about</code></td><td>everybody</td><td></td>", 1, true))
    assert.is_nil(body:find("/secret", 1, true))
  end)
end)

describe("a file of the pages", function()
  setup(function() start "nil" end)
  teardown(stop)

  it("goes out as gzip to those who take it, and as it was to the others", function()
    local gzip = asset("docs.js", { ["accept-encoding"] = "br;q=1.0, gzip;q=0.8" })
    assert.equal("gzip", gzip.headers["content-encoding"])
    assert.equal("\x1f\x8b", gzip.body:sub(1, 2))
    local plain = asset("docs.js")
    assert.is_nil(plain.headers["content-encoding"])
    assert.matches("SwaggerUIBundle", plain.body)
    assert.equal("text/javascript; charset=utf-8", plain.headers["content-type"])
    assert.not_equal(gzip.headers.etag, plain.headers.etag)
    assert.matches("Accept-Encoding", plain.headers.vary, 1, true)
  end)

  it("is gzip only when Accept-Encoding means it", function()
    local function encoding(header)
      return asset("docs.js", { ["accept-encoding"] = header }).headers["content-encoding"]
    end
    for _, header in ipairs { "gzip", "GZIP", "deflate, gzip", "*", "gzip;q=0.001", "identity;q=0, *;q=1", "x-gzip" } do
      assert.equal("gzip", encoding(header), header)
    end
    for _, header in ipairs { "", "br", "identity", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "*;q=0", "gzipped" } do
      assert.is_nil(encoding(header), header)
    end
  end)

  it("is 304 for who has that form of it", function()
    local gzip = asset("docs.js", { ["accept-encoding"] = "gzip" }).headers.etag
    assert.equal(304, asset("docs.js", { ["accept-encoding"] = "gzip", ["if-none-match"] = gzip }).status)
    assert.equal(200, asset("docs.js", { ["if-none-match"] = gzip }).status)
  end)

  it("is kept for ever, under an address that has its version", function()
    assert.matches("immutable", asset("docs.js").headers["cache-control"])
    assert.matches("^%x+$", core.pages_version)
    assert.truthy(ask("/docs").body:find("/docs/assets/" .. core.pages_version .. "/docs.js", 1, true))
  end)

  it("of another version, or that there is none of, is 404", function()
    for _, case in ipairs { { "docs.js", "0123456789abcdef" }, { "..%2Fdocs.js" }, { "nothing" }, { "" } } do
      assert.equal(404, asset(case[1], {}, case[2]).status)
    end
  end)
end)
