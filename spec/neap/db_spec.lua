-- db.* through the specs' own connection, one transaction for each test.
local core = require "neap.core"
local db = require "neap.db"
local json = require "neap.json"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

--- The value comes back from Postgres as it went.
local function echo(type_name, value)
  return db.one(("select $1::%s as v"):format(type_name), value).v
end

describe("a parameter", function()
  it("keeps integers exact to 64 bits", function()
    for _, v in ipairs { 0, -1, math.maxinteger, math.mininteger } do
      assert.equal(v, echo("bigint", v))
      assert.equal("integer", math.type(echo("bigint", v)))
    end
    assert.equal(32767, echo("smallint", 32767))
    assert.equal("22003", failure(echo, "smallint", 32768).sqlstate)
    assert.equal("22003", failure(echo, "integer", 2147483648).sqlstate)
  end)

  it("keeps floats exact, also those without a number", function()
    for _, v in ipairs { 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e15, 1 / 0, -1 / 0 } do
      local back = echo("float8", v)
      assert.equal(v, back)
      assert.equal("float", math.type(back))
      assert.equal(1 / v, 1 / back)
    end
    local nan = echo("float8", 0 / 0)
    assert.is_true(nan ~= nan)
    assert.equal(2, echo("integer", 4 / 2))
  end)

  it("keeps text, with quotes, controls and every plane of Unicode", function()
    for _, v in ipairs { "", "it's", '"\\', "a\1\n\t\127", "é\u{2028}\u{10ffff}", ("x"):rep(100000) } do
      assert.equal(v, echo("text", v))
    end
  end)

  it("keeps numerics exact, as strings", function()
    assert.equal("12345678901234567890.12345678901234567890", echo("numeric", "12345678901234567890.12345678901234567890"))
    assert.equal("0.10", echo("numeric(10,2)", 0.1))
    assert.equal("NaN", echo("numeric", "NaN"))
  end)

  it("knows booleans, NULL and json.null", function()
    assert.is_true(echo("boolean", true))
    assert.is_false(echo("boolean", false))
    assert.is_nil(echo("text", nil))
    assert.is_nil(echo("text", json.null))
    assert.equal(2, db.one("select count(*) filter (where v is null) as n from (values ($1::int), ($2), ($3)) x(v)",
      nil, 1, nil).n)
  end)

  it("that is a table is JSON", function()
    assert.same({ a = { 1, 2 } }, json.decode(tostring(echo("jsonb", { a = { 1, 2 } }))))
    assert.equal("[]", tostring(echo("json", json.array {})))
    assert.equal('{"x":1}', tostring(echo("json", json.raw '{"x":1}')))
    assert.matches("%$1: f: a function", failure(echo, "json", { f = print }))
  end)

  it("can be an array", function()
    assert.same({ 1, 2, 3 }, echo("int[]", db.array { 1, 2, 3 }))
    local texts = { "a", 'b"c\\', "", "NULL", "null", "{x}", "a,b", " " }
    assert.same(texts, echo("text[]", db.array(texts)))
    assert.same({ { 1, 2 }, { 3, 4 } }, echo("int[]", db.array { { 1, 2 }, { 3, 4 } }))
    assert.same({ true, false }, echo("boolean[]", db.array { true, false }))
    assert.same({ 1, json.null, 3 }, echo("int[]", db.array { 1, json.null, 3 }))
    assert.same({ json.null, 2, json.null }, echo("int[]", db.array({ nil, 2 }, 3)))
    assert.same({ "\0\1", "" }, echo("bytea[]", db.array { db.bytes "\0\1", db.bytes "" }))
    assert.equal("[]", json.encode(echo("int[]", db.array {})))
    assert.equal(2, db.one("select count(*) as n from generate_series(1, 5) x where x = any($1)", db.array { 2, 4, 9 }).n)
    local loop = {}
    loop[1] = loop
    assert.matches("six dimensions", failure(echo, "int[]", db.array(loop)))
  end)

  it("can be bytes", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    assert.equal(table.concat(all), echo("bytea", db.bytes(table.concat(all))))
    assert.equal("", echo("bytea", db.bytes ""))
  end)

  it("that holds a NUL is refused, and so is a NUL in the statement", function()
    local err = failure(db.one, "select $1::text as v", "admin\0evil")
    assert.equal("bad_param", err.kind)
    assert.equal("bad_param", failure(db.one, "select 1\0").kind)
  end)

  it("of another type is refused by its number", function()
    assert.matches("parameter %$2: a function cannot be sent", failure(db.one, "select 1", 1, print))
    assert.matches("thread cannot be sent", failure(db.one, "select 1", coroutine.create(print)))
  end)

  it("may be one of very many", function()
    local marks, values = {}, {}
    for i = 1, 5000 do
      marks[i], values[i] = "$" .. i .. "::int", i
    end
    local sql = "select sum(x) as sum from unnest(array[" .. table.concat(marks, ",") .. "]) x"
    assert.equal(12502500, db.one(sql, table.unpack(values)).sum)
  end)
end)

describe("a value", function()
  it("of each type looks as it is documented", function()
    local row = db.one [[select 'a'::text as t, 'b'::varchar(3) as v, 1.5::float4 as f, '1 day'::interval as i,
      '2024-02-29'::date as d, '2024-02-29 12:00:00.5+02'::timestamptz as tz, '2024-02-29 12:00:00'::timestamp as ts,
      'infinity'::timestamptz as inf, '0044-03-15 BC'::date as bc, '{"a": 1}'::jsonb as j,
      'f47ac10b-58cc-4372-a567-0e02b2c3d479'::uuid as u, '\x00ff'::bytea as b, 7::oid as o, '10.0.0.1'::inet as ip,
      array['2024-01-01'::timestamptz] as tzs, null::text as n]]
    assert.equal("a", row.t)
    assert.equal("b", row.v)
    assert.equal(1.5, row.f)
    assert.equal("1 day", row.i)
    assert.equal("2024-02-29", row.d)
    assert.equal("2024-02-29T10:00:00.500000Z", row.tz)
    assert.equal("2024-02-29T12:00:00.000000", row.ts)
    assert.equal("infinity", row.inf)
    assert.equal("0044-03-15 BC", row.bc)
    assert.equal(1, row.j.a)
    assert.equal("f47ac10b-58cc-4372-a567-0e02b2c3d479", row.u)
    assert.equal("\0\255", row.b)
    assert.equal(7, row.o)
    assert.equal("10.0.0.1", row.ip)
    assert.same({ "2024-01-01T00:00:00.000000Z" }, row.tzs)
    assert.is_nil(row.n)
  end)
end)

describe("rows", function()
  it("are counted, indexed and walked", function()
    local rows = db.query "select x, x * x as y from generate_series(1, 3) x"
    assert.equal(3, #rows)
    assert.same({ x = 2, y = 4 }, rows[2])
    assert.is_nil(rows[0])
    assert.is_nil(rows[4])
    assert.is_nil(rows.nonsense)
    assert.same({ "x", "y" }, { table.unpack(rows.columns) })
    local sum = 0
    for i, row in ipairs(rows) do sum = sum + i * row.x end
    assert.equal(14, sum)
    sum = 0
    for i, row in pairs(rows) do sum = sum + i * row.y end
    assert.equal(1 + 8 + 27, sum)
    assert.equal(rows[1], rows[1])
  end)

  it("say what was affected", function()
    db.exec "create temporary table things (id int)"
    assert.equal(3, db.exec "insert into things values (1), (2), (3)")
    assert.equal(2, db.query("update things set id = id + 10 where id > 1 returning id").affected)
    assert.equal(0, db.exec("delete from things where id = $1", 99))
    assert.equal(3, db.query("select id from things").affected)
    assert.equal(3, db.query("select from things").affected)
    assert.equal(3, db.exec "create temporary table copies as select id from things")
  end)

  it("become JSON straight from the result", function()
    local rows = db.query [=[select 1 as id, 'é"'::text as t, null::text as n, 1::float8 as f, 'NaN'::float8 as nan,
      12.50::numeric as num, true as b, '{"a": [1]}'::json as j, '\x0001'::bytea as bin, array[1, null] as list,
      array[array['x', 'y']] as grid, '2024-01-01'::timestamptz as at]=]
    assert.equal('[{"id":1,"t":"é\\"","n":null,"f":1.0,"nan":null,"num":"12.50","b":true,"j":{"a": [1]},"bin":"AAE=",'
      .. '"list":[1,null],"grid":[["x","y"]],"at":"2024-01-01T00:00:00.000000Z"}]', json.encode(rows))
    assert.equal("[]", json.encode(db.query "select 1 as a where false"))
    assert.equal('{"items":[{"a":1},{"a":2}]}', json.encode { items = db.query "select a from generate_series(1, 2) a" })
  end)

  it("that were looked at are written as they are now, with their NULLs", function()
    local rows = db.query "select x as id, null::text as note from generate_series(1, 3) x"
    rows[2].note = "seen"
    rows[2].extra = { 1 }
    rows[3].id = nil
    assert.equal('[{"id":1,"note":null},{"id":2,"note":"seen","extra":[1]},{"id":null,"note":null}]', json.encode(rows))
    assert.equal('{"id":7,"note":null}', json.encode(db.one "select 7 as id, null as note"))
    rows[1].id = print
    assert.matches("id: a function", failure(json.encode, rows))
  end)

  it("with one name twice have the last value", function()
    assert.equal(2, db.one("select 1 as a, 2 as a").a)
    assert.equal('[{"a":2}]', json.encode(db.query "select 1 as a, 2 as a"))
    assert.equal('{"a":2}', json.encode(db.one "select 1 as a, 2 as a"))
  end)

  it("cannot be assigned", function()
    local rows = db.query "select 1"
    assert.matches("cannot be replaced", failure(function() rows[1] = {} end))
  end)

  it("may be none at all", function()
    assert.is_nil(db.one "select 1 where false")
    assert.equal(0, #db.query "select 1 where false")
    assert.equal(0, #db.query "create temporary table nothing ()")
  end)
end)

describe("an error", function()
  it("tells what Postgres tells, and the Lua line", function()
    db.exec "create temporary table unique_things (id int constraint only_once unique, name text not null default '')"
    db.exec "insert into unique_things values (1)"
    local err = failure(function()
      db.exec "insert into unique_things values (1)"
    end)
    assert.equal("server", err.kind)
    assert.equal("23505", err.sqlstate)
    assert.equal("only_once", err.constraint)
    assert.equal("unique_things", err.table)
    assert.matches("%(id%)=%(1%)", err.detail)
    assert.matches("spec/neap/db_spec.lua:%d+$", err.where)
    assert.matches("^spec/neap/db_spec.lua:%d+: server: duplicate key .*%(23505%), constraint only_once$", tostring(err))
    assert.equal("name", failure(db.exec, "insert into unique_things values (2, null)").column)
    assert.equal(8, failure(db.query, "select nonsense").position)
    assert.equal("neap.db.error", getmetatable(err).__name)
  end)

  it("of one statement does not end the spec's transaction", function()
    assert.equal("22012", failure(db.query, "select 1/0").sqlstate)
    assert.equal(1, db.one("select 1 as a").a)
  end)

  it("of a wrong number of parameters is Postgres'", function()
    assert.equal("08P01", failure(db.query, "select $1::int", 1, 2).sqlstate)
  end)
end)

describe("db.tx", function()
  before_each(function()
    db.exec "create temporary table ledger (n int)"
  end)

  local function numbers()
    local out = {}
    for i, row in ipairs(db.query "select n from ledger order by n") do out[i] = row.n end
    return out
  end

  local function insert(n)
    db.exec("insert into ledger values ($1)", n)
  end

  it("returns what the function returns", function()
    assert.same({ 1, nil, 3 }, { db.tx(function(tx)
      tx.exec "insert into ledger values (1)"
      return 1, nil, 3
    end) })
    assert.same({ 1 }, numbers())
  end)

  it("rolls back when the function raises, and raises the same value", function()
    local reason = {}
    assert.equal(reason, failure(db.tx, function()
      insert(1)
      error(reason)
    end))
    assert.same({}, numbers())
  end)

  it("inside another is a savepoint", function()
    db.tx(function(tx)
      insert(1)
      pcall(tx.tx, function()
        insert(2)
        db.tx(function() insert(3) end)
        error "only the inner ones"
      end)
      db.tx(function() insert(4) end)
      assert.equal("22012", failure(db.tx, function() db.query "select 1/0" end).sqlstate)
      insert(5)
    end)
    assert.same({ 1, 4, 5 }, numbers())
  end)

  it("whose statement failed cannot pass for committed", function()
    local err = failure(db.tx, function()
      insert(1)
      pcall(db.query, "select 1/0")
    end)
    assert.equal("25P02", err.sqlstate)
    assert.same({}, numbers())
  end)

  it("cannot be used when it is over", function()
    local kept
    db.tx(function(tx) kept = tx end)
    assert.matches("over", failure(kept.query, "select 1"))
  end)

  it("refuses an isolation that does not exist", function()
    assert.matches('not "strict"', failure(db.tx, { isolation = "strict" }, function() end))
  end)

  it("works from a coroutine of its own task", function()
    local step = coroutine.wrap(function()
      db.tx(function()
        insert(1)
        coroutine.yield "inside"
        insert(2)
      end)
      return "done"
    end)
    assert.equal("inside", step())
    assert.equal("done", step())
    assert.same({ 1, 2 }, numbers())
  end)
end)

describe("db.script", function()
  it("runs several statements and gives nothing", function()
    assert.equal(0, select("#", db.script "create temporary table a1 (x int); insert into a1 values (1), (2)"))
    assert.equal(2, db.one("select count(*) as n from a1").n)
    assert.equal("42601", failure(db.script, "select 1; selct 2").sqlstate)
  end)
end)

describe("the database", function()
  it("answers a ping, and says what its pool does", function()
    assert.is_true(db.ping(1))
    local status = db.pool_status()
    assert.is_true(status.available)
    assert.is_true(status.busy >= 1)
    assert.is_true(status.size <= status.max)
  end)

  it("is asked without holding up others", function()
    local started = core.monotonic()
    db.query "select pg_sleep(0.05)"
    assert.is_true(core.monotonic() - started >= 0.05)
  end)
end)

describe("db.each in a spec", function()
  it("sees what the spec wrote, and takes other statements in its loop", function()
    db.exec "create temporary table walked (n int)"
    db.exec "insert into walked select generate_series(1, 5)"
    local sum = 0
    for row in db.each("select n from walked where n > $1", 1) do
      sum = sum + db.one("select $1::int + n as v from walked where n = 1", row.n).v
    end
    assert.equal(18, sum)
    assert.equal("42601", failure(db.each, "selct").sqlstate)
    db.tx(function()
      local next_row, handle = db.each "select generate_series(1, 100000000) as x"
      assert.equal(1, next_row(handle).x)
      handle:close()
      assert.equal(5, db.one("select count(*) as n from walked").n)
    end)
  end)
end)

describe("COPY in a spec", function()
  it("is a part of the spec's transaction, in both directions", function()
    db.exec "create temporary table copied (n int)"
    local n = 0
    assert.equal(3, db.copy_in("copy copied from stdin", function()
      n = n + 1
      return n <= 3 and { db.one("select $1::int as v", n).v } or nil
    end))
    for piece in db.copy_out "copy (select n from copied order by n) to stdout" do
      assert.equal("1\n2\n3\n", piece)
      assert.equal(3, db.one("select count(*) as n from copied").n)
    end
    assert.equal(2, failure(db.copy_in, "copy copied from stdin", "1\nx\n").line)
    assert.equal(3, db.one("select count(*) as n from copied").n)
  end)
end)
