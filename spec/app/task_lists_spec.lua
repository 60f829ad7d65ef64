-- The statements of the lists of tasks, held against the indexes that were made for them.
local db = require "neap.db"
local json = require "neap.json"
local tasks = require "app.tasks.store"
local test = require "neap.test"

-- What the store sends while fn runs, each with its parameters.
local function statements_of(fn)
  local all, read, seen = db.all, db.read, {}
  db.all = function(list)
    table.move(list, 1, #list, #seen + 1, seen)
    return all(list)
  end
  db.read = function(...)
    seen[#seen + 1] = { ... }
    return read(...)
  end
  local ok, err = pcall(fn)
  db.all, db.read = all, read
  assert(ok, err)
  return seen
end

-- On a table as small as a spec's every other way would be cheaper.
local function plan_of(statement)
  db.script "set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off"
  local rows = db.query("explain (costs off) " .. statement[1], table.unpack(statement, 2))
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = row["QUERY PLAN"]
  end
  return table.concat(lines, "\n")
end

describe("a user's tasks", function()
  local ann

  before_each(function()
    ann = test.user()
  end)

  local function plans(query)
    local page, count = table.unpack(statements_of(function() tasks.list(ann.id, query) end))
    return plan_of(page), count and plan_of(count)
  end

  it("are read in the order of urgency from an index", function()
    for _, sort in ipairs { "priority", "-priority" } do
      local plan = plans { status = "pending", sort = sort }
      assert.matches("using tasks_user_id_status_priority_idx", plan, 1, true)
      assert.not_matches("Sort", plan)
    end
  end)

  it("are searched without reading those that do not match", function()
    assert.matches("Index Only Scan[^\n]* using tasks_user_id_title_idx", (plans { q = "chapter", sort = "title" }))
  end)

  it("are counted by all that they are filtered by, from an index alone", function()
    db.exec([[insert into tasks (user_id, title, priority) select $1, 'one of many', (array['low', 'urgent'])[1 + i % 2]
      from generate_series(1, 1000) i]], ann.id)
    db.exec "analyze tasks"
    local _, count = plans { completed = true, priority = "high", sort = "updated_at" }
    assert.matches("Index Only Scan using tasks_user_id_completed_priority_idx", count, 1, true)
    assert.matches("Index Cond: [^\n]*completed[^\n]*priority", count)
  end)

  it("are counted only when a search filled its page", function()
    for i = 1, 3 do
      tasks.create(ann.id, { title = "chapter " .. i })
    end
    local found
    local function texts(query)
      return #statements_of(function() found = tasks.list(ann.id, query) end)
    end
    assert.same({ 1, 3 }, { texts { q = "chapter" }, found.total })
    assert.same({ 2, 3 }, { texts { q = "chapter", page_size = 3 }, found.total })
    assert.same({ 1, 3 }, { texts { q = "chapter", page_size = 2, page = 2 }, found.total })
    assert.same({ 2, 3 }, { texts { q = "chapter", page_size = 2, page = 3 }, found.total })
    assert.same({ 1, 0 }, { texts { q = "nothing" }, found.total })
    -- A filter that asks for NULL is no search.
    assert.same({ 2, 0 }, { texts { q = json.null }, found.total })
  end)
end)
