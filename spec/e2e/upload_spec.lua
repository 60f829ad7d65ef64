--- Forms with files: over the wire in pieces, in memory and on the disk, and nothing of them left behind.
local core = require "neap.core"
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local APP = [[
local core = require "neap.core"
local neap = require "neap"
local s = require "neap.schema"

local Upload = s.object {
  title = s.string { trim = true, max = 10 },
  count = s.integer():optional(),
  photo = s.file { max = 2000000, types = { "image/png", "text/plain" } },
  more = s.array(s.file()):optional(),
}

local function told(file)
  local bytes = file.data
  if file.path then
    local f <close> = assert(io.open(file.path, "rb"))
    bytes = f:read "a"
  end
  return {
    filename = file.filename,
    content_type = file.content_type,
    size = file.size,
    sum = core.hex(core.sha256(bytes)),
    path = file.path,
  }
end

return function()
  local app = neap.app { title = "Uploads", auth = false }
  local r = neap.router {}
  r:get("/counts", core.counts)
  r:post("/upload", { form = Upload, body_max = 4000000 }, function(req)
    local form = req.body
    local more = {}
    for i, file in ipairs(form.more or {}) do
      more[i] = told(file)
    end
    return { title = form.title, count = form.count, photo = told(form.photo), more = more }
  end)
  r:post("/keep", { form = Upload, body_max = 4000000 }, function(req)
    assert(os.rename(req.body.photo.path, req.body.photo.path .. ".kept"))
    return { path = req.body.photo.path .. ".kept" }
  end)
  r:post("/plain", { form = s.object { title = s.string() } }, function(req)
    return { title = req.body.title }
  end)
  app:mount(r)
  return app
end
]]

local dir, files, server

setup(function()
  dir = scratch.app { files = { ["lua/app/init.lua"] = APP } }
  files = scratch.folder()
  server = edges.start { dir = dir, env = { TMPDIR = files } }
end)

teardown(function()
  edges.finish(server)
  assert.same({}, sys.list(files))
  scratch.remove(dir)
  scratch.remove(files)
end)

local BOUNDARY = "----boundary7"

local function part(name, data, more)
  return ("--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n"):format(BOUNDARY, name, more or "", data)
end

local function file(name, data, filename, content_type)
  return part(name, data, ('; filename="%s"\r\nContent-Type: %s'):format(filename, content_type))
end

local function form(...)
  return table.concat { ... } .. "--" .. BOUNDARY .. "--\r\n"
end

local MULTIPART = "Content-Type: multipart/form-data; boundary=" .. BOUNDARY

local function request(body, path)
  return wire.request("POST " .. (path or "/upload"), { MULTIPART, "Content-Length: " .. #body }) .. body
end

local function send(body, path)
  return wire.exchange(server, request(body, path))
end

local function sum(bytes)
  return core.hex(core.sha256(bytes))
end

local function fields(res)
  assert.equal(422, res.status, res.body)
  local out = {}
  for _, detail in ipairs(res.json.error.details) do
    out[detail.field] = detail.code
  end
  return out
end

local TITLE = part("title", " Hello ")
local SMALL = file("photo", "\0\1\r\n--", "a.txt", "text/plain; charset=utf-8")
local BIG = core.random(4096):rep(300)

describe("a form with files", function()
  it("gives its handler texts by their schema, and small files as data", function()
    local res = send(form(TITLE, part("count", "7"), SMALL))
    assert.equal(200, res.status, res.body)
    assert.same({
      title = "Hello",
      count = 7,
      photo = { filename = "a.txt", content_type = "text/plain; charset=utf-8", size = 6, sum = sum "\0\1\r\n--" },
      more = {},
    }, res.json)
  end)

  it("gives large files as a path that is gone when the request is", function()
    local res = send(form(TITLE, file("photo", BIG, "b.png", "image/png"), file("more", BIG, "c", "x/y"),
      file("more", "d", "d", "x/y")))
    assert.equal(200, res.status, res.body)
    assert.equal(sum(BIG), res.json.photo.sum)
    assert.equal(#BIG, res.json.photo.size)
    assert.equal(files, res.json.photo.path:match "^(.*)/")
    assert.equal(sum(BIG), res.json.more[1].sum)
    assert.equal(sum "d", res.json.more[2].sum)
    assert.is_nil(res.json.more[2].path)
    assert.is_true(edges.eventually(function()
      return #sys.list(files) == 0
    end))
  end)

  it("lets its handler keep a file by moving it", function()
    local res = send(form(TITLE, file("photo", BIG, "b.png", "image/png")), "/keep")
    assert.equal(200, res.status, res.body)
    assert.equal(sum(BIG), sum(sys.read_file(res.json.path)))
    assert(sys.remove(res.json.path))
  end)

  it("may come in chunks and in pieces, with another request behind it", function()
    local body = form(TITLE, file("photo", BIG:sub(1, 300000), "b.png", "image/png"))
    local conn = wire.open(server)
    conn:write(wire.request("POST /upload", { MULTIPART, "Transfer-Encoding: chunked" }))
    for at = 1, #body, 70001 do
      local piece = body:sub(at, at + 70000)
      conn:write(("%x\r\n%s\r\n"):format(#piece, piece))
    end
    conn:write("0\r\n\r\n" .. request(form(TITLE, SMALL)))
    assert.equal(sum(BIG:sub(1, 300000)), conn:answer().json.photo.sum)
    assert.equal(6, conn:answer().json.photo.size)
    conn:close()
  end)

  it("that has texts only may be multipart or urlencoded", function()
    assert.equal("x", send(form(part("title", "x")), "/plain").json.title)
    local res = wire.exchange(server, wire.request("POST /plain",
      { "Content-Type: application/x-www-form-urlencoded", "Content-Length: 7" }) .. "title=x")
    assert.equal("x", res.json.title)
  end)
end)

describe("a form that its schema refuses", function()
  it("is 422 with each field", function()
    local long = part("title", ("x"):rep(11))
    assert.same({ ["body.title"] = "too_long", ["body.photo"] = "required" }, fields(send(form(long))))
    assert.same({ ["body.photo"] = "media_type" }, fields(send(form(TITLE, file("photo", "x", "x.gif", "image/gif")))))
    assert.same({ ["body.photo"] = "too_long" }, fields(send(form(TITLE, file("photo", BIG .. BIG, "x", "image/png")))))
    assert.same({ ["body.other"] = "unknown_field" }, fields(send(form(TITLE, SMALL, file("other", BIG, "x", "x/y")))))
  end)

  it("tells a file from a text, and looks at neither as the other", function()
    assert.same({ ["body.title"] = "type", ["body.photo"] = "type" },
      fields(send(form(file("title", BIG, "x", "text/plain"), part("photo", "x")))))
    local res = wire.exchange(server, wire.request("POST /upload",
      { "Content-Type: application/x-www-form-urlencoded", "Content-Length: 15" }) .. "title=x&photo=y")
    assert.same({ ["body.photo"] = "type" }, fields(res))
    assert.same({ ["body.photo"] = "type" }, fields(send(form(TITLE, SMALL, SMALL))))
  end)

  it("counts an empty file input of a browser as none", function()
    assert.same({ ["body.photo"] = "required" },
      fields(send(form(TITLE, file("photo", "", "", "application/octet-stream")))))
  end)

  it("of another type is 415, without a boundary 400", function()
    local function typed(content_type)
      return wire.exchange(server, wire.request("POST /upload", { "Content-Type: " .. content_type, "Content-Length: 2" })
        .. "{}").status
    end
    assert.equal(415, typed "application/json")
    assert.equal(415, typed "multipart/mixed; boundary=a")
    assert.equal(400, typed "multipart/form-data")
    assert.equal(400, typed "multipart/form-data; boundary=\"\xff\"")
  end)
end)

describe("a form that breaks", function()
  it("is 400 and says why", function()
    local function why(body)
      local res = send(body)
      assert.equal(400, res.status)
      return res.json.error.message
    end
    assert.equal("the form ends before its last delimiter", why(TITLE))
    assert.equal("a part has no Content-Disposition", why("--" .. BOUNDARY .. "\r\nX: y\r\n\r\n"))
    assert.equal("a delimiter is not alone on its line", why("--" .. BOUNDARY .. "x\r\n"))
  end)

  it("is 413 when a text, the parts or the whole are too large", function()
    assert.equal(413, send(form(part("title", BIG), SMALL)).status)
    assert.equal(413, send(form(part("title", ""):rep(129))).status)
    assert.equal(413, send(form(TITLE, file("photo", BIG:rep(4), "x", "image/png"))).status)
  end)

  it("in chunks is 413 as soon as it is larger than it may be", function()
    local conn = wire.open(server)
    conn:write(wire.request("POST /upload", { MULTIPART, "Transfer-Encoding: chunked" }))
    local begin = TITLE .. file("photo", "", "x", "image/png"):sub(1, -3)
    conn:write(("%x\r\n%s\r\n"):format(#begin, begin))
    for _ = 1, 4 do
      if not conn:write(("%x\r\n%s\r\n"):format(#BIG, BIG)) then
        break
      end
    end
    assert.equal(413, conn:answer().status)
    conn:close()
  end)

  it("because its client left leaves no file", function()
    for _ = 1, 5 do
      local conn = wire.open(server)
      conn:write(request(form(TITLE, file("photo", BIG, "x", "image/png"))):sub(1, -20))
      core.sleep(0.02)
      conn.sock:reset()
    end
    assert.is_true(edges.eventually(function()
      return #sys.list(files) == 0
    end))
  end)
end)
