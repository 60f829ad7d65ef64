local accept = require "neap.accept"
local config = require "config"
local static = require "neap.static"
local test = require "neap.test"

local PAGE = "/page/page.css"

describe("files of the application", function()
  it("are sent with their type and a tag, and not again to who has that tag", function()
    local res = test.get(PAGE, { as = false })
    assert.equal(200, res.status)
    assert.equal("text/css; charset=utf-8", res.headers["content-type"])
    assert.equal("no-cache", res.headers["cache-control"])
    assert.equal(static.read("lua/app/page/files/page.css").bytes, res.body)
    local again = test.get(PAGE, { as = false, headers = { ["If-None-Match"] = res.headers.etag } })
    assert.equal(304, again.status)
    assert.equal("", again.body)
    assert.equal(res.headers.etag, again.headers.etag)
    assert.equal(200, test.get(PAGE, { as = false, headers = { ["If-None-Match"] = '"another"' } }).status)
  end)

  it("have no way out of their folder", function()
    local outside = { "/page/../init.lua", "/page/%2e%2e/init.lua", "/page/..%2finit.lua", "/page/none.css", "/page" }
    for _, path in ipairs(outside) do
      assert.equal(404, test.get(path, { as = false }).status, path)
    end
  end)

  it("that are not there, and options that are not known, are told when the application loads", function()
    assert.error_matches(function()
      static.router "lua/nowhere"
    end, "lua/nowhere")
    assert.error_matches(function()
      static.router("lua/app/page/files", { prefx = "/x" })
    end, 'static: unknown option "prefx"')
    assert.error_matches(function()
      static.read "lua/nothing.txt"
    end, "nothing.txt")
  end)

  it("of an ending that nobody knows are bytes", function()
    assert.equal("application/octet-stream", static.file("a.unheard", "x").content_type)
    assert.equal("application/octet-stream", static.file("Makefile", "x").content_type)
    assert.equal("text/html; charset=utf-8", static.file("A.HTML", "x").content_type)
  end)
end)

describe("the root", function()
  it("is a page for browsers and JSON for the others", function()
    local browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    local page = test.get("/", { as = false, headers = { Accept = browser } })
    assert.equal(200, page.status)
    assert.equal("text/html; charset=utf-8", page.headers["content-type"])
    assert.matches("default%-src 'none'", page.headers["content-security-policy"])
    assert.matches("<title>" .. config.PROJECT_NAME .. "</title>", page.body, 1, true)
    assert.matches('content="' .. config.API_V1_PREFIX .. '"', page.body, 1, true)
    for _, wanted in ipairs { "*/*", "application/json", "application/json, text/html;q=0.5" } do
      local res = test.get("/", { as = false, headers = { Accept = wanted } })
      assert.equal(config.PROJECT_NAME, res.json.name)
      assert.matches("Accept", res.headers.vary)
    end
    assert.equal("/docs", test.get("/", { as = false }).json.docs)
  end)
end)

describe("what a client takes", function()
  local offers = { "application/json", "text/html" }

  it("is chosen by its qualities, and of equals the first", function()
    for header, wanted in pairs {
      ["text/html"] = "text/html",
      ["*/*"] = "application/json",
      ["text/*;q=0.9, application/json;q=0.3"] = "text/html",
      ["text/html;q=0, */*"] = "application/json",
      ["application/json;q=0.2, text/html;q=0.3"] = "text/html",
      ["TEXT/HTML"] = "text/html",
      ["image/png"] = "application/json",
      ["; ,,=;q=x"] = "application/json",
    } do
      assert.equal(wanted, accept.best(header, offers), header)
    end
    assert.equal("application/json", accept.best(nil, offers))
  end)
end)
