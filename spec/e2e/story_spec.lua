--- The whole of Workbench as one story, told over HTTP to a server with a database of its own. Each step stands on the ones
--- before it; `make story` prints them as they go and stops at the first that goes otherwise.
local events = require "spec.support.events"
local json = require "neap.json"
local test = require "neap.test"

test.no_transaction()

local V1 = "/api/v1"
local PASSWORD = "correct horse battery"
-- What a local provider takes, many times over.
local EVENT_S = 30

local server
local ann, ben = { email = "ann@example.com" }, { email = "ben@example.com" }
local agent, task, sandbox, operation, middle

local function tell(text, ...)
  if os.getenv "STORY" then
    print("#    " .. text:format(...))
  end
end

local function send(who, method, path, body, more)
  local headers = { Authorization = who and who.token and "Bearer " .. who.token or nil }
  for name, value in pairs(more or {}) do
    headers[name] = value
  end
  return server:request { method = method, path = V1 .. path, json = body, headers = headers }
end

local function expect(status, res)
  assert(res.status == status, ("wanted %d, got %d: %s"):format(status, res.status, res.body))
  return res.json
end

local function get(who, path)
  return expect(200, send(who, "GET", path))
end

local function watch(who, last_id)
  local headers = { "Authorization: Bearer " .. who.token }
  headers[2] = last_id and "Last-Event-ID: " .. last_id or nil
  local client = events.open(server, V1 .. "/sse?topics=agents,tasks,sandboxes,git_operations", headers)
  assert.equal(200, client.res.status)
  -- Where it stands is the first thing that a stream says: from then on it misses nothing.
  while last_id == nil and client.last_id == "" do
    assert(client:block(EVENT_S))
  end
  return client
end

-- The next event of the stream that is called so; those before it go by.
local function wait_event(client, wanted)
  while true do
    local event, why = client:next(EVENT_S)
    assert(event, ("the stream never said %s: %s"):format(wanted, tostring(why)))
    tell("stream: %s", event.event)
    if event.event == wanted then
      return json.decode(event.data).entity_id, client.last_id
    end
  end
end

local function register(who)
  local made = expect(201, send(nil, "POST", "/auth/register", { email = who.email, password = PASSWORD }))
  who.id = made.id
  local session = expect(200, send(nil, "POST", "/auth/login",
    { email = who.email, password = PASSWORD, transport = "body" }))
  who.token, who.refresh_token = session.access_token, session.refresh_token
  assert.equal(who.email, get(who, "/auth/me").email)
  tell("%s is %s", who.email, who.id)
end

describe("the story of Workbench:", function()
  setup(function()
    server = test.spawn_server { database = true, env = { WORKERS = "2", BCRYPT_COST = "6" } }
  end)

  teardown(function()
    for _, who in ipairs { ann, ben } do
      if who.stream then
        who.stream:close()
      end
    end
    server:stop()
  end)

  it("the service is up, and lets nobody in who is not signed in", function()
    assert.equal("ok", get(nil, "/health").status)
    assert.equal("ok", server:request({ path = "/health/ready" }).json.status)
    assert.equal("token_missing", expect(401, send(nil, "GET", "/tasks")).error.code)
  end)

  it("Ann and Ben make accounts and sign in", function()
    register(ann)
    register(ben)
  end)

  it("Ann makes an agent, who is idle", function()
    agent = expect(201, send(ann, "POST", "/agents", { name = "Ada", role = "coder" }))
    assert.equal("idle", agent.status)
    tell("agent %s", agent.id)
  end)

  it("Ann makes a task; her network loses the answer, she asks again, and there is one", function()
    local body, key = { title = "Write the story", priority = "high" }, { ["Idempotency-Key"] = "story-1" }
    task = expect(201, send(ann, "POST", "/tasks", body, key))
    assert.equal(task.id, expect(201, send(ann, "POST", "/tasks", body, key)).id)
    assert.equal(1, get(ann, "/tasks").total)
    assert.equal("pending", task.status)
    tell("task %s", task.id)
  end)

  it("both watch their streams", function()
    ann.stream, ben.stream = watch(ann), watch(ben)
  end)

  it("Ann hands the task to the agent", function()
    local started = expect(202, send(ann, "POST", "/agents/" .. agent.id .. "/start-task",
      { task_id = task.id, repo_url = "https://example.com/story.git", branch_name = "story" }))
    sandbox = started.sandbox
    assert.same({ "working", "in_progress", "creating" }, { started.agent.status, started.task.status, sandbox.status })
    local again = send(ann, "POST", "/agents/" .. agent.id .. "/start-task", { task_id = task.id })
    assert.equal(409, again.status)
    tell("sandbox %s; a second start is refused: %s", sandbox.id, again.json.error.code)
  end)

  it("the stream says that the sandbox is made, and then that it runs", function()
    local id
    id, middle = wait_event(ann.stream, "sandbox.creating")
    assert.same({ sandbox.id, sandbox.id }, { id, (wait_event(ann.stream, "sandbox.running")) })
    assert.equal("running", get(ann, "/sandboxes/" .. sandbox.id).status)
  end)

  it("Ann has the work committed in the sandbox", function()
    operation = expect(202, send(ann, "POST", "/sandboxes/" .. sandbox.id .. "/git-operations",
      { operation_type = "commit" }))
    wait_event(ann.stream, "git_operation.succeeded")
    local done = get(ann, "/git-operations/" .. operation.id)
    assert.matches("^%x+$", done.commit_sha)
    tell("commit %s", done.commit_sha)
  end)

  it("Ann completes the task: the agent is idle again, and the sandbox goes", function()
    expect(200, send(ann, "POST", "/tasks/" .. task.id .. "/complete"))
    wait_event(ann.stream, "sandbox.destroyed")
    local free = get(ann, "/agents/" .. agent.id)
    assert.same({ "idle", json.null }, { free.status, free.current_task_id })
    assert.same({ "completed", true }, { get(ann, "/tasks/" .. task.id).status, get(ann, "/tasks/" .. task.id).completed })
    assert.equal("destroyed", get(ann, "/sandboxes/" .. sandbox.id).status)
  end)

  it("a stream that was cut goes on where it was, and has every event once", function()
    local again = watch(ann, middle)
    local seen = {}
    repeat
      local event = assert(again:next(EVENT_S))
      assert.is_nil(seen[again.last_id])
      seen[again.last_id] = true
      tell("again: %s", event.event)
    until event.event == "sandbox.destroyed"
    again:close()
  end)

  it("for Ben there is nothing of it", function()
    for _, path in ipairs {
      "/agents/" .. agent.id, "/tasks/" .. task.id, "/sandboxes/" .. sandbox.id, "/git-operations/" .. operation.id,
    } do
      expect(404, send(ben, "GET", path))
    end
    for _, path in ipairs { "/agents", "/tasks", "/sandboxes" } do
      assert.equal(0, get(ben, path).total)
    end
    expect(404, send(ben, "POST", "/tasks/" .. task.id .. "/reopen"))
    expect(404, send(ben, "DELETE", "/agents/" .. agent.id))
  end)

  it("and his stream was silent, until he does something himself", function()
    expect(201, send(ben, "POST", "/tasks", { title = "Ben's own" }))
    local first = assert(ben.stream:next(EVENT_S))
    tell("stream of Ben: %s", first.event)
    assert.equal("task.created", first.event)
  end)

  it("Ann signs out, and her session is over", function()
    expect(204, send(ann, "POST", "/auth/logout"))
    local res = send(nil, "POST", "/auth/refresh", { refresh_token = ann.refresh_token })
    assert.equal(401, res.status)
  end)
end)
