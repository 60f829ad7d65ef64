local config = require "config"
local test = require "neap.test"

describe("what the service is", function()
  it("is told at / with the addresses of the documentation", function()
    local res = test.get("/")
    assert.equal(200, res.status)
    assert.same({
      name = config.PROJECT_NAME,
      version = config.APP_VERSION,
      environment = config.ENVIRONMENT,
      docs = "/docs",
      openapi = "/openapi.json",
    }, res.json)
  end)

  it("is told at /version by name and version alone", function()
    local res = test.get("/version")
    assert.equal(200, res.status)
    assert.same({ name = config.PROJECT_NAME, version = config.APP_VERSION }, res.json)
  end)

  it("carries a request id and a JSON content type on every answer, also on 404", function()
    for _, path in ipairs { "/", "/nowhere" } do
      local res = test.get(path)
      assert.matches("^[%w._-]+$", res.headers["x-request-id"])
      assert.equal("application/json", res.headers["content-type"])
    end
  end)

  it("keeps a request id that the client sent and makes a new one for a bad one", function()
    local function answered(id)
      return test.get("/version", { headers = { ["X-Request-ID"] = id } }).headers["x-request-id"]
    end
    assert.equal("trace-1.a_b", answered "trace-1.a_b")
    assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", answered "no spaces")
  end)
end)
