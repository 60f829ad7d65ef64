--- Requests that another site makes a browser send.
local core = require "neap.core"
local test = require "neap.test"
local wire = require "spec.support.wire"

local TOKEN = ("c0ffee"):rep(6)

local server

setup(function()
  server = test.spawn_server {
    dir = core.app_dir .. "/spec/fixtures/limits",
    env = { WORKERS = "1", CORS_ORIGINS = "https://app.example.com" },
  }
end)

teardown(function()
  server:stop()
end)

local function refresh(...)
  return wire.exchange(server, wire.request("POST /refresh", { ... }))
end

describe("a route that gives cookies", function()
  it("takes who has none", function()
    assert.equal(200, refresh().status)
    assert.equal(200, refresh("Origin: https://evil.example").status)
  end)

  it("refuses a page of another site that makes a browser send them", function()
    local res = refresh("Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Cookie: refresh_token=r")
    assert.equal(403, res.status)
    assert.equal("csrf", res.json.error.code)
    assert.equal(403, refresh("Cookie: refresh_token=r").status)
  end)

  it("takes its own pages and those that may call it, which repeat the token once they have one", function()
    assert.equal(200, refresh("Sec-Fetch-Site: same-origin", "Cookie: refresh_token=r").status)
    assert.equal(200, refresh("Origin: http://localhost", "Cookie: refresh_token=r").status)
    assert.equal(200, refresh("Origin: https://app.example.com", "Cookie: refresh_token=r").status)
    local cookie = "Cookie: refresh_token=r; csrf_token=" .. TOKEN
    local res = refresh("Origin: https://app.example.com", cookie)
    assert.equal(403, res.status)
    assert.equal("https://app.example.com", res.headers["access-control-allow-origin"])
    assert.equal(200, refresh("Origin: https://app.example.com", cookie, "X-CSRF-Token: " .. TOKEN).status)
  end)

  it("says so before it reads a body", function()
    local res, closed = wire.last_exchange(server, table.concat({
      "POST /refresh HTTP/1.1", "Host: localhost", "Origin: https://evil.example", "Cookie: access_token=a",
      "Content-Length: 1000000", "Expect: 100-continue", "", "",
    }, "\r\n"))
    assert.equal(403, res.status)
    assert.is_true(closed)
  end)
end)
