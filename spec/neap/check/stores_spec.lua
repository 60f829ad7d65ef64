local check_db = require "neap.check.db"
local check_stores = require "neap.check.stores"
local db = require "neap.db"
local store = require "neap.store"

local function compare(spec)
  db.exec "create table things (id uuid primary key, owner_id uuid not null, name text not null, state text not null)"
  spec.table = "things"
  store(spec) -- or it is no declaration
  return check_stores.compare(spec, check_db.columns "things")
end

describe("a store and its table", function()
  it("agree when each name is a column, and expressions are not looked at", function()
    assert.same({}, compare {
      owner = "owner_id", columns = { "id", "owner_id", "name" }, write = { "name" }, moves = { "state" },
      filters = { "state", q = { column = "name", op = "contains" } }, sort = { "name", rank = "length(name)" },
    })
  end)

  it("disagree about each name that is no column, by the option that has it", function()
    assert.same({
      "the store of things: columns names colour, which is no column of it",
      "the store of things: owner names user_id, which is no column of it",
      "the store of things: write names titel, which is no column of it",
      "the store of things: moves names stat, which is no column of it",
      "the store of things: filters names stage, which is no column of it",
      "the store of things: filters names title, which is no column of it",
      "the store of things: sort names colour, which is no column of it",
    }, compare {
      owner = "user_id", columns = { "id", "colour" }, write = { "titel" }, moves = { "stat" },
      filters = { "stage", q = { column = "title", op = "contains" } }, sort = { "colour" },
    })
  end)

  it("look at what refers to the owner's row, where another table has the owner", function()
    assert.same({ "the store of things: owner names parent_id, which is no column of it" }, compare {
      owner = { column = "parent_id", of = "parents", owner = "user_id" }, columns = { "id", "name" },
    })
  end)

  it("disagree when there is no such table", function()
    assert.same({ "the store of nowhere: there is no such table; is `neap migrate up` due?" },
      check_stores.compare({ table = "nowhere", columns = { "id" } }, nil))
  end)
end)
