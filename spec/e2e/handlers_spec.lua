--- Handlers that misbehave: the client learns nothing of the inside, the log learns everything, and the next request is
--- answered as if nothing had been.
local core = require "neap.core"
local edges = require "spec.support.edges"
local wire = require "spec.support.wire"

local server

setup(function()
  server = edges.start {
    env = { HANDLER_TIMEOUT = "1", HANDLER_CPU = "0.3", HANDLER_HEAP = "8m", HEADER_TIMEOUT = "1", BODY_TIMEOUT = "1" },
  }
end)

teardown(function()
  edges.finish(server)
end)

local function get(path)
  return wire.exchange(server, wire.request("GET " .. path))
end

--- The log line of an answer, found by its request id.
local function logged(res, level)
  for _, line in ipairs(server:logs()) do
    if line.request_id == res.headers["x-request-id"] and line.level == level then
      return line
    end
  end
  error("nothing in the log at level " .. level)
end

local function internal_error(path)
  local res = get(path)
  assert.equal(500, res.status)
  local id = res.headers["x-request-id"]
  assert.same(
    { error = { code = "internal", message = "Internal server error", details = { request_id = id } } },
    res.json
  )
  assert.is_nil(res.body:find "hunter2")
  assert.equal(200, get("/hello").status)
  return logged(res, "error")
end

describe("a handler that raises", function()
  for _, what in ipairs { "nil", "table", "string", "unprintable" } do
    it(what .. " answers 500 with nothing internal in it", function()
      internal_error("/broken/raise-" .. what)
    end)
  end

  it("has its message and its traceback, with the file, in the log", function()
    local line = internal_error "/broken/raise-string"
    local text = line.message .. (line.error or "") .. (line.traceback or "")
    assert.matches("the password is hunter2", text)
    assert.matches("lua/app/broken%.lua:%d+", text)
    assert.matches("stack traceback", text)
  end)
end)

describe("a handler", function()
  it("is given the request by whatever parameter it has, also when it is written in C", function()
    assert.same({ given = 0 }, get("/given/none").json)
    assert.same({ given = 1, path = "/given/any" }, get("/given/any").json)
    assert.same({ given = 1, path = "/given/two", other = true }, get("/given/two").json)
    assert.equal("neap.request (GET /given/c)", get("/given/c").body)
  end)
end)

describe("an error that cannot be told as it asks", function()
  it("answers 500, and the log says what is wrong with it", function()
    internal_error "/broken/raise-header"
    local told
    for _, line in ipairs(server:logs()) do
      told = line.message == "the error mapper failed" and line.error or told
    end
    assert.matches("response header 'X%-A' is not allowed", told)
  end)
end)

describe("a handler that returns nonsense", function()
  for _, what in ipairs { "function", "coroutine", "cycle", "nan", "mixed", "status" } do
    it(what .. " answers 500", function()
      internal_error("/broken/return-" .. what)
    end)
  end
end)

describe("a handler that returns text that is not UTF-8", function()
  it("has it written with U+FFFD in place of what is wrong", function()
    local res = get "/broken/return-not-utf8"
    assert.equal(200, res.status)
    assert.equal('{"text":"\u{FFFD}\u{FFFD}"}', res.body)
  end)
end)

describe("a handler that waits where it should not", function()
  it("by a yield of its own answers 500", function()
    internal_error "/broken/yield"
  end)

  it("inside table.sort answers 500, and the log names sort and the line", function()
    local line = internal_error "/broken/sort"
    local text = line.message .. (line.error or "") .. (line.traceback or "")
    assert.matches("sort", text)
    assert.matches("lua/app/broken%.lua:%d+", text)
  end)

  it("inside a generator of its own is fine", function()
    assert.same({ list = { 1, 2, 3 } }, get("/generator").json)
  end)
end)

describe("a coroutine that waits", function()
  for _, start in ipairs { "start", "start-itself" } do
    for _, verb in ipairs { "close", "resume" } do
      it("can be neither resumed nor closed by another request: " .. start .. ", " .. verb, function()
        local first = wire.open(server)
        first:write(wire.request("GET /parked/" .. start))
        core.sleep(0.1)
        assert.same({
          ok = false,
          err = "cannot " .. verb .. " a coroutine that waits for the host",
        }, get("/parked/" .. verb).json)
        assert.same({ result = "slept" }, first:answer().json)
        first:close()
      end)
    end
  end
end)

describe("a handler's limits", function()
  it("end a wait that is too long with 504 timeout", function()
    local res = get "/sleep/5000"
    assert.equal(504, res.status)
    assert.equal("timeout", res.json.error.code)
  end)

  it("end a loop without end with 503 cpu_budget, and name its line in the log", function()
    for _, path in ipairs { "/spin", "/spin-under-pcall" } do
      local res = get(path)
      assert.equal(503, res.status)
      assert.equal("cpu_budget", res.json.error.code)
      local line = logged(res, "error")
      local text = line.message .. (line.error or "") .. (line.traceback or "")
      assert.matches("lua/app/costly%.lua:%d+", text)
    end
  end)

  it("end a loop also in a <close> variable, in __tostring and below pcalls without end", function()
    for _, where in ipairs { "close-of-wrap", "coroutine-close", "close-after-yield", "tostring", "pcall-of-itself" } do
      local started = core.monotonic()
      local res = get("/spin-in/" .. where)
      assert.is_true(res.status == 500 or res.status == 503)
      assert.is_true(core.monotonic() - started < 5)
    end
  end)

  it("end a handler that takes all memory, or calls itself without end, with 503 heap_budget", function()
    for _, path in ipairs { "/hoard", "/broken/raise-deep" } do
      local res = get(path)
      assert.equal(503, res.status)
      assert.equal("heap_budget", res.json.error.code)
      assert.equal(200, get("/hello").status)
    end
  end)

  it("leave other requests alone meanwhile", function()
    local slow = wire.open(server)
    slow:write(wire.request "GET /sleep/500")
    assert.equal(200, get("/hello").status)
    assert.equal(500, slow:answer().json.slept)
    slow:close()
  end)
end)

describe("a client that is too slow", function()
  it("with its head is 408", function()
    local conn = wire.open(server)
    conn:write "GET /hello HTTP/1.1\r\nHost: loc"
    local res = assert(conn:answer())
    assert.equal(408, res.status)
    assert.equal("request_timeout", res.json.error.code)
    assert.is_true(conn:is_closed())
    conn:close()
  end)

  it("with its head is 408 also when it sends a byte now and then", function()
    local conn = wire.open(server)
    conn:write "GET /hello HTTP/1.1\r\n"
    for _ = 1, 30 do
      if not conn:write "X" then
        break
      end
      core.sleep(0.1)
    end
    assert.equal(408, assert(conn:answer()).status)
    conn:close()
  end)

  it("with its body is 408", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json", "Content-Length: 10" }) .. "{")
    assert.equal(408, assert(conn:answer()).status)
    conn:close()
  end)

  it("and says nothing at all is closed without an answer", function()
    local quiet = edges.start { env = { KEEPALIVE_TIMEOUT = "0.3", HEADER_TIMEOUT = "0.5" } }
    local conn = wire.open(quiet)
    conn:write(wire.request "GET /hello")
    assert.equal(200, conn:answer().status)
    assert.is_true(conn:is_closed())
    conn:close()
    edges.finish(quiet)
  end)
end)

describe("a request that a handler kept", function()
  it("says that it is over, and never shows a later one", function()
    assert.equal(200, get("/broken/keep").status)
    local res = get("/broken/kept")
    assert.is_false(res.json.ok)
    assert.matches("the request is over", res.json.what)
  end)
end)

describe("a client that leaves", function()
  it("ends the wait of its GET", function()
    for _ = 1, 20 do
      local conn = wire.open(server)
      conn:write(wire.request "GET /sleep/900")
      conn.sock:reset()
    end
    assert.equal(200, get("/hello").status)
  end)

  for target, how in pairs {
    ["GET /leave/get"] = "cut",
    ["GET /leave/get-finish"] = "finished",
    ["POST /leave/post"] = "finished",
    ["POST /leave/post-cancel"] = "cut",
  } do
    it("has its " .. target .. " " .. how, function()
      local conn = wire.open(server)
      conn:write(wire.request(target, { "Content-Length: 0" }))
      core.sleep(0.1)
      conn.sock:reset()
      local path = target:match "%S+$"
      local line
      assert.is_true(edges.eventually(function()
        for _, l in ipairs(server:logs()) do
          if l.of == path then
            line = l.message
          end
        end
        return line ~= nil
      end))
      assert.equal("leave." .. how, line)
    end)
  end
end)

describe("more connections than there may be", function()
  it("are answered 503 unavailable with Retry-After, and the others stay", function()
    local small = edges.start { env = { MAX_CONNECTIONS = "4" } }
    local open = {}
    for i = 1, 4 do
      open[i] = wire.open(small)
      open[i]:write(wire.request "GET /hello")
      assert.equal(200, open[i]:answer().status)
    end
    local res = wire.exchange(small, wire.request "GET /hello")
    assert.equal(503, res.status)
    assert.equal("unavailable", res.json.error.code)
    assert.matches("^%d+$", res.headers["retry-after"])
    for i = 1, 4 do
      open[i]:write(wire.request "GET /hello")
      assert.equal(200, open[i]:answer().status)
      open[i]:close()
    end
    edges.finish(small)
  end)
end)
