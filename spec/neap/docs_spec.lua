local core = require "neap.core"
local docs = require "neap.openapi.docs"
local errors = require "neap.errors"

local missing = core.pages_missing

-- Most of this is about the pages as they are when the build has them, whatever this one has.
before_each(function()
  core.pages_missing = nil
end)

after_each(function()
  core.pages_missing = missing
end)

local function paths(opts)
  local list = {}
  for i, route in ipairs(docs.routes(opts, "Shop")) do
    list[i] = route.path
  end
  return list
end

local function ask(path, headers, params, opts)
  for _, route in ipairs(docs.routes(opts or {}, "Shop & <Co>")) do
    if route.path == path then
      return route.handler { headers = headers or {}, params = params }
    end
  end
  error("no route " .. path)
end

local function asset(name, headers, version)
  return ask("/docs/assets/{version}/{file}", headers, { version = version or core.pages_version, file = name })
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
      docs.routes({ docs_url = "docs" }, "Shop")
    end, "app: docs_url must start with a slash")
    assert.has_error(function()
      docs.routes({ redoc_url = "/" }, "Shop")
    end, "app: redoc_url cannot be the root")
  end)
end)

describe("a page", function()
  it("names the application, escaped, and the document", function()
    local res = ask("/docs", {}, nil, { openapi_url = "/api/o.json" })
    assert.equal(200, res.status)
    assert.truthy(res.raw:find("<title>Shop &amp; &lt;Co&gt;: API</title>", 1, true))
    assert.truthy(res.raw:find('data-openapi="/api/o.json"', 1, true))
  end)

  it("has no script and no style of its own, and a policy that forbids them", function()
    for _, path in ipairs { "/docs", "/redoc" } do
      local res = ask(path)
      assert.is_nil(res.raw:find "<style")
      assert.is_nil(res.raw:find "<script>")
      assert.is_nil(res.raw:find " style=")
      local policy = res.headers["Content-Security-Policy"]
      assert.matches("^default%-src 'none'; script%-src 'self'; ", policy)
      assert.matches("frame%-ancestors 'none'$", policy)
      assert.is_nil(policy:find "unsafe")
    end
  end)

  it("is asked for again each time, and is 304 while it is the same", function()
    local first = ask "/docs"
    assert.equal("no-cache", first.headers["Cache-Control"])
    local again = ask("/docs", { ["if-none-match"] = 'W/"x", ' .. first.headers.ETag })
    assert.equal(304, again.status)
    assert.is_nil(again.raw)
    assert.equal(first.headers.ETag, again.headers.ETag)
    assert.equal(200, ask("/docs", { ["if-none-match"] = '"x"' }).status)
  end)

  it("that this build does not have says why and what to do, and names the document", function()
    core.pages_missing = "npm is not there"
    for _, path in ipairs { "/docs", "/redoc" } do
      local res = ask(path)
      assert.equal(501, res.status)
      assert.truthy(res.raw:find("not in this build: npm is not there", 1, true))
      assert.truthy(res.raw:find("make pages", 1, true))
      assert.truthy(res.raw:find('href="/openapi.json"', 1, true))
      assert.is_nil(res.raw:find "<script")
    end
  end)
end)

describe("a file of the pages", function()
  it("goes out as gzip to those who take it, and as it was to the others", function()
    local gzip = asset("docs.js", { ["accept-encoding"] = "br;q=1.0, gzip;q=0.8" })
    assert.equal("gzip", gzip.headers["Content-Encoding"])
    assert.equal("\x1f\x8b", gzip.raw:sub(1, 2))
    local plain = asset("docs.js")
    assert.is_nil(plain.headers["Content-Encoding"])
    assert.matches("SwaggerUIBundle", plain.raw)
    assert.equal("text/javascript; charset=utf-8", plain.content_type)
    assert.not_equal(gzip.headers.ETag, plain.headers.ETag)
    assert.equal("Accept-Encoding", plain.headers.Vary)
  end)

  it("is gzip only when Accept-Encoding means it", function()
    local function encoding(header)
      return asset("docs.js", { ["accept-encoding"] = header }).headers["Content-Encoding"]
    end
    for _, header in ipairs { "gzip", "GZIP", "deflate, gzip", "*", "gzip;q=0.001", "identity;q=0, *;q=1", "x-gzip" } do
      assert.equal("gzip", encoding(header), header)
    end
    for _, header in ipairs { "", "br", "identity", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "*;q=0", "gzipped" } do
      assert.is_nil(encoding(header), header)
    end
  end)

  it("is kept for ever, under an address that has its version", function()
    assert.matches("immutable", asset("docs.js").headers["Cache-Control"])
    assert.matches("^%x+$", core.pages_version)
    assert.truthy(ask("/docs").raw:find("/docs/assets/" .. core.pages_version .. "/docs.js", 1, true))
  end)

  it("of another version, or that there is none of, is 404", function()
    for _, case in ipairs { { "docs.js", "0123456789abcdef" }, { "../docs.js" }, { "nothing" }, { "" } } do
      local ok, err = pcall(asset, case[1], {}, case[2])
      assert.is_false(ok)
      assert.equal(404, errors.map(err).status)
    end
  end)
end)
