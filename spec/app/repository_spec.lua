-- What the seeds ask of the repository itself: its parts, its pages, the files that other tools read.
local core = require "neap.core"
local core_os = require "neap.core.os"
local db = require "neap.db"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

local ROOT = core.app_dir .. "/"

local PARTS = {
  "CMakeLists.txt", "Makefile", "README.md", "CHANGELOG.md", "config.lua", ".env.example", ".gitignore", "compose.yaml",
  "tools/deps.sh", "migrations/0001_initial.up.sql", "migrations/0001_initial.down.sql", "migrations/TEMPLATE.sql",
  "lua/app/init.lua", "lua/app/schemas.lua", "lua/app/seed.lua", "lua/app/providers", "deploy/neap.service",
  "lua/neap/db.lua", "lua/neap/errors.lua", "lua/neap/log.lua", "lua/neap/schema.lua", "lua/neap/settings.lua",
  "lua/neap/token.lua", "core/http", "core/pg", "core/plan", "core/auth", "core/script", "core/host", "spec/support",
}

-- What a feature has.
local FEATURES = {
  agents = "routes schemas rules store", auth = "routes schemas rules store", conversations = "routes schemas rules store",
  events = "routes schemas rules store",
  git_operations = "routes schemas rules store jobs", health = "routes schemas rules store",
  labs = "routes schemas rules store jobs", recipes = "routes schemas rules store",
  sandboxes = "routes schemas rules store jobs", tasks = "routes schemas rules store", users = "routes schemas rules store",
}

-- A, B and D by name; Paginated is the generic one of D, once for each kind of list.
local SCHEMAS = {
  "AgentCreate", "AgentUpdate", "AgentResponse", "TaskCreate", "TaskUpdate", "TaskResponse", "SandboxCreate",
  "SandboxResponse", "HealthResponse", "VersionResponse", "ReadinessResponse", "ErrorResponse", "PaginatedTaskResponse",
  "UserResponse", "LabCreate", "LabResponse", "RecipeCreate", "RecipeUpdate", "RecipeResponse",
}

local INDEXED = {
  tasks = { "user_id", "title", "completed", "created_at" },
  conversations = { "user_id" },
  messages = { "user_id", "conversation_id", "role", "created_at" },
}

local function read(path)
  return assert(core_os.read_file(ROOT .. path), path)
end

local function exec(...)
  local code, out, err = core_os.exec { cwd = core.app_dir, ... }
  return code, tostring(out) .. tostring(err)
end

-- What make would do. The make that runs the specs is not to be asked.
local function plan_of(command)
  local code, plan = exec("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "PORT", "-u", "ARGS", "-u", "BUILD",
    "-u", "LANES", "sh", "-c", (command:gsub("^make ", "make -n ")))
  assert.equal(0, code, plan)
  return plan
end

describe("the repository", function()
  it("has the parts that the seeds ask for", function()
    for _, path in ipairs(PARTS) do
      assert.truthy(core_os.stat(ROOT .. path), path)
    end
    for feature, parts in pairs(FEATURES) do
      for part in parts:gmatch "%S+" do
        local path = ("lua/app/%s/%s.lua"):format(feature, part)
        assert.truthy(core_os.stat(ROOT .. path), path)
      end
    end
  end)

  it("has the pages that the seeds ask for", function()
    local readme = read "README.md"
    for _, text in ipairs {
      "make run", "make api", "http://127.0.0.1:8000", "/health", "/docs", "/redoc", "`config.lua`", ".env.example", "\\dt",
    } do
      assert.truthy(readme:find(text, 1, true) or readme:find((text:gsub("`", "")), 1, true), text)
    end
    for _, page in ipairs { "architecture", "add-an-endpoint", "migrations", "deploy", "security", "requirements" } do
      assert.truthy(core_os.stat(ROOT .. "docs/" .. page .. ".md"), page)
      assert.truthy(readme:find(("](docs/%s.md)"):format(page), 1, true), page)
    end
  end)

  it("has the targets that the seeds ask for", function()
    local makefile = read "Makefile"
    for _, target in ipairs { "build", "run", "api", "test", "migrate", "check", "bench", "deps", "clean", "lint" } do
      assert.truthy(makefile:find(("\n%s:"):format(target), 1, true), target)
    end
    local plan = plan_of "make api"
    assert.truthy(plan:find("PORT=8000 make", 1, true), plan)
    assert.truthy(plan:find("build/neap dev", 1, true), plan)
  end)

  it("does by the README's two commands what the README says", function()
    local commands = read("README.md"):match "\n## Two commands\n.-\n```sh\n(.-)\n```"
    local run, all = commands:match "^(make run [^#\n]-) *#[^\n]*\n(make [^\n]*)$"
    assert.truthy(plan_of(run):find("build/neap dev --as you@example.com\n", 1, true), run)
    local plan = plan_of(all)
    for _, step in ipairs {
      "ctest ", "sh tools/specs.sh build/neap 2 build/specs.ran", "sh tools/requirements.sh build/specs.ran",
    } do
      assert.truthy(plan:find(step, 1, true), plan)
    end
  end)

  it("keeps .env and what was built out of version control", function()
    local folder = scratch.folder()
    scratch.write(folder .. "/.gitignore", read ".gitignore")
    assert.equal(0, (core_os.exec { "git", "init", "-q", cwd = folder }))
    local function is_ignored(path)
      return (core_os.exec { "git", "check-ignore", "-q", path, cwd = folder }) == 0
    end
    for _, path in ipairs { ".env", ".neap/postgres/PG_VERSION", "build/neap" } do
      assert.is_true(is_ignored(path), path)
    end
    for _, path in ipairs { ".env.example", "migrations/0001_initial.up.sql", "config.lua" } do
      assert.is_false(is_ignored(path), path)
    end
    scratch.remove(folder)
  end)

  it("has a compose file with PostgreSQL and Redis for this machine only", function()
    local compose = read "compose.yaml"
    assert.truthy(compose:find("image: postgres:15\n", 1, true))
    assert.truthy(compose:find("image: redis:7\n", 1, true))
    local ports = 0
    for published in compose:gmatch "ports:\n%s*%- \"([^\"]*)\"" do
      assert.matches("^127%.0%.0%.1:", published)
      ports = ports + 1
    end
    assert.equal(2, ports)
  end)

  it("has pre-commit hooks that run what make lint runs", function()
    local hooks, lint = read ".pre-commit-config.yaml", read "tools/lint.sh"
    local checks = {}
    for name in lint:match("in %${%*:%-([%l ]+)}"):gmatch "%l+" do
      checks[name] = true
    end
    assert.truthy(hooks:find("entry: clang-format --dry-run -Werror", 1, true))
    assert.truthy(hooks:find("entry: luacheck --quiet", 1, true))
    checks.format, checks.lua = nil, nil
    for name in hooks:match("entry: sh tools/lint%.sh build ([%l ]+)\n"):gmatch "%l+" do
      assert.is_true(checks[name], name)
      checks[name] = nil
    end
    assert.same({}, checks)
    local code, said = exec("sh", "tools/lint.sh", "build", "rings", "umbrella", "size", "links")
    assert.equal(0, code, said)
    assert.matches("lint: 4 passed\n", said)
  end)

  it("has its links looked at in the pages that are its own, not in what a build left there", function()
    local folder = scratch.folder()
    finally(function() scratch.remove(folder) end)
    local function links()
      return core_os.exec { "sh", ROOT .. "tools/lint.sh", "build", "links", cwd = folder }
    end
    for _, path in ipairs { "core/a.h", "spec/a.h", "fuzz/a.h", "lua/a.lua", "bench/a.lua", "config.lua" } do
      scratch.write(folder .. "/" .. path, "")
    end
    scratch.write(folder .. "/.gitignore", "/build*/\n")
    scratch.write(folder .. "/build-other/_deps/README.md", "[nowhere](nowhere.md)\n")
    scratch.write(folder .. "/README.md", "[here](docs/a.md)\n")
    scratch.write(folder .. "/docs/a.md", "[back](../README.md)\n")
    assert.same({ 0, "lint: 1 passed\n", "" }, { links() }, "without git")
    core_os.exec { "git", "init", "-q", cwd = folder }
    assert.equal(0, (links()))
    scratch.write(folder .. "/docs/a.md", "[back](README.md)\n")
    assert.same({ 1, "docs/a.md:1: leads nowhere: README.md\nlint: 0 passed, failed: links\n", "" }, { links() })
  end)
end)

describe("Workbench", function()
  it("names the schemas that the seeds name", function()
    local known = test.get("/openapi.json").json.components.schemas
    for _, name in ipairs(SCHEMAS) do
      assert.truthy(known[name], name)
    end
    assert.same({ "items", "page", "page_size", "total" }, (function()
      local fields = {}
      for name in pairs(known.PaginatedTaskResponse.properties) do
        fields[#fields + 1] = name
      end
      table.sort(fields)
      return fields
    end)())
  end)

  it("has an index for each column that the seeds name", function()
    for name, columns in pairs(INDEXED) do
      for _, column in ipairs(columns) do
        assert.truthy(db.one([[
          select 1 as n from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
          where i.indrelid = $1::regclass and a.attname = $2]], name, column), name .. "." .. column)
      end
    end
  end)

  it("makes an application from settings", function()
    local make = require "app"
    assert.equal("function", type(make))
    local settings = setmetatable({ API_TITLE = "Another", APP_VERSION = "9.9.9" }, { __index = require "config" })
    local one, other = make(settings), make(require "config")
    assert.not_equal(one, other)
    assert.same({ "Another", "9.9.9" }, { one.opts.title, one.opts.version })
  end)
end)
