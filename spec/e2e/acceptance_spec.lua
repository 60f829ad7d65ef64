-- The commands by which the seeds want to see that it works, as they are written there but for the port, on a service that
-- runs as it would in earnest. Where the seeds disagree, docs/requirements.md says which one is followed.
local core = require "neap.core"
local core_os = require "neap.core.os"
local edges = require "spec.support.edges"
local json = require "neap.json"
local redis_server = require "spec.support.redis"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

local server

-- What a shell says to a line of the seeds.
local function sh(line)
  local code, out, err = core_os.exec {
    "/bin/sh", "-c", (line:gsub("localhost:8000", "127.0.0.1:" .. server.port)), env = {
      PATH = os.getenv "PATH", DATABASE_URL = server.database.url,
    },
  }
  assert.equal(0, code, line .. "\n" .. tostring(err))
  return out
end

-- The status, the headers by name in lower case, the body.
local function curl(arguments)
  local head, body = sh("curl -s -i " .. arguments):match "^(.-\r\n)\r\n(.*)$"
  local headers = {}
  for name, value in head:gmatch "\r\n([^:\r\n]+): *([^\r\n]*)" do
    headers[name:lower()] = value
  end
  return tonumber(head:match "^HTTP/1%.1 (%d+)"), headers, body
end

setup(function()
  server = test.spawn_server { database = true, env = { WORKERS = "1" } }
end)

teardown(function()
  server:stop()
end)

describe("what the seeds ask to see", function()
  it("A: the health check, the empty list, the documentation, and CORS for localhost:3000", function()
    assert.equal('{"status":"ok"}', sh "curl -s http://localhost:8000/health")
    local client = sign_in.client(server, true)
    client:register "ann@example.com"
    local token = client:sign_in("ann@example.com").json.access_token
    assert.equal('{"items":[],"total":0,"page":1,"page_size":20}',
      sh(("curl -s http://localhost:8000/api/v1/agents -H 'Authorization: Bearer %s'"):format(token)))
    assert.equal(401, (curl "http://localhost:8000/api/v1/agents"))
    local status, headers = curl "http://localhost:8000/docs"
    assert.same({ 200, "text/html; charset=utf-8" }, { status, headers["content-type"] })
    status, headers = curl("-X OPTIONS http://localhost:8000/api/v1/agents -H 'Origin: http://localhost:3000' "
      .. "-H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type'")
    assert.same({ 204, "http://localhost:3000", "true", "content-type" }, {
      status, headers["access-control-allow-origin"], headers["access-control-allow-credentials"],
      headers["access-control-allow-headers"],
    })
    assert.matches("POST", headers["access-control-allow-methods"])
    status, headers = curl "http://localhost:8000/health -H 'Origin: http://localhost:3001'"
    assert.same({ 200 }, { status, headers["access-control-allow-origin"] })
  end)

  it("A: its tables are there for psql to see", function()
    local tables = sh [[psql -X "$DATABASE_URL" -c '\dt']]
    for _, name in ipairs {
      "agents", "tasks", "sandboxes", "git_operations", "users", "recipes", "labs", "conversations", "messages",
    } do
      assert.matches("| " .. name .. " ", tables, 1, true)
    end
  end)

  it("B: health and version, without signing in", function()
    assert.equal('{"name":"Live Interactive Agent","version":"0.1.0"}', sh "curl -s http://localhost:8000/version")
    assert.equal("healthy", json.decode(sh "curl -s 'http://localhost:8000/health?check=db'").status)
  end)

  it("C: health, the root, and the state of the database", function()
    local root = json.decode(sh "curl -s http://localhost:8000/")
    assert.equal("/docs", root.docs)
    local health = json.decode(sh "curl -s 'http://localhost:8000/health?check=db'")
    assert.is_true(health.database_ok)
    assert.equal(20, health.pool_status.max)
  end)

  it("D: liveness, readiness, and an id on every answer", function()
    local status, headers, body = curl "http://localhost:8000/api/v1/health"
    assert.same({ 200, '{"status":"ok"}' }, { status, body })
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", headers["x-request-id"])
    status, headers, body = curl "http://localhost:8000/api/v1/health/ready"
    assert.same({ 200, '{"status":"ok","database":"connected","redis":"disabled"}' }, { status, body })
    assert.truthy(headers["x-request-id"])
    assert.truthy(select(2, curl "http://localhost:8000/nowhere")["x-request-id"])
  end)

  it("D: errors have one form, and tell nothing of the server", function()
    local status, _, body = curl "http://localhost:8000/api/v1/nowhere"
    assert.equal(404, status)
    assert.matches('^{"error":{"code":"not_found","message":"[^"]+"}}$', body)
    status, _, body = curl("http://localhost:8000/api/v1/auth/register -H 'Content-Type: application/json' "
      .. [[-d '{"email":"nobody"}']])
    local found = json.decode(body).error
    assert.same({ 422, "validation_failed" }, { status, found.code })
    assert.same({ "body.email", "body.password" }, { found.details[1].field, found.details[2].field })
    status, _, body = curl "http://localhost:8000/api/v1/auth/register -H 'Content-Type: application/json' -d '{'"
    assert.same({ 400, "invalid_json" }, { status, json.decode(body).error.code })
    status, _, body = curl "-X DELETE http://localhost:8000/health"
    assert.same({ 405, "method_not_allowed" }, { status, json.decode(body).error.code })
  end)

  it("D: NotFoundException(\"User not found\") is that answer, byte for byte", function()
    local client = sign_in.client(server, true)
    local user = client:register "admin@example.com"
    sh(([[psql -X -q "$DATABASE_URL" -c "update users set role = 'admin' where id = '%s'"]]):format(user.id))
    local token = client:sign_in("admin@example.com").json.access_token
    local status, _, body = curl(("http://localhost:8000/api/v1/users/00000000-0000-4000-8000-000000000000 "
      .. "-H 'Authorization: Bearer %s'"):format(token))
    assert.same({ 404, '{"error":{"code":"not_found","message":"User not found"}}' }, { status, body })
  end)

  it("D: title, description, version, tags and schemas of the document", function()
    local document = json.decode(sh "curl -s http://localhost:8000/openapi.json")
    assert.same({ "Live Interactive Agent API", "0.1.0" }, { document.info.title, document.info.version })
    assert.is_true(#document.info.description > 0)
    for path, schema in pairs { ["/api/v1/health"] = "HealthResponse", ["/api/v1/health/ready"] = "ReadinessResponse" } do
      local operation = document.paths[path].get
      assert.same({ "health" }, operation.tags)
      assert.equal("#/components/schemas/" .. schema, operation.responses["200"].content["application/json"].schema["$ref"])
    end
    for _, page in ipairs { "docs", "redoc" } do
      assert.equal(200, (curl("http://localhost:8000/" .. page)))
    end
  end)

  it("D: the prefix, the title and the version are settings", function()
    local code, out, err = core_os.exec {
      core.program, "openapi", cwd = core.app_dir,
      env = { PATH = os.getenv "PATH", API_V1_PREFIX = "/v9", PROJECT_NAME = "Another", APP_VERSION = "2.0.0" },
    }
    assert.equal(0, code, err)
    local document = json.decode(out)
    assert.same({ "Another API", "2.0.0" }, { document.info.title, document.info.version })
    assert.truthy(document.paths["/v9/health/ready"])
    assert.truthy(document.paths["/v9/auth/refresh"])
    assert.is_nil(out:find("/api/v1", 1, true))
  end)

  it("logs one JSON object a line, with its fields", function()
    local _, headers = curl "http://localhost:8000/version"
    assert.is_true(edges.eventually(function()
      return server:log_text():find(headers["x-request-id"], 1, true)
    end))
    local seen
    for text in server:log_text():gmatch "([^\n]*)\n" do
      local line = json.decode(text)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z$", line.timestamp)
      for _, name in ipairs { "level", "message", "module" } do
        assert.equal("string", type(line[name]), text)
      end
      if line.message == "request" and line.request_id == headers["x-request-id"] then
        seen = line
      end
    end
    assert.same({ "GET", "/version", 200 }, { seen.method, seen.path, seen.status })
    assert.equal("number", type(seen.latency_ms))
  end)
end)

describe("a server for development", function()
  it("D: starts by one command, on the port that it is given, and has the documentation", function()
    local one = test.spawn_server {
      command = "dev", args = { "--port", "0" }, database = true, env = { PORT = "65001" },
    }
    assert.not_equal(65001, one.port)
    assert.equal(200, one:get("/docs").status)
    assert.equal('{"status":"ok"}', one:get("/api/v1/health").body)
    one:stop()
  end)
end)

local function messages_of(one)
  local found = {}
  for _, line in ipairs(one:logs()) do
    found[line.message] = line.level
  end
  return found
end

describe("the log of a service", function()
  it("D: tells of database and Redis when it starts and when it stops", function()
    local redis = redis_server.find() and redis_server.start()
    local one = test.spawn_server {
      database = true, env = { WORKERS = "1", REDIS_URL = redis and redis.url or nil },
    }
    one:wait_log "startup.database"
    if redis then
      one:wait_log "startup.redis"
    end
    one:signal "TERM"
    assert.equal(0, (one:wait(35)))
    local said = messages_of(one)
    assert.same({ "info", "info" }, { said["shutdown.database"], said["shutdown.complete"] })
    assert.equal(redis and "info", said["shutdown.redis"])
    one:discard()
    if redis then
      redis:discard()
    end
  end)
end)
