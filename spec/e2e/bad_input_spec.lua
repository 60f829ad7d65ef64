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

-- The reason is in the message, so that each case is known to be refused for its own.
local function refused(status, code, message, bytes)
  local res, closed = wire.last_exchange(server, bytes)
  assert.equal(status, res.status, res.body)
  assert.equal("application/json", res.headers["content-type"])
  assert.equal("close", res.headers["connection"])
  assert.matches("^[%w._-]+$", res.headers["x-request-id"])
  assert.same({ error = { code = code, message = message } }, res.json)
  assert.is_true(closed)
end

local function bad(message, bytes)
  refused(400, "bad_request", message, bytes)
end

local HELLO = "GET /hello HTTP/1.1\r\nHost: localhost\r\n"

local function get(target)
  return ("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(target)
end

describe("a request line", function()
  it("of HTTP/2.0 or HTTP/0.9 is 505", function()
    local message = "only HTTP/1.0 and HTTP/1.1 are spoken here"
    refused(505, "version_not_supported", message, "GET /hello HTTP/2.0\r\nHost: localhost\r\n\r\n")
    refused(505, "version_not_supported", message, "GET /hello HTTP/0.9\r\nHost: localhost\r\n\r\n")
  end)

  it("without a version, or with something like one, is 400", function()
    bad("the request line has no version", "GET /hello\r\n\r\n")
    bad("the version is malformed", "GET /hello HTTP/1.x\r\nHost: localhost\r\n\r\n")
    bad("the request line is malformed", "GET /hello http/1.1\r\nHost: localhost\r\n\r\n")
  end)

  it("with other blanks than one space twice is 400", function()
    bad("the request line is malformed", "GET  /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
    bad("the request line is malformed", "GET /hello  HTTP/1.1\r\nHost: localhost\r\n\r\n")
    bad("the request line is malformed", "GET\t/hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
    bad("the version is malformed", "GET /hello HTTP/1.1 \r\nHost: localhost\r\n\r\n")
    bad("the request line is malformed", " GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
  end)

  it("with a method that we do not have is 501", function()
    for _, method in ipairs { "BREW", "TRACE", "CONNECT", "SOURCE", "get" } do
      local bytes = method .. " /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
      refused(501, "not_implemented", "the method is not known here", bytes)
    end
  end)

  it("with a fragment, a bad escape, an encoded NUL or a raw quote in the target is 400", function()
    bad("a fragment in the request target", get "/hello#x")
    for _, target in ipairs { "/a%zz", "/a%", "/a%0", "/a%00b" } do
      bad("a malformed percent escape in the request target", get(target))
    end
    for _, target in ipairs { '/a"b', "/a<b", "/a\\b", "/\xc3\xa4" } do
      bad("a byte in the request target that must be escaped", get(target))
    end
    bad("the request target is malformed", get "hello")
  end)

  it("with a target over 8 KiB is 414", function()
    refused(414, "uri_too_long", "the request target is too long", get("/" .. ("a"):rep(8192)))
  end)

  it("with a target of exactly 8 KiB is looked up", function()
    assert.equal(404, wire.exchange(server, get("/" .. ("a"):rep(8191))).status)
  end)
end)

describe("the Host header", function()
  it("is 400 when missing, given twice or malformed in HTTP/1.1", function()
    bad("no Host header", "GET /hello HTTP/1.1\r\n\r\n")
    bad("two Host headers", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
    for _, host in ipairs { "a b", "a/b", "u@a", "a:b" } do
      bad("the Host header is malformed", ("GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n"):format(host))
    end
  end)

  it("may be missing in HTTP/1.0", function()
    assert.equal(200, wire.exchange(server, "GET /hello HTTP/1.0\r\n\r\n").status)
  end)
end)

describe("header lines", function()
  it("that are folded are 400, on framing headers too", function()
    bad("a folded header line", HELLO .. "X-A: 1\r\n 2\r\n\r\n")
    bad("a folded header line", HELLO .. "X-A: 1\r\n\t2\r\n\r\n")
    bad("Content-Length is malformed", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\n{}")
    local coding = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"
    bad("a folded header line", coding)
  end)

  it("with a bare LF or a bare CR are 400", function()
    bad("a line ends in a bare LF", "GET /hello HTTP/1.1\nHost: localhost\r\n\r\n")
    bad("a line ends in a bare LF", "GET /hello HTTP/1.1\r\nHost: localhost\n\r\n")
    bad("a line ends in a bare LF", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\n")
    bad("a CR without LF in the head", HELLO .. "X-A: 1\rX-B: 2\r\n\r\n")
  end)

  it("with a NUL or another control byte are 400", function()
    bad("a control byte in the head", HELLO .. "X-A: a\0b\r\n\r\n")
    bad("a header name is malformed", HELLO .. "X-\0: a\r\n\r\n")
    bad("a control byte in the head", HELLO .. "X-A: a\x01b\r\n\r\n")
    bad("a control byte in the head", HELLO .. "X-A: a\x7fb\r\n\r\n")
  end)

  it("without a name, without a colon, or with a blank before the colon are 400", function()
    bad("a header line without a name", HELLO .. ": a\r\n\r\n")
    bad("a header name is malformed", HELLO .. "X-A\r\n\r\n")
    bad("a blank before the colon of a header", HELLO .. "X-A : a\r\n\r\n")
    bad("a header name is malformed", HELLO .. "X(A): a\r\n\r\n")
  end)

  it("that together are over 16 KiB are 431, in one line or in many", function()
    local message = "the headers are too large"
    refused(431, "headers_too_large", message, HELLO .. "X-A: " .. ("a"):rep(16384) .. "\r\n\r\n")
    local lines = {}
    for i = 1, 60 do
      lines[i] = ("X-%d: %s\r\n"):format(i, ("a"):rep(300))
    end
    refused(431, "headers_too_large", message, HELLO .. table.concat(lines) .. "\r\n")
  end)

  it("that never end are 431 as soon as the limit is passed", function()
    refused(431, "headers_too_large", "the headers are too large", HELLO .. "X-A: " .. ("a"):rep(20000))
  end)

  it("are 431 when there are more than 100, and fine when there are 100", function()
    local function with(n)
      local lines = {}
      for i = 1, n - 1 do
        lines[i] = ("X-%d: a\r\n"):format(i)
      end
      return HELLO .. table.concat(lines) .. "\r\n"
    end
    refused(431, "headers_too_large", "too many headers", with(101))
    assert.equal(200, wire.exchange(server, with(100)).status)
  end)

  it("with an Expect that we do not know are 417", function()
    local bytes = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n"
    refused(417, "expectation_failed", "the only expectation met here is 100-continue", bytes)
  end)
end)

describe("the framing of a body", function()
  local POST = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

  it("by both lengths is 400", function()
    local both = "both Content-Length and Transfer-Encoding"
    bad(both, POST .. "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    bad(both, POST .. "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    bad(both, POST .. "Transfer-Encoding:\r\nContent-Length: 2\r\n\r\n{}")
  end)

  it("by two lengths or a bad one is 400", function()
    bad("two Content-Length headers", POST .. "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
    bad("two Content-Length headers", POST .. "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
    for _, length in ipairs { "2, 2", "+2", "-2", "0x2", "2 2", "", "two", "2.0", "99999999999999999999999" } do
      bad("Content-Length is malformed", POST .. "Content-Length: " .. length .. "\r\n\r\n{}")
    end
  end)

  it("by an empty or doubled Transfer-Encoding is 400, by another coding 501", function()
    bad("Transfer-Encoding is empty", POST .. "Transfer-Encoding:\r\n\r\n")
    local twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    bad("two Transfer-Encoding headers", POST .. twice)
    bad("Transfer-Encoding in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    for _, coding in ipairs { "gzip, chunked", "gzip", "chunked, chunked" } do
      local bytes = POST .. "Transfer-Encoding: " .. coding .. "\r\n\r\n0\r\n\r\n"
      refused(501, "not_implemented", "the only transfer coding here is chunked", bytes)
    end
  end)

  it("by chunks is 400 when a size overflows, is no number, or is not what follows", function()
    local chunked = POST .. "Transfer-Encoding: chunked\r\n\r\n"
    for _, chunks in ipairs {
      "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
      "10000000000000002\r\n{}\r\n0\r\n\r\n",
      "zz\r\n{}\r\n0\r\n\r\n",
      "-2\r\n{}\r\n0\r\n\r\n",
      "2\r\n{}x\r\n0\r\n\r\n",
      "2\n{}\r\n0\r\n\r\n",
      "2\r\n{}\n0\r\n\r\n",
    } do
      bad("a malformed chunked body", chunked .. chunks)
    end
    bad("a bare LF in a chunked body", chunked .. "2\r\n{}\r\n0\r\n\n")
  end)

  it("by chunks is 413 as soon as the sizes add up to more than the limit", function()
    local bytes = POST .. "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"
    refused(413, "payload_too_large", "the body is too large", bytes)
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

  local function invalid(body, why)
    local res = post(body)
    assert.equal(400, res.status, body)
    local message = "The body is not valid JSON: " .. why
    assert.same({ error = { code = "invalid_json", message = message } }, res.json, body)
  end

  it("that is not JSON is 400 invalid_json, with the place of the first mistake", function()
    for body, why in pairs {
      [""] = "empty at byte 0",
      [" "] = "empty at byte 1",
      ["{"] = "unexpected end at byte 1",
      ["}"] = "unexpected character at byte 0",
      ["[1,]"] = "unexpected character at byte 3",
      ['{"a":1,}'] = "a key must be a string at byte 7",
      ["{a:1}"] = "a key must be a string at byte 1",
      ["[1 2]"] = "',' or ']' expected at byte 3",
      ["nul"] = "unexpected character at byte 0",
      ["NaN"] = "unexpected character at byte 0",
      [".5"] = "unexpected character at byte 0",
      ["+1"] = "unexpected character at byte 0",
      ["0x10"] = "something follows the value at byte 1",
      ["[1]x"] = "something follows the value at byte 3",
      ['"a'] = "unexpected end in a string at byte 2",
      ['"\n"'] = "a control character in a string must be escaped at byte 1",
      ['"\\x41"'] = "no such escape at byte 1",
      ["\xef\xbb\xbf{}"] = "a byte order mark is not allowed at byte 0",
      ['{"a":1,"a":2}'] = "a key is there twice at byte 7",
    } do
      invalid(body, why)
    end
    for _, body in ipairs { "01", "1.", "1e", "-", "// no" } do
      assert.equal("invalid_json", post(body).json.error.code, body)
    end
  end)

  it("that is wrong leaves the connection open", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /echo", { "Content-Type: application/json" }, "{"))
    assert.equal(400, conn:answer().status)
    conn:write(wire.request "GET /hello")
    assert.equal(200, conn:answer().status)
    conn:close()
  end)

  it("64 levels deep is taken, 65 deep is 400 json_too_deep", function()
    assert.equal(200, post(("["):rep(64) .. ("]"):rep(64), "/swallow").status)
    for _, body in ipairs { ("["):rep(65) .. ("]"):rep(65), ("["):rep(500000), ('{"a":'):rep(65) .. "1" .. ("}"):rep(65) } do
      local res = post(body)
      assert.equal(400, res.status)
      local message = "The body is nested deeper than 64 levels"
      assert.same({ error = { code = "json_too_deep", message = message } }, res.json)
    end
  end)

  it("with a NUL in a string is refused, escaped or raw", function()
    invalid('{"a":"x\\u0000y"}', "a string may not hold NUL at byte 7")
    invalid('{"a":"x\0y"}', "a string may not hold NUL at byte 7")
    invalid('{"x\\u0000y":1}', "a string may not hold NUL at byte 3")
  end)

  it("with invalid UTF-8 or half a surrogate pair is refused", function()
    for _, text in ipairs { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8" } do
      invalid('{"a":"' .. text .. '"}', "not valid UTF-8 at byte 6")
    end
    for _, text in ipairs { "\\ud800", "\\udc00", "\\ud800x" } do
      invalid('{"a":"' .. text .. '"}', "half of a surrogate pair at byte 6")
    end
    assert.equal(200, post('{"a":"\\ud83c\\udf0a"}').status)
  end)

  it("with an integer beyond 64 bits is refused, and the outermost ones are exact", function()
    for _, n in ipairs { "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890" } do
      invalid(('{"n":%s}'):format(n), "an integer must fit in 64 bits at byte 5")
    end
    local outermost = "[9223372036854775807,-9223372036854775808]"
    assert.equal('{"got":' .. outermost .. "}", post(outermost).body)
  end)

  it("with a number too large for a double is refused", function()
    invalid('{"n":1e400}', "a number is too large at byte 5")
  end)
end)
