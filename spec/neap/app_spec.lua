--- What an application does besides answering, seen from outside a server that runs it.
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

local app

local function write_app(body)
  app = scratch.app { files = {
    ["lua/app/init.lua"] = 'local neap, log = require "neap", require "neap.log"\nreturn function()\n' .. body .. "\nend\n",
    ["migrations/0001_things.up.sql"] = "create table things (name text not null);\n",
  } }
end

after_each(function()
  scratch.remove(app)
end)

local function find(server, message)
  local found = {}
  for _, line in ipairs(server:logs()) do
    if line.message == message then
      found[#found + 1] = line
    end
  end
  return found
end

describe("the hooks of an application", function()
  it("run once in each worker, may query, and on_stop runs the last declared first", function()
    write_app [[
      local db = require "neap.db"
      local app = neap.app { auth = false }
      app:on_start(function()
        db.exec "insert into things values ('started')"
        log.info "hook.started"
      end)
      app:on_stop(function() log.info("hook.stopped", { things = db.one("select count(*) as n from things").n }) end)
      app:on_stop(function() error "this one fails" end)
      app:on_stop(function() log.info "hook.first" end)
      app:get("/", function() return {} end)
      return app
    ]]
    local server = test.spawn_server { dir = app, database = true, env = { WORKERS = "2" } }
    assert.equal(200, server:get("/").status)
    server:wait_log "ready"
    server:signal "TERM"
    assert.equal(0, server:wait(20))
    assert.equal(2, #find(server, "hook.started"))
    assert.equal(2, #find(server, "hook.first"))
    assert.equal(2, #find(server, "shutdown.hook_failed"))
    local stopped = find(server, "hook.stopped")
    assert.same({ 2, 2, 2 }, { #stopped, stopped[1].things, stopped[2].things })
    assert.equal("app", stopped[1].module)
    server:stop()
  end)

  it("that fail at the start are logged with their line, and the worker serves all the same", function()
    write_app [[
      local app = neap.app { auth = false }
      app:on_start(function() error "no such thing" end)
      app:on_start(function() log.info "hook.second" end)
      app:get("/", function() return {} end)
      return app
    ]]
    local server = test.spawn_server { dir = app, env = { WORKERS = "1" } }
    server:wait_log "hook.second"
    local failed = find(server, "startup.hook_failed")
    assert.equal(1, #failed)
    assert.matches("^lua/app/init%.lua:4: no such thing", failed[1].error)
    assert.matches("stack traceback", failed[1].traceback, 1, true)
    assert.equal(200, server:get("/").status)
    server:stop()
  end)
end)

describe("a handler's print", function()
  it("is a log line with its request", function()
    write_app [[
      local app = neap.app { auth = false }
      app:get("/", function() print("here", 1) return {} end)
      return app
    ]]
    local server = test.spawn_server { dir = app }
    local id = server:get("/").headers["x-request-id"]
    local line = server:wait_log("here\t1")
    assert.same({ "info", "app", id }, { line.level, line.module, line.request_id })
    server:stop()
  end)
end)

describe("what is bound to a request", function()
  it("is on its later lines, those of named loggers and the access line, and on no other request's", function()
    write_app [[
      local app = neap.app { auth = false }
      app:get("/{id}", function(req)
        log.info "before"
        log.bind { conversation_id = req.params.id, tool_name = "search" }
        log.get("tools").info "after"
        if req.params.id == "bad" then error "no" end
        return {}
      end)
      return app
    ]]
    local server = test.spawn_server { dir = app, env = { WORKERS = "1" } }
    server:get "/seven"
    assert.equal(500, server:get("/bad").status)
    assert.equal(404, server:get("/none/of/these").status)
    assert.is_true(edges.eventually(function()
      return #find(server, "request") == 3
    end))
    local function bound(message)
      local found = {}
      for i, line in ipairs(find(server, message)) do
        found[i] = { line.conversation_id, line.tool_name }
      end
      return found
    end
    local seven, bad = { "seven", "search" }, { "bad", "search" }
    assert.same({ seven, bad, {} }, bound "request")
    assert.same({ {}, {} }, bound "before")
    assert.same({ seven, bad }, bound "after")
    local line = find(server, "request")[1]
    assert.same({ "number", 200 }, { type(line.latency_ms), line.status })
    assert.equal(line.request_id, find(server, "after")[1].request_id)
    assert.equal("tools", find(server, "after")[1].module)
    server:stop()
  end)
end)

describe("the level of the log", function()
  it("is LOG_LEVEL", function()
    write_app [[
      local app = neap.app { auth = false }
      app:get("/", function() log.debug "fine" log.warn "rough" return {} end)
      return app
    ]]
    for level, counts in pairs { debug = { 1, 1 }, info = { 0, 1 }, error = { 0, 0 } } do
      local server = test.spawn_server { dir = app, env = { LOG_LEVEL = level }, ready = level ~= "error" }
      if level ~= "error" then
        server:get "/"
        server:wait_log "rough"
      end
      assert.same(counts, { #find(server, "fine"), #find(server, "rough") }, level)
      server:discard()
    end
  end)
end)
