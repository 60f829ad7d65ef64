--- HTTP/1.1 as clients use it.
local edges = require "spec.support.edges"
local wire = require "spec.support.wire"

local server

setup(function()
  server = edges.start()
end)

teardown(function()
  edges.finish(server)
end)

local JSON = { "Content-Type: application/json" }

local function exchange(...)
  return wire.exchange(server, wire.request(...))
end

describe("a connection", function()
  it("stays open between requests", function()
    local conn = wire.open(server)
    for _ = 1, 5 do
      conn:write(wire.request "GET /hello")
      local res = assert(conn:answer())
      assert.equal('{"hello":"world"}', res.body)
      assert.is_nil(res.headers["connection"])
    end
    conn:close()
  end)

  it("is closed when the client asks for it", function()
    local res, closed = wire.last_exchange(server, wire.request("GET /hello", { "Connection: close" }))
    assert.equal("close", res.headers["connection"])
    assert.is_true(closed)
  end)

  it("of HTTP/1.0 is closed unless the client asks to keep it", function()
    local res, closed = wire.last_exchange(server, "GET /hello HTTP/1.0\r\n\r\n")
    assert.equal(200, res.status)
    assert.is_true(closed)
    res, closed = wire.last_exchange(server, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert.equal("keep-alive", res.headers["connection"])
    assert.is_false(closed)
  end)

  it("answers pipelined requests in their order, the slow before the quick", function()
    local conn = wire.open(server)
    conn:write(wire.request "GET /sleep/100" .. wire.request "GET /hello" .. wire.request "GET /nowhere"
      .. wire.request("POST /echo", JSON, "[1]") .. wire.request "GET /sleep/1")
    assert.equal(100, conn:answer().json.slept)
    assert.equal("world", conn:answer().json.hello)
    assert.equal(404, conn:answer().status)
    assert.equal('{"got":[1]}', conn:answer().body)
    assert.equal(1, conn:answer().json.slept)
    conn:close()
  end)

  it("takes many pipelined requests at once", function()
    local conn = wire.open(server)
    conn:write(wire.request("GET /hello"):rep(200))
    for _ = 1, 200 do
      assert.equal(200, conn:answer().status)
    end
    conn:close()
  end)

  it("takes a request that comes byte by byte", function()
    local conn = wire.open(server)
    for byte in wire.request("POST /echo", JSON, '{"a":1}'):gmatch "." do
      conn:write(byte)
    end
    assert.equal('{"got":{"a":1}}', conn:answer().body)
    conn:close()
  end)

  it("takes one empty line before a request, as RFC 9112 2.2 asks", function()
    local res = wire.exchange(server, "\r\n" .. wire.request "GET /hello")
    assert.equal(200, res.status)
  end)

  it("ignores an offer to upgrade", function()
    local res = exchange("GET /hello", { "Connection: Upgrade", "Upgrade: websocket" })
    assert.equal(200, res.status)
  end)
end)

describe("an answer", function()
  it("carries Date, X-Request-ID, Content-Length and the security headers", function()
    local res = exchange "GET /hello"
    assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", res.headers["date"])
    assert.equal("application/json", res.headers["content-type"])
    assert.equal("17", res.headers["content-length"])
    assert.equal("nosniff", res.headers["x-content-type-options"])
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", res.headers["x-request-id"])
  end)

  it("to HEAD is that to GET without the body", function()
    local conn = wire.open(server)
    conn:write(wire.request "HEAD /hello" .. wire.request "GET /hello")
    local head = assert(conn:answer "HEAD")
    assert.equal(200, head.status)
    assert.equal("17", head.headers["content-length"])
    assert.equal("world", conn:answer().json.hello)
    conn:close()
  end)

  it("to OPTIONS is 204 with the methods of the path", function()
    local res = exchange "OPTIONS /hello"
    assert.equal(204, res.status)
    assert.equal("GET, HEAD, OPTIONS", res.headers["allow"])
    assert.is_nil(res.headers["content-length"])
    assert.equal("POST, PUT, DELETE, OPTIONS", exchange("OPTIONS /echo").headers["allow"])
    assert.equal(404, exchange("OPTIONS /nowhere").status)
  end)

  it("to a method that the path does not have is 405 with Allow", function()
    local res = exchange("POST /hello", JSON, "{}")
    assert.equal(405, res.status)
    assert.equal("method_not_allowed", res.json.error.code)
    assert.equal("GET, HEAD, OPTIONS", res.headers["allow"])
    assert.equal(405, exchange("GET /echo").status)
    assert.equal(405, exchange("DELETE /hello").status)
  end)

  it("to a path that is not there is 404", function()
    local res = exchange "GET /nowhere"
    assert.equal(404, res.status)
    assert.equal("not_found", res.json.error.code)
    assert.equal(404, exchange("GET /hello/").status)
    assert.equal(404, exchange("GET /Hello").status)
    assert.equal(404, exchange("GET //hello").status)
  end)

  it("of a handler that returns nothing is 204 without a body", function()
    local res = exchange "DELETE /echo"
    assert.equal(204, res.status)
    assert.is_nil(res.headers["content-length"])
  end)

  it("of a route that wants a user is 401 for nobody", function()
    local res = exchange "GET /private"
    assert.equal(401, res.status)
    assert.equal("token_missing", res.json.error.code)
    assert.matches("^Bearer", res.headers["www-authenticate"])
  end)
end)

describe("a path's parameters", function()
  it("are decoded after the path was split", function()
    assert.same({ id = "a/b", part = "c d" }, exchange("GET /items/a%2Fb/c%20d").json)
    assert.same({ id = "\u{E4}", part = "%" }, exchange("GET /items/%C3%A4/%25").json)
    assert.same({ id = "a+b", part = "1" }, exchange("GET /items/a+b/1").json)
  end)

  it("are never empty", function()
    assert.equal(404, exchange("GET /items//x").status)
    assert.equal(404, exchange("GET /items/x/").status)
  end)

end)

describe("a body", function()
  it("may be chunked, with extensions and trailers, split anywhere", function()
    local head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    local chunks = '3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\nX-Trailer: 1\r\nContent-Length: 5\r\nHost: b\r\n\r\n'
    assert.equal('{"got":{"a":1}}', wire.exchange(server, head .. chunks).body)
    local conn = wire.open(server)
    for byte in (head .. chunks):gmatch "." do
      conn:write(byte)
    end
    conn:write(wire.request "GET /hello")
    assert.equal('{"got":{"a":1}}', conn:answer().body)
    assert.equal("world", conn:answer().json.hello)
    conn:close()
  end)

  it("comes after 100 Continue when the client waits for it", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json", "Expect: 100-continue", "Content-Length: 2" }))
    local go_on = assert(conn:answer())
    assert.equal(100, go_on.status)
    conn:write "{}"
    assert.equal(200, conn:answer().status)
    conn:close()
  end)

  it("is not asked for when it would be refused", function()
    local conn = wire.open(server)
    local expect = { "Content-Type: application/json", "Expect: 100-continue", "Content-Length: 99999999" }
    conn:write(wire.request("POST /echo", expect))
    assert.equal(413, conn:answer().status)
    assert.is_true(conn:is_closed())
    conn:close()
    conn = wire.open(server)
    conn:write(wire.request("POST /nowhere", { "Expect: 100-continue", "Content-Length: 2" }))
    assert.equal(404, conn:answer().status)
    conn:close()
  end)

  it("of exactly 1 MiB is taken", function()
    local text = ("x"):rep(1024 * 1024)
    local res = exchange("POST /bytes", { "Content-Type: text/plain" }, text)
    assert.equal(200, res.status)
    assert.equal(1048576, res.json.bytes)
  end)

  it("that a 404 does not read does not become the next request", function()
    local conn = wire.open(server)
    local smuggled = "GET /items/1/2 HTTP/1.1\r\nHost: a\r\n\r\n"
    conn:write(wire.request("POST /nowhere", JSON, smuggled) .. wire.request("GET /hello", { "Connection: close" }))
    assert.equal(404, conn:answer().status)
    local next_answer = conn:answer()
    assert(next_answer == nil or next_answer.json.hello == "world")
    assert.is_true(conn:is_closed())
    conn:close()
  end)
end)

describe("JSON that goes through", function()
  it("comes out as it went in", function()
    for _, text in ipairs {
      "{}", "[]", "null", "true", "0", "-1", "1.5", "1e+300", '""', '"\u{1F30A}"', "[[],{},null]",
      '{"a":{"b":[1,2,{"c":null}]}}', "123456789012345678", "0.1", '"\\"\\\\/\\b\\f\\n\\r\\t"',
    } do
      local res = exchange("POST /echo", JSON, text)
      assert.equal(200, res.status, text)
      local out = res.body:match '^{"got":(.*)}$' or (text == "null" and "null")
      assert.equal(text, out)
    end
  end)
end)
