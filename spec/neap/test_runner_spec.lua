--- `neap test` itself, on applications made for it.
local core = require "neap.core"
local core_os = require "neap.core.os"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

local APP = [[
local neap = require "neap"
return function()
  local app = neap.app { auth = false }
  app:get("/hello", function(req) return { hello = req.query.name or "world" } end)
  app:get("/count", function() return require("neap.db").one "select count(*) as n from things" end)
  app:post("/things", { body = true }, function(req)
    require("neap.db").exec("insert into things (name) values ($1)", req.body.name)
    return 201, {}
  end)
  app:get("/me", { auth = "user" }, function(req) return { id = req.user.id, role = req.user.role } end)
  return app
end
]]

local app

before_each(function()
  app = scratch.app { files = { ["lua/app/init.lua"] = APP } }
end)

after_each(function()
  scratch.remove(app)
end)

local function run(spec, ...)
  if spec then
    scratch.write(app .. "/spec/a_spec.lua", 'local test = require "neap.test"\n' .. spec)
  end
  local code, out, err = core_os.exec { core.program, "test", cwd = app, ... }
  return code, out:match "([^\n]*)\n*$", out .. err
end

local function with_database()
  scratch.write(app .. "/migrations/0001_things.up.sql", "create table things (name text not null);\n")
end

describe("neap test", function()
  it("ends with a line of counts, and 0 when nothing failed", function()
    local code, last = run [[
      it("passes", function() assert.equal(1, 1) end)
      pending "later"
    ]]
    assert.same({ 0, "1 passed, 0 failed, 1 skipped" }, { code, last })
  end)

  it("ends with 1 for a test that fails or raises, a setup that raises, a file that does not load", function()
    for spec, counts in pairs {
      ['it("a", function() assert.equal(1, 2) end)'] = "0 passed, 1 failed",
      ['it("a", function() error "no" end) it("b", function() end)'] = "1 passed, 1 failed",
      ['describe("a", function() setup(function() error "no" end) it("b", function() end) end)'] = "0 passed, 1 failed",
      ['it("a", function('] = "0 passed, 1 failed",
      ['it("a", function() os.exit(0) end)'] = "0 passed, 1 failed",
    } do
      local code, last = run(spec)
      assert.same({ 1, counts }, { code, last }, spec)
    end
  end)

  it("says so when there is nothing to run", function()
    local code, _, said = run(nil)
    assert.equal(1, code)
    assert.matches("there is no folder spec/ here", said, 1, true)
  end)

  it("hands busted its options", function()
    local code, last = run([[it("one", function() end) it("two", function() error "no" end)]], "--filter=one")
    assert.same({ 0, "1 passed, 0 failed" }, { code, last })
  end)

  it("writes what became of each test where --ran says, skipped files among them", function()
    scratch.write(app .. "/spec/deep/b_spec.lua", 'pending "no browser"\n')
    local code, last = run([[
      describe("a thing", function()
        it("passes", function() end)
        it("fails", function() error "no" end)
        pending "waits"
      end)
    ]], "--ran", "results")
    assert.same({ 1, "1 passed, 1 failed, 2 skipped" }, { code, last })
    assert.equal("passed\tspec/a_spec.lua\tpasses\nfailed\tspec/a_spec.lua\tfails\nskipped\tspec/a_spec.lua\twaits\n"
      .. "skipped\tspec/deep/b_spec.lua\tno browser\n", core_os.read_file(app .. "/results"))
    local failed, _, said = run(nil, "--ran", "nowhere/results")
    assert.equal(1, failed)
    assert.matches("--ran nowhere/results: ", said, 1, true)
  end)

  it("shows the log of what failed, and of nothing else", function()
    local code, _, said = run [[
      local log = require "neap.log"
      it("passes", function() log.error "of no interest" end)
      it("fails", function() log.warn "a trace of it" error "no" end)
      it("passes again", function() log.warn "nor this" end)
      describe("a group", function()
        setup(function() log.warn "the cause" error "no" end)
        it("is not run", function() end)
      end)
    ]]
    assert.equal(1, code)
    assert.matches("the log of 'fails':\n[^\n]*a trace of it", said)
    assert.matches("the log of what failed outside of a test:\n[^\n]*the cause", said)
    assert.is_nil(said:find "of no interest")
    assert.is_nil(said:find "nor this")
  end)

  it("shows all of the log to who asks for a level", function()
    scratch.write(app .. "/spec/a_spec.lua", 'it("passes", function() require("neap.log").info "as it comes" end)\n')
    local code, _, err = core_os.exec { "env", "LOG_LEVEL=info", core.program, "test", cwd = app }
    assert.equal(0, code)
    assert.matches("as it comes", err)
  end)

  it("sends real requests to the application", function()
    local code, last, said = run [[
      it("asks", function()
        local res = test.get("/hello", { query = { name = "a b&c" } })
        assert.same({ 200, { hello = "a b&c" } }, { res.status, res.json })
        assert.matches("^application/json", res.headers["content-type"])
        assert.equal(404, test.get("/nope").status)
      end)
    ]]
    assert.same({ 0, "1 passed, 0 failed" }, { code, last }, said)
  end)

  it("signs in who the test says, for a request or for the test", function()
    local code, last, said = run [[
      local ann = { id = "1", email = "ann@example.com", role = "admin" }
      it("asks as somebody", function()
        assert.equal(401, test.get("/me").status)
        assert.same({ id = "1", role = "admin" }, test.get("/me", { as = ann }).json)
        assert.equal(401, test.get("/me").status)
        test.as(ann)
        assert.equal(200, test.get("/me").status)
        assert.equal(401, test.get("/me", { as = false }).status)
      end)
      it("does not stay signed in", function()
        assert.equal(401, test.get("/me").status)
      end)
    ]]
    assert.same({ 0, "2 passed, 0 failed" }, { code, last }, said)
  end)
end)

describe("neap test with a database", function()
  it("migrates one of its own and rolls every test back, the requests that it sends too", function()
    with_database()
    local code, last, said = run [[
      local db = require "neap.db"
      for i = 1, 2 do
        it("starts empty " .. i, function()
          assert.equal(0, test.get("/count").json.n)
          db.exec("insert into things values ('a')")
          assert.equal(201, test.post("/things", { name = "b" }).status)
          assert.equal(2, test.get("/count").json.n)
          assert.matches("^neap_test_", db.one("select current_database() as name").name)
        end)
      end
    ]]
    assert.same({ 0, "2 passed, 0 failed" }, { code, last }, said)
    require("neap.postgres").of(app):destroy()
  end)

  it("uses the server of TEST_DATABASE_URL when it is told of one, and leaves nothing there", function()
    with_database()
    local server = test.scratch_postgres()
    local argv = { "env", "TEST_DATABASE_URL=" .. server.url, core.program, "test", cwd = app }
    scratch.write(app .. "/spec/a_spec.lua", [[
      local test = require "neap.test"
      test.no_transaction()
      it("keeps what it wrote", function() test.post("/things", { name = "a" }) end)
      it("has it here", function() assert.equal(1, test.get("/count").json.n) end)
      it("leaves a database behind", function() test.scratch_database { migrate = true } end)
    ]])
    local code, out, err = core_os.exec(argv)
    assert.equal(0, code, out .. err)
    assert.is_nil(core_os.stat(app .. "/.neap/postgres"))
    local _, left = core_os.exec {
      "psql", "-XAtq", "-d", server.url, "-c", "select count(*) from pg_database where datname like 'neap_test%'",
    }
    assert.equal("0\n", left)
    server:drop()
  end)
end)

describe("neap test that is told to end", function()
  local function begin(spec)
    scratch.write(app .. "/spec/a_spec.lua", 'local test, core = require "neap.test", require "neap.core"\n' .. spec)
    local proc = core_os.spawn { core.program, "test", cwd = app, stdout = "pipe", stderr = "pipe" }
    proc.timeout = 60
    return proc, assert(proc:read_until("begun\n", "stdout")):match "(%d+)%s+begun"
  end

  for what, body in pairs { waits = "core.sleep(1000)", ["computes for ever"] = "while true do pcall(error) end" } do
    it("says where it was and stops what it started, though a spec " .. what, function()
      with_database()
      local proc, server = begin(([[
        it("passes", function() end)
        it("hangs", function()
          require("neap.db").exec "insert into things values ('a')"
          print(test.spawn_server({ command = "serve", database = true }).pid, "begun")
          %s
        end)
      ]]):format(body))
      proc:kill "TERM"
      assert.equal("neap test: ended by SIGTERM in 'hangs' at spec/a_spec.lua:6\n", proc:read_until("\n", "stderr"))
      assert(proc:read_until("1 passed, 0 failed, not all of them ran\n", "stdout"))
      assert.equal(143, (proc:wait()))
      assert.is_nil(core_os.stat("/proc/" .. server))
      assert.is_false(require("neap.postgres").of(app):is_running())
      require("neap.postgres").of(app):destroy()
    end)
  end

  it("does the same at SIGHUP, as when its terminal is closed, and takes a signal that comes to it and to its group for one",
    function()
      with_database()
      local proc = begin [[it("hangs", function() io.stdout:write("0 begun\n"):flush() core.sleep(1000) end)]]
      proc:kill "HUP"
      proc:kill "HUP"
      assert.equal("neap test: ended by SIGHUP in 'hangs' at spec/a_spec.lua:2\n", proc:read_until("\n", "stderr"))
      assert.equal(129, (proc:wait()))
      assert.is_false(require("neap.postgres").of(app):is_running())
      require("neap.postgres").of(app):destroy()
    end)

  it("cleans up again when the signal comes while it does", function()
    with_database()
    local proc, server = begin [[
      it("leaves something that takes a while to be removed", function()
        local server = test.spawn_server { command = "serve", database = true }
        local wait = server.wait
        server.wait = function(...)
          print(server.pid, "begun")
          io.stdout:flush()
          core.sleep(0.5)
          return wait(...)
        end
      end)
    ]]
    proc:kill "TERM"
    assert.equal(143, (proc:wait()))
    assert.is_nil(core_os.stat("/proc/" .. server))
    assert.is_false(require("neap.postgres").of(app):is_running())
    require("neap.postgres").of(app):destroy()
  end)

  it("lets a program end that half done would leave something behind", function()
    local proc = begin [[
      it("hangs", function()
        require("neap.core.os").exec {
          "sh", "-c", "echo 0 begun; sleep 0.5; cut -d' ' -f1,6 /proc/$$/stat > done", stdout = "inherit", to_end = true,
        }
        io.stdout:write "not reached"
      end)
    ]]
    proc:kill "TERM"
    assert.equal(143, (proc:wait()))
    -- In a session of its own, where no terminal's signal reaches it: its leader.
    assert.matches("^(%d+) %1\n$", core_os.read_file(app .. "/done"))
    assert.is_nil(proc:read_until("not reached", "stdout", 1))
  end)

  it("ends at the second signal at the latest, as any program", function()
    local proc = begin [[
      it("hangs where no Lua runs", function()
        io.stdout:write("begun\n"):flush()
        local text = ("a"):rep(60)
        text:find(("a-"):rep(60) .. "b")
      end)
    ]]
    core.sleep(0.3) -- most likely it is in there by now
    proc:kill "INT"
    core.sleep(0.5)
    if proc:wait(0) == nil then
      proc:kill "INT"
    end
    assert.equal(130, (proc:wait()))
  end)
end)
