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
    assert.matches("0002_second.up.sql was changed after it was applied: undo the change", said, 1, true)
    assert.matches("`neap db reset`", said, 1, true)
    assert.equal("1 first,2 second", applied())
  end)

  it("refuses, by name, when the file of one that was applied is gone", function()
    assert.equal(0, (migrate "up"))
    sys.remove(app .. "/migrations/0002_second.up.sql")
    sys.remove(app .. "/migrations/0002_second.down.sql")
    local code, said = migrate "up"
    assert.equal(1, code)
    assert.matches("0002_second was applied, but its file is missing: bring it back", said, 1, true)
    assert.matches("`neap db reset`", said, 1, true)
  end)

  it("is a part of `neap dev`, which complains under its own name", function()
    assert.equal(0, (migrate "up"))
    scratch.write(app .. "/migrations/0002_second.up.sql", "create table second (id bigint);\n")
    scratch.write(app .. "/lua/app/init.lua", "return function() return require('neap').app {} end\n")
    local code, _, err = sys.exec { core.program, "dev", "--port", "0", env = environment(), cwd = app, timeout = 60 }
    assert.equal(1, code, err)
    assert.matches("neap dev: 0002_second.up.sql was changed", err, 1, true)
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

  it("writes the tables of a part of the framework, up and down", function()
    assert.equal(0, (migrate("new", "line", "--with", "jobs")))
    assert.equal(0, (migrate "up"))
    assert.equal("0", query "select count(*) from jobs where state = 'dead'")
    assert.equal(0, (migrate "down"))
    assert.equal("t", query "select to_regclass('jobs') is null")
    local code, said = migrate("new", "line", "--with", "nothing")
    assert.equal(64, code)
    assert.matches("there is .*jobs", said)
  end)
end)

describe("a file that runs outside of a transaction", function()
  before_each(function()
    -- The second of two statements fails: what the first did stays, because it commits itself.
    scratch.write(app .. "/migrations/0003_third.up.sql",
      "-- no-transaction\ndo $$ begin create table halfway (n int); commit; perform 1/0; end $$;\n")
    scratch.write(app .. "/migrations/0003_third.down.sql", "drop table halfway;\n")
    scratch.write(app .. "/migrations/0004_fourth.up.sql", "create table fourth (id integer);\n")
    scratch.write(app .. "/migrations/0004_fourth.down.sql", "drop table fourth;\n")
  end)

  it("and fails is marked dirty, and nothing runs until a person has looked", function()
    local code, said = migrate "up"
    assert.equal(1, code)
    assert.matches("0003_third.up.sql: division by zero (SQLSTATE 22012)", said, 1, true)
    assert.equal("t", query "select dirty from schema_migrations where version = 3")
    assert.matches("0003_third%s+dirty", select(2, migrate "status"))
    for _, command in ipairs { "up", "down" } do
      code, said = migrate(command)
      assert.equal(1, code)
      assert.matches("0003_third failed in the middle", said, 1, true)
    end
    assert.equal("halfway", query "select to_regclass('halfway')")
    assert.equal("", query "select to_regclass('fourth')")
  end)

  it("goes on from where the person says it is", function()
    migrate "up"
    assert.equal(64, (migrate("resolve", "3")))
    assert.equal(1, (migrate("resolve", "2", "pending")))
    query "drop table halfway"
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table halfway (n int);\n")
    assert.equal(0, (migrate("resolve", "3", "pending")))
    assert.equal(0, (migrate "up"))
    assert.equal("1 first,2 second,3 third,4 fourth", applied())
    assert.equal(0, (migrate("down", "2")))
    assert.equal("", query "select to_regclass('halfway')")
  end)

  it("may count as applied, as the file says it now", function()
    migrate "up"
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table halfway (n int);\n")
    assert.equal(0, (migrate("resolve", "3", "applied")))
    assert.equal(0, (migrate "up"))
    assert.equal("0", query "select count(*) from schema_migrations where dirty")
    assert.equal("fourth", query "select to_regclass('fourth')")
  end)

  it("leaves its mark also when the process is killed in the middle", function()
    scratch.write(app .. "/migrations/0003_third.up.sql", "-- no-transaction\nselect pg_sleep(20);\n")
    local proc = sys.spawn {
      core.program, "migrate", "up", env = environment(), cwd = app, stdout = "null", stderr = "null",
    }
    local deadline = core.monotonic() + 10
    while query "select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()" == "0"
      and core.monotonic() < deadline do
      core.sleep(0.05)
    end
    proc:kill "KILL"
    proc:wait(5)
    assert.equal("t", query "select dirty from schema_migrations where version = 3")
  end)
end)

describe("a migration", function()
  it("may hold anything in its strings and bodies: files are sent whole", function()
    scratch.write(app .. "/migrations/0003_third.up.sql", [==[
-- a comment; with 'quotes' and $dollars$
create table "semi;colon" (v text default 'a;b''c', w text default E'\'; commit; --');
create function f() returns text language plpgsql as $body$
begin
  -- begin; commit;
  return $$a;'b$$ || ';';
end $body$;
/* ; drop table first; */ insert into "semi;colon" values (f());
]==])
    local code, said = migrate "up"
    assert.equal(0, code, said)
    assert.equal("a;'b;|'; commit; --", query [[select v, w from "semi;colon"]])
    assert.equal("first", query "select to_regclass('first')")
  end)

  it("gives up on a lock after MIGRATE_LOCK_TIMEOUT, and has done nothing", function()
    migrate "up"
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table third (n int);\nalter table first add n int;\n")
    local holder = sys.spawn {
      "psql", "-XAtq", "-d", database.url, "-c", "begin; lock table first in access share mode; select pg_sleep(5)",
    }
    core.sleep(0.3)
    local argv = { core.program, "migrate", "up", cwd = app }
    argv.env = environment()
    argv.env.MIGRATE_LOCK_TIMEOUT = "200ms"
    local started = core.monotonic()
    local code, _, said = sys.exec(argv)
    holder:kill "KILL"
    holder:wait(5)
    assert.equal(1, code)
    assert.is_true(core.monotonic() - started < 4)
    assert.matches("55P03", said, 1, true)
    assert.matches("MIGRATE_LOCK_TIMEOUT", said, 1, true)
    assert.equal("1 first,2 second", applied())
    assert.equal("", query "select to_regclass('third')")
  end)
end)

describe("neap migrate baseline", function()
  it("writes down what is there already, and goes on after it", function()
    query "create table first (id integer)"
    assert.equal(1, (migrate "up"))
    local code, said = migrate("baseline", "1")
    assert.equal(0, code, said)
    assert.equal(0, (migrate "up"))
    assert.equal("1 first,2 second", applied())
    code, said = migrate("baseline", "1")
    assert.equal(1, code)
    assert.matches("0002_second is applied already", said, 1, true)
    assert.equal(1, (migrate("baseline", "9")))
    assert.equal(64, (migrate("baseline", "x")))
  end)

  it("takes over a table of migrations that an older version made", function()
    migrate "up"
    query "alter table schema_migrations drop column dirty"
    assert.equal(0, (migrate "status"))
    scratch.write(app .. "/migrations/0003_third.up.sql", "create table third (id integer);\n")
    assert.equal(0, (migrate "up"))
    assert.equal("1 first,2 second,3 third", applied())
  end)
end)

describe("neap migrate verify", function()
  local function databases()
    return query "select count(*) from pg_database where datname like 'neap_verify_%'"
  end

  it("finds nothing where every down undoes its up, and leaves the database alone", function()
    local code, said = migrate "verify"
    assert.equal(0, code, said)
    assert.matches("2 migrations go up, down and up again", said, 1, true)
    assert.equal("", query "select to_regclass('first')")
    assert.equal("0", databases())
  end)

  it("names the file that leaves something, and what", function()
    scratch.write(app .. "/migrations/0001_first.up.sql",
      "create table first (id integer);\ncreate type mood as enum ('ok');\n")
    local code, said = migrate "verify"
    assert.equal(1, code)
    assert.matches("0001_first.down.sql does not undo all of its .up.sql", said, 1, true)
    assert.matches("+ CREATE TYPE public.mood AS ENUM", said, 1, true)
    assert.equal("0", databases())
  end)

  it("wants a .down.sql of each", function()
    sys.remove(app .. "/migrations/0002_second.down.sql")
    local code, said = migrate "verify"
    assert.equal(1, code)
    assert.matches("0002_second has no .down.sql", said, 1, true)
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
    assert.equal(0, (migrate("down", tostring(#require("neap.migrate").files "migrations"))))
    assert.equal(empty, dump())
    assert.equal(0, (migrate "up"))
    assert.equal(full, dump())
    local code, said = migrate "verify"
    assert.equal(0, code, said)
  end)

  it("make the schema that the specs run on", function()
    assert.equal("tasks", db.one("select to_regclass('tasks')::text as name").name)
  end)
end)
