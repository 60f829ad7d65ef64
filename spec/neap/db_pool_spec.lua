-- db.* on connections of the pool's choice, and what is left in the pool afterwards.
local db = require "neap.db"
local eventually = require "spec.support.eventually"
local test = require "neap.test"

test.no_transaction()

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

setup(function()
  db.script "create table if not exists spec_pool (n int primary key)"
end)

--- What the pool rolls back on its own is done soon, not at once.
local function is_idle()
  return eventually(function() return db.pool_status().busy == 0 end)
end

before_each(function()
  db.exec "delete from spec_pool"
  assert.is_true(is_idle())
end)

teardown(function()
  db.script "drop table spec_pool"
end)

local function count()
  return db.one("select count(*) as n from spec_pool").n
end

describe("db.tx", function()
  it("commits for everybody to see", function()
    db.tx(function(tx)
      tx.exec "insert into spec_pool values (1)"
      local before = db.pool_status().busy
      assert.equal(1, before)
    end)
    assert.equal(1, count())
    assert.equal(0, db.pool_status().busy)
  end)

  it("rolls back when it fails, which is no leak", function()
    local leaked = db.pool_status().leaked
    assert.matches("no luck", failure(db.tx, function(tx)
      tx.exec "insert into spec_pool values (1)"
      error "no luck"
    end))
    assert.equal(0, count())
    assert.is_true(is_idle())
    assert.equal(leaked, db.pool_status().leaked)
  end)

  it("nests as savepoints on the same connection", function()
    db.tx(function()
      db.exec "insert into spec_pool values (1)"
      pcall(db.tx, function()
        db.exec "insert into spec_pool values (2)"
        pcall(db.tx, function() db.exec "insert into spec_pool values (1)" end)
        db.exec "insert into spec_pool values (3)"
        assert.equal(3, count())
        error "undone"
      end)
      assert.equal(1, db.pool_status().busy)
      db.tx(function() db.exec "insert into spec_pool values (4)" end)
    end)
    assert.equal(2, count())
  end)

  it("knows its options", function()
    db.tx({ isolation = "serializable", read_only = true }, function()
      assert.equal("serializable", db.one("show transaction_isolation").transaction_isolation)
      pcall(db.tx, function()
        assert.equal("25006", failure(db.exec, "insert into spec_pool values (1)").sqlstate)
        error "undone"
      end)
      assert.equal(0, count())
    end)
  end)

  it("is run again after a serialization failure, as often as it was asked to", function()
    local runs = 0
    assert.equal("done", db.tx({ retries = 3 }, function(tx)
      runs = runs + 1
      tx.exec("insert into spec_pool values ($1)", runs)
      if runs < 3 then
        db.script "do $$ begin raise exception 'try again' using errcode = '40001'; end $$"
      end
      return "done"
    end))
    assert.equal(3, runs)
    assert.equal(1, count())
    runs = 0
    assert.equal("40P01", failure(db.tx, { retries = 2 }, function()
      runs = runs + 1
      db.script "do $$ begin raise exception 'for ever' using errcode = '40P01'; end $$"
    end).sqlstate)
    assert.equal(3, runs)
  end)

  it("raises what the commit raises, and nothing of it is there", function()
    db.script "create table if not exists spec_late (n int unique deferrable initially deferred)"
    local err = failure(db.tx, function()
      db.exec "insert into spec_late values (1), (1)"
    end)
    assert.equal("23505", err.sqlstate)
    assert.is_nil(err.outcome)
    assert.equal(0, db.one("select count(*) as n from spec_late").n)
    db.script "drop table spec_late"
  end)

  it("that cannot begin tells where it stands, also after a tail call", function()
    local function handler()
      return db.tx({ isolation = "read committed" }, function() end)
    end
    db.session(function()
      db.script "begin; savepoint x"
      pcall(db.query, "select 1/0")
      assert.matches("^spec/neap/db_pool_spec.lua:%d+$", failure(handler).where)
    end)
  end)

  it("may have a timeout of its own", function()
    assert.equal("timed_out", failure(db.tx, { timeout = 0.05 }, function()
      db.query "select pg_sleep(1)"
    end).kind)
    db.query "select pg_sleep(0.06)"
  end)

  it("that loses its connection raises, and has done nothing", function()
    local err = failure(db.tx, function()
      db.exec "insert into spec_pool values (1)"
      db.query "select pg_terminate_backend(pg_backend_pid())"
    end)
    assert.equal("lost", err.kind)
    assert.is_nil(err.outcome)
    assert.equal(0, count())
  end)

  it("whose commit gets no answer does not know its outcome", function()
    db.script [[create or replace function spec_die() returns trigger language plpgsql as
      $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
      drop table if exists spec_deferred;
      create table spec_deferred (n int);
      create constraint trigger dies after insert on spec_deferred deferrable initially deferred
        for each row execute function spec_die()]]
    local err = failure(db.tx, function() db.exec "insert into spec_deferred values (1)" end)
    assert.equal("lost", err.kind)
    assert.equal("unknown", err.outcome)
    db.script "drop table spec_deferred; drop function spec_die()"
  end)

  it("that a forgotten coroutine holds is given back when the coroutine is collected", function()
    local leaked = db.pool_status().leaked
    local step = coroutine.wrap(function()
      db.tx(function()
        db.exec "insert into spec_pool values (1)"
        coroutine.yield()
      end)
    end)
    step()
    step = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_true(is_idle())
    assert.equal(leaked + 1, db.pool_status().leaked)
    assert.equal(0, count())
  end)
end)

describe("coroutines whose transactions begin and end across each other", function()
  it("commit nothing, and nothing runs outside of them unnoticed", function()
    local outer = coroutine.create(function()
      db.tx(function()
        db.exec "insert into spec_pool values (1)"
        coroutine.yield()
      end)
    end)
    coroutine.resume(outer)
    local err = failure(db.tx, function()
      db.exec "insert into spec_pool values (2)"
      local ok, problem = coroutine.resume(outer)
      assert.is_false(ok)
      assert.matches("still open", problem)
      assert.equal("lost", failure(db.exec, "insert into spec_pool values (3)").kind)
      db.exec "insert into spec_pool values (4)"
    end)
    assert.equal("lost", err.kind)
    assert.is_true(is_idle())
    assert.equal(0, count())
  end)

  it("that died of an error take nothing of the others with them", function()
    local dead = coroutine.create(function()
      db.tx(function()
        db.exec "insert into spec_pool values (1)"
        error "dead"
      end)
    end)
    coroutine.resume(dead)
    db.exec "insert into spec_pool values (2)"
    assert.is_true(is_idle())
    assert.equal(2, db.one("select min(n) as n from spec_pool").n)
    coroutine.close(dead)
    assert.equal(1, count())
  end)

  it("are all given back when they are forgotten", function()
    local leaked = db.pool_status().leaked
    for _ = 1, 2 do
      local step = coroutine.wrap(function()
        db.tx(function()
          db.exec "insert into spec_pool values (1)"
          db.tx(function() coroutine.yield() end)
        end)
      end)
      step()
      step = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_true(is_idle())
    end
    assert.equal(leaked + 2, db.pool_status().leaked)
    assert.equal(0, count())
  end)
end)

describe("a statement on its own", function()
  it("that opens a transaction has it rolled back, and is told", function()
    local leaked = db.pool_status().leaked
    db.exec "begin"
    assert.is_true(is_idle())
    assert.equal(leaked + 1, db.pool_status().leaked)
    assert.is_nil(db.one("select pg_current_xact_id_if_assigned() as id").id)
  end)

  it("that kills its own backend is lost and its outcome unknown; the next one works", function()
    local err = failure(db.query, "select pg_terminate_backend(pg_backend_pid())")
    assert.equal("lost", err.kind)
    assert.equal("unknown", err.outcome)
    assert.equal(1, db.one("select 1 as a").a)
  end)

end)

describe("db.session", function()
  it("keeps one connection, which is not used again", function()
    local inside
    db.session(function()
      inside = db.one("select pg_backend_pid() as pid").pid
      db.exec "set application_name = 'spec session'"
      assert.equal(inside, db.one("select pg_backend_pid() as pid").pid)
      assert.equal("0", db.one("show statement_timeout").statement_timeout)
      db.one "select pg_advisory_lock(4242)"
      db.tx(function() db.exec "insert into spec_pool values (1)" end)
      pcall(db.tx, function()
        db.exec "insert into spec_pool values (2)"
        error "undone"
      end)
      db.tx(function()
        db.exec "insert into spec_pool values (3)"
        pcall(db.tx, function() db.exec "insert into spec_pool values (1)" end)
      end)
    end)
    assert.equal(2, count())
    local other = db.one "select pg_backend_pid() as pid, current_setting('application_name') as name"
    assert.is_true(other.pid ~= inside)
    assert.is_true(other.name ~= "spec session")
    assert.is_true(db.one("select pg_try_advisory_lock(4242) as free").free)
  end)

  it("is over when it raises", function()
    assert.matches("enough", failure(db.session, function() error "enough" end))
    assert.is_true(is_idle())
  end)
end)

describe("a statement that ends the transaction of db.tx", function()
  local texts = { commit = "commit", rollback = "rollback", ["end"] = "end", script = "select 1; commit; select 2" }
  texts["commit and chain"], texts["rollback and chain"] = "commit and chain", "rollback AND\nCHAIN"
  texts["commit and begin"], texts["rollback and begin"] = "commit; begin", "rollback; begin"

  for how, sql in pairs(texts) do
    it("is an error (" .. how .. "), and nothing more is done in it", function()
      local leaked, after = db.pool_status().leaked, nil
      local err = failure(db.tx, function(tx)
        tx.exec "insert into spec_pool values (1)"
        local ok, why = pcall(sql:find ";" and tx.script or tx.exec, sql)
        assert(not ok)
        after = failure(tx.exec, "insert into spec_pool values (2)")
        error(why, 0)
      end)
      assert.equal("25P01", err.sqlstate)
      assert.matches("ended the transaction of db.tx", err.message)
      assert.matches("interrupted", after.message)
      assert.equal(sql:find "rollback" and 0 or 1, count())
      assert.is_true(is_idle())
      assert.equal(leaked, db.pool_status().leaked)
    end)
  end

  it("is none that goes back to a savepoint of its own", function()
    db.tx(function(tx)
      tx.exec "insert into spec_pool values (1)"
      tx.exec "savepoint chain"
      tx.exec "insert into spec_pool values (2)"
      tx.exec "rollback to savepoint chain"
      tx.exec "release chain"
    end)
    assert.equal(1, count())
  end)

  it("cannot be passed over in silence, also inside a savepoint or a batch", function()
    local err = failure(db.tx, function(tx)
      pcall(tx.exec, "commit")
    end)
    assert.matches("interrupted", err.message)
    err = failure(db.tx, function()
      pcall(db.tx, function()
        db.exec "insert into spec_pool values (3)"
        db.exec "commit"
      end)
      db.exec "insert into spec_pool values (4)"
    end)
    assert.matches("interrupted", err.message)
    err = failure(db.tx, function()
      db.all { { "insert into spec_pool values (5)" }, { "commit" } }
    end)
    assert.equal("25P01", err.sqlstate)
    err = failure(db.tx, function()
      db.all { { "select 1" }, { "rollback and chain" }, { "insert into spec_pool values (6)" } }
    end)
    assert.equal("25P01", err.sqlstate)
    assert.is_true(is_idle())
    assert.equal(2, count())
  end)
end)
