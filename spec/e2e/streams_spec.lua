--- Answers in pieces: as a client sees them, and what is left when clients or handlers do not do their part.
local core = require "neap.core"
local edges = require "spec.support.edges"
local wire = require "spec.support.wire"

local FIXTURE = core.app_dir .. "/spec/fixtures/streams"

local server

local function start(env)
  server = edges.start { dir = FIXTURE, env = env }
end

local function ask(path)
  return wire.exchange(server, wire.request("GET " .. path)).json
end

local function open(path)
  local conn = wire.open(server)
  conn:write(wire.request("GET " .. path))
  return conn, assert(conn:head())
end

local function wait_seen(name, value)
  assert.is_true(edges.eventually(function()
    return ask("/seen")[name] == value
  end), ("%s never became %s"):format(name, tostring(value)))
end

-- The access line of an answer; it comes when the stream has ended.
local function access_line(res)
  local found
  assert.is_true(edges.eventually(function()
    for _, line in ipairs(server:logs()) do
      if line.message == "request" and line.request_id == res.headers["x-request-id"] then
        found = line
      end
    end
    return found ~= nil
  end), "no access line")
  return found
end

describe("an answer in pieces", function()
  setup(function() start { CORS_ORIGINS = "https://app.example.com" } end)
  teardown(function() edges.finish(server) end)

  it("is chunked, with its own status and headers, and leaves the connection for the next request", function()
    local conn, res = open "/lines?n=3"
    assert.equal(203, res.status)
    assert.equal("text/plain", res.headers["content-type"])
    assert.equal("chunked", res.headers["transfer-encoding"])
    assert.equal("3", res.headers["x-lines"])
    assert.is_nil(res.headers["content-length"])
    assert.equal("1\n", conn:chunk())
    assert.equal("2\n3\n", conn:chunks())
    conn:write(wire.request "GET /hello")
    assert.same({ hello = "world" }, conn:answer().json)
    conn:close()
    local line = access_line(res)
    assert.equal(6, line.bytes)
    assert.equal(203, line.status)
    assert.is_nil(line["end"])
  end)

  it("closes its connection when the client asks for that", function()
    local conn = wire.open(server)
    conn:write(wire.request("GET /lines?n=1", { "Connection: close" }))
    assert.equal("close", conn:head().headers["connection"])
    assert.equal("1\n", conn:chunks())
    assert.is_true(conn:is_closed())
    conn:close()
  end)

  it("may be read by another site as any answer may", function()
    local conn = wire.open(server)
    conn:write(wire.request("GET /lines?n=1", { "Origin: https://app.example.com" }))
    assert.equal("https://app.example.com", conn:head().headers["access-control-allow-origin"])
    conn:close()
  end)

  it("may have no piece at all", function()
    local conn = open "/lines?n=0"
    assert.equal("", conn:chunk())
    conn:close()
  end)

  it("goes to HTTP/1.0 as it is, to the end of the connection", function()
    local conn = wire.open(server)
    conn:write "GET /lines?n=2 HTTP/1.0\r\n\r\n"
    local res = conn:head()
    assert.is_nil(res.headers["transfer-encoding"])
    assert.equal("close", res.headers["connection"])
    while conn.sock do
      local chunk = conn.sock:read()
      if chunk == nil then break end
      conn.rest = conn.rest .. chunk
    end
    assert.equal("1\n2\n", conn.rest)
    conn:close()
  end)

  it("is not begun for HEAD, which has the same head", function()
    local conn = wire.open(server)
    conn:write(wire.request "HEAD /lines?n=2" .. wire.request "GET /hello")
    local res = conn:answer "HEAD"
    assert.equal(203, res.status)
    assert.equal("chunked", res.headers["transfer-encoding"])
    assert.same({ hello = "world" }, conn:answer().json)
    conn:close()
  end)

  it("waits for a slow client without keeping what it has to say in memory", function()
    local before = edges.resident(server)
    local conn = open "/bytes?n=10000000"
    core.sleep(0.3)
    -- One of its five strings, and not a queue of 50 MB.
    local now, sanitized = edges.resident(server)
    assert.is_true(sanitized or now - before < 30000, ("%d kB more"):format(now - before))
    local got = 0
    repeat
      local n = #assert(conn:chunk())
      got = got + n
    until n == 0
    assert.equal(50000000, got)
    conn:close()
  end)

  it("is refused with a status that has no body", function()
    assert.equal(500, wire.exchange(server, wire.request "GET /no-body").status)
  end)
end)

describe("an answer in pieces that goes wrong", function()
  setup(function() start { HANDLER_TIMEOUT = "1" } end)
  teardown(function() edges.finish(server) end)

  it("ends without its last chunk when the handler raises, which the log explains", function()
    local conn, res = open "/fails"
    assert.equal(200, res.status)
    assert.equal("half", conn:chunk())
    assert.is_nil((conn:chunk()))
    conn:close()
    local line = server:wait_log "the handler failed in the middle of its answer"
    assert.equal(res.headers["x-request-id"], line.request_id)
    assert.matches("the other half", line.error)
    assert.equal("failed", access_line(res)["end"])
  end)

  -- Who reads fast is written to from turn to turn, and nothing but the next write tells that they have left. Whether that
  -- is found by a write of a turn is a matter of luck, so they leave often, each a little later.
  it("is ended when a client that reads fast leaves between two writes", function()
    for i = 1, 150 do
      local conn = open "/bytes?n=10000000"
      for _ = 1, i % 15 do
        assert(conn.sock:read())
      end
      conn:close()
    end
    assert.same({ hello = "world" }, ask "/hello")
    for _, line in ipairs(server:logs()) do
      assert.are_not.equal("worker failed", line.message)
    end
  end)

  it("is ended at its wait when the client leaves, its <close> variables too", function()
    local before = ask("/seen").closed
    local conn, res = open "/endless"
    conn:chunks(500000)
    conn:close()
    wait_seen("closed", before + 1)
    assert.equal("left", access_line(res)["end"])
  end)

  it("may outlast the handler's time limit as long as pieces come", function()
    local conn = open "/ticks?n=5"
    assert.equal("1\n2\n3\n4\n5\n", conn:chunks())
    conn:close()
  end)

  it("is ended when none comes for that long", function()
    local conn, res = open "/stuck"
    assert.equal("a", conn:chunk())
    assert.is_nil((conn:chunk()))
    conn:close()
    assert.equal("failed", access_line(res)["end"])
  end)

  it("is ended when the client takes none for that long", function()
    local before = ask("/seen").closed
    local conn, res = open "/endless"
    wait_seen("closed", before + 1)
    assert.equal(200, res.status)
    conn:close()
  end)

  it("hears that nobody listens when it is to finish all the same", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /finish", { "Content-Length: 0" }))
    assert(conn:head())
    conn:chunk()
    conn:close()
    wait_seen("finished", true)
  end)
end)

describe("a server that stops in the middle of an answer", function()
  it("waits for it, and ends it when its time is over", function()
    start { SHUTDOWN_TIMEOUT = "1" }
    local short, endless = open "/ticks?n=2", open "/endless"
    endless:chunk()
    server:signal "TERM"
    assert.equal("1\n2\n", short:chunks())
    -- Not kept: in that second it says more than a spec may hold.
    local piece, err
    repeat
      piece, err = endless:chunk()
    until not piece or piece == ""
    assert.is_nil(piece)
    assert.is_truthy(err)
    short:close()
    endless:close()
    server:stop()
  end)
end)

describe("an answer that outlives its handler", function()
  before_each(function() start() end)

  local function stay()
    local conn, res = open "/stay"
    assert.equal("hello\n", conn:chunk())
    return conn, res
  end

  it("takes what others send, and has no task", function()
    local a, b = stay(), stay()
    assert.equal(1, ask("/counts").tasks)
    assert.same({ "ok", "ok" }, ask("/say?n=3").results)
    assert.equal("sss\n", a:chunk())
    assert.equal("sss\n", b:chunk())
    assert.same({ "closed" }, ask("/close").results)
    assert.equal("", a:chunk())
    a:write(wire.request "GET /hello")
    assert.same({ hello = "world" }, a:answer().json)
    a:close()
    b:close()
    edges.finish(server)
  end)

  it("says that its queue is full, and does not wait", function()
    local conn = stay()
    local answer
    assert.is_true(edges.eventually(function()
      answer = ask "/say?n=200000"
      return answer.results[1] == "full"
    end))
    assert.is_true(answer.queued <= 256 * 1024)
    ask "/cut"
    assert.is_nil((conn:chunks()))
    conn:close()
    edges.finish(server)
  end)

  it("tells the application when its client leaves", function()
    local conn, res = stay()
    conn:close()
    wait_seen("left", 1)
    assert.same({ "closed" }, ask("/say?n=1").results)
    assert.equal("left", access_line(res)["end"])
    edges.finish(server)
  end)

  it("ends with a farewell when the code is reloaded, and its connection stays", function()
    local conn = stay()
    server:signal "HUP"
    assert.equal("farewell\n", conn:chunk())
    assert.equal("", conn:chunk())
    conn:write(wire.request "GET /hello")
    assert.same({ hello = "world" }, conn:answer().json)
    conn:close()
    edges.finish(server)
  end)

  it("ends with a farewell when the server stops, at once", function()
    local conn = stay()
    local began = core.monotonic()
    server:signal "TERM"
    assert.equal("farewell\n", conn:chunk())
    assert.equal("", conn:chunk())
    assert.is_true(conn:is_closed())
    conn:close()
    server:stop()
    assert.is_true(core.monotonic() - began < 25)
  end)
end)
