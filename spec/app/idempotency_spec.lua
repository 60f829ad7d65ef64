--- Idempotency-Key on the routes of Workbench.
local db = require "neap.db"
local test = require "neap.test"

local AGENTS = "/api/v1/agents"
local ann

before_each(function()
  ann = test.user()
  test.as(ann)
end)

local function post(body, key)
  return test.post(AGENTS, body, { headers = { ["Idempotency-Key"] = key } })
end

local function agents_of(user)
  return db.one("select count(*) as n from agents where owner_id = $1", user.id).n
end

describe("POST with an Idempotency-Key", function()
  it("makes one agent, however often it is sent, and answers alike", function()
    local body = { name = "Ada", role = "coder" }
    local first, again = post(body, "k1"), post(body, "k1")
    assert.same({ 201, 201, 1 }, { first.status, again.status, agents_of(ann) })
    assert.equal(first.body, again.body)
    assert.equal(first.headers.location, again.headers.location)
    assert.equal("true", again.headers["idempotent-replay"])
    assert.equal(1, db.one("select count(*) as n from events where user_id = $1", ann.id).n)
  end)

  it("is a mistake with another body, and another user's business", function()
    post({ name = "Ada", role = "coder" }, "k1")
    local other = post({ name = "Eve", role = "coder" }, "k1")
    assert.same({ 422, "idempotency_mismatch" }, { other.status, other.json.error.code })
    test.as(test.user())
    assert.equal(201, post({ name = "Eve", role = "coder" }, "k1").status)
  end)

  it("is swept after a day", function()
    post({ name = "Ada", role = "coder" }, "k1")
    db.exec("update idempotency_keys set expires_at = now() - interval '1 second' where user_id = $1", ann.id)
    assert.equal(1, require("neap.idempotency").sweep())
  end)
end)
