local db = require "neap.db"
local docs = require "neap.machine.docs"
local errors = require "neap.errors"
local json = require "neap.json"
local machine = require "neap.machine"
local store = require "neap.store"

local function door()
  return machine {
    name = "garden door",
    states = { "closed", "open", "locked", "gone" },
    edges = {
      { from = "closed", to = "open", by = { "push", "patch" } },
      { from = "open", to = "closed", by = "pull" },
      { from = "closed", to = "locked", by = "lock", when = { keeper = json.null }, note = "nobody is inside" },
      { from = { "closed", "open", "locked" }, to = "gone", by = "remove" },
    },
    stamps = { gone_at = { "gone" } },
  }
end

local function refusal(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return errors.map(err)
end

describe("a machine", function()
  it("knows where a state may go, by whom, and on which condition", function()
    local m = door()
    assert.equal("closed", m.initial)
    assert.same({ "open", "locked", "gone" }, m:allowed "closed")
    assert.same({ "open" }, m:allowed("closed", "patch"))
    assert.same({ "open", "gone" }, m:allowed("closed", nil, { keeper = "Ann" }))
    assert.same({ "open", "locked", "gone" }, m:allowed("closed", nil, {}))
    assert.same({}, m:allowed "gone")
    assert.equal("[]", json.encode(m:allowed "gone"))
  end)

  it("knows from where a state is reached", function()
    local m = door()
    assert.same({ "closed", "open", "locked" }, m:sources "gone")
    assert.same({ "closed" }, m:sources("open", "push"))
    assert.same({}, m:sources("open", "pull"))
    assert.is_true(m:is_final "gone")
    assert.is_false(m:is_final "locked")
  end)

  it("names every pair of states once, edge or not", function()
    local seen, edges = {}, 0
    for from, to, edge in door():pairs() do
      seen[#seen + 1] = from .. ">" .. to
      edges = edges + (edge and 1 or 0)
    end
    assert.equal(16, #seen)
    assert.equal("closed>closed", seen[1])
    assert.equal("gone>gone", seen[16])
    assert.equal(6, edges)
  end)

  it("that cannot be right is an error where it is declared", function()
    for problem, spec in pairs {
      ['edges: "ajar" is not one of its states'] = { edges = { { from = "open", to = "ajar" } } },
      ["the edge from open to closed is there twice"] = {
        edges = { { from = "open", to = "closed" }, { from = { "open" }, to = "closed" } },
      },
      ["the state open is there twice"] = { states = { "open", "open" } },
      ["has no states"] = { states = {} },
      ['stamps.at: "ajar" is not one of its states'] = { stamps = { at = { "ajar" } } },
      ['an edge has no option "form"'] = { edges = { { form = "open", to = "closed" } } },
      ['a machine has no option "color"'] = { color = 1 },
      ["wants name, states and edges"] = { edges = 5 },
    } do
      local full = { name = "door", states = spec.states or { "open", "closed" }, edges = spec.edges or {} }
      full.stamps, full.color = spec.stamps, spec.color
      local ok, err = pcall(function()
        local made = machine(full)
        return made
      end)
      assert.is_false(ok)
      assert.truthy(err:find("machine_spec.lua:%d+: machine door: "), err)
      assert.truthy(err:find(problem, 1, true), err)
    end
  end)

  it("draws itself", function()
    assert.equal([[
stateDiagram-v2
  [*] --> closed
  closed --> open : push, patch
  open --> closed : pull
  closed --> locked : lock
  closed --> gone : remove
  open --> gone : remove
  locked --> gone : remove
  gone --> [*] ]], docs.mermaid(door()) .. " ")
    local page = docs.page { door() }
    assert.truthy(page:find("| closed | locked | lock | `keeper` is null; nobody is inside |", 1, true))
    assert.truthy(page:find("`gone_at` is the time at which it became gone, and null otherwise.", 1, true))
  end)
end)

describe("a transition", function()
  local doors, m

  before_each(function()
    db.script [[
      create temporary table spec_doors (
        id int generated always as identity primary key, owner text not null, status text not null default 'closed',
        keeper text, name text, gone_at timestamptz)]]
    m = door()
    local declared = store {
      table = "spec_doors", owner = "owner", columns = { "id", "owner", "status", "keeper", "name", "gone_at" },
      write = { "name" }, moves = { "keeper" },
    }
    doors = {
      create = declared.create, move = declared.move, read = declared.get,
      move_any = declared.any.move, read_any = declared.any.get,
    }
  end)

  it("moves the row and what else changes with it, in one statement", function()
    local id = doors.create("Ann", {}).id
    local row = m:transition(doors, "Ann", id, "open", { fields = { name = "east", keeper = "Ann" } })
    assert.same({ "open", "east", "Ann" }, { row.status, row.name, row.keeper })
    assert.is_nil(row.gone_at)
    assert.is_string(m:transition(doors, "Ann", id, "gone").gone_at)
  end)

  it("clears a stamp when it leaves the state", function()
    local lamp = machine {
      name = "lamp", states = { "closed", "gone" }, stamps = { gone_at = { "gone" } },
      edges = { { from = "closed", to = "gone" }, { from = "gone", to = "closed" } },
    }
    local id = doors.create("Ann", {}).id
    assert.is_string(lamp:transition(doors, "Ann", id, "gone").gone_at)
    assert.is_nil(lamp:transition(doors, "Ann", id, "closed").gone_at)
  end)

  it("that is no edge is a 409 that says what is one", function()
    local id = doors.create("Ann", {}).id
    m:transition(doors, "Ann", id, "open")
    local answer = refusal(m.transition, m, doors, "Ann", id, "locked")
    assert.equal(409, answer.status)
    assert.equal("invalid_transition", answer.code)
    assert.equal("The garden door cannot go from open to locked", answer.message)
    assert.same({ from = "open", to = "locked", allowed = { "closed", "gone" } }, answer.details)
    assert.equal("open", doors.read("Ann", id).status)
  end)

  it("of another action is a 409, too", function()
    local id = doors.create("Ann", {}).id
    local answer = refusal(m.transition, m, doors, "Ann", id, "gone", { by = "patch" })
    assert.same({ 409, "The garden door cannot go from closed to gone in this way" }, { answer.status, answer.message })
    assert.same({ from = "closed", to = "gone", allowed = { "open", "locked", "gone" } }, answer.details)
  end)

  it("whose condition does not hold is a 409 that leaves it out", function()
    local id = doors.create("Ann", {}).id
    m:transition(doors, "Ann", id, "open", { fields = { keeper = "Ann" } })
    m:transition(doors, "Ann", id, "closed")
    local answer = refusal(m.transition, m, doors, "Ann", id, "locked")
    assert.same({ from = "closed", to = "locked", allowed = { "open", "gone" } }, answer.details)
    db.exec("update spec_doors set keeper = null where id = $1", id)
    assert.equal("locked", m:transition(doors, "Ann", id, "locked").status)
  end)

  it("may ask for more, by values that are bound", function()
    local id = doors.create("Ann", { name = "x" }).id
    local hostile = "' or 1=1 --"
    assert.equal(409, refusal(m.transition, m, doors, "Ann", id, "open", { when = { name = hostile } }).status)
    assert.equal(409, refusal(m.transition, m, doors, "Ann", id, "open", { when = { name = json.null } }).status)
    assert.equal("open", m:transition(doors, "Ann", id, "open", { when = { name = "x" } }).status)
  end)

  it("of all rows that belong to something takes those that may go", function()
    local declared = store {
      table = "spec_doors", owner = "owner", columns = { "id", "status", "keeper", "gone_at" },
      write = { "keeper", "status" },
    }
    local function add(owner, status, keeper)
      return declared.create(owner, { status = status, keeper = keeper }).id
    end
    local one, two = add("Ann", "open", "Eve"), add("Ann", "closed", "Eve")
    add("Ann", "gone", "Eve")
    add("Ann", "open", "Bob")
    add("Ben", "open", "Eve")
    local moved = {}
    for _, row in ipairs(declared.move_all("Ann", m:move("gone", { when = { keeper = "Eve" } }))) do
      moved[#moved + 1] = row.id
    end
    table.sort(moved)
    assert.same({ one, two }, moved)
    assert.matches("move_all wants conditions", select(2, pcall(declared.move_all, "Ann", m:move "gone")))
  end)

  it("of somebody else's row is a 404, and through `any` a move", function()
    local id = doors.create("Ann", {}).id
    local answer = refusal(m.transition, m, doors, "Ben", id, "open")
    assert.same({ 404, "Garden door not found" }, { answer.status, answer.message })
    assert.equal(404, refusal(m.transition_any, m, doors, id + 1, "open").status)
    assert.equal("open", m:transition_any(doors, id, "open").status)
    assert.equal(409, refusal(m.transition_any, m, doors, id, "open").status)
  end)

  it("cannot touch a column that is not declared for it", function()
    local id = doors.create("Ann", {}).id
    for _, opts in ipairs { { fields = { owner = "Ben" } }, { fields = { ["id\""] = 1 } }, { when = { nope = 1 } } } do
      local ok, err = pcall(m.transition, m, doors, "Ann", id, "open", opts)
      assert.is_false(ok)
      assert.truthy(tostring(err):find("a move cannot use the column", 1, true), tostring(err))
    end
  end)
end)
