--- Values of secrets stay where they are: in no log, no error, no output of a command, whether the service starts or not.
local core = require "neap.core"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"

-- Long enough for a key, and found in no text by accident.
local KEY = "Kx7-secret-key-value-0123456789abcdef"
local PASSWORD = "Pw9-database-password-value"
local SECRETS = { KEY, PASSWORD, "Bx3-better-auth-value-0123456789abcdef", "Gx5-github-token-value", "Ox1-openai-key-value" }

local app, credentials

setup(function()
  app = scratch.app { links = { ["config.lua"] = "config.lua", ["lua"] = "lua", ["migrations"] = "migrations" } }
  credentials = scratch.app {
    files = { secret_key = KEY .. "\n", better_auth = SECRETS[3], github = SECRETS[4] .. "\n", short = "Kx7-short" },
  }
end)

teardown(function()
  scratch.remove(app)
  scratch.remove(credentials)
end)

local function assert_none(text)
  for _, value in ipairs(SECRETS) do
    assert.is_nil(text:find(value, 1, true), text)
    -- Nor a part of it that would help.
    assert.is_nil(text:find(value:sub(5, 16), 1, true), text)
  end
end

local function run(command, env)
  local all = { PATH = "/usr/bin:/bin", HOME = "/nonexistent", PORT = "0", LOG_LEVEL = "debug" }
  for name, value in pairs(env) do
    all[name] = value
  end
  local argv = { core.program, table.unpack(command) }
  argv.env, argv.cwd, argv.timeout = all, app, 60
  local code, out, err = sys.exec(argv)
  return code, out .. err
end

local URL = ("postgresql://workbench:%s@127.0.0.1:1/workbench"):format(PASSWORD)

describe("a service that does not start", function()
  it("shows none of what it was given, whichever is wrong", function()
    for _, wrong in ipairs {
      { SECRET_KEY = "Kx7-secret-key" },
      { SECRET_KEY = KEY, SECRET_KEY_FILE = credentials .. "/secret_key" },
      { SECRET_KEY_FILE = credentials .. "/short" },
      { SECRET_KEY_FILE = credentials .. "/none" },
      { SECRET_KEY = KEY, DATABASE_URL = "mysql://workbench:" .. PASSWORD .. "@db/workbench" },
      { SECRET_KEY = KEY, DATABASE_URL = PASSWORD },
      { SECRET_KEY = KEY, REDIS_URL = "redis://:" .. PASSWORD .. "@h:port" },
      { SECRET_KEY = KEY, REDIS_URL = "rediss://:" .. PASSWORD .. "@h" },
      { SECRET_KEY = KEY, RATE_LIMIT_DEFAULT = PASSWORD, CORS_ORIGINS = PASSWORD, TRUSTED_PROXIES = PASSWORD },
      { SECRET_KEY = KEY, PORT = PASSWORD, WORKERS = PASSWORD, MAX_BODY = PASSWORD, FEATURES = PASSWORD },
      { SECRET_KEY = KEY, LIVEKIT_API_KEY = "some", LIVEKIT_API_SECRET = PASSWORD },
    } do
      local env = { DATABASE_URL = URL, GITHUB_TOKEN = SECRETS[4], OPENAI_API_KEY = SECRETS[5] }
      for name, value in pairs(wrong) do
        env[name] = value
      end
      local code, said = run({ "serve" }, env)
      assert.equal(78, code, said)
      assert_none(said)
      code, said = run({ "check", "--serve" }, env)
      assert.is_true(code ~= 0)
      assert_none(said)
    end
  end)

  it("is one whose key is short, or one byte over and over", function()
    for _, key in ipairs { ("0"):rep(64), ("x"):rep(32), "Kx7-secret-key" } do
      local code, said = run({ "serve" }, { DATABASE_URL = URL, SECRET_KEY = key })
      assert.equal(78, code)
      assert.matches("SECRET_KEY: must be at least 32 ", said, 1, true)
    end
  end)
end)

describe("a command", function()
  it("shows none of what it was given, also when the database is away", function()
    local env = {
      DATABASE_URL = URL, SECRET_KEY = KEY, BETTER_AUTH_SECRET = SECRETS[3], GITHUB_TOKEN = SECRETS[4],
      OPENAI_API_KEY = SECRETS[5],
    }
    for _, command in ipairs {
      { "check" }, { "check", "--serve" }, { "check", "--db" }, { "routes" }, { "openapi" }, { "migrate", "status" },
      { "db", "ping" }, { "version" },
    } do
      assert_none(select(2, run(command, env)))
    end
  end)
end)

describe("a service with secrets from files", function()
  it("serves, and logs none of them at any level", function()
    local server = test.spawn_server {
      dir = app,
      env = {
        SECRET_KEY = "", SECRET_KEY_FILE = credentials .. "/secret_key",
        BETTER_AUTH_SECRET_FILE = credentials .. "/better_auth",
        GITHUB_TOKEN_FILE = credentials .. "/github", OPENAI_API_KEY = SECRETS[5], DATABASE_URL = URL,
        REDIS_URL = "redis://:" .. PASSWORD .. "@127.0.0.1:1", LOG_LEVEL = "debug", WORKERS = "1",
      },
    }
    assert.equal(200, server:get("/health").status)
    assert.equal(503, server:get("/health/ready").status)
    assert.equal(401, server:get("/api/v1/tasks", { headers = { Authorization = "Bearer " .. KEY } }).status)
    server:wait_log "redis.away: limits are counted on this host alone until it is back"
    server:signal "HUP"
    server:wait_log "loaded"
    local text = server:log_text()
    server:stop()
    assert_none(text)
    assert.is_true(#text > 500)
  end)
end)

describe("the repository", function()
  local names = {}

  setup(function()
    local boot, settings = require "neap.boot", require "neap.settings"
    for _, entry in ipairs(settings.describe(boot.definition())) do
      if entry.secret then
        names[#names + 1] = entry.name
        assert.is_nil(entry.default, entry.name)
      end
    end
  end)

  local function each_file(path, visit)
    for _, entry in ipairs(sys.list(path) or {}) do
      if entry.type == "directory" then
        each_file(path .. "/" .. entry.name, visit)
      else
        visit(path .. "/" .. entry.name)
      end
    end
  end

  -- What a line gives to one of them, written there; comments show examples.
  local function given(line)
    if line:find "^%s*#" or line:find "^%s*%-%-" then
      return nil
    end
    for _, name in ipairs(names) do
      if line:find(name .. "%s*[=:]%s*[\"'][%w+/_-]") or line:find("^%s*" .. name .. "%s*[=:]%s*[%w+/_-]+%s*$") then
        return name
      end
    end
  end

  it("has no value of a secret in what it ships", function()
    assert.is_true(#names >= 8)
    assert.equal("GITHUB_TOKEN", given 'GITHUB_TOKEN = "ghp_0123456789"')
    assert.equal("SECRET_KEY", given "SECRET_KEY=0123456789")
    local function visit(path)
      for line in (sys.read_file(path) or ""):gmatch "[^\n]+" do
        assert.is_nil(given(line), path .. ": " .. line)
      end
    end
    for _, folder in ipairs { "lua", "core", "deploy", "migrations", "web" } do
      each_file(core.app_dir .. "/" .. folder, visit)
    end
    for _, file in ipairs { ".env.example", "compose.yaml", "config.lua" } do
      visit(core.app_dir .. "/" .. file)
    end
  end)
end)
