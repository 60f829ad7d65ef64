-- A server with one connection: what its log tells of the database, and what one request leaves for the next.
local core_os = require "neap.core.os"
local test = require "neap.test"

test.no_transaction()

local server

setup(function()
  local database = test.scratch_database()
  local code, _, problem = core_os.exec {
    "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database.url, "-c", [[
      create table teams (id int primary key);
      create table people (id int generated always as identity primary key, email text constraint people_email_key unique,
        team_id int references teams (id), age int check (age >= 0))]],
  }
  assert.equal(0, code, problem)
  server = test.spawn_server {
    dir = "spec/fixtures/stores", command = "serve", database = database.url,
    env = { DB_SLOW_MS = "60", DB_POOL_MIN = "1", DB_POOL_MAX = "1", WORKERS = "1", DB_PREPARED = "true" },
  }
end)

teardown(function()
  server:stop()
end)

describe("a broken rule", function()
  it("is the client's, by its field, and the log has all the rest", function()
    assert.equal(201, server:post("/people", { email = "who@example.com" }).status)
    local res = server:post("/people", { email = "who@example.com" })
    assert.equal(409, res.status)
    assert.same({ { field = "body.email", code = "taken", message = "is taken already" } }, res.json.error.details)
    assert.is_nil(res.body:find "example")
    local line = server:wait_log "handler error"
    assert.equal("info", line.level)
    assert.equal(res.headers["x-request-id"], line.request_id)
    assert.matches("^lua/app/init.lua:%d+$", line.details.where)
    assert.matches("^insert into people", line.details.statement)
    assert.matches("who@example.com", line.details.detail)
    assert.equal("23505", line.details.sqlstate)
  end)

  it("may be a missing reference or a check", function()
    local res = server:post("/people", { team_id = 7 })
    local detail = res.json.error.details[1]
    assert.same({ 409, "body.team_id", "unknown" }, { res.status, detail.field, detail.code })
    res = server:post("/people", { age = -1 })
    detail = res.json.error.details[1]
    assert.same({ 422, "body.age", "invalid" }, { res.status, detail.field, detail.code })
  end)
end)

describe("a slow statement", function()
  it("is logged with its line of Lua, and without values; a quick one is not", function()
    assert.equal(200, server:get("/slow/0").status)
    local res = server:get "/slow/0.08"
    assert.equal(200, res.status)
    local line = server:wait_log "slow statement"
    assert.equal("warn", line.level)
    assert.matches("^lua/app/init.lua:%d+$", line.where)
    assert.matches("^select pg_sleep", line.statement)
    assert.is_true(line.ms >= 80 and line.ms < 5000)
    assert.equal(1, line.rows)
    assert.equal(res.headers["x-request-id"], line.request_id)
    local seen = 0
    for _, other in ipairs(server:logs()) do
      seen = seen + (other.message == "slow statement" and 1 or 0)
    end
    assert.equal(1, seen)
  end)
end)

describe("what a request leaves in its session", function()
  it("is gone for the next one on the same connection", function()
    local before = server:get("/session").json
    for _ = 1, 3 do -- prepared at its second use
      assert.equal(200, server:get("/untidy").status)
      local after = server:get("/session").json
      assert.same(before, after)
    end
    assert.equal(0, before.locks)
  end)

  it("is gone also when it was left by a transaction, committed or not", function()
    local before = server:get("/session").json
    assert.equal(200, server:get("/untidy-tx").status)
    assert.same(before, server:get("/session").json)
    assert.equal(500, server:get("/untidy-error").status)
    assert.same(before, server:get("/session").json)
  end)
end)
