local sys = require "neap.core.os"
local core = require "neap.core"
local settings = require "neap.settings"

local definition = dofile(core.app_dir .. "/config.lua")
local example = sys.read_file(core.app_dir .. "/.env.example")

--- Names that the example mentions as settings, commented out or not, each with the line before it.
local function example_names()
  local names, before = {}, ""
  for line in example:gmatch "([^\n]*)\n" do
    local name = line:match "^#? ?([A-Z][A-Z0-9_]*)="
    if name then
      names[name] = before
    end
    before = line
  end
  return names
end

local function resolve(environment, mode)
  local ok, result = pcall(settings.resolve, definition, { environment = environment }, mode or "tool")
  return ok and result or nil, not ok and table.concat(result.problems, "\n") or nil
end

describe(".env.example", function()
  it("names every setting there is", function()
    local names, missing = example_names(), {}
    for name in pairs(definition.fields) do
      if not names[name] then
        missing[#missing + 1] = name
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("names no setting that is not there", function()
    local known, unknown = { APP_NAME = true }, {}
    for name in pairs(definition.fields) do
      known[name] = true
    end
    for name in pairs(example_names()) do
      if not known[name] then
        unknown[#unknown + 1] = name
      end
    end
    assert.same({}, unknown)
  end)

  it("explains the settings that it gives a value to", function()
    for name, before in pairs(example_names()) do
      local is_set = example:find("\n" .. name .. "=", 1, true)
      assert(not is_set or before:find "^# ", name .. " has no comment")
    end
  end)

  it("is a configuration that resolves to the defaults, but for the origins", function()
    local environment = {}
    for name, value in example:gmatch "\n([A-Z][A-Z0-9_]*)=([^\n]*)" do
      environment[name] = value:match '^"(.*)"$' or value
    end
    local given, defaults = assert(resolve(environment)), assert(resolve {})
    for name in pairs(definition.fields) do
      if name ~= "CORS_ORIGINS" then
        assert.same(defaults[name], given[name], name)
      end
    end
    assert.same({ "http://localhost:3000", "http://localhost:5173", "http://localhost:8000" }, given.CORS_ORIGINS)
  end)
end)

describe("the settings of Workbench", function()
  it("have the defaults that the API promises", function()
    local config = assert(resolve {})
    assert.equal("Live Interactive Agent", config.PROJECT_NAME)
    assert.equal("Live Interactive Agent API", config.API_TITLE)
    assert.equal("0.1.0", config.APP_VERSION)
    assert.equal("/api/v1", config.API_V1_PREFIX)
    assert.equal(8000, config.PORT)
    assert.is_false(config.DEBUG)
    assert.equal("info", config.LOG_LEVEL)
    assert.same({ "http://localhost:3000" }, config.CORS_ORIGINS)
  end)

  it("take APP_NAME for PROJECT_NAME, and PROJECT_NAME first", function()
    assert.equal("B", assert(resolve { APP_NAME = "B" }).PROJECT_NAME)
    assert.equal("D", assert(resolve { APP_NAME = "B", PROJECT_NAME = "D" }).PROJECT_NAME)
  end)

  it("want all or none of an optional group", function()
    assert(resolve {})
    local _, problems = resolve { LIVEKIT_URL = "wss://example.com" }
    assert.matches("LIVEKIT_API_KEY: ", problems)
    assert.matches("LIVEKIT_API_SECRET: ", problems)
    assert(resolve { LIVEKIT_URL = "wss://example.com", LIVEKIT_API_KEY = "k", LIVEKIT_API_SECRET = "s" })
  end)

  it("want the whole group that FEATURES names", function()
    local _, problems = resolve { FEATURES = "livekit,e2b" }
    for _, name in ipairs { "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "E2B_API_KEY" } do
      assert.matches(name .. ": ", problems)
    end
  end)

  it("need a database and a secret in a service, and neither in a tool", function()
    local _, problems = resolve({}, "serve")
    assert.matches("DATABASE_URL: is required", problems)
    assert.matches("SECRET_KEY: is required", problems)
    assert.equal("postgresql://h/d", assert(resolve { NEON_DATABASE_URL = "postgresql://h/d" }).DATABASE_URL)
  end)

  it("refuse a secret of fewer than 32 bytes without showing it", function()
    local _, problems = resolve({ SECRET_KEY = "hunter2", DATABASE_URL = "postgresql://h/d" }, "serve")
    assert.equal("SECRET_KEY: must be at least 32 bytes", problems)
  end)
end)
