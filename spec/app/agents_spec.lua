local answers = require "spec.support.answers"
local config = require "config"
local db = require "neap.db"
local json = require "neap.json"
local test = require "neap.test"

local AGENTS = config.API_V1_PREFIX .. "/agents"
local UNKNOWN = "00000000-0000-4000-8000-000000000000"
local problems = answers.problems

describe("agents", function()
  local ann, ben

  before_each(function()
    ann, ben = test.user(), test.user()
  end)

  local function create(user, name, role)
    local res = test.post(AGENTS, { name = name, role = role or "developer" }, { as = user })
    assert.equal(201, res.status)
    return res.json, res
  end

  local function names(query, user)
    local res = test.get(AGENTS .. query, { as = user or ann })
    assert.equal(200, res.status)
    local list = {}
    for i, agent in ipairs(res.json.items) do
      list[i] = agent.name
    end
    return list, res.json
  end

  it("answer 401 token_missing without a user", function()
    for _, res in ipairs {
      test.get(AGENTS, { as = false }),
      test.post(AGENTS, { name = "a", role = "b" }, { as = false }),
      test.get(AGENTS .. "/" .. UNKNOWN, { as = false }),
    } do
      assert.equal(401, res.status)
      assert.equal("token_missing", res.json.error.code)
    end
  end)

  it("are created idle, with 201 and a Location that reads the same row", function()
    local agent, res = create(ann, "coder")
    assert.equal(AGENTS .. "/" .. agent.id, res.headers["location"])
    assert.equal(ann.id, agent.owner_id)
    assert.equal("idle", agent.status)
    assert.equal(json.null, agent.current_task_id)
    assert.equal(json.null, agent.sandbox_id)
    assert.equal(json.null, agent.avatar_url)
    local read = test.get(res.headers["location"], { as = ann })
    assert.equal(200, read.status)
    assert.same(agent, read.json)
  end)

  it("name all that is wrong with a new one", function()
    assert.same({ "body.name required", "body.role required" }, problems(test.post(AGENTS, json.object {}, { as = ann })))
    local body = {
      name = " ",
      role = ("r"):rep(101),
      avatar_url = "javascript:alert(1)",
      status = "working",
      owner_id = ben.id,
    }
    assert.same({
      "body.avatar_url url",
      "body.name too_short",
      "body.owner_id unknown_field",
      "body.role too_long",
      "body.status unknown_field",
    }, problems(test.post(AGENTS, body, { as = ann })))
  end)

  it("are 404 when unknown and when somebody else's", function()
    local theirs = create(ben, "theirs")
    for _, id in ipairs { UNKNOWN, theirs.id } do
      local res = test.get(AGENTS .. "/" .. id, { as = ann })
      assert.equal(404, res.status)
      assert.equal('{"error":{"code":"not_found","message":"Agent not found"}}', res.body)
    end
    assert.same({ "params.id uuid" }, problems(test.get(AGENTS .. "/nope", { as = ann })))
  end)

  it("are listed for their owner only, an empty list as an empty page", function()
    create(ben, "theirs")
    local res = test.get(AGENTS, { as = ann })
    assert.same({ items = {}, total = 0, page = 1, page_size = 20 }, res.json)
    assert.matches('"items":%[%]', res.body)
    create(ann, "mine")
    assert.same({ "mine" }, (names ""))
  end)

  it("are paged, sorted and filtered", function()
    create(ann, "b", "tester")
    create(ann, "c", "developer")
    local offline = create(ann, "a", "developer")
    db.exec("update agents set status = 'offline' where id = $1", offline.id)
    assert.same({ "a", "b", "c" }, (names "?sort=name"))
    assert.same({ "c", "b", "a" }, (names "?sort=-name"))
    local list, page = names "?sort=name&page=2&page_size=2"
    assert.same({ "c" }, list)
    assert.equal(3, page.total)
    assert.same({ "a" }, (names "?status=offline"))
    assert.same({ "b", "c" }, (names "?status=idle&sort=name"))
    assert.same({ "a", "c" }, (names "?role=developer&sort=name"))
  end)

  it("refuse a page, a size, a sort or a filter that is not allowed", function()
    for query, problem in pairs {
      ["page=-1"] = "query.page minimum",
      ["page_size=101"] = "query.page_size maximum",
      ["sort=role"] = "query.sort enum",
      ["status=busy"] = "query.status enum",
      ["owner_id=1"] = "query.owner_id unknown_field",
    } do
      assert.same({ problem }, problems(test.get(AGENTS .. "?" .. query, { as = ann })), query)
    end
  end)
end)
