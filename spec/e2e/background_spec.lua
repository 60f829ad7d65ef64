--- core.spawn: tasks without a request, and what becomes of them when code is replaced and when the worker stops.
local core = require "neap.core"
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local INIT = [[
local core = require "neap.core"
local log = require "neap.log"
local neap = require "neap"
local version = 1

-- Logs how it ended, and that it can still wait while it does.
local function watched(name)
  return setmetatable({ how = "cut" }, { __close = function(self)
    core.sleep(0.05)
    log.info(name .. "." .. self.how, { version = version })
  end })
end

return function()
  local app = neap.app { auth = false }
  app:on_start(function() log.info "hook.start" end)
  app:on_load(function()
    log.info("hook.load", { version = version })
    core.spawn(function()
      local _ <close> = watched "loop"
      while true do
        log.debug "tick"
        core.sleep(0.05)
      end
    end, "looping")
  end)
  app:on_stop(function() log.info("hook.stop", core.counts()) end)
  app:get("/counts", function() return core.counts() end)
  app:post("/piece/{seconds}", { body = false }, function(req)
    local seconds = tonumber(req.params.seconds)
    core.spawn(function()
      local ended <close> = watched "piece"
      core.sleep(seconds)
      ended.how = "finished"
    end, "a piece of work", { finish = true })
  end)
  app:post("/fail", { body = false }, function()
    core.spawn(function() core.sleep(0.01) error "no such luck" end, "failing")
  end)
  app:post("/spin", { body = false }, function()
    core.spawn(function() while true do end end, "spinning")
  end)
  app:post("/ending/{how}", { body = false }, function(req)
    local how = req.params.how
    local id = core.spawn(function()
      if how == "error" then error "as told" end
      if how == "cpu" then while true do end end
      core.sleep(how == "ok" and 0 or 60)
    end, "ending", {
      finish = true,
      timeout = how == "timeout" and 0.1 or nil,
      ended = function(name, problem, trace)
        core.sleep(0.01)
        log.info("ended." .. name, { problem = problem, traced = trace ~= "" })
      end,
    })
    if how == "cancelled" then
      core.sleep(0.05)
      log.info("cancel", { first = core.cancel(id) })
    end
  end)
  app:post("/garbage", { body = false }, function()
    core.spawn(function()
      for _ = 1, 40 do
        local _ = ("x"):rep(4 << 20)
        core.sleep(0.001)
      end
      log.info "garbage.done"
    end, "wasteful", { finish = true })
  end)
  return app
end
]]

local app, server

local function start(env)
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  server = edges.start { dir = app, env = env }
end

after_each(function()
  scratch.remove(app)
end)

local function post(path)
  assert.equal(204, wire.exchange(server, wire.request("POST " .. path, { "Content-Length: 0" })).status)
end

local function reload(version)
  scratch.write(app .. "/lua/app/init.lua", (INIT:gsub("local version = 1", "local version = " .. version)))
  server:signal "HUP"
  server:wait_log "loaded"
end

local function find(message)
  local found = {}
  for _, line in ipairs(server:logs()) do
    if line.message == message then
      found[#found + 1] = line
    end
  end
  return found
end

-- A stopped server's log goes with it.
local function stop_and_keep()
  server:signal "TERM"
  assert.equal(0, server:wait(35))
end

describe("a background task", function()
  it("runs beside requests, is counted apart from them, and names itself in its lines", function()
    start { LOG_LEVEL = "debug" }
    assert.equal("looping", server:wait_log("tick").background)
    local counts = edges.counts(server)
    assert.same({ 1, 1 }, { counts.tasks, counts.background })
    edges.finish(server)
  end)

  it("is cancelled at its wait when new code takes over, which starts its own", function()
    start()
    reload(2)
    assert.equal(1, server:wait_log("loop.cut").version)
    assert.equal(1, #find "hook.start")
    local loads = find "hook.load"
    assert.same({ 2, 2 }, { #loads, loads[2].version })
    assert.is_true(edges.eventually(function() return edges.counts(server).background == 1 end))
    edges.finish(server)
  end)

  it("is cancelled when the worker stops, after on_stop", function()
    start()
    stop_and_keep()
    local order = {}
    for _, line in ipairs(server:logs()) do
      if line.message == "hook.stop" or line.message == "loop.cut" then
        order[#order + 1] = line.message
      end
    end
    assert.same({ "hook.stop", "loop.cut" }, order)
    assert.equal(1, find("hook.stop")[1].background)
    server:stop()
  end)

  it("that fails is logged with its name, the error and its traceback, and harms nobody", function()
    start()
    post "/fail"
    local line = server:wait_log "background.failed"
    assert.equal("failing", line.background)
    assert.matches("^lua/app/init%.lua:%d+: no such luck", line.error)
    assert.matches("stack traceback", line.traceback, 1, true)
    edges.finish(server)
  end)

  it("that computes for ever is ended", function()
    start { HANDLER_CPU = "0.2" }
    post "/spin"
    assert.equal("spinning", server:wait_log("background.failed").background)
    edges.finish(server)
  end)

  it("may use more memory in its life than one request may at once", function()
    start { HANDLER_HEAP = "16M" }
    post "/garbage"
    server:wait_log "garbage.done"
    edges.finish(server)
  end)

  it("cannot be spawned while the application loads", function()
    app = scratch.app {
      files = { ["lua/app/init.lua"] = 'require("neap.core").spawn(function() end, "early") return function() end\n' },
    }
    local code, said = sys.exec {
      core.program, "serve", cwd = app, env = { PATH = os.getenv "PATH", PORT = "0", SECRET_KEY = ("test"):rep(8) },
    }
    assert.are_not.equal(0, code)
    assert.matches("nothing runs while the application loads", said, 1, true)
  end)
end)

describe("a task that was spawned to finish", function()
  it("ends with the code it began with, and that code goes with it", function()
    start()
    post "/piece/0.5"
    reload(2)
    assert.equal(1, server:wait_log("piece.finished").version)
    edges.finish(server)
  end)

  it("is waited for when the worker stops", function()
    start()
    post "/piece/0.7"
    stop_and_keep()
    assert.equal(1, #find "piece.finished")
    assert.equal(0, find("hook.stop")[1].tasks - 1)
    server:stop()
  end)

  it("is waited for also when its code was replaced", function()
    start()
    post "/piece/1"
    reload(2)
    stop_and_keep()
    assert.equal(1, find("piece.finished")[1].version)
    server:stop()
  end)

  it("tells another function how it ended, which can wait whatever that was", function()
    start { HANDLER_CPU = "0.2" }
    for how, wanted in pairs {
      ok = "",
      error = "lua/app/init.lua:%d+: as told",
      timeout = "it took longer than it may",
      cancelled = "it was cancelled",
      cpu = "it computed for too long between two waits",
    } do
      post("/ending/" .. how)
      local line = server:wait_log("ended." .. how)
      assert.matches("^" .. wanted .. "$", line.problem)
      assert.equal(how ~= "ok", line.traced, how)
    end
    assert.is_true(server:wait_log("cancel").first)
    assert.equal(0, #find "background.failed")
    edges.finish(server)
  end)

  it("is cancelled when SHUTDOWN_TIMEOUT is over", function()
    start { SHUTDOWN_TIMEOUT = "0.3" }
    post "/piece/60"
    core.sleep(0.1)
    stop_and_keep()
    assert.equal(1, #find "piece.cut")
    server:stop()
  end)
end)
