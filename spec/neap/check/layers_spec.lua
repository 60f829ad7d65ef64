local layers = require "neap.check.layers"

describe("string literals", function()
  it("are found in every form, with their lines, and not inside comments", function()
    local found = layers.strings [==[
local a = "one" -- "not this"
--[[ "nor
this" ]] local b = 'two \' and "more"'
local c = [[three
lines]] .. [=[four ]] still]=]
--[==
local d = t["five"] - 1 require("six")
]==]
    local texts = {}
    for i, literal in ipairs(found) do
      texts[i] = literal.line .. " " .. literal.text
    end
    assert.same({ "1 one", "3 two \\' and \"more\"", "4 three\nlines", "5 four ]] still", "7 five", "7 six" }, texts)
    assert.equal("require", found[6].before)
  end)
end)

describe("SQL", function()
  it("is known by how a statement begins", function()
    for _, text in ipairs {
      "select id from tasks", "SELECT *\nFROM tasks", "insert into tasks values (1)", "update tasks set title = $1",
      "delete from tasks", "with due as (select 1) select 1 from due", "  create table x (id int)", "truncate tasks",
      "create unique index concurrently i on x (y)",
    } do
      assert.is_true(layers.is_sql(text), text)
    end
    for _, text in ipairs {
      "Select a task from the list", "update the title", "insert a coin", "Delete from here on", "selected from", "from",
      "with care", "Create a task", "",
    } do
      assert.is_false(layers.is_sql(text), text)
    end
  end)
end)

describe("the layers", function()
  local SQL = 'local x = 1\nreturn "select id from tasks"'

  it("let a store have SQL and nobody else", function()
    assert.same({}, layers.check("lua/app/tasks/store.lua", SQL))
    for _, name in ipairs { "routes", "rules", "schemas", "init" } do
      local path = ("lua/app/tasks/%s.lua"):format(name)
      assert.same({ path .. ":2: SQL belongs in a store.lua" }, layers.check(path, SQL))
    end
  end)

  it("keep the database out of rules", function()
    for _, line in ipairs {
      'require "neap.db"', "require('neap.db')", 'require("neap.core.db")', 'require "app.a.store"',
      'require "app.b.message_store"',
    } do
      assert.same({ "lua/app/a/rules.lua:1: rules must not see the database: take the store as a parameter" },
        layers.check("lua/app/a/rules.lua", "local db = " .. line))
      assert.same({}, layers.check("lua/app/a/store.lua", "local db = " .. line))
    end
    assert.same({}, layers.check("lua/app/a/rules.lua", '-- no require "neap.db" here\nreturn "neap.db"'))
  end)
end)
