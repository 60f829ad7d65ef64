--- `neap migrate` on a database of its own.
local core = require "neap.core"
local db = require "neap.db"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"

local app, database

local function environment()
  return { PATH = "/usr/bin:/bin", DATABASE_URL = database.url }
end

local function migrate(...)
  local argv = { core.program, "migrate", ... }
  argv.env, argv.cwd = environment(), app
  local code, out, err = sys.exec(argv)
  return code, out .. err
end

local function query(sql)
  local code, out = sys.exec { "psql", "-XAtq", "-d", database.url, "-c", sql }
  assert.equal(0, code)
  return (out:gsub("\n$", ""))
end

before_each(function()
  database = test.scratch_database()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = {
      ["migrations/0001_first.up.sql"] = "create table first (id integer);\n",
      ["migrations/0001_first.down.sql"] = "drop table first;\n",
      ["migrations/0002_second.up.sql"] = "create table second (id integer);\ninsert into second values (1);\n",
      ["migrations/0002_second.down.sql"] = "drop table second;\n",
    },
  }
end)

after_each(function()
  database:drop()
  scratch.remove(app)
end)

local function applied()
  return query "select string_agg(version || ' ' || name, ',' order by version) from schema_migrations"
end

describe("neap migrate up", function()
  it("applies what is not applied, once", function()
    assert.equal(0, (migrate "up"))
    assert.equal("1 first,2 second", applied())
    assert.equal(0, (migrate "up"))
    assert.equal("1", query "select count(*) from second")
  end)

  it("run twice at the same moment applies each file once, and both succeed", function()
    scratch.write(app .. "/migrations/0001_first.up.sql", "create table first (id integer);\nselect pg_sleep(0.5);\n")
    local procs = {}
    for i = 1, 2 do
      local argv = { core.program, "migrate", "up", env = environment(), cwd = app, stdout = "null", stderr = "null" }
      procs[i] = sys.spawn(argv)
    end
    for i = 1, 2 do
      assert.equal(0, (procs[i]:wait(20)))
    end
    assert.equal("1 first,2 second", applied())
    assert.equal("1", query "select count(*) from second")
  end)

  it("refuses, by name, a file that was edited after it was applied, and applies nothing", function()
    assert.equal(0, (migrate "up"))
    scratch.write(app .. "/migrations/0002_second.up.sql", "create table second (id bigint);\n")
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table third (id integer);\n")
    local code, said = migrate "up"
    assert.equal(1, code)
    assert.matches("0002_second", said, 1, true)
    assert.equal("1 first,2 second", applied())
  end)

  it("refuses, by name, when the file of one that was applied is gone", function()
    assert.equal(0, (migrate "up"))
    sys.remove(app .. "/migrations/0002_second.up.sql")
    sys.remove(app .. "/migrations/0002_second.down.sql")
    local code, said = migrate "up"
    assert.equal(1, code)
    assert.matches("0002_second", said, 1, true)
  end)

  it("leaves nothing of a file that fails, keeps those before it, and tells file, line and SQLSTATE", function()
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table third (id integer);\n\nselect * from nowhere;\n")
    local code, said = migrate "up"
    assert.equal(1, code)
    assert.matches("0003_third.up.sql:3", said, 1, true)
    assert.matches("42P01", said, 1, true)
    assert.equal("1 first,2 second", applied())
    assert.equal("", query "select to_regclass('third')")
  end)

  it("runs a file outside of a transaction when its first line says so", function()
    scratch.write(app .. "/migrations/0003_third.up.sql", "-- no-transaction\ncreate index concurrently on second (id);\n")
    local code, said = migrate "up"
    assert.equal(0, code, said)
  end)
end)

describe("neap migrate down", function()
  it("undoes the last one, or as many as are asked for", function()
    migrate "up"
    assert.equal(0, (migrate "down"))
    assert.equal("1 first", applied())
    migrate "up"
    assert.equal(0, (migrate("down", "2")))
    assert.equal("", applied())
  end)
end)

describe("neap migrate status", function()
  it("tells what is applied and what is not", function()
    migrate "up"
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table third (id integer);\n")
    local code, said = migrate "status"
    assert.equal(0, code)
    assert.matches("0001_first", said, 1, true)
    assert.matches("0003_third", said, 1, true)
  end)
end)

describe("neap migrate new", function()
  it("writes a pair of files with the next number", function()
    assert.equal(0, (migrate("new", "add labels")))
    assert(sys.stat(app .. "/migrations/0003_add_labels.up.sql"))
    assert(sys.stat(app .. "/migrations/0003_add_labels.down.sql"))
  end)
end)

describe("the migrations of Workbench", function()
  local function dump()
    local code, out = sys.exec { "pg_dump", "-s", "-T", "schema_migrations", "-d", database.url }
    assert.equal(0, code)
    -- Newer pg_dumps wrap the dump in \restrict with a random word.
    return (out:gsub("\\%l*restrict [^\n]*", ""))
  end

  it("go up, down to nothing, and up again to the same schema", function()
    sys.remove(app .. "/migrations", { recursive = true })
    sys.symlink(core.app_dir .. "/migrations", app .. "/migrations")
    local empty = dump()
    assert.equal(0, (migrate "up"))
    local full = dump()
    assert.are_not.equal(empty, full)
    assert.equal(0, (migrate("down", "1")))
    assert.equal(empty, dump())
    assert.equal(0, (migrate "up"))
    assert.equal(full, dump())
  end)

  it("make the schema that the specs run on", function()
    assert.equal("tasks", db.one("select to_regclass('tasks')::text as name").name)
  end)
end)
