local answers = require "spec.support.answers"
local config = require "config"
local db = require "neap.db"
local json = require "neap.json"
local test = require "neap.test"

local TASKS = config.API_V1_PREFIX .. "/tasks"
local UNKNOWN = "00000000-0000-4000-8000-000000000000"
local problems = answers.problems

describe("tasks", function()
  local ann, ben

  before_each(function()
    ann, ben = test.user(), test.user()
  end)

  local function create(user, body)
    local res = test.post(TASKS, body, { as = user })
    assert.equal(201, res.status)
    return res.json, res
  end

  local function titles(query, user)
    local res = test.get(TASKS .. query, { as = user or ann })
    assert.equal(200, res.status)
    local list = {}
    for i, task in ipairs(res.json.items) do
      list[i] = task.title
    end
    return list, res.json
  end

  describe("without a user", function()
    it("answer 401 token_missing to every method", function()
      for _, res in ipairs {
        test.get(TASKS, { as = false }),
        test.post(TASKS, { title = "a" }, { as = false }),
        test.get(TASKS .. "/" .. UNKNOWN, { as = false }),
      } do
        assert.equal(401, res.status)
        assert.equal("token_missing", res.json.error.code)
      end
    end)
  end)

  describe("creating one", function()
    it("answers 201 with the whole row and its Location", function()
      local task, res = create(ann, { title = "Write it down" })
      assert.equal(TASKS .. "/" .. task.id, res.headers["location"])
      assert.equal("Write it down", task.title)
      assert.equal(ann.id, task.user_id)
      assert.equal("pending", task.status)
      assert.equal("medium", task.priority)
      assert.is_false(task.completed)
      assert.equal(json.null, task.description)
      assert.equal(json.null, task.assigned_agent_id)
      assert.equal(json.null, task.completed_at)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$", task.created_at)
    end)

    it("keeps every field it is given, also null", function()
      local body = {
        title = "Ship",
        description = "all of it\n\"quoted\" \u{1F30A}",
        priority = "urgent",
        git_branch = "feature/x",
        pull_request_url = "https://example.com/pull/1",
      }
      local task = create(ann, body)
      for name, value in pairs(body) do
        assert.equal(value, task[name])
      end
      assert.equal(json.null, create(ann, { title = "b", description = json.null }).description)
    end)

    it("counts characters, not bytes", function()
      create(ann, { title = ("\u{E9}"):rep(500) })
      local res = test.post(TASKS, { title = ("\u{E9}"):rep(501) }, { as = ann })
      assert.same({ "body.title too_long" }, problems(res))
      assert.equal(500, res.json.error.details[1].limit)
    end)

    it("names all that is wrong at once", function()
      local res = test.post(TASKS, {
        title = "",
        priority = "soon",
        description = 5,
        pull_request_url = "ftp://example.com",
        completed = true,
        user_id = ben.id,
      }, { as = ann })
      assert.same({
        "body.completed unknown_field",
        "body.description type",
        "body.priority enum",
        "body.pull_request_url url",
        "body.title too_short",
        "body.user_id unknown_field",
      }, problems(res))
    end)

    it("needs a title that is not blank", function()
      assert.same({ "body.title required" }, problems(test.post(TASKS, json.object {}, { as = ann })))
      assert.same({ "body.title null_not_allowed" }, problems(test.post(TASKS, { title = json.null }, { as = ann })))
      assert.same({ "body.title too_short" }, problems(test.post(TASKS, { title = "   " }, { as = ann })))
    end)

    it("wants an object", function()
      for _, body in ipairs { "[]", "[1]", "1", '"a"', "true", "null" } do
        local headers = { ["Content-Type"] = "application/json" }
        local res = test.request { method = "POST", path = TASKS, body = body, headers = headers, as = ann }
        assert.same({ body == "null" and "body null_not_allowed" or "body type" }, problems(res), body)
      end
    end)

    it("names at most 64 problems", function()
      local body = { title = "a" }
      for i = 1, 100 do
        body["extra_" .. i] = i
      end
      assert.equal(64, #problems(test.post(TASKS, body, { as = ann })))
    end)
  end)

  describe("reading one", function()
    it("gives the row that was created", function()
      local task = create(ann, { title = "mine" })
      local res = test.get(TASKS .. "/" .. task.id, { as = ann })
      assert.equal(200, res.status)
      assert.same(task, res.json)
    end)

    it("is 404 for one that does not exist, and the same 404 for somebody else's", function()
      local theirs = create(ben, { title = "theirs" })
      for _, id in ipairs { UNKNOWN, theirs.id } do
        local res = test.get(TASKS .. "/" .. id, { as = ann })
        assert.equal(404, res.status)
        assert.equal('{"error":{"code":"not_found","message":"Task not found"}}', res.body)
      end
    end)

    it("is 422 for an id that is no UUID", function()
      for _, id in ipairs { "1", "x", UNKNOWN .. "0", "%7B" .. UNKNOWN .. "%7D" } do
        assert.same({ "params.id uuid" }, problems(test.get(TASKS .. "/" .. id, { as = ann })), id)
      end
    end)
  end)

  describe("the list", function()
    it("is an empty page for somebody who has none, with [] for items", function()
      local res = test.get(TASKS, { as = ann })
      assert.equal(200, res.status)
      assert.same({ items = {}, total = 0, page = 1, page_size = 20 }, res.json)
      assert.matches('"items":%[%]', res.body)
    end)

    it("has only the user's own rows", function()
      create(ann, { title = "ann's" })
      create(ben, { title = "ben's" })
      assert.same({ "ann's" }, (titles("", ann)))
      assert.same({ "ben's" }, (titles("", ben)))
      assert.equal(1, (select(2, titles("", ann))).total)
    end)

    it("gives pages with an exact total, also beyond the last one", function()
      for i = 1, 5 do
        create(ann, { title = "t" .. i })
      end
      local list, page = titles("?page=2&page_size=2&sort=title")
      assert.same({ "t3", "t4" }, list)
      assert.equal(5, page.total)
      assert.equal(2, page.page)
      assert.equal(2, page.page_size)
      local none, beyond = titles("?page=4&page_size=2")
      assert.same({}, none)
      assert.equal(5, beyond.total)
    end)

    it("sorts by what is on the list of sorts, up and down", function()
      create(ann, { title = "b", priority = "low" })
      create(ann, { title = "c", priority = "urgent" })
      create(ann, { title = "a", priority = "high" })
      assert.same({ "a", "b", "c" }, (titles "?sort=title"))
      assert.same({ "c", "b", "a" }, (titles "?sort=-title"))
      assert.same({ "b", "a", "c" }, (titles "?sort=priority"))
      assert.same({ "c", "a", "b" }, (titles "?sort=-priority"))
    end)

    it("shows the newest first unless told otherwise", function()
      for i = 1, 3 do
        local task = create(ann, { title = "t" .. i })
        db.exec("update tasks set created_at = now() + make_interval(secs => $2) where id = $1", task.id, i)
      end
      assert.same({ "t3", "t2", "t1" }, (titles ""))
      assert.same({ "t1", "t2", "t3" }, (titles "?sort=created_at"))
    end)

    it("filters by status, priority and completed", function()
      create(ann, { title = "open", priority = "low" })
      local done = create(ann, { title = "done", priority = "high" })
      db.exec("update tasks set status = 'completed', completed_at = now() where id = $1", done.id)
      assert.same({ "done" }, (titles "?status=completed"))
      assert.same({ "open" }, (titles "?status=pending"))
      assert.same({ "done" }, (titles "?completed=true"))
      assert.same({ "open" }, (titles "?completed=false"))
      assert.same({ "open" }, (titles "?priority=low"))
      assert.same({}, (titles "?priority=low&completed=true"))
    end)

    it("filters by the agent they are assigned to", function()
      local agent = test.post(config.API_V1_PREFIX .. "/agents", { name = "n", role = "r" }, { as = ann }).json
      local task = create(ann, { title = "with agent" })
      create(ann, { title = "without" })
      db.exec("update tasks set assigned_agent_id = $2 where id = $1", task.id, agent.id)
      assert.same({ "with agent" }, (titles("?assigned_agent_id=" .. agent.id)))
      assert.same({}, (titles("?assigned_agent_id=" .. UNKNOWN)))
    end)

    it("finds titles that contain q, in any case, taking % and _ and \\ as they are", function()
      create(ann, { title = "100% done" })
      create(ann, { title = "snake_case" })
      create(ann, { title = [[back\slash]] })
      create(ann, { title = "Plain" })
      assert.same({ "100% done" }, (titles "?q=%25"))
      assert.same({ "snake_case" }, (titles "?q=_"))
      assert.same({ [[back\slash]] }, (titles "?q=%5C"))
      assert.same({ "Plain" }, (titles "?q=pLAIN"))
      assert.equal(4, #titles "?q=")
    end)

    it("is 422 for a page, a size, a sort or a filter that is not allowed", function()
      for query, problem in pairs {
        ["page=0"] = "query.page minimum",
        ["page=1.5"] = "query.page type",
        ["page=99999999999999999999"] = "query.page type",
        ["page=10000001"] = "query.page maximum",
        ["page_size=0"] = "query.page_size minimum",
        ["page_size=101"] = "query.page_size maximum",
        ["sort=user_id"] = "query.sort enum",
        ["sort=title;drop"] = "query.sort enum",
        ["status=done"] = "query.status enum",
        ["priority=1"] = "query.priority enum",
        ["completed=yes"] = "query.completed type",
        ["assigned_agent_id=5"] = "query.assigned_agent_id uuid",
        ["q=%FF"] = "query encoding",
        ["nonsense=1"] = "query.nonsense unknown_field",
      } do
        assert.same({ problem }, problems(test.get(TASKS .. "?" .. query, { as = ann })), query)
      end
    end)
  end)
end)
