--- What Workbench tells while it happens: to the one whose it is, for as long as their token is good.
local edges = require "spec.support.edges"
local events = require "spec.support.events"
local json = require "neap.json"
local test = require "neap.test"

local server

local PASSWORD = "a long enough password"

local function register(name)
  local who = { email = name .. "@example.com", password = PASSWORD }
  assert.equal(201, server:post("/api/v1/auth/register", who).status)
end

local function sign_in(name)
  local who = { email = name .. "@example.com", password = PASSWORD, transport = "body" }
  local res = server:post("/api/v1/auth/login", who)
  assert.equal(200, res.status, res.body)
  return { Authorization = "Bearer " .. res.json.access_token }, res.json.access_token
end

local function watch(headers, topics)
  local lines = {}
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value
  end
  local client = events.open(server, "/api/v1/sse" .. (topics and "?topics=" .. topics or ""), lines)
  assert.equal(200, client.res.status)
  assert.equal("3000", client:block().retry)
  assert.is_truthy(client:block().id)
  return client
end

-- Types of events up to and with one.
local function types_until(client, last)
  local types = {}
  repeat
    local event, why = client:next()
    assert(event, why)
    types[#types + 1] = event.event
  until event.event == last
  return table.concat(types, " ")
end

describe("streams of one user", function()
  setup(function()
    server = test.spawn_server { database = true, env = { SSE_STREAMS_MAX = "2", WORKERS = "1" } }
  end)

  teardown(function() server:stop() end)

  it("are as many as SSE_STREAMS_MAX says, and one more when one has ended", function()
    register "ann"
    register "ben"
    local ann, ben = sign_in "ann", sign_in "ben"
    local first, second = watch(ann), watch(ann, "tasks")
    local res = server:get("/api/v1/sse", { headers = ann })
    assert.same({ 429, "15" }, { res.status, res.headers["retry-after"] })
    local his = watch(ben)
    first:close()
    assert.is_true(edges.eventually(function()
      local path = "/api/v1/sse"
      first = events.open(server, path, { "Authorization: " .. ann.Authorization })
      if first.res.status ~= 200 then
        first:close()
      end
      return first.res.status == 200
    end))
    assert.equal(429, server:get("/api/v1/sse", { headers = ann }).status)
    for _, client in ipairs { first, second, his } do
      client:close()
    end
  end)
end)

describe("the stream of Workbench", function()
  local ann, ben, ann_token

  setup(function()
    server = test.spawn_server { database = true, env = { ACCESS_TOKEN_TTL = "6", WORKERS = "2", COOKIE_SECURE = "false" } }
    register "ann"
    register "ben"
    ann, ann_token = sign_in "ann"
    ben = sign_in "ben"
  end)

  teardown(function()
    server:stop()
  end)

  it("tells the owner of a change, whichever worker made it, and nobody else", function()
    local hers, his = watch(ann, "tasks"), watch(ben, "tasks")
    for i = 1, 6 do
      local task = server:post("/api/v1/tasks", { title = "t" .. i }, { headers = ann })
      assert.equal(201, task.status, task.body)
      local event = hers:next()
      assert.equal("task.created", event.event)
      local said = json.decode(event.data)
      assert.equal("tasks", said.topic)
      assert.equal(task.json.id, said.entity_id)
      assert.equal("pending", said.data.status)
      assert.equal(task.json.updated_at, said.data.updated_at)
    end
    local own = server:post("/api/v1/tasks", { title = "his" }, { headers = ben })
    assert.equal(own.json.id, json.decode(his:next().data).entity_id)
    assert.same({ nil, "timeout" }, { his:next(0.2) })
    hers:close()
    his:close()
  end)

  it("is there for a browser, whose cookie signs it in", function()
    local client = watch({ Cookie = "access_token=" .. ann_token }, "agents")
    assert.equal(201, server:post("/api/v1/agents", { name = "A", role = "coder" }, { headers = ann }).status)
    assert.equal("agent.created", types_until(client, "agent.created"))
    client:close()
  end)

  it("ends when the token does, and goes on with the next one", function()
    local headers = sign_in "ann"
    local client = watch(headers, "tasks")
    local event = client:next(15)
    assert.equal("bye", event.event)
    assert.equal('{"reason":"expired"}', event.data)
    assert.equal(401, server:get("/api/v1/sse", { headers = headers }).status)
    headers = sign_in "ann"
    assert.equal(201, server:post("/api/v1/tasks", { title = "missed" }, { headers = headers }).status)
    local back = events.open(server, "/api/v1/sse?topics=tasks", {
      "Authorization: " .. headers.Authorization,
      "Last-Event-ID: " .. client.last_id,
    })
    client:close()
    assert.equal("task.created", back:next().event)
    back:close()
  end)
end)
