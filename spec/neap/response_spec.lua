local response = require "neap.response"

describe("a response", function()
  it("has a status, a body for JSON, and headers", function()
    local res = response(201, { id = 1 }, { Location = "/things/1" })
    assert.same({ 201, { id = 1 }, { Location = "/things/1" } }, { res.status, res.body, res.headers })
    assert.is_true(response.is(res))
    assert.is_false(response.is { status = 201 })
  end)

  it("may be text, HTML or any bytes", function()
    assert.equal("text/plain; charset=utf-8", response.text("x").content_type)
    assert.equal("text/html; charset=utf-8", response.html("<p>").content_type)
    local res = response.bytes("\0\1", "image/x", 202)
    assert.same({ "\0\1", "image/x", 202 }, { res.raw, res.content_type, res.status })
  end)

  it("may be written piece by piece", function()
    local function write() end
    local res = response.stream("text/csv", write, 203, { ["X-A"] = "b" })
    assert.same({ write, "text/csv", 203, "b" }, { res.stream, res.content_type, res.status, res.headers["X-A"] })
    assert.has_error(function() response.stream("text/csv", "all of it") end)
  end)

  it("may be a redirect", function()
    local res = response.redirect("/there", 303)
    assert.same({ 303, "/there" }, { res.status, res.headers.Location })
    assert.has_error(function() response.redirect("/there", 200) end)
  end)

  it("takes more headers, also several of one name", function()
    local res = response.text("x"):header("Set-Cookie", { "a=1", "b=2" }):header("X-Count", 3)
    assert.same({ ["Set-Cookie"] = { "a=1", "b=2" }, ["X-Count"] = "3" }, res.headers)
  end)

  it("refuses what would let a client write headers", function()
    for _, value in ipairs { "a\r\nSet-Cookie: x=1", "a\nb", "a\0b" } do
      assert.has_error(function() response(200, nil, { ["X-Name"] = value }) end)
      assert.has_error(function() response.text("x"):header("X-Name", value) end)
    end
    assert.has_error(function() response(200, nil, { ["X Name"] = "a" }) end)
    assert.has_error(function() response(200, nil, { ["X-Name"] = {}, [1] = "a" }) end)
  end)

  it("refuses a status that no answer has, at the caller's line", function()
    for _, status in ipairs { 100, 600, 200.5, "200" } do
      local ok, err = pcall(function() return (response(status)) end)
      assert.is_false(ok)
      assert.matches("^spec/neap/response_spec%.lua:%d+: a status is an integer", err)
    end
  end)
end)
