--- Code is replaced while requests run: every socket stays, every request is answered, a broken file changes nothing.
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local scratch = require "spec.support.scratch"
local test = require "neap.test"
local wire = require "spec.support.wire"

local INIT = [[
local core = require "neap.core"
local neap = require "neap"
local version = require "app.version"
return function()
  local app = neap.app { auth = false }
  app:get("/version", function() return { version = version } end)
  app:get("/slow", function() core.sleep(1) return { version = version } end)
  app:get("/counts", function() return core.counts() end)
  return app
end
]]

local function version_file(n)
  return ("local weight = {}\nfor i = 1, 1000 do weight[i] = 'version ' .. i end\nreturn %d\n"):format(n)
end

local app, server

local function start(command)
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT, ["lua/app/version.lua"] = version_file(0) },
  }
  -- What AddressSanitizer keeps of freed memory is not memory that grows.
  local asan = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1"
  server = edges.start { dir = app, command = command, env = { ASAN_OPTIONS = asan } }
end

local function finish()
  edges.finish(server)
  scratch.remove(app)
end

local function version()
  return wire.exchange(server, wire.request "GET /version").json.version
end

local function wait_for_version(n)
  for _ = 1, 200 do
    if version() == n then
      return true
    end
    core.sleep(0.02)
  end
  error(("version %d never came"):format(n))
end

describe("what neap dev says when it serves", function()
  local function banner(options, route)
    local dir = scratch.app {
      links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
      files = { ["lua/app/init.lua"] = ([[
return function()
  local app = require("neap").app { auth = false %s }
  app:get(%q, function() return { mine = true } end)
  return app
end
]]):format(options, route) },
    }
    local own = test.spawn_server { dir = dir, command = "dev" }
    local said
    edges.eventually(function()
      said = own:log_text():match "\n(  http://.-\n)\n"
      return said
    end)
    local port = own.port
    own:stop()
    scratch.remove(dir)
    return (said:gsub(":" .. port, ":PORT"))
  end

  local HEAD = "  http://127.0.0.1:PORT   Ctrl-C stops it; a saved file is live\n"

  it("names its address, and that of the documentation where there is some", function()
    assert.equal(HEAD .. "  http://127.0.0.1:PORT/docs\n", banner("", "/a"))
    assert.equal(HEAD .. "  http://127.0.0.1:PORT/manual\n", banner(", docs_url = '/manual'", "/a"))
    assert.equal(HEAD .. "  http://127.0.0.1:PORT/redoc\n", banner(", docs_url = false", "/a"))
    assert.equal(HEAD, banner(", docs = false", "/a"))
  end)

  it("does not take a page of the application's own for it", function()
    assert.equal(HEAD .. "  http://127.0.0.1:PORT/redoc\n", banner("", "/docs"))
  end)
end)

describe("neap dev", function()
  setup(function()
    start "dev"
  end)

  teardown(finish)

  it("serves a saved file at the next request, on the same connection", function()
    local conn = wire.open(server)
    conn:write(wire.request "GET /version")
    assert.equal(0, conn:answer().json.version)
    scratch.write(app .. "/lua/app/version.lua", version_file(1))
    wait_for_version(1)
    conn:write(wire.request "GET /version")
    assert.equal(1, conn:answer().json.version)
    conn:close()
  end)

  it("lets a request that runs end with the code it began with", function()
    local conn = wire.open(server)
    conn:write(wire.request "GET /slow")
    core.sleep(0.1)
    scratch.write(app .. "/lua/app/version.lua", version_file(2))
    wait_for_version(2)
    assert.equal(1, conn:answer().json.version)
    conn:close()
  end)

  it("keeps the last good code while a file is broken, and tells file and line", function()
    scratch.write(app .. "/lua/app/version.lua", "return 3\nlocal oops =\n")
    local told
    for _ = 1, 100 do
      local res = wire.exchange(server, wire.request "GET /version")
      assert.equal(200, res.status)
      assert.equal(2, res.json.version)
      told = res.head:match "lua/app/version%.lua:%d+"
      if told then
        break
      end
      core.sleep(0.02)
    end
    assert.matches("lua/app/version%.lua:%d+", told)
    scratch.write(app .. "/lua/app/version.lua", version_file(4))
    wait_for_version(4)
    assert.is_nil(wire.exchange(server, wire.request "GET /version").head:match "version%.lua")
  end)

  it("names a module that is not there, in one line that is whole", function()
    scratch.write(app .. "/lua/app/version.lua", 'return require "app.nowhere"\n')
    local told
    assert(edges.eventually(function()
      told = wire.exchange(server, wire.request "GET /version").headers["x-neap-load-error"]
      return told
    end))
    assert.matches("module 'app%.nowhere' not found$", told)
    scratch.write(app .. "/lua/app/version.lua", version_file(4))
    assert(edges.eventually(function()
      return wire.exchange(server, wire.request "GET /version").headers["x-neap-load-error"] == nil
    end))
  end)

  it("keeps the last good code when a file writes an undeclared global", function()
    scratch.write(app .. "/lua/app/version.lua", "oops = 1\nreturn 5\n")
    core.sleep(0.5)
    assert.equal(4, version())
  end)

  it("takes 100 rewrites under load, 10 of them broken, without a failed request", function()
    local conns = load.connect(server, 16)
    local function request()
      return wire.request "GET /version"
    end
    local function rewrite(n)
      local broken = n % 10 == 0
      scratch.write(app .. "/lua/app/version.lua", broken and "return return" or version_file(1000 + n))
      for _ = 1, 4 do
        for _, answer in ipairs(load.round(conns, request)) do
          assert(answer, "a connection was dropped")
          assert.equal(200, answer.status)
        end
        core.sleep(0.01)
      end
    end
    for n = 1, 40 do
      rewrite(n)
    end
    local before = edges.resident(server)
    for n = 41, 100 do
      rewrite(n)
    end
    scratch.write(app .. "/lua/app/version.lua", version_file(2000))
    wait_for_version(2000)
    local after = edges.resident(server)
    -- An engine that stays behind holds about 200 KiB; sixty of them would be 12 MiB.
    assert(after - before < 2048, ("memory grew from %d to %d KiB"):format(before, after))
    load.close(conns)
  end)
end)

describe("neap serve", function()
  setup(function()
    start "serve"
  end)

  teardown(finish)

  it("does not care for saved files until SIGHUP, and keeps its connections over it", function()
    local conn = wire.open(server)
    conn:write(wire.request "GET /version")
    assert.equal(0, conn:answer().json.version)
    scratch.write(app .. "/lua/app/version.lua", version_file(1))
    core.sleep(0.3)
    assert.equal(0, version())
    server:signal "HUP"
    wait_for_version(1)
    conn:write(wire.request "GET /version")
    assert.equal(1, conn:answer().json.version)
    conn:close()
  end)

  it("keeps the last good code when SIGHUP finds a broken one, and logs file and line", function()
    scratch.write(app .. "/lua/app/version.lua", "return 2 +")
    server:signal "HUP"
    core.sleep(0.5)
    assert.equal(1, version())
    local told
    for _, line in ipairs(server:logs()) do
      local text = line.message .. " " .. (line.error or "")
      told = told or line.level == "error" and text:match "version%.lua:%d+"
    end
    assert.equal("version.lua:1", told)
  end)
end)
