-- Lists of neap.store against a naive reading of the same rows: totals, pages, filters and sorts in both directions, with
-- ties and NULLs.
local db = require "neap.db"
local store = require "neap.store"

local ANN, BOB = "Ann", "Bob"
local SORTS = { "name", "rank", "due", "weight", "id" }

local items = store {
  table = "spec_listed", key = "id", owner = "owner",
  columns = { "id", "owner", "name", "rank", "due" },
  filters = {
    q = { column = "name", op = "contains" }, starts = { column = "name", op = "starts" }, rank = { column = "rank" },
  },
  sort = { "name", "rank", "due", weight = "coalesce(rank, 0) % 3" },
}

local NAMES = {
  "", "a", "A", "%", "_", "\\", "a%b", "a_b", "a\\b", "ab", "axb", "%%", "\\%", "ÄÖ", "äö", "x'--", ("long"):rep(2500),
  "\1\n",
}

before_each(function()
  db.script [[create temporary table spec_listed (id int generated always as identity primary key, owner text not null,
    name text, rank int, due date)]]
  local sets = {}
  for i = 1, 240 do
    sets[i] = { i % 3 == 0 and BOB or ANN, NAMES[i * 7 % (#NAMES + 1) + 1], i % 5 > 0 and i % 4 or nil,
      i % 7 > 0 and ("2020-01-%02d"):format(i % 7) or nil }
    db.exec("insert into spec_listed (owner, name, rank, due) values ($1, $2, $3, $4)", table.unpack(sets[i], 1, 4))
  end
end)

-- As a reader without an index or a pattern would: every row, looked at in SQL's order.
local function naive(owner, query)
  local minus, name = (query.sort or "name"):match "^(%-?)(.*)$"
  local order = name == "weight" and "coalesce(rank, 0) % 3" or name
  local way = minus == "-" and " desc" or ""
  local found = {}
  for _, row in ipairs(db.query(("select * from spec_listed order by %s%s, id%s"):format(order, way, way))) do
    local folded = row.name and db.one("select lower($1) as v", row.name).v
    local function holds(value, at)
      value = value and db.one("select lower($1) as v", value).v
      local where = value and folded and folded:find(value, 1, true)
      return value == nil or (where ~= nil and (at == nil or where == at))
    end
    local is_ranked = query.rank == nil or row.rank == query.rank
    if row.owner == owner and is_ranked and holds(query.q) and holds(query.starts, 1) then
      found[#found + 1] = row.id
    end
  end
  return found
end

local function check(owner, query)
  local want, size = naive(owner, query), query.page_size or 20
  for _, page in ipairs { 1, 2, (#want + size - 1) // size, #want // size + 1, #want // size + 2, 10000000 } do
    if page >= 1 then
      query.page = page
      local got = items.list(owner, query)
      local ids, expected = {}, {}
      for i, row in ipairs(got.items) do
        ids[i] = row.id
      end
      table.move(want, (page - 1) * size + 1, math.min(page * size, #want), 1, expected)
      assert.same({ expected, #want, page, size }, { ids, got.total, got.page, got.page_size })
    end
  end
end

describe("a list", function()
  it("is in every order what a naive reader finds, on every page", function()
    for _, sort in ipairs(SORTS) do
      for _, way in ipairs { "", "-" } do
        check(ANN, { sort = way .. sort, page_size = 7 })
        check(ANN, { sort = way .. sort, page_size = 7, q = "a" })
        check(BOB, { sort = way .. sort, page_size = 100, q = "", rank = 1 })
      end
    end
  end)

  it("is found by what a text contains or begins with, whatever that means to a pattern", function()
    for _, text in ipairs {
      "", "%", "_", "\\", "\\%", "%%", "a%", "A_", "x'", "ä", "\n", "long", ("long"):rep(2500), "none",
    } do
      check(ANN, { q = text, page_size = 1 })
      check(ANN, { starts = text, sort = "-name", page_size = 3 })
      check(BOB, { q = text, starts = "a", page_size = 2 })
    end
  end)

  it("has all totals right for every size of a page", function()
    for size = 1, 100, 9 do
      check(ANN, { q = "a", page_size = size })
      check(ANN, { page_size = size })
    end
  end)

  it("counts no fewer rows than it shows, though some are deleted before they are counted", function()
    local read = db.read
    finally(function() db.read = read end)
    db.read = function(text, ...)
      local rows = read(text, ...)
      db.exec "delete from spec_listed where name <> 'ab'"
      return rows
    end
    local found = items.list(ANN, { q = "a", page = 2, page_size = 10 })
    assert.same({ 10, 20 }, { #found.items, found.total })
  end)

  it("has no row of another owner whose key is the same, where keys are each owner's", function()
    db.script "create temporary table spec_pages (slug text, owner text, title text, primary key (owner, slug))"
    db.exec "insert into spec_pages values ('one', 'Ann', 'Ann has one'), ('one', 'Bob', 'Bob has one')"
    local pages = store {
      table = "spec_pages", key = "slug", owner = "owner", columns = { "slug", "owner", "title" },
      filters = { q = { column = "title", op = "contains" } }, sort = { "title" },
    }
    for _, owner in ipairs { ANN, BOB } do
      local found = pages.list(owner, { q = "has" })
      assert.same({ 1, 1, owner .. " has one" }, { found.total, #found.items, found.items[1].title })
    end
  end)
end)
