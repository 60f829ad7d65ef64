local db = require "neap.db"
local events = require "app.events"
local json = require "neap.json"
local test = require "neap.test"

describe("an event", function()
  local function rows()
    return db.query("select user_id, topic, type, entity_id, data::text as data from events order by id")
  end

  it("is a row with its owner, its topic and its data", function()
    local ann = test.user()
    events.publish(ann.id, "tasks", "task.started", "t1", { id = "t1", status = "in_progress" })
    local found = rows()
    assert.equal(1, #found)
    assert.equal(ann.id, found[1].user_id)
    assert.equal("tasks", found[1].topic)
    assert.equal("task.started", found[1].type)
    assert.equal("t1", found[1].entity_id)
    assert.equal('{"id": "t1", "status": "in_progress"}', found[1].data)
  end)

  it("is for everybody when it has no owner, and has an object for data when there is none", function()
    events.publish(nil, "jobs", "job.paused")
    local found = rows()
    assert.is_nil(found[1].user_id)
    assert.is_nil(found[1].entity_id)
    assert.equal("{}", found[1].data)
  end)

  it("goes with the transaction that it is in", function()
    assert.has_error(function()
      db.tx(function()
        events.publish(nil, "tasks", "task.started", "t1")
        error("no", 0)
      end)
    end, "no")
    assert.equal(0, #rows())
  end)

  it("is refused under a topic that nobody listens to", function()
    assert.error_matches(function()
      events.publish(nil, "weather", "rain")
    end, '"weather" is not a topic')
  end)
end)

describe("the stream of events", function()
  local path = require("config").API_V1_PREFIX .. "/sse"

  it("is for those who are signed in", function()
    assert.equal(401, test.get(path, { as = false }).status)
  end)

  it("knows its topics", function()
    local res = test.get(path, { query = { topics = "tasks,weather" }, as = test.user() })
    assert.equal(422, res.status)
    assert.equal("query.topics", res.json.error.details[1].field)
    assert.equal(422, test.get(path, { query = { topics = "tasks,,labs" }, as = test.user() }).status)
  end)

  it("is an event stream, also in the document", function()
    local res = test.head(path, { query = { topics = "agents,tasks,labs" }, as = test.user() })
    assert.equal(200, res.status)
    assert.equal("text/event-stream", res.headers["content-type"])
    local document = json.decode(test.get("/openapi.json").body)
    local answer = document.paths[path].get.responses["200"]
    assert.same({ ["text/event-stream"] = { schema = { type = "string" } } }, answer.content)
  end)
end)
