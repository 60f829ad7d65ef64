-- `neap db stats`, `neap db init` and `neap db reset`, on databases of their own.
local core = require "neap.core"
local core_os = require "neap.core.os"
local stats = require "neap.db.stats"
local test = require "neap.test"

describe("the statistics of a database", function()
  it("have its tables, with what they take", function()
    local by_name = {}
    for _, t in ipairs(stats.tables()) do by_name[t.name] = t end
    assert.is_true(by_name.tasks.bytes > 0)
    assert.is_true(by_name.tasks.index_bytes > 0)
    assert.equal("integer", math.type(by_name.tasks.rows))
    assert.is_true(by_name.tasks.rows >= 0)
    assert.is_nil(by_name["pg_catalog.pg_class"])
    assert.is_nil(by_name.pg_class)
  end)

  it("have its connections and the server's", function()
    local all = stats.database()
    assert.is_true(all.bytes > 1000000)
    assert.is_true(all.used >= 1 and all.used <= all.max)
    for _, c in ipairs(stats.connections()) do
      assert.is_true(c.connections >= 1)
      assert.is_true(c.longest >= 0)
    end
  end)
end)

describe("neap db stats", function()
  it("prints them, one line each in a pipe", function()
    local database = test.scratch_database()
    local env = { PATH = "/usr/bin:/bin", DATABASE_URL = database.url }
    local sql = "create table things (n int primary key); insert into things select generate_series(1, 1000); analyze things"
    assert.equal(0, (core_os.exec { "psql", "-XAtq", "-d", database.url, "-c", sql }))
    local code, out, problem = core_os.exec { core.program, "db", "stats", env = env, cwd = core.app_dir }
    database:drop()
    assert.equal(0, code, problem)
    assert.matches("^" .. database.name .. " on PostgreSQL [%d.]+", out)
    assert.matches("\nthings\t1000\t0\t[%d.]+ kB\t[%d.]+ kB\t%d+\t%d+\n", out)
  end)
end)

describe("neap db init", function()
  it("makes the database, its tables and what is seeded, and is content with one that is there", function()
    local database = test.scratch_database()
    local env = { PATH = "/usr/bin:/bin", DATABASE_URL = database.url, ENVIRONMENT = "staging" }
    local function init()
      local code, out, problem = core_os.exec { core.program, "db", "init", cwd = core.app_dir, env = env }
      assert.equal(0, code, out .. problem)
      return out
    end
    local function recipes()
      local _, out = core_os.exec { "psql", "-XAtq", "-d", database.url, "-c", "select count(*) from recipes" }
      return tonumber(out)
    end
    database:drop()
    local said = init()
    assert.matches("^made the database " .. database.name .. "\n", said)
    assert.matches("\n[1-9]%d* migrations applied\n", said)
    local count = recipes()
    assert.is_true(count > 0)
    assert.equal("0 migrations applied\nnothing to add\n", init())
    assert.equal(count, recipes())
    database:drop()
  end)

  it("says why when nobody answers there", function()
    local env = { PATH = "/usr/bin:/bin", DATABASE_URL = "postgresql:///nothing?host=/nowhere" }
    local code, out, problem = core_os.exec { core.program, "db", "init", cwd = core.app_dir, env = env }
    assert.equal(1, code)
    assert.equal("", out)
    assert.matches("/nowhere", problem, 1, true)
  end)
end)

describe("neap db reset", function()
  it("makes the database anew, also when it is not there at all", function()
    local database = test.scratch_database()
    local function psql(sql)
      return (core_os.exec { "psql", "-XAtq", "-d", database.url, "-c", sql })
    end
    local function reset()
      return core_os.exec {
        core.program, "db", "reset", "--yes",
        cwd = core.app_dir,
        env = { PATH = "/usr/bin:/bin", DATABASE_URL = database.url },
      }
    end
    assert.equal(0, psql "create table mine (n int)")
    local code, out, problem = reset()
    assert.equal(0, code, problem)
    assert.matches("is new, %d+ migrations applied", out)
    assert.are_not.equal(0, psql "select * from mine")
    assert.equal(0, psql "select * from tasks")
    database:drop()
    code, out, problem = reset()
    assert.equal(0, code, problem)
    assert.matches("is new", out)
    assert.equal(0, psql "select * from tasks")
    database:drop()
  end)
end)
