--- Event streams: nothing is lost, nothing comes twice, nobody hears of what is not theirs, and who is slow holds up nobody.
local core = require "neap.core"
local edges = require "spec.support.edges"
local events = require "spec.support.events"
local prometheus = require "spec.support.prometheus"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local FIXTURE = core.app_dir .. "/spec/fixtures/streams"

local server

local function finish()
  edges.finish(server)
end

local function say(text, opts)
  local body = { text = text }
  for name, value in pairs(opts or {}) do
    body[name] = value
  end
  local res = server:post("/events", body)
  assert.equal(200, res.status, res.body)
  return res.json.id
end

-- Written by a request that runs by itself, as long as it is held.
local function say_later(text, hold)
  local conn = wire.open(server)
  local body = ('{"text":"%s","hold":%g}'):format(text, hold)
  conn:write(wire.request("POST /events", { "Content-Type: application/json" }, body))
  return conn
end

local function counts()
  return server:get("/sse-counts").json
end

-- A stream that has joined: it was given its place.
local function join(path, last_id)
  local client = events.open(server, path, last_id and { "Last-Event-ID: " .. last_id })
  assert.equal(200, client.res.status)
  assert.equal("3000", client:block().retry)
  if last_id == nil then
    assert.matches("^%d+%-%d+%-%d+$", client:block().id)
  end
  return client
end

-- With the connection that listens, which stays once somebody has asked for events.
local function start(env)
  server = edges.start { dir = FIXTURE, database = true, env = env }
  local before = edges.counts(server).handles
  join("/events"):close()
  assert.is_true(edges.eventually(function()
    local now = edges.counts(server)
    return now.connections == 1 and now.handles > before
  end))
  server.counts_before = edges.counts(server)
end

describe("an event stream", function()
  setup(function() start() end)
  teardown(finish)

  it("says what it is, and that nobody is to keep it", function()
    local client = events.open(server, "/plain")
    assert.equal("text/event-stream", client.res.headers["content-type"])
    assert.equal("no-store", client.res.headers["cache-control"])
    assert.equal("no", client.res.headers["x-accel-buffering"])
    assert.equal("100", client:block().retry)
    client:close()
  end)

  it("knows the id that the client had last, and is told of its end", function()
    local client = events.open(server, "/plain", { "Last-Event-ID: 17" })
    assert.equal('{"last":"17"}', client:next().data)
    assert.is_true(edges.eventually(function() return counts().clients == 1 end))
    client:close()
    assert.is_true(edges.eventually(function() return counts().clients == 0 end))
    assert.equal(0, counts().open)
  end)

  it("is kept alive by comments", function()
    local client = join "/events?keep_alive=0.1"
    assert.equal("", client:block().comment)
    client:close()
  end)

  it("ends with an event when its token expires", function()
    local client = join "/events?lives=1.5"
    local event = client:next()
    assert.equal("bye", event.event)
    assert.equal('{"reason":"expired"}', event.data)
    assert.same({ nil, "end" }, { client:next() })
    client:close()
    assert.equal(1, counts().expired)
  end)
end)

describe("the events of a table", function()
  setup(function() start() end)
  teardown(finish)

  it("come to those whose they are, and to everybody when they are nobody's", function()
    local ann, ben, none = join "/events?user=ann", join "/events?user=ben", join "/events"
    say("a1", { user = "ann" })
    say("b1", { user = "ben" })
    say "all"
    assert.same({ "a1", "all" }, ann:texts(2))
    assert.same({ "b1", "all" }, ben:texts(2))
    assert.same({ "all" }, none:texts(1))
    ann:close()
    ben:close()
    none:close()
  end)

  it("that were written while nobody listened are nobody's", function()
    assert.equal(200, server:head("/events").status)
    assert.is_true(edges.eventually(function() return counts().clients == 0 end))
    say "old"
    local client = join "/events"
    say "new"
    assert.same({ "new" }, client:texts(1))
    client:close()
  end)

  it("have their type, their row and an id of two numbers", function()
    local client = join "/events"
    local id = say "hello"
    local event = client:next()
    assert.equal("tasks.said", event.event)
    assert.matches(("^%%d+%%-%d$"):format(id), event.id)
    local data = require("neap.json").decode(event.data)
    assert.equal("tasks", data.topic)
    assert.equal("hello", data.data.text)
    client:close()
  end)

  it("are those of the topics that were asked for", function()
    local client = join "/events?topic=labs"
    say "task"
    say("lab", { topic = "labs" })
    assert.same({ "lab" }, client:texts(1))
    client:close()
  end)

  it("come in order, none lost, when a transaction commits after later ones", function()
    local client = join "/events"
    local held = say_later("first", 0.6)
    core.sleep(0.2)
    say "second"
    say "third"
    assert.equal(200, held:answer().status)
    held:close()
    assert.same({ "first", "second", "third" }, client:texts(3))
    client:close()
  end)

  it("come once each to a client that comes back, those it missed first", function()
    local client = join "/events?user=ann"
    say "one"
    say "two"
    assert.same({ "one", "two" }, client:texts(2))
    local last = client.last_id
    client:close()
    say "three"
    say("not hers", { user = "ben" })
    say("four", { user = "ann" })
    local again = join("/events?user=ann", last)
    say "five"
    assert.same({ "three", "four", "five" }, again:texts(3))
    again:close()
  end)

  it("come to a client that was there and had heard of none", function()
    local client = join "/events"
    local place = client.last_id
    client:close()
    say "while away"
    local again = join("/events", place)
    say "now"
    assert.same({ "whileaway", "now" }, { (again:next().data:match '"text":%s*"([^"]*)"':gsub(" ", "")), again:texts(1)[1] })
    again:close()
  end)

  it("come once each while many are written as a client comes back", function()
    local client = join "/events"
    say "start"
    client:texts(1)
    client:close()
    say("old", { copies = 450 })
    local again = join("/events", client.last_id)
    say("new", { copies = 150 })
    local ids, last = {}, 0
    for i = 1, 600 do
      local event = assert(again:next())
      local id = math.tointeger(tonumber(event.id:match "%-(%d+)$"))
      assert.is_true(id > last, "out of order, or twice")
      last = id
      ids[i] = event.data:match '"text":%s*"(%w+)"'
    end
    assert.equal("old", ids[450])
    assert.equal("new", ids[451])
    again:close()
  end)

  it("wait while a client is slow in reading what it missed", function()
    local client = join "/events"
    say "start"
    client:texts(1)
    client:close()
    say(("x"):rep(20000), { copies = 400 })
    local again = join("/events", client.last_id)
    core.sleep(0.2)
    say "new"
    for i = 1, 400 do
      assert.matches("xxxx", (assert(again:next(), i).data))
    end
    assert.same({ "new" }, again:texts(1))
    again:close()
  end)

  it("begin with a resync when the last id is not known, is somebody else's, or is a day old", function()
    local theirs = join "/events?user=ben"
    say("x", { user = "ben" })
    theirs:texts(1)
    local bens = theirs.last_id
    say("old", { age = 90000 })
    theirs:texts(1)
    local old = theirs.last_id
    for _, id in ipairs { "nonsense", "1-1", "99999999999-1", "9-0-1", bens, old, "99999999999999999999-1" } do
      local client = join("/events?user=ann", id)
      local event = client:next()
      assert.equal("resync", event.event, id)
      assert.equal("{}", event.data)
      say "after"
      assert.same({ "after" }, client:texts(1))
      client:close()
    end
    theirs:close()
  end)

  it("come without their notifications, only later", function()
    local client = join "/events"
    server:get "/lost-notifications"
    say "quiet"
    assert.same({ "quiet" }, client:texts(1))
    client:close()
  end)
end)

describe("a client that does not read", function()
  setup(function() start() end)
  teardown(finish)

  it("is cut off at its limit, and the others are not held up", function()
    local slow, quick = join "/events?queue_max=65536", join "/events"
    local text = ("x"):rep(200000)
    for i = 1, 60 do
      say(text)
      assert(quick:next(), i)
      if counts().slow == 1 then
        break
      end
    end
    assert.equal(1, counts().slow)
    local cut = prometheus.parse(server:get("/metrics").body):get("neap_streams_cut_total", { reason = "slow" })
    assert.equal(1, cut)
    assert.equal(1, counts().open)
    local line = server:wait_log "sse.slow_reader"
    assert.is_true(line.queued <= 65536)
    say "still there"
    assert.is_truthy(quick:next())
    slow:close()
    quick:close()
  end)
end)

describe("streams that are open", function()
  before_each(function() start() end)

  it("end with an event when the code is reloaded, and go on from there with the new code", function()
    local client = join "/events"
    say "before"
    client:texts(1)
    server:signal "HUP"
    local event = client:next()
    assert.equal("bye", event.event)
    assert.equal('{"reason":"restart"}', event.data)
    assert.same({ nil, "end" }, { client:next() })
    say "between"
    local again = join("/events", client.last_id)
    say "after"
    assert.same({ "between", "after" }, again:texts(2))
    client:close()
    again:close()
    finish()
  end)

  it("end with an event when the server stops, which does not wait for them", function()
    local client = join "/events"
    server:signal "TERM"
    assert.equal("bye", client:next().event)
    assert.same({ nil, "end" }, { client:next() })
    client:close()
    server:stop()
  end)

  it("share one LISTEN and lose nothing when their worker is killed", function()
    local clients = {}
    for i = 1, 10 do
      clients[i] = join "/events"
    end
    assert.is_true(edges.eventually(function()
      return server:get("/listens").json.n > 0
    end))
    assert.equal(1, server:get("/listens").json.n)
    say "one"
    for _, client in ipairs(clients) do
      client:texts(1)
    end
    local pid = edges.worker_pid(server)
    assert.equal(0, (sys.exec { "kill", "-KILL", tostring(pid) }))
    for _, client in ipairs(clients) do
      assert.is_nil((client:next()))
      client:close()
    end
    assert.is_true(edges.eventually(function()
      local now = edges.worker_pid(server)
      return now and now ~= pid and pcall(say, "two")
    end))
    for i, client in ipairs(clients) do
      clients[i] = join("/events", client.last_id)
    end
    say "three"
    for _, client in ipairs(clients) do
      assert.same({ "two", "three" }, client:texts(2))
      client:close()
    end
    server:stop()
  end)
end)
