-- db.all on the connection that specs share; spec/e2e/lanes_spec.lua has it on the pool's.
local db = require "neap.db"
local json = require "neap.json"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

before_each(function()
  db.script "create temp table spec_all (n int primary key)"
end)

describe("db.all", function()
  it("gives the rows of each statement, in their order", function()
    local found = db.all {
      { "select $1::int as a", 1 },
      { "select generate_series(1, $1) as b", 3 },
      { "insert into spec_all values ($1)", 7 },
      { "select $1::text is null as c", json.null },
    }
    assert.equal(4, #found)
    assert.equal(1, found[1][1].a)
    assert.equal(3, #found[2])
    assert.equal(1, found[3].affected)
    assert.is_true(found[4][1].c)
    assert.equal(7, db.one("select n from spec_all").n)
  end)

  it("of nothing is nothing", function()
    assert.same({}, db.all {})
  end)

  it("raises the error of the one that fails, with its statement, and none of them is done", function()
    local err = failure(db.all, {
      { "insert into spec_all values (1)" },
      { "insert into spec_all values (1)" },
      { "insert into spec_all values (2)" },
    })
    assert.equal("23505", err.sqlstate)
    assert.equal("insert into spec_all values (1)", err.statement)
    assert.matches("^spec/neap/db_all_spec.lua:%d+$", err.where)
    assert.equal(0, db.one("select count(*) as n from spec_all").n)
  end)

  it("inside db.tx is a part of it", function()
    pcall(db.tx, function()
      local found = db.all { { "insert into spec_all values (1)" }, { "select count(*) as n from spec_all" } }
      assert.equal(1, found[2][1].n)
      error "undone"
    end)
    assert.equal(0, db.one("select count(*) as n from spec_all").n)
  end)

  it("that fails inside db.tx ends it, unless it is in a transaction of its own", function()
    db.tx(function()
      db.exec "insert into spec_all values (1)"
      assert.equal("22012", failure(db.tx, function() db.all { { "select 1" }, { "select 1/0" } } end).sqlstate)
      assert.equal(1, #db.all({ { "select 1" } })[1])
    end)
    assert.equal("25P02", failure(db.tx, function()
      pcall(db.all, { { "select 1/0" } })
      db.query "select 1"
    end).sqlstate)
    assert.equal(1, db.one("select count(*) as n from spec_all").n)
  end)

  it("prepares its statements and uses them again", function()
    db.tx(function()
      for i = 1, 5 do
        assert.equal(i, db.all({ { "select $1::int as i", i }, { "select $1::int as i", -i } })[1][1].i)
      end
      assert.equal(1, db.one("select count(*) as n from pg_prepared_statements where statement = 'select $1::int as i'").n)
    end)
  end)

  it("says what is wrong with what it was given", function()
    assert.matches("statement 2 is not a table", failure(db.all, { { "select 1" }, "select 2" }))
    assert.matches("statement 1 has no SQL", failure(db.all, { {} }))
    assert.matches("cannot be sent", failure(db.all, { { "select $1", print } }))
    assert.equal("bad_param", failure(db.all, { { "select 1" }, { "select $1", "a\0b" } }).kind)
    assert.equal(1, db.one("select 1 as a").a)
  end)
end)
