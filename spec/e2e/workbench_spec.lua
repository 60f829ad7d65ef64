--- Workbench as a developer starts it: `neap dev --as EMAIL` in a folder that has nothing but the application.
local edges = require "spec.support.edges"
local json = require "neap.json"
local scratch = require "spec.support.scratch"
local test = require "neap.test"
local wire = require "spec.support.wire"

local app, server

local function start(args)
  server = test.spawn_server { dir = app, command = "dev", args = args, env = { LOG_LEVEL = "debug" } }
end

local function stop()
  server:stop()
end

local function get(path)
  return wire.exchange(server, wire.request("GET " .. path))
end

local function post(path, body)
  return wire.exchange(server, wire.request("POST " .. path, { "Content-Type: application/json" }, json.encode(body)))
end

setup(function()
  app = scratch.app { links = { ["config.lua"] = "config.lua", ["lua"] = "lua", ["migrations"] = "migrations" } }
end)

teardown(function()
  scratch.remove(app)
end)

describe("neap dev --as EMAIL", function()
  local task, user_id

  it("starts from nothing: Postgres, migrations, a secret and a user", function()
    start { "--as", "you@example.com" }
    assert.equal('{"status":"ok"}', get("/health").body)
    assert.same({ status = "ok", database = "connected", redis = "disabled" }, get("/api/v1/health/ready").json)
    assert.same({ name = "Live Interactive Agent", version = "0.1.0" }, get("/version").json)
    assert.same({ items = {}, total = 0, page = 1, page_size = 20 }, get("/api/v1/tasks").json)
  end)

  it("signs every request in", function()
    local res = post("/api/v1/tasks", { title = "Outlive a restart" })
    assert.equal(201, res.status)
    task, user_id = res.json, res.json.user_id
    assert.equal("/api/v1/tasks/" .. task.id, res.headers["location"])
  end)

  it("takes a request with a right token for its owner's, and one with a wrong token for that user's", function()
    local account = { email = "mine@example.com", password = "long enough for it", display_name = "Mine" }
    assert.equal(201, post("/api/v1/auth/register", account).status)
    local opened = post("/api/v1/auth/login", { email = account.email, password = account.password }).json
    local function tasks(token)
      return wire.exchange(server, wire.request("GET /api/v1/tasks", { "Authorization: Bearer " .. token })).json.total
    end
    assert.equal(0, tasks(opened.access_token))
    assert.equal(1, tasks "of.somebody.else")
  end)

  it("signs in no page of another site, and none at a name that is not this machine's", function()
    local function status(method, ...)
      local bytes = wire.request(method .. " /api/v1/tasks", { "Content-Type: application/json", ... },
        method == "POST" and '{"title":"Forged"}' or nil)
      return wire.exchange(server, (bytes:gsub("Host: localhost\r\n(.*\r\nHost: )", "%1"))).status
    end
    local own = ("localhost:%d"):format(server.port)
    for _, lines in ipairs {
      { "Origin: https://evil.example" }, { "Sec-Fetch-Site: cross-site" }, { "Sec-Fetch-Site: same-site" },
      { "Origin: null" }, { "Host: evil.example" }, { "Host: evil.example:8000", "Origin: http://evil.example:8000" },
      { "Host: localhost.evil.example", "Sec-Fetch-Site: same-origin" },
    } do
      assert.equal(403, status("POST", table.unpack(lines)), lines[1])
    end
    assert.equal(403, status("GET", "Host: evil.example"))
    assert.equal(200, status("GET", "Sec-Fetch-Site: cross-site"))
    for _, lines in ipairs {
      {}, { "Host: " .. own, "Origin: http://" .. own }, { "Sec-Fetch-Site: same-origin" }, { "Sec-Fetch-Site: none" },
      { "Host: [::1]:80" }, { "Host: app.localhost" }, { "Origin: http://localhost:3000" },
    } do
      assert.equal(201, status("POST", table.unpack(lines)), lines[1])
    end
    assert.equal(200, wire.exchange(server, "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n").status)
  end)

  it("needs less than 15 MB for a worker that is idle", function()
    local kilobytes, sanitized = edges.resident(server)
    assert(sanitized or kilobytes < 15 * 1024, kilobytes .. " KiB")
  end)

  it("logs each call of a store, with the owner, the row and the request", function()
    local id = get("/api/v1/tasks/" .. task.id).headers["x-request-id"]
    local line = server:wait_log "tasks.read"
    assert.equal("debug", line.level)
    assert.equal("app.store", line.module)
    assert.equal(user_id, line.owner_id)
    assert.equal(task.id, line.id)
    assert.equal(id, line.request_id)
    assert.equal(user_id, line.user_id)
    assert.equal(task.id, server:wait_log("tasks.create").id)
    assert.equal("app.store", server:wait_log("auth.create").module)
  end)

  it("leaves nothing running when it is stopped", function()
    stop()
    assert.is_false(require("neap.postgres").of(app):is_running())
  end)

  it("has the task, and the same user, after a restart", function()
    start { "--as", "you@example.com" }
    assert.same(task, get("/api/v1/tasks/" .. task.id).json)
    assert.equal(user_id, post("/api/v1/tasks", { title = "again" }).json.user_id)
    stop()
  end)

  it("as somebody else sees nothing of it", function()
    start { "--as", "other@example.com" }
    assert.equal(404, get("/api/v1/tasks/" .. task.id).status)
    assert.equal(0, get("/api/v1/tasks").json.total)
    stop()
  end)

  it("answers 401 where a user is needed when it was started without --as", function()
    start {}
    local res = get "/api/v1/tasks"
    assert.equal(401, res.status)
    assert.equal("token_missing", res.json.error.code)
    stop()
  end)
end)

describe("the readiness of Workbench", function()
  it("is 503 while Postgres is away, with liveness untouched, and 200 when it is back", function()
    start {}
    local private = require("neap.postgres").of(app)
    private:stop()
    local res = get "/api/v1/health/ready"
    assert.equal(503, res.status)
    assert.same({ status = "unavailable", database = "disconnected", redis = "disabled" }, res.json)
    assert.matches("^%d+$", res.headers["retry-after"])
    assert.equal('{"status":"ok"}', get("/health").body)
    local health = get "/health?check=db"
    assert.equal(200, health.status)
    assert.equal("unhealthy", health.json.status)
    assert.is_false(health.json.database_ok)
    private:start()
    assert(edges.eventually(function()
      return get("/health/ready").status == 200
    end))
    stop()
  end)
end)
