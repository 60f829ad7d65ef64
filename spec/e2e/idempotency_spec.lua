--- Idempotency-Key against real workers: once is once, whatever happens in between.
local core = require "neap.core"
local http = require "neap.test.http"
local json = require "neap.json"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local templates = require "neap.migrate.templates"
local test = require "neap.test"

test.no_transaction()

local FIXTURE = "spec/fixtures/idempotency/"
local app, database, server
local tokens = {}

local function sql(text)
  return query(database.url, text)
end

local function headers(key, user)
  return { ["Idempotency-Key"] = key, Authorization = "Bearer " .. tokens[user or "ann"] }
end

local function post(path, body, key, user)
  return server:request { method = "POST", path = path, json = body, headers = headers(key, user) }
end

local function things()
  return tonumber(sql "select count(*) from things")
end

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = FIXTURE .. "config.lua", ["lua/app/init.lua"] = FIXTURE .. "lua/app/init.lua" },
    files = {
      ["migrations/0001_keys.up.sql"] = templates.parts.idempotency.up
        .. "create table things (id bigint generated always as identity primary key, name text not null);",
    },
  }
  database = test.scratch_database { migrate = true, dir = app }
  server = test.spawn_server { dir = app, database = database, env = { WORKERS = "2" } }
  for _, name in ipairs { "ann", "ben" } do
    tokens[name] = server:get("/token/" .. name).json.token
  end
end)

teardown(function()
  server:stop()
  database:drop()
  scratch.remove(app)
end)

before_each(function()
  sql "truncate things, idempotency_keys"
end)

describe("a request with a key", function()
  it("that comes again gets the same answer, and nothing is done", function()
    local first = post("/things", { name = "a" }, "k1")
    local again = post("/things", { name = "a" }, "k1")
    assert.same({ 201, 201, 1 }, { first.status, again.status, things() })
    assert.same({ first.body, first.headers.location, first.headers["content-type"] },
      { again.body, again.headers.location, again.headers["content-type"] })
    assert.same({ "true" }, { again.headers["idempotent-replay"], first.headers["idempotent-replay"] })
  end)

  it("without a key, or with another one, is another request", function()
    for _, key in ipairs { "k1", "k2", false } do
      local res = post("/things", { name = "a" }, key or nil)
      assert.equal(201, res.status, res.body)
    end
    assert.equal(3, things())
  end)

  it("belongs to its user", function()
    local of_ann = post("/things", { name = "a" }, "k1", "ann")
    local of_ben = post("/things", { name = "b" }, "k1", "ben")
    assert.same({ 201, 201, 2 }, { of_ann.status, of_ben.status, things() })
  end)

  it("and another body or path is refused", function()
    post("/things", { name = "a" }, "k1")
    for _, other in ipairs { post("/things", { name = "b" }, "k1"), post("/things?x=1", { name = "a" }, "k1"),
      post("/nothing", nil, "k1") } do
      assert.same({ 422, "idempotency_mismatch" }, { other.status, other.json.error.code })
    end
    assert.equal(1, things())
  end)

  it("that cannot be one is refused", function()
    for _, key in ipairs { ("x"):rep(256), "two words", "schl\u{fc}ssel" } do
      local res = post("/things", { name = "a" }, key)
      assert.same({ 400, "idempotency_key_invalid" }, { res.status, res.json.error.code })
    end
    assert.equal(201, post("/things", { name = "a" }, ("x"):rep(255)).status)
  end)

  it("answers alike with a text and with nothing", function()
    for path, wanted in pairs { ["/text"] = { 200, "done" }, ["/nothing"] = { 204, "" } } do
      for _ = 1, 2 do
        local res = post(path, nil, "k" .. path)
        assert.same(wanted, { res.status, res.body })
      end
    end
    assert.equal(2, things())
  end)

  it("is forgotten after its time", function()
    post("/things", { name = "a" }, "k1")
    sql "update idempotency_keys set expires_at = now() - interval '1 second'"
    local again = post("/things", { name = "b" }, "k1")
    assert.same({ 201, 2 }, { again.status, things() })
    assert.equal("b", post("/things", { name = "b" }, "k1").json.name)
  end)
end)

describe("an error", function()
  it("that the handler raised is the answer again, and what it had done is not done", function()
    local first, again = post("/conflict", nil, "k1"), post("/conflict", nil, "k1")
    assert.same({ 409, 409, 0 }, { first.status, again.status, things() })
    assert.same(first.json, again.json)
    assert.same("true", again.headers["idempotent-replay"])
  end)

  it("of the service is not kept", function()
    for _ = 1, 2 do
      local res = post("/broken", nil, "k1")
      assert.same({ 500 }, { res.status, res.headers["idempotent-replay"] })
    end
    assert.same({ 0, "0" }, { things(), sql "select count(*) from idempotency_keys" })
  end)

  it("in the fields is not kept either: the key is still free", function()
    assert.equal(422, post("/things", { name = 1 }, "k1").status)
    assert.equal(201, post("/things", { name = "a" }, "k1").status)
  end)
end)

describe("at the same time", function()
  it("one of 20 requests with a key runs, the others are told to wait, and hear its answer later", function()
    local socks, statuses = {}, {}
    for i = 1, 20 do
      socks[i] = server:connect()
      socks[i]:write(http.format {
        method = "POST", path = "/things", json = { name = "a", seconds = 1 }, headers = headers "k1",
      })
    end
    for _, sock in ipairs(socks) do
      sock.timeout = 20
      local text = ""
      repeat
        local chunk = sock:read()
        text = text .. (chunk or "")
      until chunk == nil
      sock:close()
      local status = text:match "^HTTP/1.1 (%d+)"
      local code = text:match '"code":"([%w_]+)"'
      local what = code and status .. " " .. code or status
      statuses[what] = (statuses[what] or 0) + 1
    end
    assert.same({ ["201"] = 1, ["409 idempotency_in_progress"] = 19 }, statuses)
    local later = post("/things", { name = "a", seconds = 1 }, "k1")
    assert.same({ 201, "true", 1 }, { later.status, later.headers["idempotent-replay"], things() })
  end)
end)

describe("a worker that is killed in the middle", function()
  it("has done nothing, and the request runs when it comes again", function()
    local sock = server:connect()
    sock:write(http.format {
      method = "POST", path = "/things", json = { name = "a", seconds = 5 }, headers = headers "k1",
    })
    local waiting = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
    for _ = 1, 200 do
      if sql(waiting) == "1" then
        break
      end
      core.sleep(0.02)
    end
    for pid in sys.read_file(("/proc/%d/task/%d/children"):format(server.pid, server.pid)):gmatch "%d+" do
      sys.exec { "kill", "-KILL", pid }
    end
    sock:close()
    assert.equal(0, things())
    local status
    for _ = 1, 100 do
      local ok, res = pcall(post, "/things", { name = "a", seconds = 0 }, "k2")
      status = ok and res.status
      if status == 201 then
        break
      end
      core.sleep(0.1)
    end
    assert.equal(201, status)
    local res = post("/things", { name = "a", seconds = 5 }, "k1")
    assert.same({ 201 }, { res.status, res.headers["idempotent-replay"] })
    assert.equal("1", sql "select count(*) from idempotency_keys where key = 'k1'")
    assert.equal(2, things())
  end)
end)

describe("clients that try again until they are answered", function()
  local CLIENTS = 20

  local function try(word)
    local ok, res = pcall(server.request, server, {
      method = "POST", path = "/things", json = { name = word, seconds = 0.2 }, headers = headers("key-" .. word),
      timeout = 5,
    })
    return ok and res.status == 201 and res.json.name
  end

  it("have each of their requests done once, whatever happens to the workers meanwhile", function()
    local answers, left = {}, CLIENTS
    for i = 1, CLIENTS do
      core.spawn(function()
        local deadline = core.monotonic() + 60
        repeat
          answers[i] = try("thing" .. i)
          core.sleep(0.1)
        until answers[i] or core.monotonic() > deadline
        left = left - 1
      end, "client", { finish = true })
    end
    for _ = 1, 5 do
      core.sleep(0.3)
      local first = sys.read_file(("/proc/%d/task/%d/children"):format(server.pid, server.pid)):match "%d+"
      if first then
        sys.exec { "kill", "-KILL", first }
      end
    end
    while left > 0 do
      core.sleep(0.05)
    end
    for i = 1, CLIENTS do
      assert.equal("thing" .. i, answers[i])
    end
    assert.equal(("%d %d"):format(CLIENTS, CLIENTS), sql "select count(*) || ' ' || count(distinct name) from things")
  end)
end)

describe("the option", function()
  it("covers POST, unless the route or nobody signed in says otherwise, and what asks for it", function()
    local runs = { plain = 2, put = 2, patch = 1, open = 2 }
    for name, wanted in pairs(runs) do
      local method = ({ put = "PUT", patch = "PATCH" })[name] or "POST"
      for _ = 1, 2 do
        server:request { method = method, path = "/" .. name, headers = headers "k1" }
      end
      assert.equal(tostring(wanted), sql(("select count(*) from things where name = '%s'"):format(name)), name)
    end
  end)

  it("shows in the document", function()
    local document = json.decode(server:request { method = "GET", path = "/openapi.json" }.body)
    local post_things = document.paths["/things"].post
    assert.equal("Idempotency-Key", post_things.parameters[1].name)
    assert.is_nil(document.paths["/plain"].post.parameters)
    assert(post_things.responses["409"])
  end)
end)
