-- Rows as JSON: those that nobody looked at are written from Postgres' texts, those that somebody did from Lua's values.
-- Both are the same.
local core = require "neap.core"
local db = require "neap.db"
local json = require "neap.json"

local function look_at_all(rows)
  for _, row in ipairs(rows) do
    assert.is_table(row)
  end
  return rows
end

--- The JSON of what a query finds, which is the same for rows that were looked at.
local function written(sql, ...)
  local text = json.encode(db.query(sql, ...))
  assert.equal(text, json.encode(look_at_all(db.query(sql, ...))))
  json.decode(text)
  return text
end

local function in_columns(values)
  local out = {}
  for i, value in ipairs(values) do
    out[i] = ("%s as c%d"):format(value, i)
  end
  return "select " .. table.concat(out, ", ")
end

-- Each with a NULL beside it.
local VALUES = {
  "true", "'-32768'::smallint", "9223372036854775807::bigint", "12::oid", "0.1::float4", "'-0'::float8", "1e300::float8",
  "1.50", "'NaN'::numeric", "'a\"\\\n\u{1}\u{e9}\u{2028}'", "'x'::char(5)", "'c'::\"char\"", "'n'::name",
  "'f47ac10b-58cc-4372-a567-0e02b2c3d479'::uuid", "'2020-02-29'::date", "'infinity'::date", "'0044-03-15 BC'::date",
  "'24:00'::time", "'12:00+05:30'::timetz", "'1 day -2 hours'::interval", "'[1,5)'::int4range", "'(1,2)'::point",
  "'10.0.0.0/8'::inet", "b'101'", "'<a/>'::xml", "'1 2'::int2vector",
  "'infinity'::timestamptz", "'-infinity'::timestamp", "'0044-03-15 00:00:00.1 BC'::timestamptz",
  "'0044-03-15 00:00:00.123456 BC'::timestamp", "'10000-01-01'::timestamptz", "'294276-12-31 23:59:59.999999'::timestamp",
  "'2020-01-01 00:00:00-12:34:56'::timestamptz",
  '\'{"a": [1, null, "\\u0000"], "a": 9007199254740993}\'::json', "'null'::jsonb",
  "'{}'::int[]", "'{1,NULL,3}'::bigint[]", "'[2:4]={1,2,3}'::int[]", "'{{1,2},{3,4}}'::int[]", "'{t,f,NULL}'::boolean[]",
  "'{1,0.1,1e20}'::float8[]", "'{1.50,NaN}'::numeric[]", [['{a,"{b}","",NULL,"NULL","q\"\\\\"}'::text[] ]],
  "array['2020-01-01 00:00:00.5+00', null, 'infinity']::timestamptz[]", "'{2020-01-01,infinity}'::date[]",
  "array['[1]', 'null']::jsonb[]",
}

describe("rows that were looked at and rows that were not", function()
  it("are the same JSON, whatever type and value", function()
    for _, value in ipairs(VALUES) do
      written(("select %s as v, null as nothing union all select null, null"):format(value))
    end
    written(in_columns(VALUES))
  end)

  it("are for times of any number of digits", function()
    for digits = 0, 6 do
      local time = "2020-01-01 00:00:00" .. (digits > 0 and "." .. ("123456"):sub(1, digits) or "")
      local six = ("123456"):sub(1, digits) .. ("0"):rep(6 - digits)
      assert.equal(('[{"a":"2020-01-01T00:00:00.%sZ","b":"2020-01-01T00:00:00.%s"}]'):format(six, six),
        written("select $1::timestamptz as a, $1::timestamp as b", time))
    end
  end)

  it("are for floats of any size, in columns of both kinds and in arrays", function()
    local texts = {}
    for exponent = -46, 39 do
      for _, digits in ipairs { "1", "-9.5", "1.2345678", "3.1415926535897931" } do
        texts[#texts + 1] = digits .. "e" .. exponent
      end
    end
    local found = written([[select i::float8::float4 as single, i::float8 as double, array[i::float8, 1] as both
      from unnest($1::text[]) i where abs(i::float8) between 1.2e-38 and 3.4e38]], db.array(texts))
    assert.truthy(found:find('{"single":1000000.0,"double":1000000.0', 1, true))
    assert.truthy(found:find('"double":1000000000000000.0', 1, true))
    -- Every double is as likely: a sign, an exponent and digits of any bits.
    math.randomseed(7)
    for _ = 1, 20 do
      local values = {}
      for i = 1, 500 do
        local value = string.unpack("<d", string.pack("<i8", math.random(0)))
        values[i] = value - value == 0 and value or 1e23 -- NaN and the infinities are another matter
      end
      written("select f as double, array[f] as one from unnest($1::float8[]) f", db.array(values))
      for i = 1, 500 do
        values[i] = (math.random() - 0.5) * 10 ^ math.random(-8, 20)
      end
      written("select f as double, f::float4 as single from unnest($1::float8[]) f", db.array(values))
    end
  end)

  it("are for arrays of the database's own types", function()
    db.script [[create type mood as enum ('sad', '{glad}', '{}'); create domain cents as int; create domain tip as cents;
      create domain label as text; create domain moment as timestamptz; create type pair as (a int, b text)]]
    assert.equal('[{"a":["sad","{glad}","{}",null]}]', written "select array['sad', '{glad}', '{}', null]::mood[] as a")
    assert.equal('[{"a":[1,null],"b":[2]}]', written "select '{1,NULL}'::cents[] as a, '{2}'::tip[] as b")
    assert.equal('[{"a":["{x,y}","z",""]}]', written "select array['{x,y}', 'z', '']::label[] as a")
    assert.equal('[{"a":["2020-01-01T00:00:00.000000Z",null]}]', written "select array['2020-01-01Z', null]::moment[] as a")
    assert.equal('[{"a":["(1,x)"]}]', written "select array[(1, 'x')::pair] as a")
  end)

  it("are whatever the columns are called, however many there are", function()
    assert.equal("[{},{}]", written "select from generate_series(1, 2)")
    assert.equal('[{"ü":1,"a\\"b":2,"a\\\\b":3,"😀":4,"1":5}]',
      written [[select 1 as "ü", 2 as "a""b", 3 as "a\b", 4 as "😀", 5 as "1"]])
    assert.equal('[{"b":null,"a":null}]', written "select 1 as a, null as b, 2 as a, null as a")
    for length = 1, 63 do
      assert.equal(('[{"%s":%d}]'):format(("n"):rep(length), length),
        written(('select %d as "%s"'):format(length, ("n"):rep(length))))
    end
    local columns = {}
    for i = 1, 1600 do
      columns[i] = ('%s as "ü%d"'):format(i % 7 == 0 and "null" or i, i % 1500)
    end
    assert.truthy(written("select " .. table.concat(columns, ", ")):find('"ü1499":1499,"ü0":1500,', 1, true))
  end)
end)

describe("the metatable of rows", function()
  it("is one for all rows of a statement, and who spoils it is told so", function()
    local sql = "select 1 as spoiled_here"
    local row = db.one(sql)
    local columns = getmetatable(row)[1]
    getmetatable(row)[1] = nil
    assert.equal('{"spoiled_here":1}', json.encode(row))
    assert.has_error(function() db.one(sql) end, "the metatable of rows was changed")
    getmetatable(row)[1] = columns
    assert.equal('{"spoiled_here":1}', json.encode(db.one(sql)))
  end)
end)

-- Rows of a statement that comes again are asked for in Postgres' binary format when there are many of them.
describe("the rows of a statement that has run before", function()
  local MANY = [[
    select i as n, (i - 11)::smallint as small, i * -4611686018427387904::numeric / 40 as num, (1 << i)::bigint as big,
           i % 3 = 0 as odd, md5(i::text)::uuid as id, repeat('x"\', i) as words, i::text::char(5) as padded,
           case when i % 2 = 0 then timestamptz '0001-01-03 BC' + i * interval '250 years 3 us' end as made,
           timestamp '9999-12-31 23:59:59' + i * interval '100 ms' as seen, 'infinity'::timestamptz as forever,
           date '0001-01-10' - i as day, json_build_object('n', i) as more, to_jsonb(i) as most
    from generate_series(1, 20) i]]
  local READABLE = MANY:gsub("i %* %-4.- as num, ", "")

  local function runs(sql, read)
    local first = read(db.query(sql))
    for _ = 1, 5 do
      assert.equal(first, read(db.query(sql)))
    end
    return first
  end

  it("are the same JSON and the same values as those of the first time", function()
    for _, sql in ipairs { MANY, READABLE } do
      local text = runs(sql, json.encode)
      assert.equal(text, runs(sql .. " -- looked at", function(rows)
        return json.encode(look_at_all(rows))
      end))
    end
  end)

  it("are so by a schema, in which an integer may be a number or a decimal", function()
    local function field(name, kind, nullable)
      return { name = name, node = { kind = kind, nullable = nullable } }
    end
    local Row = core.plan { kind = "object", fields = {
      field("n", "number"), field("big", "decimal"), field("small", "integer"), field("odd", "boolean"), field("id", "uuid"),
      field("words", "string"), field("made", "datetime", true), field("day", "date"),
    } }
    local text = runs(READABLE, function(rows)
      return json.encode(Row:rows(rows))
    end)
    local first = '[{"n":1,"big":"2","small":-10,"odd":false,"id":"c4ca4238-a0b9-2382-0dcc-509a6f75849b"'
    assert.truthy(text:find(first, 1, true))
    assert.truthy(text:find('"made":null,"day":"0001-01-09"', 1, true))
  end)

  it("are in the time zone that a transaction has set", function()
    runs(READABLE, json.encode)
    local MADE = { ["Asia/Kolkata"] = "0500-01-03 05:53:28.000006+05:53:28", UTC = "0500-01-03T00:00:00.000006Z" }
    for zone, made in pairs(MADE) do
      db.tx(function()
        db.exec(("set local timezone to '%s'"):format(zone))
        assert.equal(made, db.query(READABLE)[2].made)
      end)
    end
    db.exec "set local timezone to 'UTC'"
  end)
end)

describe("rows by a schema", function()
  local function optional(name, is_optional, is_nullable)
    return { name = name, node = { kind = "integer", optional = is_optional, nullable = is_nullable } }
  end

  it("leave out what is NULL and optional, before and after what is there", function()
    local Row = core.plan { kind = "object", fields = {
      optional("a", true, false), optional("b", true, false), optional("c", false, true), optional("d", true, true),
      optional("e", true, false),
    } }
    for mask = 0, 31 do
      local columns, want = {}, {}
      for i, name in ipairs { "a", "b", "c", "d", "e" } do
        local is_null = mask & 1 << i - 1 ~= 0
        columns[i] = ("%s::int as %s"):format(is_null and "null" or i, name)
        if not is_null or name == "c" or name == "d" then
          want[#want + 1] = ('"%s":%s'):format(name, is_null and "null" or i)
        end
      end
      assert.equal("[{" .. table.concat(want, ",") .. "}]",
        json.encode(Row:rows(db.query("select " .. table.concat(columns, ", ")))))
    end
  end)

  it("have the last of several columns with one name, as without a schema", function()
    local Row = core.plan { kind = "object", fields = { optional("a", false, true), optional("b", false, false) } }
    assert.equal('[{"a":null,"b":3}]', json.encode(Row:rows(db.query "select 'x' as a, 2 as b, 3 as b, null::int as a")))
  end)

  it("take NaN and the infinities, which JSON does not know as numbers, for NULL", function()
    for _, value in ipairs { "'NaN'::numeric", "'-Infinity'::numeric", "'NaN'::float8", "'Infinity'::float4" } do
      local function encode(options)
        options.kind = "number"
        local Row = core.plan { kind = "object", fields = { { name = "v", node = options } } }
        return json.encode(Row:rows(db.query(("select %s as v"):format(value))))
      end
      assert.equal('[{"v":null}]', encode { nullable = true })
      assert.equal("[{}]", encode { optional = true })
      local ok, problem = pcall(encode, {})
      assert.is_false(ok)
      assert.truthy(tostring(problem):find("v: is null in row 1", 1, true))
    end
  end)
end)
