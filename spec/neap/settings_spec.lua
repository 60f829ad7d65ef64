local settings = require "neap.settings"

local SECRET = ("key!"):rep(8)

local function resolve(declared, environment, mode, file)
  return settings.resolve(settings.define(declared), { environment = environment, file = file }, mode or "tool")
end

local function problems(declared, environment, mode, file)
  local ok, err = pcall(resolve, declared, environment, mode, file)
  assert.is_false(ok)
  return err.problems
end

describe("a setting", function()
  it("comes from the environment before the file, and from the file before its default", function()
    local declared = { NAME = settings.string { default = "default" } }
    assert.equal("environment", resolve(declared, { NAME = "environment" }, "tool", { NAME = "file" }).NAME)
    assert.equal("file", resolve(declared, {}, "tool", { NAME = "file" }).NAME)
    assert.equal("default", resolve(declared, {}, "tool", {}).NAME)
  end)

  it("that is empty counts as not set", function()
    assert.equal("default", resolve({ NAME = settings.string { default = "default" } }, { NAME = "" }).NAME)
  end)

  it("may have another name, which its own name wins over", function()
    local declared = { NAME = settings.string { alias = "OLD_NAME" } }
    assert.equal("old", resolve(declared, { OLD_NAME = "old" }).NAME)
    assert.equal("new", resolve(declared, { OLD_NAME = "old", NAME = "new" }).NAME)
  end)

  it("may compute its default from others", function()
    local declared = {
      FIRST = settings.string { default = "a" },
      SECOND = settings.string { default = function(get) return get "FIRST" .. "b" end },
    }
    assert.equal("ab", resolve(declared, {}).SECOND)
    assert.equal("xb", resolve(declared, { FIRST = "x" }).SECOND)
  end)

  it("that an application declares again replaces the framework's", function()
    assert.equal(9000, resolve({ PORT = settings.port { default = 9000 } }, {}).PORT)
  end)
end)

describe("a type", function()
  local function read(field, text)
    return resolve({ VALUE = field }, { VALUE = text }).VALUE
  end

  local function refuses(field, ...)
    for _, text in ipairs { ... } do
      assert.equal(1, #problems({ VALUE = field }, { VALUE = text }), text)
    end
  end

  it("integer is exact to 64 bits and nothing else", function()
    assert.equal(9223372036854775807, read(settings.integer {}, "9223372036854775807"))
    assert.equal(-5, read(settings.integer {}, " -5 "))
    refuses(settings.integer {}, "9223372036854775808", "1.0", "0x10", "1e3", " ", "five", "1_000")
  end)

  it("boolean knows the usual words", function()
    for _, text in ipairs { "true", "1", "yes", "ON" } do
      assert.is_true(read(settings.boolean {}, text))
    end
    for _, text in ipairs { "false", "0", "No", "off" } do
      assert.is_false(read(settings.boolean {}, text))
    end
    refuses(settings.boolean {}, "maybe", "2")
  end)

  it("duration is in seconds", function()
    for text, seconds in pairs { ["30"] = 30, ["500ms"] = 0.5, ["15m"] = 900, ["2h"] = 7200, ["30d"] = 2592000 } do
      assert.equal(seconds, read(settings.duration {}, text))
    end
    assert.equal("integer", math.type(read(settings.duration {}, "1.5m")))
    refuses(settings.duration {}, "fast", "-1", "1w", "1 2")
  end)

  it("size is in bytes, with units of 1024", function()
    for text, bytes in pairs { ["1048576"] = 1048576, ["1MiB"] = 1048576, ["512M"] = 536870912, ["1.5k"] = 1536 } do
      assert.equal(bytes, read(settings.size {}, text))
    end
    refuses(settings.size {}, "1.5", "big", "1T", "-1")
  end)

  it("list is a JSON array of strings, or words between commas", function()
    assert.same({ "a", "b" }, read(settings.list {}, '["a", "b"]'))
    assert.same({ "a", "b" }, read(settings.list {}, " a, b ,"))
    refuses(settings.list {}, "[1]", "[", '["a"')
  end)

  it("url has a scheme that is allowed", function()
    assert.equal("https://a.example/x", read(settings.url { schemes = { "https" } }, "https://a.example/x"))
    refuses(settings.url { schemes = { "https" } }, "http://a.example", "a.example", "https://", "https://a b")
  end)

  it("enum is one of its values", function()
    local field = settings.enum { "debug", "info" }
    assert.equal("info", read(field, "INFO"))
    refuses(field, "loud")
  end)

  it("port is between 0 and 65535", function()
    assert.equal(0, read(settings.port {}, "0"))
    refuses(settings.port {}, "65536", "-1", "http")
  end)

  it("secret counts bytes", function()
    refuses(settings.secret { min_bytes = 4 }, "abc")
    assert.equal("\u{e9}\u{e9}", read(settings.secret { min_bytes = 4 }, "\u{e9}\u{e9}"))
  end)
end)

describe("NAME_FILE", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    os.remove(path)
  end)

  local function write(text)
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
  end

  it("gives the content without its last line break", function()
    write "value\n"
    assert.equal("value", resolve({ NAME = settings.secret {} }, { NAME_FILE = path }).NAME)
  end)

  it("beside NAME is a problem, and so is a file that cannot be read, without the path", function()
    write "value"
    local declared = { NAME = settings.secret {}, OTHER = settings.secret {} }
    assert.same({ "NAME and NAME_FILE are both set", "OTHER_FILE: the file cannot be read" },
      problems(declared, { NAME = "a", NAME_FILE = path, OTHER_FILE = path .. "-not-there" }))
  end)
end)

describe("problems", function()
  it("are told all at once, by name and never by value", function()
    local found = problems({
      COUNT = settings.integer { min = 1, max = 3 },
      DATABASE_URL = settings.required,
      livekit = settings.group { LIVEKIT_URL = settings.url {}, LIVEKIT_API_KEY = settings.string {} },
    }, {
      COUNT = "hunter2", PORT = "70000", SECRET_KEY = "hunter2", LIVEKIT_URL = "wss://hunter2.example",
      DB_POOL_MIN = "30", REDIS_ENABLED = "true",
    }, "serve")
    table.sort(found)
    assert.same({
      "COUNT: must be an integer between 1 and 3",
      "DATABASE_URL: is required",
      "DB_POOL_MIN: must be at most DB_POOL_MAX",
      "LIVEKIT_API_KEY: is required when other livekit settings are set",
      "PORT: must be an integer between 0 and 65535",
      "REDIS_URL: is required when REDIS_ENABLED is true",
      "SECRET_KEY: must be at least 32 bytes",
    }, found)
    assert.is_nil(table.concat(found):find "hunter2")
  end)

  it("are none when only DB_POOL_MAX is given", function()
    assert.equal(2, resolve({}, { DB_POOL_MAX = "2" }, "tool").DB_POOL_MIN)
    assert.equal(5, resolve({}, { DB_POOL_MAX = "7" }, "tool").DB_POOL_MIN)
  end)

  it("of what is required are told to a service, not to a tool", function()
    assert.same({ "SECRET_KEY: is required; `neap secret` makes one" }, problems({}, {}, "serve"))
    assert.is_nil(resolve({}, {}, "tool").SECRET_KEY)
  end)
end)

describe("a group", function()
  local declared = {
    github = settings.group { GITHUB_TOKEN = settings.secret {}, GITHUB_USER = settings.string {} },
  }

  it("may be left out as a whole", function()
    assert.is_nil(resolve(declared, {}).GITHUB_TOKEN)
  end)

  it("is required when FEATURES names it", function()
    assert.same({
      "GITHUB_TOKEN: is required because FEATURES names github",
      "GITHUB_USER: is required because FEATURES names github",
    }, problems(declared, { FEATURES = "github" }))
  end)

  it("that nobody declared cannot be named", function()
    assert.same({ "FEATURES: must be of github" }, problems(declared, { FEATURES = "gitlab" }))
  end)
end)

describe("the settings", function()
  it("are frozen", function()
    local config = resolve({}, {})
    assert.has_error(function() config.PORT = 1 end, "config: PORT cannot be changed")
    config.CORS_ORIGINS[1] = "changed"
    assert.same({ "http://localhost:3000" }, config.CORS_ORIGINS)
  end)

  it("name what nobody declared when it is read", function()
    local config = resolve({}, {})
    local ok, err = pcall(function() return config.PROT end)
    assert.is_false(ok)
    assert.matches('no setting is named "PROT"', err, 1, true)
  end)

  it("have the documented defaults", function()
    local config = resolve({}, {})
    for name, value in pairs {
      HOST = "127.0.0.1", PORT = 8000, MAX_BODY = 1048576, ACCESS_LOG = true, SHUTDOWN_TIMEOUT = 30, HEADER_TIMEOUT = 10,
      BODY_TIMEOUT = 60, WORKER_MAX_HEAP = 536870912, DB_POOL_MIN = 5, DB_POOL_MAX = 20, DB_POOL_PRE_PING = true,
      DB_POOL_RECYCLE = 3600, DB_ACQUIRE_TIMEOUT = 5, DB_STATEMENT_TIMEOUT = 5, DB_PREPARED = true, DB_SLOW_MS = 100,
      MIGRATE_LOCK_TIMEOUT = 5, DB_PIPELINE = true,
      REDIS_ENABLED = false, AUTH_REQUIRED = true, ACCESS_TOKEN_TTL = 900, REFRESH_TOKEN_TTL = 2592000,
      REFRESH_REUSE_GRACE = 10, BCRYPT_COST = 12, PASSWORD_LINE = 32, COOKIE_SECURE = false,
      ENVIRONMENT = "development", DEBUG = false,
      LOG_LEVEL = "info",
    } do
      assert.equal(value, config[name], name)
    end
  end)

  it("log debug lines when DEBUG is set and LOG_LEVEL is not", function()
    assert.equal("debug", resolve({}, { DEBUG = "true" }).LOG_LEVEL)
    assert.equal("warn", resolve({}, { DEBUG = "true", LOG_LEVEL = "warn" }).LOG_LEVEL)
  end)

  it("keep cookies to TLS outside of development", function()
    assert.is_true(resolve({}, { ENVIRONMENT = "production" }).COOKIE_SECURE)
  end)

  it("turn Redis on with its URL", function()
    assert.is_true(resolve({}, { REDIS_URL = "redis://localhost" }).REDIS_ENABLED)
  end)
end)

describe("the database URL", function()
  local function url(environment)
    return resolve({}, environment).DATABASE_URL
  end

  it("is DATABASE_URL, else NEON_DATABASE_URL, else made of PG*", function()
    local all = { DATABASE_URL = "postgresql://a/a", NEON_DATABASE_URL = "postgresql://b/b", PGHOST = "c", PGDATABASE = "c" }
    assert.equal("postgresql://a/a", url(all))
    all.DATABASE_URL = nil
    assert.equal("postgresql://b/b", url(all))
    all.NEON_DATABASE_URL = nil
    assert.equal("postgresql://c/c", url(all))
    assert.is_nil(url {})
  end)

  it("made of PG* escapes what a URL cannot hold", function()
    assert.equal("postgresql://me:p%40ss%2F@db.example:5433/my%20db",
      url { PGHOST = "db.example", PGPORT = "5433", PGUSER = "me", PGPASSWORD = "p@ss/", PGDATABASE = "my db" })
    assert.equal("postgresql:///app?host=%2Frun%2Fpostgresql&port=5433",
      url { PGHOST = "/run/postgresql", PGPORT = "5433", PGDATABASE = "app" })
    assert.equal("postgresql://[::1]:5432/", url { PGHOST = "::1", PGPORT = "5432" })
    assert.equal("postgresql://a:5433,b:5433/app?sslmode=verify-full&sslrootcert=%2Fca.crt&target_session_attrs=read-write",
      url {
        PGHOST = "a,b", PGPORT = "5433", PGDATABASE = "app", PGSSLMODE = "verify-full", PGSSLROOTCERT = "/ca.crt",
        PGTARGETSESSIONATTRS = "read-write",
      })
  end)
end)

describe("a name in the file that no setting has", function()
  local function unknown(declared, text)
    local values, _, lines = require("neap.settings.dotenv").parse(text)
    local sources = { environment = { PATH = "/bin", DATABSE_URL = "x" }, file = values, lines = lines }
    local _, found = settings.resolve(settings.define(declared), sources, "tool")
    local texts = {}
    for i, one in ipairs(found) do
      texts[i] = one.text
    end
    return texts
  end

  it("is told with its line and the setting that is nearest, if one is near", function()
    assert.same({
      ".env:1: no setting has the name DATABSE_URL; did you mean DATABASE_URL?",
      ".env:2: no setting has the name SECRTE_KEY; did you mean SECRET_KEY?",
      ".env:3: no setting has the name WORKER; did you mean WORKERS?",
      ".env:4: no setting has the name DB_POOLMX; did you mean DB_POOL_MAX?",
      ".env:5: no setting has the name port; did you mean PORT?",
      ".env:7: no setting has the name SOMETHING_ELSE",
      ".env:8: no setting has the name HOT; did you mean HOST?",
    }, unknown({}, "DATABSE_URL=a\nSECRTE_KEY=b\nWORKER=1\nDB_POOLMX=1\nport=1\n# c\nSOMETHING_ELSE=\nHOT=1\n"))
  end)

  it("is none of those that the application declares, their other names, and those with _FILE", function()
    local declared = {
      TITLE = settings.string { alias = "APP_TITLE" },
      mail = settings.group { MAIL_KEY = settings.secret {} },
    }
    assert.same({}, unknown(declared, "APP_TITLE=a\nMAIL_KEY_FILE=\nMAIL_KEY=\nSECRET_KEY_FILE=\nPORT=1\n"))
    assert.same({ ".env:1: no setting has the name TITEL; did you mean TITLE?" }, unknown(declared, "TITEL=a\n"))
  end)

  it("is not shown when it may be a piece of a secret", function()
    assert.same({ ".env:1: no setting has this name" }, unknown({}, "kYc3Qw9Zl1==\n"))
  end)

  it("is told with what is wrong, since it may be why", function()
    local found = problems({ DATABASE_URL = settings.required }, {}, "serve", { DATABSE_URL = "x", SECRET_KEY = SECRET })
    assert.same({
      "DATABASE_URL: is required", ".env: no setting has the name DATABSE_URL; did you mean DATABASE_URL?",
    }, found)
  end)
end)

describe("declaring", function()
  it("refuses a name that no environment has, an option that is misspelt, and settings.required of the unknown", function()
    assert.has_error(function() settings.define { name = settings.string {} } end)
    assert.has_error(function() settings.string { defualt = "x" } end)
    assert.has_error(function() settings.define { NOT_OURS = settings.required } end)
    assert.has_error(function() settings.define { NAME = "text" } end)
  end)

  it("can be described for documentation, computed defaults left out", function()
    local found
    for _, entry in ipairs(settings.describe(settings.define { TOKEN = settings.secret { help = "a token" } })) do
      if entry.name == "TOKEN" then
        found = entry
      elseif entry.name == "LOG_LEVEL" then
        assert.is_nil(entry.default)
      end
    end
    assert.is_true(found.secret)
    assert.equal("a token", found.help)
  end)
end)

it("a service with a secret and nothing else has all its settings", function()
  assert.equal(8000, resolve({}, { SECRET_KEY = SECRET }, "serve").PORT)
end)
