-- Messages between sessions, in this very process. What a server that restarts does to listeners is in
-- spec/core/pg/listen_test.c and spec/e2e/listen_spec.lua.
local core = require "neap.core"
local db = require "neap.db"
local eventually = require "spec.support.eventually"
local test = require "neap.test"

test.no_transaction()

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

--- A listener that keeps what it hears; "(gap)" for nil.
local function ear(channel)
  local heard = {}
  heard.listener = db.listen(channel, function(payload, name)
    assert(name == channel)
    heard[#heard + 1] = payload or "(gap)"
  end)
  return heard
end

local function words(heard)
  return table.concat(heard, " ")
end

describe("db.listen", function()
  local heard

  after_each(function()
    if heard then
      heard.listener:close()
    end
  end)

  it("hears what is told after it returned, in order", function()
    heard = ear "spec_order"
    local want = {}
    for i = 1, 50 do
      want[i] = "m" .. i
      db.notify("spec_order", want[i])
    end
    assert(eventually(function() return #heard >= 50 end))
    assert.equal(table.concat(want, " "), words(heard))
  end)

  it("hears a transaction's messages when it commits, and none of one that rolls back", function()
    heard = ear "spec_tx"
    pcall(db.tx, function()
      db.notify("spec_tx", "undone")
      error "no"
    end)
    db.tx(function()
      db.notify("spec_tx", "inside")
      db.notify("spec_tx", "twice")
      db.one "select pg_sleep(0.05)"
      assert.equal("", words(heard))
    end)
    assert(eventually(function() return #heard >= 2 end))
    assert.equal("inside twice", words(heard))
  end)

  it("works on one message at a time, and each of its calls may wait and query", function()
    local running, most, seen = 0, 0, {}
    heard = { listener = db.listen("spec_one", function(payload)
      running = running + 1
      most = math.max(most, running)
      local echo = db.one("select $1::text as v, pg_sleep(0.01)", payload).v
      core.sleep(0.005)
      seen[#seen + 1] = echo
      running = running - 1
    end) }
    for i = 1, 8 do
      db.notify("spec_one", tostring(i))
    end
    assert(eventually(function() return #seen == 8 end))
    assert.equal(1, most)
    assert.equal("1 2 3 4 5 6 7 8", table.concat(seen, " "))
  end)

  it("goes on after a call that failed", function()
    local seen = {}
    heard = { listener = db.listen("spec_fail", function(payload)
      seen[#seen + 1] = payload
      error("on purpose: " .. payload)
    end) }
    db.notify("spec_fail", "a")
    db.notify("spec_fail", "b")
    assert(eventually(function() return #seen == 2 end))
    assert.equal("a b", table.concat(seen, " "))
  end)

  it("hears nothing after close, which may come from inside a call", function()
    local seen = {}
    heard = { listener = db.listen("spec_close", function(payload)
      seen[#seen + 1] = payload
      heard.listener:close()
      core.sleep(0.01)
      seen[#seen + 1] = "went on"
    end) }
    local other <close> = ear("spec_close").listener
    assert(other)
    db.tx(function()
      db.notify("spec_close", "first")
      db.notify("spec_close", "second")
    end)
    assert(eventually(function() return #seen == 2 end))
    db.notify("spec_close", "third")
    core.sleep(0.05)
    assert.equal("first went on", table.concat(seen, " "))
    heard.listener:close()
  end)

  it("of many uses one connection", function()
    local ears = {}
    for i = 1, 20 do
      ears[i] = ear("spec_many_" .. i % 4)
    end
    for i = 0, 3 do
      db.notify("spec_many_" .. i, "to " .. i)
    end
    for i = 1, 20 do
      assert(eventually(function() return #ears[i] == 1 end))
      assert.equal("to " .. i % 4, ears[i][1])
    end
    assert.equal(1, db.one([[select count(*) as n from pg_stat_activity
      where datname = current_database() and query ~ '^(UN)?LISTEN']]).n)
    for i = 1, 20 do
      ears[i].listener:close()
    end
    heard = nil
  end)

  it("is told of a gap when the connection was lost", function()
    heard = ear "spec_lost"
    db.notify("spec_lost", "before")
    assert(eventually(function() return #heard == 1 end))
    db.query [[select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query ~ '^(UN)?LISTEN']]
    assert(eventually(function() return #heard == 2 end))
    db.notify("spec_lost", "after")
    assert(eventually(function() return #heard == 3 end))
    assert.equal("before (gap) after", words(heard))
  end)

  it("drops what it cannot follow, and says so with a gap", function()
    local go, seen = false, {}
    heard = { listener = db.listen("spec_slow", function(payload)
      while not go do
        core.sleep(0.005)
      end
      seen[#seen + 1] = payload or "(gap)"
    end) }
    db.notify("spec_slow", "first")
    db.query "select pg_notify('spec_slow', x::text) from generate_series(1, 3000) x"
    db.notify("spec_slow", "dropped too")
    local sign = ear "spec_slow"
    db.notify("spec_slow", "sign")
    assert(eventually(function() return #sign > 0 end))
    sign.listener:close()
    go = true
    assert(eventually(function() return seen[#seen] == "(gap)" end))
    assert.equal("first", seen[1])
    assert.equal("1", seen[2])
    assert.equal(tostring(#seen - 2), seen[#seen - 1])
    assert(#seen >= 1024 and #seen <= 1030, #seen)
    db.notify("spec_slow", "heard again")
    assert(eventually(function() return seen[#seen] == "heard again" end))
  end)

  it("takes any name of a channel that Postgres takes, and refuses others", function()
    local name = ('"; drop é %s'):format(("x"):rep(50))
    heard = ear(name)
    db.notify(name, "quoted")
    assert(eventually(function() return #heard == 1 end))
    assert.matches("1 to 63 bytes", failure(db.listen, ("x"):rep(64), print))
    assert.matches("1 to 63 bytes", failure(db.listen, "", print))
    assert.matches("1 to 63 bytes", failure(db.listen, "a\0b", print))
  end)
end)

describe("db.notify", function()
  it("takes 7999 bytes and says what is wrong with more", function()
    local heard = ear "spec_long"
    db.notify("spec_long", ("é"):rep(3999) .. "e")
    db.notify "spec_long"
    assert(eventually(function() return #heard == 2 end))
    assert.equal(7999, #heard[1])
    assert.equal("", heard[2])
    heard.listener:close()
    assert.matches("8000 bytes: Postgres takes 7999 at most", failure(db.notify, "spec_long", ("x"):rep(8000)))
    assert.matches("not a table", failure(db.notify, "spec_long", {}))
    assert.equal("bad_param", failure(db.notify, "spec_long", "a\0b").kind)
    assert.matches("1 to 63 bytes", failure(db.notify, ("x"):rep(64)))
  end)
end)
