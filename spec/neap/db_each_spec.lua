-- Rows one by one, on connections of the pool's choice.
-- luacheck: ignore 512 (loops that are left at their first row)
local core = require "neap.core"
local db = require "neap.db"
local eventually = require "spec.support.eventually"
local json = require "neap.json"
local test = require "neap.test"

test.no_transaction()

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

local function is_idle()
  return eventually(function() return db.pool_status().busy == 0 end)
end

--- The sessions that work on a statement with this mark in it, apart from the one that asks.
local function working(mark)
  return db.one([[select count(*) as n from pg_stat_activity
    where query like '%' || $1 || '%' and state = 'active' and pid <> pg_backend_pid()]], mark).n
end

local function count(...)
  local n = 0
  for _ in db.each(...) do
    n = n + 1
  end
  return n
end

setup(function()
  db.script "create table if not exists spec_each (n int primary key)"
end)

before_each(function()
  db.exec "delete from spec_each"
end)

after_each(function()
  assert.is_true(is_idle())
end)

teardown(function()
  db.script "drop table spec_each"
end)

describe("db.each", function()
  it("gives every row once, in order, as db.one gives it", function()
    local want = 0
    local sql = "select x, case when x % 3 = 0 then null else x::text end as t from generate_series(1, $1) x"
    for row in db.each(sql, 10000) do
      want = want + 1
      assert(row.x == want and row.t == (want % 3 ~= 0 and tostring(want) or nil))
    end
    assert.equal(10000, want)
    for row in db.each "select 1 as id, null as note, array[1, 2] as list, '2024-01-01'::timestamptz as at" do
      assert.equal('{"id":1,"note":null,"list":[1,2],"at":"2024-01-01T00:00:00.000000Z"}', json.encode(row))
    end
  end)

  it("may be empty, wide, and of rows larger than a part", function()
    assert.equal(0, count "select 1 where false")
    assert.equal(0, count "create temporary table nothing ()")
    local n = 0
    for row in db.each "select x, repeat('x', 300000) as t from generate_series(1, 5) x" do
      n = n + #row.t
    end
    assert.equal(1500000, n)
  end)

  it("takes other statements in its loop, which have connections of their own", function()
    for row in db.each "select x from generate_series(1, 300) x" do
      if row.x % 50 == 0 then
        db.exec("insert into spec_each values ($1)", row.x)
      end
    end
    assert.equal(6, count "select n from spec_each")
    for outer in db.each "select n from spec_each order by n" do
      assert.equal(outer.n, count("select generate_series(1, $1)", outer.n))
    end
  end)

  it("has no limit on the whole, only on the wait for rows", function()
    for row in db.each "select set_config('statement_timeout', '0', false) as was, pg_backend_pid() as pid" do
      assert.equal("0", row.was)
    end
  end)

  for how, leave in pairs {
    ["break"] = function() for _ in db.each "select generate_series(1, 100000000) as x /* left */" do break end end,
    ["return"] = function() for _ in db.each "select generate_series(1, 100000000) as x /* left */" do return end end,
    error = function()
      failure(function()
        for _ in db.each "select generate_series(1, 100000000) as x /* left */" do error "no" end
      end)
    end,
    ["a coroutine that is dropped"] = function()
      coroutine.wrap(function()
        for _ in db.each "select generate_series(1, 100000000) as x /* left */" do coroutine.yield() end
      end)()
      collectgarbage()
      collectgarbage()
    end,
  } do
    it("that is left by " .. how .. " ends its statement, and the connection is clean", function()
      local lost = db.pool_status().lost
      leave()
      assert(eventually(function() return working "left" == 0 end))
      assert.is_true(is_idle())
      assert.equal(lost, db.pool_status().lost)
      for i = 1, 8 do
        assert.equal(i, db.one("select $1::int as v", i).v)
      end
    end)
  end

  it("ends its statement when it is closed, and cannot be pulled any more", function()
    local next_row, handle = db.each "select generate_series(1, 100000000) as x /* closed */"
    assert.equal(1, next_row(handle).x)
    handle:close()
    assert(eventually(function() return working "closed" == 0 end))
    assert.is_nil(next_row(handle))
    handle:close()
  end)

  it("raises what is wrong where it stands: at the call, or after the rows before it", function()
    assert.equal("42601", failure(db.each, "selct 1").sqlstate)
    assert.equal("selct 1", failure(db.each, "selct 1").statement)
    assert.equal("bad_param", failure(db.each, "select $1::text", "a\0b").kind)
    assert.matches("%$1: a function", failure(db.each, "select $1", print))
    local seen = 0
    local err = failure(function()
      for row in db.each "select 100 / (1000 - x) as v from generate_series(1, 2000) x" do
        seen = seen + (row.v and 1)
      end
    end)
    assert.equal("22012", err.sqlstate)
    assert.equal(999, seen)
    assert.matches("copy_out", failure(db.each, "copy spec_each from stdin").message)
  end)

  it("is told when its backend is killed", function()
    local n = 0
    local err = failure(function()
      for _ in db.each "select generate_series(1, 100000000) as x, repeat('y', 1000) /* killed */" do
        n = n + 1
        if n == 1000 then
          db.query([[select pg_terminate_backend(pid) from pg_stat_activity
            where query like '%' || $1 || '%' and pid <> pg_backend_pid()]], "killed")
        end
      end
    end)
    assert.equal("lost", err.kind)
    assert.equal("unknown", err.outcome)
  end)

  it("makes Postgres wait while nobody pulls, and holds little memory", function()
    local next_row, handle = db.each "select generate_series(1, 1000000) as x, repeat('z', 1000) /* held up */"
    local held <close> = handle
    assert(held)
    assert.equal(1, next_row(handle).x)
    assert(eventually(function()
      local row = db.one([[select wait_event from pg_stat_activity
        where query like '%' || $1 || '%' and pid <> pg_backend_pid()]], "held up")
      return row and row.wait_event == "ClientWrite"
    end))
    assert.equal(2, next_row(handle).x)
  end)
end)

describe("db.each in a transaction", function()
  it("uses its connection, and nothing else can before it has ended", function()
    db.tx(function(tx)
      tx.exec "insert into spec_each select generate_series(1, 1000)"
      local n = 0
      for row in db.each "select n from spec_each order by n" do
        n = n + 1
        if n == 5 then
          assert.matches("db.each is open on this transaction's connection", failure(db.one, "select 1"))
          assert.matches("db.each is open", failure(db.tx, print))
          assert.matches("db.each is open", failure(db.each, "select 1"))
        end
        assert.equal(n, row.n)
      end
      assert.equal(1000, n)
      assert.equal(1000, tx.one("select count(*) as n from spec_each").n)
    end)
    assert.equal(1000, db.one("select count(*) as n from spec_each").n)
  end)

  it("that is left early leaves the transaction as it was", function()
    db.tx(function(tx)
      tx.exec "insert into spec_each values (1)"
      for _ in db.each "select generate_series(1, 100000000) as x" do
        break
      end
      tx.exec "insert into spec_each values (2)"
      failure(function()
        for row in db.each "select 1 / (x - 500) from generate_series(1, 1000) x" do
          assert(row)
        end
      end)
      tx.exec "insert into spec_each values (3)"
      db.tx(function()
        db.exec "insert into spec_each values (4)"
        for _ in db.each "select generate_series(1, 100000000) as x" do
          break
        end
      end)
    end)
    assert.equal(4, db.one("select count(*) as n from spec_each").n)
  end)

  it("that is still open keeps it from committing", function()
    assert.matches("db.each is open", failure(db.tx, function(tx)
      tx.exec "insert into spec_each values (1)"
      local next_row, handle = db.each "select generate_series(1, 100000000) as x"
      next_row(handle)
    end))
    assert.equal(0, db.one("select count(*) as n from spec_each").n)
    assert.matches("no luck", failure(db.tx, function()
      pcall(db.tx, function()
        db.each "select generate_series(1, 100000000) as x"
        error "inner"
      end)
      error "no luck"
    end))
  end)

  it("may write, row by row", function()
    db.tx(function()
      local n = 0
      for row in db.each "insert into spec_each select generate_series(1, 600) returning n" do
        n = n + row.n
      end
      assert.equal(180300, n)
    end)
    assert.equal(600, db.one("select count(*) as n from spec_each").n)
  end)
end)

describe("a task that is cancelled", function()
  local slow = "select generate_series(1, 3) as x, pg_sleep(30) /* cancelled */"

  for how, run in pairs {
    ["while it waits for rows"] = function(ended) for row in db.each(slow) do ended.rows = row end end,
    ["in a transaction, while it waits for rows"] = function(ended)
      db.tx(function(tx)
        tx.exec "insert into spec_each values (1)"
        for row in db.each(slow) do ended.rows = row end
      end)
    end,
    ["between two rows"] = function(ended)
      for row in db.each "select generate_series(1, 100000000) as x /* cancelled */" do
        ended.first = row.x
        core.sleep(30)
      end
    end,
    ["in a transaction, between two rows"] = function(ended)
      db.tx(function(tx)
        tx.exec "insert into spec_each values (1)"
        for row in db.each "select generate_series(1, 100000000) as x /* cancelled */" do
          ended.first = row.x
          core.sleep(30)
        end
      end)
    end,
    ["while its COPY waits for data"] = function(ended)
      db.copy_in("copy spec_each from stdin /* cancelled */", function()
        ended.first = 1
        core.sleep(30)
      end)
    end,
  } do
    it(how .. " leaves nothing", function()
      local leaked, ended = db.pool_status().leaked, {}
      local id = core.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() ended.closed = true end })
        run(ended)
      end, "to be cancelled")
      assert(eventually(function() return working "cancelled" == 1 or ended.first end))
      core.sleep(0.05)
      core.cancel(id)
      assert(eventually(function() return ended.closed end))
      assert(eventually(function() return working "cancelled" == 0 end))
      assert.is_true(is_idle())
      assert.is_nil(ended.rows)
      assert.equal(leaked, db.pool_status().leaked)
      assert.equal(0, db.one("select count(*) as n from spec_each").n)
    end)
  end
end)

describe("db.each in db.session", function()
  it("uses its connection, and leaving it early leaves the session as it was", function()
    db.session(function()
      db.exec "set application_name = 'mine'"
      local next_row, handle = db.each [[select generate_series(1, 100000000) as x,
        current_setting('application_name') as name]]
      assert.equal("mine", next_row(handle).name)
      assert.matches("db.each is open", failure(db.one, "select 1"))
      handle:close()
      assert.equal("mine", db.one("select current_setting('application_name') as name").name)
      assert.equal(5, count "select generate_series(1, 5)")
    end)
  end)

  local endless = "select generate_series(1, 100000000) as x"
  for how, leave in pairs {
    ["break"] = function() for _ in db.each(endless) do break end end,
    ["return"] = function() for row in db.each(endless) do return row.x end end,
    ["an error"] = function() pcall(function() for _ in db.each(endless) do error "enough" end end) end,
    ["an error of the statement"] = function()
      assert.equal("22012", failure(count, "select 1 / (3 - x) from generate_series(1, 5) as x").sqlstate)
    end,
  } do
    it("may be left by " .. how, function()
      db.session(function()
        db.exec "set application_name = 'mine'"
        leave()
        assert.equal("mine", db.one("select current_setting('application_name') as name").name)
      end)
    end)
  end
end)

describe("db.each on a connection that is lost", function()
  for where, around in pairs { ["db.tx"] = db.tx, ["db.session"] = db.session } do
    it("raises, in " .. where .. " too", function()
      local err = failure(around, function()
        local pid = db.one("select pg_backend_pid() as pid").pid
        core.spawn(function() db.exec("select pg_terminate_backend($1)", pid) end, "the killer")
        count "select pg_sleep(30)"
      end)
      assert.equal("57P01", err.sqlstate)
    end)
  end
end)
