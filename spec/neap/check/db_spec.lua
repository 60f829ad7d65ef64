local check_db = require "neap.check.db"
local db = require "neap.db"
local s = require "neap.schema"

-- Each test makes a table of its own in a transaction that is rolled back.
local function compare(columns, fields, wrap)
  db.exec(("create table things (%s)"):format(columns))
  local Thing = s.object("Thing", fields)
  Thing = (wrap and wrap(Thing) or Thing):named("Thing"):table "things"
  return check_db.compare(Thing:node(), check_db.columns "things")
end

describe("a schema and its table", function()
  it("agree when every field can hold what its column holds", function()
    assert.same({}, compare([[id uuid primary key, title varchar(500) not null, note text, n bigint not null,
      kind varchar(50) not null check (kind in ('a', 'it''s')),
      price numeric(8, 2) not null, share double precision not null, on_at timestamptz not null,
      on_day date not null, data jsonb not null, tags text[] not null, ok boolean generated always as (kind = 'a') stored,
      mail text, secret bytea]], {
      id = s.uuid(), title = s.string { max = 500 }, kind = s.enum { "a", "it's" }, note = s.string():nullable(),
      n = s.integer(), price = s.decimal { precision = 8, scale = 2 }, share = s.number(), on_at = s.datetime(),
      on_day = s.date(), data = s.object { a = s.any() }, tags = s.array(s.string()), ok = s.boolean(),
      mail = s.email():nullable(),
    }))
  end)

  it("disagree about a length", function()
    assert.same({
      "Thing.a has at most 500 characters, but things.a holds 600",
      "Thing.b has no max, but things.b holds at most 20 characters",
    }, compare("a varchar(600) not null, b varchar(20) not null", { a = s.string { max = 500 }, b = s.string() }))
  end)

  it("disagree about values, of a CHECK or of an enum type", function()
    db.exec "create type mood as enum ('good', 'bad')"
    assert.same({
      "Thing.a may be z, which things.a does not hold",
      "Thing.a cannot be y, which things.a may hold",
      "Thing.b may be ugly, which things.b does not hold",
      "Thing.c is any string, but things.c only holds x, y",
    }, compare([[a varchar(9) not null check (a in ('x', 'y')), b mood not null,
      c text not null check (c in ('x', 'y'))]], {
      a = s.enum { "x", "z" }, b = s.enum { "good", "bad", "ugly" }, c = s.string(),
    }))
  end)

  it("disagree about null and about what may be left out", function()
    assert.same({
      "Thing.a may be null, but things.a is NOT NULL",
      "Thing.b is never null, but things.b may be",
      "Thing.c may be absent, but things.c is NOT NULL and has no default",
    }, compare("a text not null, b text, c text not null, d text not null default 'x'", {
      a = s.string():nullable(), b = s.string(), c = s.string():optional(), d = s.string():optional(),
    }))
  end)

  it("agree when the schema is of a PATCH, where everything may be absent", function()
    assert.same({}, compare("a text not null", { a = s.string() }, function(Thing)
      return Thing:partial()
    end))
  end)

  it("disagree about a type", function()
    assert.same({
      "Thing.a is an integer, but things.a is text",
      "Thing.b is a date and time with its offset, but things.b is timestamp without time zone",
      "Thing.c is a string, but things.c is integer",
      "Thing.d is a decimal of (6, 2), but things.d is numeric(8,2)",
    }, compare("a text not null, b timestamp not null, c integer not null, d numeric(8, 2) not null", {
      a = s.integer(), b = s.datetime(), c = s.string(), d = s.decimal { precision = 6, scale = 2 },
    }))
  end)

  it("disagree about a column that is not there", function()
    assert.same({ "Thing.b has no column: things.b is not there" }, compare("a text not null", {
      a = s.string(), b = s.string(),
    }))
  end)

  it("look through a domain", function()
    db.exec "create domain short as varchar(5)"
    assert.same({ "Thing.a has at most 9 characters, but things.a holds 5" },
      compare("a short not null", { a = s.string { max = 9 } }))
  end)

  it("cannot be compared when there is no such table", function()
    assert.is_nil(check_db.columns "nowhere")
  end)
end)

describe("the schemas of Workbench", function()
  require "app.agents.schemas"
  require "app.tasks.schemas"

  local function problems()
    local list = {}
    for _, problem in ipairs((check_db.problems())) do
      if problem:find "^lua/app/" then
        list[#list + 1] = problem
      end
    end
    return list
  end

  it("agree with its tables", function()
    assert.same({}, problems())
  end)

  it("do so no longer after an ALTER TABLE, and the sentence has the place of the schema", function()
    db.exec "alter table agents alter role type varchar(80)"
    local found = problems()
    assert.equal(2, #found)
    assert.matches("^lua/app/agents/schemas%.lua:%d+: AgentResponse%.role has at most 100 characters, "
      .. "but agents%.role holds 80$", found[1])
  end)
end)
