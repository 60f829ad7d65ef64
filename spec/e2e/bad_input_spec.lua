--- What the server says to requests that no honest client sends. Each answer is asserted whole.
local edges = require "spec.support.edges"
local wire = require "spec.support.wire"

local server

setup(function()
  server = edges.start()
end)

teardown(function()
  edges.finish(server)
end)

local function refused(bytes, status, code)
  local res, closed = wire.last_exchange(server, bytes)
  assert.equal(status, res.status, res.body)
  assert.equal("application/json", res.headers["content-type"])
  assert.equal("close", res.headers["connection"])
  assert.matches("^[%w._-]+$", res.headers["x-request-id"])
  assert.equal(code, res.json.error.code)
  assert.equal("string", type(res.json.error.message))
  assert.is_true(closed)
  return res
end

local function bad(bytes)
  return refused(bytes, 400, "bad_request")
end

local HELLO = "GET /hello HTTP/1.1\r\nHost: localhost\r\n"

describe("a request line", function()
  it("of HTTP/2.0 or HTTP/0.9 is 505", function()
    refused("GET /hello HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "version_not_supported")
    refused("GET /hello HTTP/0.9\r\nHost: localhost\r\n\r\n", 505, "version_not_supported")
  end)

  it("without a version, or with something like one, is 400", function()
    bad "GET /hello\r\n\r\n"
    bad "GET /hello HTTP/1.x\r\nHost: localhost\r\n\r\n"
    bad "GET /hello http/1.1\r\nHost: localhost\r\n\r\n"
  end)

  it("with other blanks than one space twice is 400", function()
    bad "GET  /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
    bad "GET /hello  HTTP/1.1\r\nHost: localhost\r\n\r\n"
    bad "GET\t/hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
    bad "GET /hello HTTP/1.1 \r\nHost: localhost\r\n\r\n"
    bad " GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
  end)

  it("with a method that we do not have is 501", function()
    refused("BREW /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 501, "not_implemented")
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501, "not_implemented")
    refused("TRACE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 501, "not_implemented")
    refused("get /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 501, "not_implemented")
  end)

  it("with a fragment, a bad escape, an encoded NUL or a raw quote in the target is 400", function()
    for _, target in ipairs {
      "/hello#x", "/a%zz", "/a%", "/a%0", "/a%00b", '/a"b', "/a<b", "/a\\b", "hello", "/\xc3\xa4",
    } do
      bad(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(target))
    end
  end)

  it("with a target over 8 KiB is 414", function()
    refused("GET /" .. ("a"):rep(8192) .. " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "uri_too_long")
  end)

  it("with a target of exactly 8 KiB is looked up", function()
    local res = wire.exchange(server, wire.request("GET /" .. ("a"):rep(8191)))
    assert.equal(404, res.status)
  end)
end)

describe("the Host header", function()
  it("is 400 when missing, given twice or malformed in HTTP/1.1", function()
    bad "GET /hello HTTP/1.1\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: a:b\r\n\r\n"
  end)

  it("may be missing in HTTP/1.0", function()
    assert.equal(200, wire.exchange(server, "GET /hello HTTP/1.0\r\n\r\n").status)
  end)
end)

describe("header lines", function()
  it("that are folded are 400, on framing headers too", function()
    bad(HELLO .. "X-A: 1\r\n 2\r\n\r\n")
    bad(HELLO .. "X-A: 1\r\n\t2\r\n\r\n")
    bad "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\n{}"
    bad "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"
  end)

  it("with a bare LF or a bare CR are 400", function()
    bad "GET /hello HTTP/1.1\nHost: localhost\r\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: localhost\n\r\n"
    bad "GET /hello HTTP/1.1\r\nHost: localhost\r\n\n"
    bad(HELLO .. "X-A: 1\rX-B: 2\r\n\r\n")
  end)

  it("with a NUL or another control byte are 400", function()
    bad(HELLO .. "X-A: a\0b\r\n\r\n")
    bad(HELLO .. "X-\0: a\r\n\r\n")
    bad(HELLO .. "X-A: a\x01b\r\n\r\n")
    bad(HELLO .. "X-A: a\x7fb\r\n\r\n")
  end)

  it("without a name, without a colon, or with a blank before the colon are 400", function()
    bad(HELLO .. ": a\r\n\r\n")
    bad(HELLO .. "X-A\r\n\r\n")
    bad(HELLO .. "X-A : a\r\n\r\n")
    bad(HELLO .. "X(A): a\r\n\r\n")
  end)

  it("that together are over 16 KiB are 431, in one line or in many", function()
    refused(HELLO .. "X-A: " .. ("a"):rep(16384) .. "\r\n\r\n", 431, "headers_too_large")
    local lines = {}
    for i = 1, 60 do
      lines[i] = ("X-%d: %s\r\n"):format(i, ("a"):rep(300))
    end
    refused(HELLO .. table.concat(lines) .. "\r\n", 431, "headers_too_large")
  end)

  it("that never end are 431 as soon as the limit is passed", function()
    refused(HELLO .. "X-A: " .. ("a"):rep(20000), 431, "headers_too_large")
  end)

  it("are 431 when there are more than 100, and fine when there are 100", function()
    local function with(n)
      local lines = {}
      for i = 1, n - 1 do
        lines[i] = ("X-%d: a\r\n"):format(i)
      end
      return HELLO .. table.concat(lines) .. "\r\n"
    end
    refused(with(101), 431, "headers_too_large")
    assert.equal(200, wire.exchange(server, with(100)).status)
  end)

  it("with an Expect that we do not know are 417", function()
    refused("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n", 417, "expectation_failed")
  end)
end)

describe("the framing of a body", function()
  local POST = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

  it("by both lengths is 400", function()
    bad(POST .. "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    bad(POST .. "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
  end)

  it("by two lengths or a bad one is 400", function()
    bad(POST .. "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
    bad(POST .. "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
    for _, length in ipairs { "2, 2", "+2", "-2", "0x2", "2 2", "", "two", "2.0", "99999999999999999999999" } do
      bad(POST .. "Content-Length: " .. length .. "\r\n\r\n{}")
    end
  end)

  it("by an empty or doubled Transfer-Encoding is 400, by another coding 501", function()
    bad(POST .. "Transfer-Encoding:\r\n\r\n")
    bad(POST .. "Transfer-Encoding:\r\nContent-Length: 2\r\n\r\n{}")
    bad(POST .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    bad "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    refused(POST .. "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "not_implemented")
    refused(POST .. "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501, "not_implemented")
  end)

  it("by chunks is 400 when a size overflows, is no number, or is not what follows", function()
    local chunked = POST .. "Transfer-Encoding: chunked\r\n\r\n"
    bad(chunked .. "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")
    bad(chunked .. "zz\r\n{}\r\n0\r\n\r\n")
    bad(chunked .. "-2\r\n{}\r\n0\r\n\r\n")
    bad(chunked .. "2\r\n{}x\r\n0\r\n\r\n")
    bad(chunked .. "2\n{}\r\n0\r\n\r\n")
    bad(chunked .. "2\r\n{}\n0\r\n\r\n")
    bad(chunked .. "2\r\n{}\r\n0\r\n\n")
  end)

  it("by chunks is 413 as soon as the sizes add up to more than the limit", function()
    local chunked = POST .. "Transfer-Encoding: chunked\r\n\r\n"
    refused(chunked .. "ffffffff\r\n", 413, "payload_too_large")
  end)
end)

describe("a body", function()
  it("of 10 MB to a 1 MiB route is 413, and the client can read it", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json", "Content-Length: 10000000" }))
    local piece = ("x"):rep(100000)
    for _ = 1, 100 do
      if not conn:write(piece) then
        break
      end
    end
    local res = assert(conn:answer())
    assert.equal(413, res.status)
    assert.equal("payload_too_large", res.json.error.code)
    assert.equal("close", res.headers["connection"])
    assert.is_true(conn:is_closed())
    conn:close()
  end)

  it("over a route's own limit is 413, and within it is taken", function()
    local json = { "Content-Type: application/json" }
    local res = wire.exchange(server, wire.request("POST /tiny", json, '"' .. ("x"):rep(99) .. '"'))
    assert.equal(413, res.status)
    assert.equal("payload_too_large", res.json.error.code)
    assert.equal(200, wire.exchange(server, wire.request("POST /tiny", json, '"' .. ("x"):rep(98) .. '"')).status)
  end)

  it("that is cut off is no request: nothing runs and the server lives on", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json", "Content-Length: 100" }) .. '{"a":')
    conn.sock:shutdown()
    local res = conn:answer()
    assert(res == nil or res.status == 400)
    conn:close()
    assert.equal(200, wire.exchange(server, wire.request "GET /hello").status)
  end)

  it("that is reset in the middle does no harm", function()
    for _ = 1, 20 do
      local conn = wire.open(server)
      conn:write(wire.request("POST /echo", { "Content-Type: application/json", "Content-Length: 100" }) .. '{"a":')
      conn.sock:reset()
    end
    assert.equal(200, wire.exchange(server, wire.request "GET /hello").status)
  end)

  it("of another type than JSON is 415 where JSON is wanted", function()
    local res = wire.exchange(server, wire.request("POST /echo", { "Content-Type: text/plain" }, "{}"))
    assert.equal(415, res.status)
    assert.equal("unsupported_media_type", res.json.error.code)
    assert.equal(415, wire.exchange(server, wire.request("POST /echo", {}, "{}")).status)
    assert.equal(200, wire.exchange(server, wire.request("POST /bytes", { "Content-Type: text/plain" }, "{}")).status)
  end)
end)

describe("JSON", function()
  local function post(body, path)
    return wire.exchange(server, wire.request("POST " .. (path or "/echo"), { "Content-Type: application/json" }, body))
  end

  local function invalid(body)
    local res = post(body)
    assert.equal(400, res.status, body)
    assert.equal("invalid_json", res.json.error.code, body)
  end

  it("that is not JSON is 400 invalid_json, and the connection stays", function()
    for _, body in ipairs {
      "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1 2]", "nul", "NaN", "Infinity", "01", "1.", ".5",
      "+1", "0x10", "1e", "[1]x", "\"a", "\"\n\"", "\"\\x41\"", "// no", "\xef\xbb\xbf{}", "{\"a\":1,\"a\":2}",
    } do
      invalid(body)
    end
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json" }, "{"))
    assert.equal(400, conn:answer().status)
    conn:write(wire.request "GET /hello")
    assert.equal(200, conn:answer().status)
    conn:close()
  end)

  it("64 levels deep is taken, 65 deep is 400 json_too_deep", function()
    assert.equal(200, post(("["):rep(64) .. ("]"):rep(64), "/swallow").status)
    local res = post(("["):rep(65) .. ("]"):rep(65))
    assert.equal(400, res.status)
    assert.equal("json_too_deep", res.json.error.code)
    assert.equal(400, post(("["):rep(500000)).status)
  end)

  it("with a NUL in a string is refused, escaped or raw", function()
    invalid '{"a":"x\\u0000y"}'
    invalid '{"a":"x\0y"}'
    invalid '{"x\\u0000y":1}'
  end)

  it("with invalid UTF-8 or half a surrogate pair is refused", function()
    for _, text in ipairs {
      "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8", "\\ud800", "\\udc00", "\\ud800x",
    } do
      invalid('{"a":"' .. text .. '"}')
    end
    assert.equal(200, post '{"a":"\\ud83c\\udf0a"}'.status)
  end)

  it("with an integer beyond 64 bits is refused, and the outermost ones are exact", function()
    invalid '{"n":9223372036854775808}'
    invalid '{"n":-9223372036854775809}'
    invalid '{"n":123456789012345678901234567890}'
    local outermost = "[9223372036854775807,-9223372036854775808]"
    assert.equal('{"got":' .. outermost .. "}", post(outermost).body)
  end)

  it("with a number too large for a double is refused", function()
    invalid '{"n":1e400}'
  end)
end)
