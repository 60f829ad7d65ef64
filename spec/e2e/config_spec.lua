--- A service that is configured wrongly does not start, and says all that is wrong at once.
local core = require "neap.core"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"

-- Without the .env that a developer may have beside the real config.lua.
local app

setup(function()
  app = scratch.app { links = { ["config.lua"] = "config.lua", ["lua"] = "lua" } }
end)

teardown(function()
  scratch.remove(app)
end)

local function serve(env)
  local all = { PATH = "/usr/bin:/bin", HOME = "/nonexistent" }
  for name, value in pairs(env) do
    all[name] = value
  end
  local code, out, err = sys.exec { core.program, "serve", app, env = all, cwd = "/" }
  return code, out .. err
end

describe("a configuration with five mistakes", function()
  local code, said

  setup(function()
    code, said = serve {
      PORT = "eighty",
      DATABASE_URL = "mysql://root:hunter2@db/app",
      SECRET_KEY = "hunter2",
      DB_POOL_MAX = "-3",
      LIVEKIT_URL = "wss://hunter2.example.com",
    }
  end)

  it("ends with 78, EX_CONFIG", function()
    assert.equal(78, code)
  end)

  it("has all of them named", function()
    for _, name in ipairs {
      "PORT", "DATABASE_URL", "SECRET_KEY", "DB_POOL_MAX", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET",
    } do
      assert.matches(name .. ": ", said, 1, true)
    end
  end)

  it("shows no value", function()
    for _, value in ipairs { "hunter2", "eighty", "-3", "mysql" } do
      assert.is_nil(said:find(value, 1, true), value)
    end
  end)
end)

describe("a service without a database and a secret", function()
  it("says that both are required", function()
    local code, said = serve { PORT = "0" }
    assert.equal(78, code)
    assert.matches("DATABASE_URL: is required", said, 1, true)
    assert.matches("SECRET_KEY: is required", said, 1, true)
  end)
end)

describe("a name in .env that no setting has", function()
  it("is a warning at the start, once however many workers there are", function()
    local own = scratch.app {
      links = { ["config.lua"] = "spec/fixtures/edges/config.lua", ["lua"] = "spec/fixtures/edges/lua" },
      files = { [".env"] = "# mine\nPROT=hunter2\n" },
    }
    local server = test.spawn_server { dir = own, env = { WORKERS = "2" } }
    server:wait_log "ready"
    local said, told = server:log_text(), {}
    for _, line in ipairs(server:logs()) do
      if line.message == "settings.unknown" then
        told[#told + 1] = { line.level, line.name, line.line, line.did_you_mean }
      end
    end
    server:stop()
    scratch.remove(own)
    assert.same({ { "warn", "PROT", 2, "PORT" } }, told)
    assert.is_nil(said:find("hunter2", 1, true))
  end)
end)

describe("wrong usage", function()
  it("ends with 64, EX_USAGE", function()
    local exec = sys.exec
    assert.equal(64, (exec { core.program, "serve", "--no-such-flag" }))
    assert.equal(64, (exec { core.program, "frobnicate" }))
  end)
end)
