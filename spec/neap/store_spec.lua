local core = require "neap.core"
local db = require "neap.db"
local errors = require "neap.errors"
local json = require "neap.json"
local store = require "neap.store"

local ANN, BOB = "Ann", "Bob"

-- What people type when they hope that somebody pastes it into SQL.
local HOSTILE = {
  "'; drop table spec_items; --", '"; drop table spec_items; --', "$1", "%", "_", "\\", "') or 1=1 --", "name) values ('x",
  "\xff\xfe", "0x41", "null", "\u{202e}", ("x"):rep(5000),
}

local items = store {
  table = "spec_items", key = "id", owner = "owner",
  columns = { "id", "owner", "name", "state", "rank", "due", "order", "made_at" },
  write = { "name", "state", "rank", "due", "order", "extra" },
  filters = {
    "state", q = { column = "name", op = "contains" }, starts = { column = "name", op = "starts" },
    states = { column = "state", op = "in" }, min_rank = { column = "rank", op = ">=" },
  },
  sort = { "made_at", "rank", "due", "order", weight = "case state when 'open' then 1 else 2 end" },
  default_sort = "-made_at",
}

before_each(function()
  db.script [[
    create temporary table spec_items (
      id int generated always as identity primary key,
      owner text not null,
      name text not null default '',
      state text not null default 'open',
      rank int not null default 0,
      due date,
      "order" text,
      extra jsonb,
      made_at timestamptz not null default clock_timestamp()
    )]]
end)

local function refusal(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  local answer = errors.map(err)
  return answer.details and ("%d %s %s"):format(answer.status, answer.details[1].field, answer.details[1].code)
    or answer.status .. " " .. errors.describe(err)
end

local function names(page)
  local out = {}
  for i, row in ipairs(page.items) do out[i] = row.name end
  return table.concat(out, " ")
end

local function fill(owner, ...)
  for i, name in ipairs { ... } do
    items.create(owner, { name = name, rank = i })
  end
end

describe("a row", function()
  it("is made, read, changed and removed by its owner", function()
    local row = items.create(ANN, { name = "one", extra = { a = { 1 } }, order = "first" })
    assert.same({ ANN, "one", "open", "first" }, { row.owner, row.name, row.state, row.order })
    assert.is_nil(row.extra)
    assert.same(row, items.get(ANN, row.id))
    local changed = items.update(ANN, row.id, { name = "two", order = json.null })
    assert.same({ "two", "open", nil }, { changed.name, changed.state, changed.order })
    assert.equal("two", items.update(ANN, row.id, {}).name)
    assert.is_true(items.delete(ANN, row.id))
    assert.is_false(items.delete(ANN, row.id))
    assert.is_nil(items.get(ANN, row.id))
    assert.is_nil(items.update(ANN, row.id, { name = "x" }))
  end)

  it("does not exist for anybody else", function()
    local id = items.create(ANN, { name = "hers" }).id
    assert.is_nil(items.get(BOB, id))
    assert.is_nil(items.update(BOB, id, { name = "his" }))
    assert.is_false(items.delete(BOB, id))
    assert.equal(0, items.list(BOB, {}).total)
    assert.equal(0, #items.after(BOB, {}).items)
    assert.equal("hers", items.get(ANN, id).name)
  end)

  it("is everybody's only through `any`", function()
    local id = items.create(ANN, { name = "hers" }).id
    assert.equal("hers", items.any.get(id).name)
    assert.equal("ours", items.any.update(id, { name = "ours" }).name)
    items.create(BOB, {})
    assert.equal(2, items.any.list({}).total)
    assert.is_true(items.any.delete(id))
    assert.is_nil(items.any.create)
  end)

  it("of nobody is a mistake of the caller, never all rows", function()
    fill(ANN, "a")
    assert.matches("spec_items: the owner is missing", refusal(items.list, json.null, {}))
    for _, method in ipairs { "create", "get", "update", "delete", "list", "after" } do
      assert.matches("the owner is missing", refusal(items[method], nil, {}, {}))
    end
  end)

  it("may be all defaults", function()
    assert.equal("open", items.create(ANN, {}).state)
    local plain = store { table = "spec_items", columns = { "id" }, write = {} }
    assert.equal("23502", select(2, pcall(plain.create, {})).sqlstate)
  end)

  it("changes state only from the states that allow it, in one statement", function()
    local id = items.create(ANN, {}).id
    assert.is_nil(items.update(ANN, id, { state = "done" }, { state = "working" }))
    assert.equal("done", items.update(ANN, id, { state = "done" }, { state = { "open", "working" } }).state)
    assert.is_nil(items.update(ANN, id, {}, { state = "open" }))
    assert.equal("done", items.update(ANN, id, {}, { state = "done", rank = 0 }).state)
  end)

  it("cannot be given what is not declared, its owner and its key least of all", function()
    local id = items.create(ANN, {}).id
    for _, name in ipairs { "owner", "id", "made_at", "nonsense", 'name" = \'x\', "state' } do
      assert.equal("422 body." .. name .. " unknown_field", refusal(items.create, ANN, { [name] = "x" }))
      assert.equal("422 body." .. name .. " unknown_field", refusal(items.update, ANN, id, { [name] = "x" }))
    end
    assert.equal(1, items.list(ANN, {}).total)
  end)
end)

describe("a list", function()
  it("has its filters, its order and its exact total", function()
    fill(ANN, "a", "b", "c", "d", "e")
    fill(BOB, "x")
    assert.equal("e d c b a", names(items.list(ANN, {})))
    assert.equal("a b c d e", names(items.list(ANN, { sort = "made_at" })))
    local page = items.list(ANN, { sort = "rank", page = 2, page_size = 2 })
    assert.same({ "c d", 5, 2, 2 }, { names(page), page.total, page.page, page.page_size })
    page = items.list(ANN, { sort = "rank", page = 3, page_size = 2 })
    assert.same({ "e", 5 }, { names(page), page.total })
    page = items.list(ANN, { page = 9, page_size = 2 })
    assert.same({ "", 5 }, { names(page), page.total })
    assert.equal("d e", names(items.list(ANN, { sort = "rank", min_rank = 4 })))
    assert.same({ "", 0 }, { names(items.list(ANN, { q = "zz" })), items.list(ANN, { q = "zz" }).total })
  end)

  it("filters by text as it was typed, by several values, and by NULL", function()
    fill(ANN, "100%", "100 percent", "a_b", "aXb", "\\")
    assert.equal("100%", names(items.list(ANN, { q = "0%" })))
    assert.equal("a_b", names(items.list(ANN, { starts = "A_" })))
    assert.equal("\\", names(items.list(ANN, { q = "\\" })))
    items.create(ANN, { name = "done", state = "done" })
    assert.equal(5, items.list(ANN, { states = { "open", "paused" } }).total)
    assert.equal(6, items.list(ANN, { states = json.array { "open", "done" } }).total)
    assert.equal(1, items.list(ANN, { state = "done", q = "O" }).total)
    assert.equal(0, items.list(ANN, { state = json.null }).total)
  end)

  it("has pages, their order and its exact total also of a search", function()
    fill(ANN, "Äpfel", "äpfel 2", "ÄPFEL 3", "birne", "Apfel")
    fill(BOB, "äpfel")
    for _, filter in ipairs { "q", "starts" } do
      local function page(n, size)
        local found = items.list(ANN, { [filter] = "äPF", sort = "-rank", page = n, page_size = size })
        assert.same({ n, size }, { found.page, found.page_size })
        return { names(found), found.total }
      end
      assert.same({ "ÄPFEL 3 äpfel 2 Äpfel", 3 }, page(1, 20))
      assert.same({ "ÄPFEL 3 äpfel 2 Äpfel", 3 }, page(1, 3))
      assert.same({ "ÄPFEL 3 äpfel 2", 3 }, page(1, 2))
      assert.same({ "Äpfel", 3 }, page(2, 2))
      assert.same({ "", 3 }, page(3, 2))
      assert.same({ "", 3 }, page(2, 3))
    end
    assert.equal(4, items.any.list({ q = "äpfel" }).total)
  end)

  it("breaks ties by the key, and may sort by an expression", function()
    for _, name in ipairs { "a", "b", "c" } do items.create(ANN, { name = name }) end
    items.create(ANN, { name = "z", state = "done" })
    assert.equal("a b c z", names(items.list(ANN, { sort = "rank" })))
    assert.equal("z c b a", names(items.list(ANN, { sort = "-rank" })))
    assert.equal("z c b a", names(items.list(ANN, { sort = "-weight" })))
    assert.equal("a b c z", names(items.list(ANN, { sort = "id" })))
  end)

  it("refuses what is not on its lists", function()
    assert.equal("422 query.sort enum", refusal(items.list, ANN, { sort = "name" }))
    assert.equal("422 query.sort enum", refusal(items.list, ANN, { sort = "--rank" }))
    assert.equal("422 query.sort enum", refusal(items.list, ANN, { sort = { "rank" } }))
    assert.equal("422 query.owner unknown_field", refusal(items.list, ANN, { owner = BOB }))
    assert.equal("422 query.state type", refusal(items.list, ANN, { state = { "a", "b" } }))
    assert.equal("422 query.page minimum", refusal(items.list, ANN, { page = 0 }))
    assert.equal("422 query.page maximum", refusal(items.list, ANN, { page = 1 << 40 }))
    assert.equal("422 query.page_size maximum", refusal(items.list, ANN, { page_size = 101 }))
    assert.equal("422 query.page_size type", refusal(items.list, ANN, { page_size = "1; select" }))
    assert.equal("422 query.page type", refusal(items.list, ANN, { page = 1.5 }))
    assert.equal(0, items.list(ANN, { page = "1", page_size = "100" }).total)
  end)
end)

describe("a page by cursor", function()
  local function walk(sort, limit, filter)
    local seen, cursor, pages = {}, nil, 0
    repeat
      local query = { sort = sort, limit = limit, cursor = cursor }
      for name, value in pairs(filter or {}) do query[name] = value end
      local page = items.after(ANN, query)
      for _, row in ipairs(page.items) do seen[#seen + 1] = row.name end
      cursor, pages = page.next_cursor, pages + 1
    until cursor == json.null or pages > 50
    return table.concat(seen, " ")
  end

  it("goes through all rows once, also when they tie and when they are NULL", function()
    for i, name in ipairs { "a", "b", "c", "d", "e", "f", "g" } do
      items.create(ANN, { name = name, rank = i // 3, due = i % 3 == 0 and json.null or "2024-01-0" .. (1 + i % 2) })
    end
    fill(BOB, "x", "y")
    for _, sort in ipairs { "made_at", "-made_at", "rank", "-rank", "due", "-due", "id", "-id", "order", "-order" } do
      local all = names(items.list(ANN, { sort = sort }))
      for _, limit in ipairs { 1, 2, 3, 7, 100 } do
        assert.equal(all, walk(sort, limit), sort)
      end
    end
    assert.equal("c d e f g", walk("rank", 2, { min_rank = 1 }))
  end)

  it("does not shift when rows come and go before it", function()
    fill(ANN, "a", "b", "c", "d")
    local first = items.after(ANN, { sort = "rank", limit = 2 })
    items.create(ANN, { name = "new", rank = 0 })
    items.delete(ANN, first.items[1].id)
    assert.equal("c d", names(items.after(ANN, { sort = "rank", limit = 2, cursor = first.next_cursor })))
  end)

  it("starts in the middle of an index", function()
    db.script [[create index on spec_items (owner, made_at, id);
      set local enable_seqscan = off; set local enable_bitmapscan = off]]
    local plan = json.encode(db.query([[explain select id from spec_items where "owner" = 'x'
      and ("made_at", "id") > (now(), 5) order by "made_at", "id" limit 5]]))
    assert.matches("Index Cond: [^}]*ROW", plan)
  end)

  it("that was made up, or is of another list, is refused", function()
    fill(ANN, "a", "b")
    local cursor = items.after(ANN, { sort = "rank", limit = 1 }).next_cursor
    for _, bad in ipairs { "", "zz", "5b", "5b5d", core.hex '["rank",{"a":1},1]', core.hex '["rank",1]', core.hex "7",
      ("00"):rep(5000), 5, cursor .. "0" } do
      assert.equal("422 query.cursor invalid", refusal(items.after, ANN, { sort = "rank", cursor = bad }), tostring(bad))
    end
    assert.equal("422 query.cursor invalid", refusal(items.after, ANN, { sort = "-rank", cursor = cursor }))
    assert.matches("^422 .*22P02", refusal(items.after, ANN, { sort = "rank", cursor = core.hex '["rank","x",1]' }))
    assert.equal("422 query.sort enum", refusal(items.after, ANN, { sort = "weight" }))
    assert.equal(0, #items.after(BOB, { sort = "rank", cursor = cursor }).items)
  end)
end)

describe("what a client sends", function()
  it("is only ever a value", function()
    for _, text in ipairs(HOSTILE) do
      local ok, row = pcall(items.create, ANN, { name = text, order = text })
      if ok then
        assert.equal(text, row.name)
        assert.equal(text, items.get(ANN, row.id).order)
        assert.equal(text, items.update(ANN, row.id, { name = text }, { name = { text } }).name)
        assert.equal(1, items.list(ANN, { q = text, state = "open" }).total, text)
        assert.equal(1, items.list(ANN, { starts = text }).total, text)
        assert.is_true(items.delete(ANN, row.id))
      else
        -- Not UTF-8.
        assert.equal("22021", row.sqlstate)
      end
      for _, fn in ipairs { items.list, items.after } do
        assert.equal("422 query.sort enum", refusal(fn, ANN, { sort = text }))
        assert.equal("422 query." .. text .. " unknown_field", refusal(fn, ANN, { [text] = "x" }))
      end
      assert.equal("422 query.cursor invalid", refusal(items.after, ANN, { cursor = text == "0x41" and "g" or text }))
      assert.matches("^422 ", refusal(items.get, ANN, text))
    end
    assert.equal(0, items.any.list({}).total)
  end)
end)

describe("a declaration", function()
  local function wrong(change)
    local spec = { table = "t", columns = { "id", "a" } }
    for name, value in pairs(change) do spec[name] = value end
    local ok, err = pcall(function()
      local made = store(spec)
      return made
    end)
    assert.is_false(ok)
    return err
  end

  it("quotes every name, whatever is in it", function()
    db.script [[create temporary table "odd ""table" ("the key" int primary key, "a""; drop" text, "Owner" text)]]
    local odd = store { table = 'odd "table', key = "the key", owner = "Owner", columns = { "the key", 'a"; drop' },
      write = { "the key", 'a"; drop' }, filters = { 'a"; drop' }, sort = { 'a"; drop' } }
    odd.create(ANN, { ["the key"] = 1, ['a"; drop'] = "x" })
    assert.equal(1, odd.list(ANN, { ['a"; drop'] = "x", sort = '-a"; drop' }).total)
    assert.equal("x", odd.get(ANN, 1)['a"; drop'])
    local classes = store { table = "pg_catalog.pg_class", key = "oid", columns = { "oid", "relname" } }
    assert.equal(1, #classes.list({ page_size = 1 }).items)
  end)

  it("that cannot be right is an error with its line", function()
    assert.matches("store_spec.lua:%d+: neap.store: there is no option \"colums\"", wrong { colums = {} })
    assert.matches("columns must be a list", wrong { columns = {} })
    assert.matches("columns: a is there twice", wrong { columns = { "a", "a" } })
    assert.matches("no identifier", wrong { columns = { "id", ("x"):rep(64) } })
    assert.matches("no identifier", wrong { table = "a\0b" })
    assert.matches("there is no operator \"~\"", wrong { filters = { q = { column = "a", op = "~" } } })
    assert.matches("filters: a is there twice", wrong { filters = { "a", a = "id" } })
    assert.matches("default_sort: b is not in sort", wrong { default_sort = "b" })
    assert.matches("write: o is the owner", wrong { owner = "o", write = { "o" } })
    assert.matches("table must be a name", wrong { table = "" })
  end)
end)

describe("a store whose owner is the row's parent's", function()
  local leaves

  before_each(function()
    db.script [[
      create temporary table spec_trees (id int primary key, owner text not null);
      create temporary table spec_twigs (id int primary key, tree_id int not null);
      create temporary table spec_leaves (id int primary key, twig_id int not null, name text not null default '');
      insert into spec_trees values (1, 'Ann'), (2, 'Bob');
      insert into spec_twigs values (10, 1), (20, 2);
      insert into spec_leaves values (100, 10, 'a'), (101, 10, 'b'), (200, 20, 'c')]]
    leaves = store {
      table = "spec_leaves", columns = { "id", "twig_id", "name" }, write = { "name" }, sort = { "id" },
      owner = { column = "twig_id", of = "spec_twigs", owner = { column = "tree_id", of = "spec_trees", owner = "owner" } },
    }
  end)

  it("shows, changes and removes the owner's only", function()
    assert.equal("a b", names(leaves.list(ANN, { sort = "id" })))
    assert.equal("c", leaves.get(BOB, 200).name)
    assert.is_nil(leaves.get(ANN, 200))
    assert.is_nil(leaves.lock(ANN, 200))
    assert.equal("c", leaves.lock(BOB, 200).name)
    assert.is_nil(leaves.update(ANN, 200, { name = "x" }))
    assert.is_false(leaves.delete(ANN, 200))
    assert.equal(3, leaves.any.list({}).total)
    assert.matches("the owner is missing", refusal(leaves.get, nil, 100))
  end)

  it("makes no rows, since it could not say whose they are", function()
    assert.matches("takes an insert of its own", refusal(leaves.create, ANN, { name = "x" }))
  end)

  it("is declared in full or not at all", function()
    local ok, err = pcall(function()
      local made = store { table = "t", columns = { "id" }, owner = { colum = "x", of = "y", owner = "z" } }
      return made
    end)
    assert.is_false(ok)
    assert.truthy(err:find('owner has no option "colum"', 1, true), err)
  end)
end)

describe("a conflict that a store declares by its constraint", function()
  it("is a 409 of this code and message, without the fields", function()
    db.script "create temporary table spec_seats (id int primary key, seat int constraint spec_seats_one unique)"
    local seats = store {
      table = "spec_seats", columns = { "id", "seat" }, write = { "id", "seat" },
      conflicts = { spec_seats_one = { "seat_taken", "Somebody sits there" } },
    }
    seats.create { id = 1, seat = 1 }
    local answer = errors.map(select(2, pcall(seats.create, { id = 2, seat = 1 })))
    assert.same({ 409, "seat_taken", "Somebody sits there" }, { answer.status, answer.code, answer.message })
    assert.is_nil(answer.details)
    assert.equal("conflict", errors.map(select(2, pcall(seats.create, { id = 1, seat = 2 }))).code)
  end)
end)
