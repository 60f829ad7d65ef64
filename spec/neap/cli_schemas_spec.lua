local core = require "neap.core"
local core_os = require "neap.core.os"
local json = require "neap.json"
local test = require "neap.test"

local dir

before_each(function()
  dir = assert(core_os.tempdir "neap-cli-")
end)

after_each(function()
  core_os.remove(dir, { recursive = true })
end)

-- The command as a person starts it in Workbench's folder, but with no variable of this run's environment.
local function neap(words, env)
  local argv = { core.program, table.unpack(words) }
  argv.cwd = core.app_dir
  argv.env = { PATH = os.getenv "PATH", HOME = os.getenv "HOME", NEAP_HOME = core.home, LANG = "C.UTF-8" }
  for name, value in pairs(env or {}) do
    argv.env[name] = value
  end
  return core_os.exec(argv)
end

describe("neap openapi", function()
  it("prints what the service answers at /openapi.json", function()
    local code, stdout = neap { "openapi" }
    assert.equal(0, code)
    assert.same(test.get("/openapi.json").json, json.decode(stdout))
  end)

  it("--check is content with the document of the same routes", function()
    local file = dir .. "/openapi.json"
    core_os.write_file(file, test.get("/openapi.json").body)
    local code, stdout = neap { "openapi", "--check", file }
    assert.equal(0, code)
    assert.matches("^ok: ", stdout)
  end)

  it("--check names each breaking change and ends with 1", function()
    local old = test.get("/openapi.json").json
    old.paths["/gone"] = { get = { responses = {} } }
    old.components.schemas.TaskCreate.properties.title.maxLength = 600
    old.components.schemas.VersionResponse.properties.commit = { type = "string" }
    core_os.write_file(dir .. "/old.json", json.encode(old))
    local code, stdout, stderr = neap { "openapi", "--check", dir .. "/old.json" }
    assert.equal(1, code)
    assert.equal("POST /api/v1/tasks: the body.title: maxLength was 600 and is 500\n"
      .. "GET /gone: is gone\nGET /version: the answer 200: the field commit is gone\n", stdout)
    assert.equal("3 breaking changes\n", stderr)
  end)

  it("--check says what is wrong with a file that is no document", function()
    core_os.write_file(dir .. "/x.json", "[]")
    local code, _, stderr = neap { "openapi", "--check", dir .. "/x.json" }
    assert.equal(1, code)
    assert.matches("is not an OpenAPI document", stderr)
    assert.equal(1, (neap { "openapi", "--check", dir .. "/nowhere.json" }))
    assert.equal(64, (neap { "openapi", "--check" }))
  end)
end)

describe("neap types", function()
  it("wants one language", function()
    assert.equal(64, (neap { "types" }))
    assert.equal(64, (neap { "types", "--ts", "--lua" }))
  end)

  it("prints either", function()
    local _, ts = neap { "types", "--ts" }
    assert.matches("\nexport interface TaskResponse {\n", ts)
    local _, lua = neap { "types", "--lua" }
    assert.matches("\n%-%-%-@class TaskResponse\n", lua)
  end)
end)

describe("neap check --db", function()
  it("is content with a migrated database, and tells each disagreement after an ALTER TABLE", function()
    local database = test.scratch_database { migrate = true }
    local code, stdout = neap({ "check", "--db" }, { DATABASE_URL = database.url })
    assert.equal(0, code)
    assert.matches("%f[%d][1-9]%d* schemas like their tables", stdout)
    core_os.exec { "psql", "-Xq", database.url, "-c", "alter table tasks alter title type varchar(400)" }
    local failed, _, stderr = neap({ "check", "--db" }, { DATABASE_URL = database.url })
    database:drop()
    assert.equal(1, failed)
    assert.matches("lua/app/tasks/schemas%.lua:%d+: TaskResponse%.title has at most 500 characters, "
      .. "but tasks%.title holds 400\n", stderr)
  end)
end)
