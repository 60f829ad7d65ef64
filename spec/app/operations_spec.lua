-- The operations that Workbench promises, one line each: what is missing, what has another rank, and what nobody asked for.
local boot = require "neap.boot"
local config = require "config"
local core = require "neap.core"
local test = require "neap.test"

-- Who may call, method, path; below the prefix of version 1 unless it stands under "root".
local PROMISED = [[
-       GET    /health
-       GET    /health/ready
-       POST   /auth/register
-       POST   /auth/login
-       POST   /auth/refresh
user    POST   /auth/logout
user    POST   /auth/logout-all
user    GET    /auth/me
user    PATCH  /auth/me
user    GET    /auth/sessions
user    DELETE /auth/sessions/{family_id}
admin   GET    /users
admin   GET    /users/{id}
admin   PATCH  /users/{id}
user    GET    /agents
user    POST   /agents
user    GET    /agents/{id}
user    PATCH  /agents/{id}
user    DELETE /agents/{id}
user    POST   /agents/{id}/start-task
user    POST   /agents/{id}/stop
user    POST   /agents/{id}/pause
user    POST   /agents/{id}/resume
user    GET    /agents/{id}/tasks
user    GET    /tasks
user    POST   /tasks
user    GET    /tasks/{id}
user    PATCH  /tasks/{id}
user    DELETE /tasks/{id}
user    POST   /tasks/{id}/assign
user    POST   /tasks/{id}/complete
user    POST   /tasks/{id}/cancel
user    POST   /tasks/{id}/reopen
user    GET    /sandboxes
user    POST   /sandboxes
user    GET    /sandboxes/{id}
service PATCH  /sandboxes/{id}
user    DELETE /sandboxes/{id}
user    GET    /sandboxes/{id}/git-operations
user    POST   /sandboxes/{id}/git-operations
user    GET    /git-operations/{id}
service PATCH  /git-operations/{id}
user    GET    /recipes
user    GET    /recipes/{id}
admin   POST   /recipes
admin   PATCH  /recipes/{id}
admin   DELETE /recipes/{id}
user    GET    /labs
user    POST   /labs
user    GET    /labs/{id}
user    POST   /labs/{id}/end
service PATCH  /labs/{id}
user    GET    /conversations
user    POST   /conversations
user    GET    /conversations/{id}
user    PATCH  /conversations/{id}
user    DELETE /conversations/{id}
user    GET    /conversations/{id}/messages
user    POST   /conversations/{id}/messages
user    GET    /conversations/{id}/messages/count
user    GET    /sse
]]

local PROMISED_AT_ROOT = [[
-       GET    /
-       GET    /version
-       GET    /health
-       GET    /health/ready
-       GET    /docs
-       GET    /redoc
-       GET    /openapi.json
-       GET    /metrics
]]

local function read(text, prefix)
  local set, n = {}, 0
  for auth, method, path in text:gmatch "(%S+)%s+(%S+)%s+(%S+)\n" do
    set[("%s %s%s"):format(method, prefix, path)] = auth
    n = n + 1
  end
  return set, n
end

-- Every route that the host serves, whoever declared it; who may call is what the application's own declare.
local function declared()
  test.get "/health"
  local auth = {}
  for _, route in ipairs(boot.load("tool"):routes()) do
    auth[route.method .. " " .. route.path] = route.opts.auth or "-"
  end
  local below, outside = {}, {}
  for _, route in ipairs(core.routes()) do
    local name = route.method .. " " .. route.pattern
    local is_below = route.pattern:sub(1, #config.API_V1_PREFIX + 1) == config.API_V1_PREFIX .. "/"
    local set = is_below and below or outside
    set[name] = auth[name] or "-"
  end
  return below, outside
end

local function difference(promised, found)
  local list = {}
  for name, auth in pairs(promised) do
    if found[name] ~= auth then
      list[#list + 1] = ("%s is for %s, not for %s"):format(name, tostring(found[name]), auth)
    end
  end
  for name in pairs(found) do
    if promised[name] == nil then
      list[#list + 1] = name .. " was not promised"
    end
  end
  table.sort(list)
  return list
end

describe("Workbench", function()
  it("has the 61 operations of version 1, each for whom it is meant, and no others", function()
    local promised, n = read(PROMISED, config.API_V1_PREFIX)
    assert.equal(61, n)
    assert.same({}, difference(promised, (declared())))
  end)

  it("has 8 outside of it, and what its page consists of", function()
    local promised, n = read(PROMISED_AT_ROOT, "")
    assert.equal(8, n)
    local _, outside = declared()
    for name, auth in pairs(promised) do
      assert.equal(auth, outside[name], name)
      outside[name] = nil
    end
    for name in pairs(outside) do
      assert.is_truthy(name:find "^GET /page/" or name:find "^GET /docs/assets/", name)
    end
  end)

  it("tells nobody anything who has not signed in, except where it says so", function()
    local id = "00000000-0000-4000-8000-000000000000"
    for name, auth in pairs((read(PROMISED, config.API_V1_PREFIX))) do
      local method, path = name:match "^(%S+) (%S+)$"
      if auth ~= "-" then
        local res = test.request { method = method, path = path:gsub("{[%w_]+}", id) .. "", as = false }
        assert.equal(401, res.status, name)
        assert.equal("token_missing", res.json.error.code, name)
      end
    end
  end)

  it("answers each of them in its OpenAPI document, with a summary, a tag and its errors", function()
    local document = test.get("/openapi.json").json
    for name, auth in pairs((read(PROMISED, config.API_V1_PREFIX))) do
      local method, path = name:match "^(%S+) (%S+)$"
      local operation = document.paths[path][method:lower()]
      assert.is_string(operation.summary, name)
      assert.is_string(operation.operationId, name)
      assert.equal(1, #operation.tags, name)
      assert.is_truthy(auth == "-" or operation.responses["401"], name)
      assert.is_truthy(auth == "-" or auth == "user" or operation.responses["403"], name)
      assert.is_truthy(not path:find "{" or operation.responses["404"], name)
    end
  end)
end)
