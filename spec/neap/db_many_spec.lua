-- db.many on the connection that specs share; spec/e2e/lanes_spec.lua has it on the pool's.
local db = require "neap.db"
local json = require "neap.json"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

before_each(function()
  db.script "create temp table spec_many (n int primary key, name text)"
end)

describe("db.many", function()
  it("gives the rows of all sets together, in their order", function()
    local rows = db.many("select $1::int as a, $2::text as b from generate_series(1, $1)", {
      { 2, "x" }, { 0, "none" }, { 1, json.null },
    })
    assert.equal(3, #rows)
    assert.same({ { a = 2, b = "x" }, { a = 2, b = "x" }, { a = 1 } }, { rows[1], rows[2], rows[3] })
    assert.equal('[{"a":2,"b":"x"},{"a":2,"b":"x"},{"a":1,"b":null}]', json.encode(rows))
  end)

  it("takes a single parameter without its list, also an array and JSON", function()
    assert.equal('[{"v":"7"},{"v":"a"},{"v":null}]', json.encode(db.many("select $1::text as v", { 7, "a", json.null })))
    local arrays = db.many("select cardinality($1::int[]) as n", { db.array { 1, 2 }, { db.array { 3 } } })
    assert.same({ 2, 1 }, { arrays[1].n, arrays[2].n })
    local lists = db.many("select $1::int + $2::int as sum", json.decode "[[1,2],[3,4]]")
    assert.same({ 3, 7 }, { lists[1].sum, lists[2].sum })
  end)

  it("writes them all, or none of them", function()
    assert.equal(2, db.many("insert into spec_many values ($1, $2)", { { 1, "a" }, { 2, "b" } }).affected)
    local err = failure(db.many, "insert into spec_many values ($1)", { 3, 1 })
    assert.equal("23505", err.sqlstate)
    assert.equal("insert into spec_many values ($1)", err.statement)
    assert.matches("^spec/neap/db_many_spec.lua:%d+$", err.where)
    assert.equal(2, db.one("select count(*) as n from spec_many").n)
    local made = db.many("insert into spec_many values ($1) returning n", { 8, 9 })
    assert.same({ 8, 9 }, { made[1].n, made[2].n })
  end)

  it("of no sets is no rows", function()
    assert.equal(0, #db.many("select $1::int", {}))
    assert.equal(0, #db.many("select 1 where $1::int > 5", { 1, 2, 3 }))
  end)

  it("keeps large values whole", function()
    local rows = db.many("select repeat($1, 100000) as v", { "x", "y" })
    assert.equal(("x"):rep(100000), rows[1].v)
    assert.equal(("y"):rep(100000), rows[2].v)
  end)

  it("says what is wrong with what it was given", function()
    assert.matches("cannot be sent", failure(db.many, "select $1", { print }))
    local sets = {}
    for i = 1, 1001 do
      sets[i] = i
    end
    assert.matches("between 1 and 1000", failure(db.many, "select $1::int", sets))
    assert.equal("bad_param", failure(db.many, "select $1", { "a\0b" }).kind)
    assert.equal(1, db.one("select 1 as a").a)
  end)
end)
