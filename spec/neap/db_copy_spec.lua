-- COPY in both directions, on connections of the pool's choice.
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

local function all_of(...)
  local pieces = {}
  for piece in db.copy_out(...) do
    pieces[#pieces + 1] = piece
  end
  return table.concat(pieces), #pieces
end

local function count()
  return db.one("select count(*) as n from spec_copy").n
end

setup(function()
  db.script "create table if not exists spec_copy (n int primary key, t text, b boolean, j jsonb, a int[], y bytea)"
end)

before_each(function()
  db.exec "delete from spec_copy"
end)

after_each(function()
  assert.is_true(eventually(function() return db.pool_status().busy == 0 end))
end)

teardown(function()
  db.script "drop table spec_copy"
end)

describe("db.copy_in", function()
  it("takes rows of any values, exactly", function()
    local hard = "tab\t nl\n cr\r back\\slash \\. \\N é \u{10ffff} \1"
    assert.equal(4, db.copy_in("copy spec_copy from stdin", {
      { 1, hard, true, { a = { "x\n" } }, db.array { 1, json.null }, db.bytes "\0\\\n" },
      { 2, "", false, json.raw "[1.50]" },
      { -2147483648, json.null, nil, nil, db.array {} },
      { 3, "\\N", n = nil },
    }))
    local row = db.one "select * from spec_copy where n = 1"
    assert.equal(hard, row.t)
    assert.is_true(row.b)
    assert.equal('{"a":["x\\n"]}', json.encode(row.j):gsub("%s", ""))
    assert.same({ 1, json.null }, row.a)
    assert.equal("\0\\\n", row.y)
    assert.equal("", db.one("select t from spec_copy where n = 2").t)
    assert.equal(1, db.one("select count(*) as n from spec_copy where n = -2147483648 and t is null and a = '{}'").n)
    assert.equal("\\N", db.one("select t from spec_copy where n = 3").t)
  end)

  it("takes text in the statement's own format: a string, a list, a function", function()
    assert.equal(2, db.copy_in("copy spec_copy (n, t) from stdin (format csv)", '1,"a,b"\n2,\n'))
    assert.equal(2, db.copy_in("copy spec_copy (n, t) from stdin", { "3\tx", "\n4\t\\N\n" }))
    local n = 4
    assert.equal(1000, db.copy_in("copy spec_copy (n, t) from stdin", function()
      n = n + 1
      return n <= 1004 and { n, "row " .. n } or nil
    end))
    assert.equal("a,b", db.one("select t from spec_copy where n = 1").t)
    assert.equal("row 1004", db.one("select t from spec_copy where n = 1004").t)
    assert.equal(0, db.copy_in("copy spec_copy from stdin", {}))
    assert.equal(1004, count())
  end)

  it("can be fed by db.copy_out, or by a loop over db.each", function()
    db.copy_in("copy spec_copy (n) from stdin", db.copy_out "copy (select generate_series(1, 50000)) to stdout")
    assert.equal(50000, count())
    local next_row, handle = db.each "select generate_series(50001, 50100) as n"
    db.copy_in("copy spec_copy (n) from stdin", function()
      local row = next_row(handle)
      return row and { row.n }
    end)
    assert.equal(50100, count())
  end)

  it("tells the line of a bad row, takes nothing of the others, and the connection goes on", function()
    local err = failure(db.copy_in, "copy spec_copy (n, t) from stdin", { { 1, "a" }, { 2, "b" }, { "three", "c" }, { 4 } })
    assert.equal("22P02", err.sqlstate)
    assert.equal(3, err.line)
    assert.matches('column n: "three"', err.context)
    assert.equal("copy spec_copy (n, t) from stdin", err.statement)
    assert.matches("db_copy_spec.lua:%d+$", err.where)
    err = failure(db.copy_in, "copy spec_copy (n) from stdin", "1\n1\n")
    assert.equal("23505", err.sqlstate)
    assert.equal("spec_copy_pkey", err.constraint)
    assert.equal("22P04", failure(db.copy_in, "copy spec_copy (n) from stdin", "1\t2\n").sqlstate)
    assert.equal("22021", failure(db.copy_in, "copy spec_copy (n, t) from stdin", { { 1, "a\0b" } }).sqlstate)
    assert.equal(0, count())
    assert.equal(1, db.copy_in("copy spec_copy (n) from stdin", "1\n"))
  end)

  it("stops asking its source when the server has had enough", function()
    local asked = 0
    local err = failure(db.copy_in, "copy spec_copy (n, t) from stdin", function()
      asked = asked + 1
      if asked % 100 == 0 then
        core.sleep(0.001)
      end
      return asked <= 200000 and { asked == 10 and "bad" or asked, ("x"):rep(1000) } or nil
    end)
    assert.equal(10, err.line)
    assert(asked < 100000, asked)
  end)

  it("whose source raises takes nothing, and raises the same", function()
    local reason = {}
    local n = 0
    assert.equal(reason, failure(db.copy_in, "copy spec_copy (n, t) from stdin", function()
      n = n + 1
      return n < 2000 and { n, ("x"):rep(100) } or error(reason)
    end))
    assert.equal(0, count())
    assert.equal(1, db.copy_in("copy spec_copy (n) from stdin", "1\n"))
  end)

  it("refuses rows that it cannot write rightly", function()
    local sql = "copy spec_copy (n, t) from stdin"
    assert.matches("a row of 3 values for 2 columns", failure(db.copy_in, sql, { { 1, 2, 3 } }))
    assert.matches("list of values", failure(db.copy_in, sql, { { n = 1 } }))
    assert.matches("column 2: a function", failure(db.copy_in, sql, { { 1, print } }))
    assert.matches("text format", failure(db.copy_in, sql .. " csv", { { 1, 2 } }))
    assert.matches("takes a COPY statement", failure(db.copy_in, "select 1", {}))
    assert.matches("takes a COPY statement", failure(db.copy_out, "select 1"))
    assert.equal("bad_param", failure(db.copy_in, "copy (select 1) to stdout", {}).kind)
    assert.equal("bad_param", failure(db.copy_out, "copy spec_copy from stdin").kind)
    assert.equal("42P01", failure(db.copy_in, "copy no_such_table from stdin", {}).sqlstate)
    assert.equal("42P01", failure(db.copy_out, "copy no_such_table to stdout").sqlstate)
    assert.equal("bad_param", failure(db.query, "copy spec_copy from stdin").kind)
    for what, err in pairs {
      query = failure(db.query, "/* by accident */ copy (select 1) to stdout"),
      all = failure(db.all, { { "select 1" }, { "/* by accident */ copy (select 1) to stdout" } }),
    } do
      assert.matches("db.copy_in and db.copy_out", err.message, 1, true, what)
    end
    assert.equal(0, count())
  end)

  it("is told when its backend is killed", function()
    local n = 0
    local err = failure(db.copy_in, "copy spec_copy (n, t) from stdin /* killed */", function()
      n = n + 1
      if n == 1000 then
        db.query([[select pg_terminate_backend(pid) from pg_stat_activity
          where query like '%' || $1 || '%' and pid <> pg_backend_pid()]], "killed")
      end
      return n < 100000 and { n, ("x"):rep(1000) } or nil
    end)
    assert.equal("lost", err.kind)
    assert.equal("unknown", err.outcome)
    assert.equal(0, count())
  end)
end)

describe("db.copy_out", function()
  it("gives all of it, in pieces of whole rows", function()
    local sql = "copy (select x, 'row ' || x from generate_series(1, 20000) x) to stdout (format csv, header)"
    local text, pieces = all_of(sql)
    assert.equal("x,?column?\n1,row 1\n2,row 2\n", text:sub(1, 27))
    assert.equal("20000,row 20000\n", text:sub(-16))
    assert(pieces > 3)
    for piece in db.copy_out "copy (select repeat('x', 999) from generate_series(1, 1000)) to stdout" do
      assert.equal(0, #piece % 1000)
    end
    assert.equal("", (all_of "copy (select 1 where false) to stdout"))
  end)

  it("that is left early ends its statement", function()
    local lost = db.pool_status().lost
    local next_piece, handle = db.copy_out "copy (select generate_series(1, 100000000)) to stdout /* left */"
    assert.matches("^1\n2\n", next_piece(handle))
    handle:close()
    assert(eventually(function()
      return db.one([[select count(*) as n from pg_stat_activity
        where query like '%' || $1 || '%' and state = 'active' and pid <> pg_backend_pid()]], "left").n == 0
    end))
    assert.equal(lost, db.pool_status().lost)
  end)
end)

describe("in a transaction", function()
  it("both use its connection and are a part of it", function()
    failure(db.tx, function()
      db.copy_in("copy spec_copy (n) from stdin", { { 1 }, { 2 } })
      assert.equal("1\n2\n", (all_of "copy (select n from spec_copy order by n) to stdout"))
      error "back"
    end)
    assert.equal(0, count())
    db.tx(function(tx)
      tx.exec "insert into spec_copy (n) values (1)"
      assert.equal(2, failure(db.copy_in, "copy spec_copy (n) from stdin", { { 2 }, { 1 } }).line)
      failure(db.copy_in, "copy spec_copy (n) from stdin", function()
        error "no more"
      end)
      assert.matches("db.copy_in is open", failure(db.copy_in, "copy spec_copy (n) from stdin", function()
        db.one "select 1"
      end))
      local next_piece, handle = db.copy_out "copy (select generate_series(1, 100000000)) to stdout"
      next_piece(handle)
      handle:close()
      assert.equal(1, db.copy_in("copy spec_copy (n) from stdin", { { 2 } }))
    end)
    assert.equal(2, count())
  end)
end)
