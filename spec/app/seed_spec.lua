--- What a new Workbench begins with.
local db = require "neap.db"
local password = require "neap.password"
local seed = require "app.seed"

local said

local function run(environment)
  said = {}
  seed({ ENVIRONMENT = environment }, function(text) said[#said + 1] = text end)
end

local function count(name)
  return db.one("select count(*) as n from " .. name).n
end

describe("the seed", function()
  it("has recipes and, in development, a user with a password that is told once", function()
    run "development"
    assert.same({ 5, 2, 3 }, { count "recipes", count "agents", count "tasks" })
    assert.equal("added 5 recipes", said[1])
    local secret = said[2]:match "^made the user demo@example.com with the password (%x+)$"
    local hash = db.one("select password_hash from users where email = 'demo@example.com'").password_hash
    assert.is_true((password.verify(secret, hash)))
  end)

  it("may run again: what is there stays as it is", function()
    run "development"
    db.exec "update recipes set description = 'ours' where name = 'Heartbleed'"
    db.exec "delete from tasks"
    run "development"
    assert.same({ 0, 5, 2, 0 }, { #said, count "recipes", count "agents", count "tasks" })
    assert.equal("ours", db.one("select description from recipes where name = 'Heartbleed'").description)
  end)

  it("makes nobody up outside of development", function()
    run "production"
    assert.same({ "added 5 recipes" }, said)
    assert.equal(0, count "users")
  end)
end)
