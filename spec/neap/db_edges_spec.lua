-- Values at their edges: each comes back exactly as it went, or is refused with an error that says what is wrong.
local db = require "neap.db"
local json = require "neap.json"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

local function echo(type_name, value)
  return db.one(("select $1::%s as v"):format(type_name), value).v
end

local function is_exact(type_name, value)
  local back = echo(type_name, value)
  assert.equal(value, back)
  assert.equal(math.type(value), math.type(back))
end

describe("NUL", function()
  it("is refused wherever Postgres has no place for it, never cut", function()
    for _, ask in ipairs {
      function() return db.one("select $1::text as v", "admin\0evil") end,
      function() return db.one("select $1::text as v", "\0") end,
      function() return db.one("select $2::text as v", 1, "a\0") end,
      function() return db.one("select $1::text[] as v", db.array { "a", "b\0c" }) end,
      function() return db.query "select 1 --\0" end,
      function() return db.all { { "select $1::text as v", "a\0b" } } end,
      function() return db.each("select $1::text as v", "a\0b") end,
      function() return db.script "select 1\0; select 2" end,
    } do
      local err = failure(ask)
      assert.equal("bad_param", err.kind)
      assert.matches("NUL", err.message)
    end
    assert.equal("22P05", failure(echo, "jsonb", { a = "x\0y" }).sqlstate)
    db.exec "create temporary table nothing (t text)"
    assert.equal("22021", failure(db.copy_in, "copy nothing from stdin", { { "a\0b" } }).sqlstate)
  end)

  it("is a byte like any other in a bytea", function()
    for _, v in ipairs { "\0", "a\0b", ("\0"):rep(1000), "\0\\\\000\\x00" } do
      assert.equal(v, echo("bytea", db.bytes(v)))
      assert.same({ v, "" }, echo("bytea[]", db.array { db.bytes(v), db.bytes "" }))
    end
  end)
end)

describe("an integer", function()
  local edges = {
    smallint = { -32768, 32767 },
    integer = { -2147483648, 2147483647 },
    bigint = { math.mininteger, math.maxinteger },
  }

  for type_name, edge in pairs(edges) do
    it("is exact to the edges of " .. type_name .. ", and refused beyond", function()
      for _, v in ipairs { edge[1], edge[1] + 1, -1, 0, 1, edge[2] - 1, edge[2] } do
        is_exact(type_name, v)
        assert.same({ v, json.null, 0 }, echo(type_name .. "[]", db.array { v, json.null, 0 }))
      end
      if type_name ~= "bigint" then
        assert.equal("22003", failure(echo, type_name, edge[1] - 1).sqlstate)
        assert.equal("22003", failure(echo, type_name, edge[2] + 1).sqlstate)
      end
      assert.equal("22003", failure(echo, type_name, "9223372036854775808").sqlstate)
      assert.equal("22003", failure(db.one, ("select $1::%s + 1::%s as v"):format(type_name, type_name), edge[2]).sqlstate)
    end)
  end

  it("that is a float goes when it is whole and exact, else is refused", function()
    assert.equal(9007199254740991, echo("bigint", 9007199254740991.0))
    assert.equal(-3, echo("smallint", -3.0))
    for _, v in ipairs { 0.5, 2.0 ^ 63, 1e300, 1 / 0, 0 / 0 } do
      assert.matches("^22", failure(echo, "bigint", v).sqlstate)
    end
  end)

  it("goes to JSON with all its digits", function()
    assert.equal('[{"a":-9223372036854775808,"b":9223372036854775807,"c":[9007199254740993]}]',
      json.encode(db.query("select $1::int8 as a, $2::int8 as b, array[$3::int8] as c",
        math.mininteger, math.maxinteger, 9007199254740993)))
  end)
end)

describe("a float", function()
  it("is exact at its edges, NaN and the infinities included", function()
    local edges = { 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, -0.0, 1 / 0, -1 / 0, 2.0 ^ 53 }
    for _, v in ipairs(edges) do
      local back = echo("float8", v)
      assert.equal(v, back)
      assert.equal(1 / v, 1 / back)
      assert.equal("float", math.type(back))
    end
    local nan = echo("float8", 0 / 0)
    assert(nan ~= nan)
    local list = echo("float8[]", db.array { 1 / 0, -1 / 0, 0.5 })
    assert.same({ 1 / 0, -1 / 0, 0.5 }, list)
    assert.equal(1 / 0, echo("float4", 1 / 0))
    assert.equal(3.4028235e38, echo("float4", 3.4028235e38))
    assert.equal("22003", failure(echo, "float4", 1e39).sqlstate)
    assert.equal("22003", failure(echo, "float8", "1e400").sqlstate)
  end)

  it("without a number is null in JSON, which has no word for it", function()
    assert.equal('[{"a":null,"b":null,"c":1.0}]', json.encode(db.query(
      "select $1::float8 as a, $2::float8 as b, $3::float8 as c", 0 / 0, 1 / 0, 1.0)))
  end)
end)

describe("a numeric", function()
  it("is exact however long, NaN and the infinities included", function()
    local long = ("1234567890"):rep(100) .. "." .. ("0987654321"):rep(50)
    local small = "0." .. ("0"):rep(100) .. "1"
    for _, v in ipairs { long, "-" .. long, small, "NaN", "Infinity", "-Infinity", "1.500" } do
      assert.equal(v, echo("numeric", v))
    end
    assert.equal("NaN", echo("numeric", 0 / 0))
    assert.equal("-Infinity", echo("numeric", -1 / 0))
    assert.equal("22003", failure(echo, "numeric(5,2)", "1000").sqlstate)
  end)
end)

describe("a date", function()
  it("is exact before 1 AD, after 9999 and at both ends of what Postgres holds", function()
    for _, v in ipairs { "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4713-01-01 BC", "9999-12-31", "10000-01-01",
      "5874897-12-31", "infinity", "-infinity" } do
      assert.equal(v, echo("date", v))
    end
    assert.equal("22008", failure(echo, "date", "5874898-01-01").sqlstate)
    assert.equal("22008", failure(echo, "date", "4714-01-01 BC").sqlstate)
    assert.equal("22008", failure(echo, "date", "2023-02-29").sqlstate)
    assert.same({ "0044-03-15 BC", json.null }, echo("date[]", db.array { "0044-03-15 BC", json.null }))
  end)

  it("with a time is RFC 3339 where that has a form for it, else as Postgres writes it, and goes back as it came", function()
    local times = {
      ["0001-01-01T00:00:00Z"] = "0001-01-01T00:00:00.000000Z",
      ["9999-12-31T23:59:59.999999Z"] = "9999-12-31T23:59:59.999999Z",
      ["2024-02-29T23:59:60Z"] = "2024-03-01T00:00:00.000000Z",
      ["0044-03-15 12:00:00.5+00 BC"] = "0044-03-15 12:00:00.5+00 BC",
      ["4713-01-01 00:00:00+00 BC"] = "4713-01-01 00:00:00+00 BC",
      ["10000-01-01 00:00:00+00"] = "10000-01-01 00:00:00+00",
      ["294276-12-31 23:59:59.999999+00"] = "294276-12-31 23:59:59.999999+00",
      infinity = "infinity",
      ["-infinity"] = "-infinity",
    }
    for sent, want in pairs(times) do
      local back = echo("timestamptz", sent)
      assert.equal(want, back)
      assert.equal(want, echo("timestamptz", back))
      assert.equal(want, echo("timestamptz[]", db.array { back })[1])
      assert.equal(json.encode { { v = want } }, json.encode(db.query("select $1::timestamptz as v", sent)))
    end
    assert.equal("0044-03-15 12:00:00 BC", echo("timestamp", "0044-03-15 12:00:00 BC"))
    assert.equal("0001-01-01T00:00:00.000001", echo("timestamp", "0001-01-01 00:00:00.000001"))
    assert.equal("22008", failure(echo, "timestamptz", "294277-01-01T00:00:00Z").sqlstate)
  end)
end)

describe("an array", function()
  it("of a million elements goes and comes back exactly", function()
    local list = {}
    for i = 1, 1000000 do
      list[i] = i * 1000003 - (i % 7) * math.maxinteger // 8
    end
    local back = echo("bigint[]", db.array(list))
    assert.equal(1000000, #back)
    for i = 1, 1000000 do
      if back[i] ~= list[i] then
        error(("element %d: %d is not %d"):format(i, back[i], list[i]))
      end
    end
    local row = db.one("select count(*) as n, count(distinct x) as different from unnest($1::bigint[]) x", db.array(list))
    assert.same({ 1000000, 1000000 }, { row.n, row.different })
  end)

  it("of more than Postgres' six dimensions, or of uneven ones, is refused", function()
    assert.matches("six dimensions", failure(echo, "int[]", db.array { { { { { { { 1 } } } } } } }))
    assert.equal("22P02", failure(echo, "int[]", db.array { { 1, 2 }, { 3 } }).sqlstate)
  end)
end)

describe("a statement", function()
  it("may have 65,535 parameters, and no more", function()
    local marks, values = {}, {}
    for i = 1, 65535 do
      marks[i], values[i] = "($" .. i .. "::int)", i
    end
    local sql = "select sum(x) as sum from (values " .. table.concat(marks, ",") .. ") v(x)"
    assert.equal(65535 * 65536 // 2, db.one(sql, table.unpack(values)).sum)
    values[65536] = 1
    local err = failure(db.one, sql, table.unpack(values))
    assert.equal("bad_param", err.kind)
  end)

  it("takes and gives megabytes of bytes exactly", function()
    local block = {}
    for i = 0, 255 do
      block[i] = string.char(i)
    end
    local bytes = table.concat(block, "", 0, 255):rep(16384)
    assert.equal(4 << 20, #bytes)
    assert(echo("bytea", db.bytes(bytes)) == bytes)
    assert.equal(4 << 20, db.one("select length($1::bytea) as n", db.bytes(bytes)).n)
  end)
end)

describe("a type of the database's own", function()
  before_each(function()
    db.script [[create type mood as enum ('sad', 'so, so', '{glad}'); create domain cents as int check (value >= 0);
      create type pair as (a int, b text)]]
  end)

  it("is text, a domain is what it is made of, and an array of either is an array, from the first time on", function()
    local row = db.one [=[select '{glad}'::mood as m, array['sad', 'so, so', '{glad}', null]::mood[] as ms, 5::cents as c,
      array[1, 2]::cents[] as cs, array[array['sad'::mood], array['{glad}'::mood]] as grid, (1, 'x')::pair as p,
      array[(1, 'x')::pair] as ps]=]
    assert.equal("{glad}", row.m)
    assert.same({ "sad", "so, so", "{glad}", json.null }, row.ms)
    assert.equal(5, row.c)
    assert.same({ 1, 2 }, row.cs)
    assert.same({ { "sad" }, { "{glad}" } }, row.grid)
    assert.equal("(1,x)", row.p)
    assert.same({ "(1,x)" }, row.ps)
    assert.same({ "sad" }, echo("mood[]", db.array { "sad" }))
    assert.equal("22P02", failure(echo, "mood[]", db.array { "furious" }).sqlstate)
    assert.equal('[{"ms":["sad",null]}]', json.encode(db.query "select array['sad', null]::mood[] as ms"))
  end)

  it("is that in db.all and db.each too", function()
    local found = db.all { { "select array['sad']::mood[] as a" }, { "select 'sad'::mood as m" }, { "select 1 as n" } }
    assert.same({ "sad" }, found[1][1].a)
    assert.equal("sad", found[2][1].m)
    for row in db.each "select array['sad', '{glad}']::mood[] as a, array[7]::cents[] as c from generate_series(1, 3)" do
      assert.same({ "sad", "{glad}" }, row.a)
      assert.same({ 7 }, row.c)
    end
  end)

  it("is that in a table behind a function, whose column came to be of it when the statement was prepared", function()
    db.script [[create table feelings (felt text[]); insert into feelings values ('{sad}');
      create function all_feelings() returns setof feelings language sql stable as 'select * from feelings']]
    for _ = 1, 4 do
      assert.same({ "sad" }, db.one("select * from all_feelings()").felt)
    end
    db.script "alter table feelings alter felt type mood[] using felt::mood[]"
    assert.same({ "sad" }, db.one("select * from all_feelings()").felt)
  end)
end)
