-- core.plan from Lua: what neap.schema compiles to. The checking itself has its specs in spec/core/plan.
local core = require "neap.core"
local json = require "neap.json"
local test = require "neap.test"

test.no_transaction()

local function fields(list)
  local out = {}
  for i, pair in ipairs(list) do out[i] = { name = pair[1], node = pair[2] } end
  return { kind = "object", fields = out }
end

local Task = core.plan(fields {
  { "title", { kind = "string", min = 1, max = 5 } },
  { "n", { kind = "integer", min = 1, default = 7 } },
  { "tags", { kind = "array", items = { kind = "string" } } },
  { "due", { kind = "datetime", nullable = true } },
  { "note", { kind = "string", optional = true } },
})

describe("core.plan", function()
  it("refuses a node that is none, with the reason", function()
    assert.has_error(function() core.plan { kind = "strnig" } end, "'strnig' is no kind of schema")
    assert.is_false(pcall(core.plan, { kind = "string", min = 5, max = 3 }))
    assert.is_false(pcall(core.plan, { kind = "string", pattern = "(" }))
    assert.is_false(pcall(core.plan, fields { { "a", { kind = "integer", min = "x" } } }))
  end)

  it("leaves nothing behind when it goes, though its names are ever new ones, and knows them while it is there", function()
    local function kilobytes_after(from, to)
      for i = from, to do
        local name = "field-" .. i
        assert.equal(i, core.plan(fields { { name, { kind = "integer" } } }):check({ [name] = i })[name])
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = kilobytes_after(1, 10000)
    assert(kilobytes_after(10001, 40000) < before + 500)
  end)

  it("refuses a node that contains itself instead of recursing for ever", function()
    local node = { kind = "array" }
    node.items = node
    assert.is_false(pcall(core.plan, node))
  end)

  it("checks a value and fills in defaults", function()
    local value = Task:check { title = "abc", tags = json.array {}, due = json.null }
    assert.equal(7, value.n)
    assert.equal(json.null, value.due)
    assert.equal("[]", json.encode(value.tags))
  end)

  it("tells every error with its place, code and limit", function()
    local value, errors = Task:check({ title = "abcdef", n = 0, tags = { 1 }, due = "x", zz = 1 }, "json", "body")
    assert.is_nil(value)
    local seen = {}
    for _, e in ipairs(errors) do seen[e.field] = { e.code, e.limit } end
    assert.same({ "too_long", 5 }, seen["body.title"])
    assert.same({ "minimum", 1 }, seen["body.n"])
    assert.equal("type", seen["body.tags[0]"][1])
    assert.equal("datetime", seen["body.due"][1])
    assert.equal("unknown_field", seen["body.zz"][1])
  end)

  it("reads text as what is declared", function()
    local Query = core.plan(fields {
      { "page", { kind = "integer", default = 1 } },
      { "done", { kind = "boolean", optional = true } },
      { "s", { kind = "array", items = { kind = "string" }, optional = true } },
    })
    assert.same({ page = 3, done = true, s = { "a" } }, Query:check({ page = "3", done = "true", s = "a" }, "text"))
    local _, errors = Query:check({ page = "3x" }, "text", "query")
    assert.equal("query.page", errors[1].field)
  end)
end)

describe("plan:encode", function()
  it("writes declared fields only, in the plan's order", function()
    assert.equal('{"title":"a","n":1,"tags":[],"due":null}',
      Task:encode { n = 1, secret = "x", title = "a", tags = {} })
  end)

  it("keeps integers exact and floats floats", function()
    local Numbers = core.plan(fields { { "i", { kind = "integer" } }, { "f", { kind = "number" } } })
    assert.equal('{"i":9223372036854775807,"f":0.30000000000000004}', Numbers:encode { i = math.maxinteger, f = 0.1 + 0.2 })
    assert.equal('{"i":3,"f":2}', Numbers:encode { i = 3.0, f = 2 })
  end)

  it("names the place of what breaks the schema", function()
    local List = core.plan { kind = "array", items = fields { { "title", { kind = "string" } } } }
    assert.has_error(function() List:encode { { title = "a" }, {} } end, "[1].title: is missing")
    assert.has_error(function() List:encode { { title = json.null } } end, "[0].title: is null")
    assert.is_false(pcall(List.encode, List, { { title = 5 } }))
    assert.is_false(pcall(List.encode, List, "x"))
  end)

  it("opens json text where the schema looks inside, and leaves it where it does not", function()
    local Any = core.plan { kind = "any" }
    assert.equal('{"b": 1.0}', Any:encode(json.raw '{"b": 1.0}'))
    local One = core.plan(fields { { "b", { kind = "integer" } } })
    assert.equal('{"b":1}', One:encode(json.raw '{"a":2,"b":1}'))
  end)

  it("chooses a union's variant by its tag", function()
    local Pet = core.plan { kind = "union", discriminator = "type", variants = {
      { tag = "cat", node = fields { { "type", { kind = "literal", value = "cat" } }, { "lives", { kind = "integer" } } } },
      { tag = "dog", node = fields { { "type", { kind = "literal", value = "dog" } } } },
    } }
    assert.equal('{"type":"cat","lives":9}', Pet:encode { type = "cat", lives = 9, name = "x" })
    assert.equal('{"type":"dog"}', Pet:encode { type = "dog", lives = 9 })
    assert.is_false(pcall(Pet.encode, Pet, { type = "cow" }))
  end)
end)

describe("plan:rows", function()
  local db = require "neap.db"
  local Row = core.plan(fields {
    { "name", { kind = "string" } },
    { "id", { kind = "integer" } },
    { "at", { kind = "datetime", nullable = true } },
    { "price", { kind = "decimal", optional = true } },
  })
  local sql = "select 1::bigint as id, 'a'::text as name, 'x' as secret, null::timestamptz as at"

  it("writes a query's rows by the schema, without those columns that it does not name", function()
    assert.equal('[{"name":"a","id":1,"at":null}]', json.encode(Row:rows(db.query(sql))))
    local List = core.plan { kind = "array", items = fields { { "id", { kind = "integer" } } } }
    assert.equal('[{"id":1}]', List:encode(db.query(sql)))
    assert.equal('[{"name":"a","id":1,"at":null}]', List:encode(Row:rows(db.query(sql))))
    assert.equal("[]", json.encode(Row:rows(db.query(sql .. " where false"))))
  end)

  it("writes one row where an object is declared, and refuses none or several", function()
    local Id = core.plan(fields { { "id", { kind = "integer" } } })
    assert.equal('{"id":1}', Id:encode(db.query "select 1 as id, 2 as x"))
    assert.is_false(pcall(Id.encode, Id, db.query "select 1 as id where false"))
    assert.is_false(pcall(Id.encode, Id, db.query "values (1), (2)"))
  end)

  it("is what db.json returns", function()
    local s = require "neap.schema"
    local Id = s.object { { "id", s.integer() } }
    assert.equal('[{"id":1}]', json.encode(db.json(Id, "select 1 as id, $1::text as x", "y")))
    assert.equal('[{"id":1}]', json.encode(db.json(s.array(Id), "select 1 as id")))
    assert.equal('{"items":[{"id":1}]}', json.encode { items = db.json(Id, "select 1 as id") })
    assert.equal('[{"id":1,"x":"y"}]', json.encode(db.json(nil, "select 1 as id, 'y' as x")))
  end)

  it("names a column that is missing, of another type, or null where that is not allowed", function()
    local function refused(query)
      local ok, err = pcall(json.encode, Row:rows(db.query(query)))
      assert.is_false(ok)
      return tostring(err)
    end
    assert.truthy(refused("select 1 as id, now() as at"):find("name: the query has no such column", 1, true))
    assert.truthy(refused("select 'x' as id, 'a' as name, now() as at"):find("id: the column's type", 1, true))
    assert.truthy(refused("select 1 as id, null::text as name, now() as at"):find("name: is null in row 1", 1, true))
  end)
end)
