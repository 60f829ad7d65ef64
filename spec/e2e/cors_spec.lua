--- The curl commands that a front end's developer tries first, against Workbench itself.
local core = require "neap.core"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local server, app

setup(function()
  server = test.spawn_server { database = true, env = { WORKERS = "1", ENVIRONMENT = "production" } }
  app = scratch.app { links = { ["config.lua"] = "config.lua", ["lua"] = "lua" } }
end)

teardown(function()
  server:stop()
  scratch.remove(app)
end)

local ORIGIN = "Origin: http://localhost:3000"

describe("a page of http://localhost:3000", function()
  it("may ask for what its preflight asks for, without a token", function()
    local res = wire.exchange(server, wire.request("OPTIONS /api/v1/tasks", {
      ORIGIN, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type",
    }))
    assert.equal(204, res.status)
    assert.equal("http://localhost:3000", res.headers["access-control-allow-origin"])
    assert.equal("true", res.headers["access-control-allow-credentials"])
    assert.equal("GET, HEAD, POST, OPTIONS", res.headers["access-control-allow-methods"])
    assert.equal("authorization,content-type", res.headers["access-control-allow-headers"])
    assert.equal("600", res.headers["access-control-max-age"])
  end)

  it("reads answers and errors alike", function()
    for line, status in pairs {
      ["GET /health"] = 200, ["GET /api/v1/tasks"] = 401, ["GET /nothing"] = 404, ["PUT /health"] = 405,
    } do
      local res = wire.exchange(server, wire.request(line, { ORIGIN }))
      assert.equal(status, res.status, line)
      assert.equal("http://localhost:3000", res.headers["access-control-allow-origin"], line)
      assert.equal("Origin", res.headers.vary, line)
    end
  end)
end)

describe("a page of another origin", function()
  it("reads nothing and may send nothing", function()
    local res = wire.exchange(server, wire.request("OPTIONS /api/v1/tasks", {
      "Origin: http://localhost:3001", "Access-Control-Request-Method: POST",
    }))
    assert.equal(204, res.status)
    assert.is_nil(res.head:find "Access%-Control")
  end)
end)

describe("every answer", function()
  it("forbids sniffing, frames and referrers, asks for HTTPS in production, and names no server", function()
    for _, line in ipairs { "GET /health", "GET /nothing", "GET /api/v1/tasks", "OPTIONS /health", "BREW /" } do
      local res = wire.exchange(server, wire.request(line))
      assert.equal("nosniff", res.headers["x-content-type-options"], line)
      assert.equal("DENY", res.headers["x-frame-options"], line)
      assert.equal("frame-ancestors 'none'", res.headers["content-security-policy"], line)
      assert.equal("no-referrer", res.headers["referrer-policy"], line)
      assert.equal("max-age=31536000; includeSubDomains", res.headers["strict-transport-security"], line)
      assert.is_nil(res.headers.server, line)
    end
  end)
end)

describe("CORS_ORIGINS", function()
  local function serve(origins)
    local code, out, err = sys.exec {
      core.program, "serve", app, cwd = "/",
      env = {
        PATH = "/usr/bin:/bin", HOME = "/nonexistent", PORT = "0", DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none",
        SECRET_KEY = ("test"):rep(8), CORS_ORIGINS = origins,
      },
    }
    return code, out .. err
  end

  it("with a wildcard does not start: cookies are allowed", function()
    for _, origins in ipairs { "*", '["http://localhost:3000","*"]' } do
      local code, said = serve(origins)
      assert.equal(78, code)
      assert.matches("CORS_ORIGINS: must name each origin", said, 1, true)
    end
  end)

  it("that no browser would send does not start", function()
    for _, origins in ipairs {
      "localhost:3000", "http://localhost:3000/", "https://App.example.com", "https://app.example.com:443",
      "http://*.example.com",
    } do
      local code, said = serve(origins)
      assert.equal(78, code, origins)
      assert.matches("CORS_ORIGINS: must ", said, 1, true)
    end
  end)
end)
