local core = require "neap.core"
local core_os = require "neap.core.os"
local loan = require "neap.postgres.loan"
local postgres = require "neap.postgres"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

-- Commands are loans of this process here, in the order that a spec wants. One server for the file: making one takes a
-- second.
local server

setup(function()
  server = test.scratch_postgres().private
end)

before_each(function()
  server:stop "fast"
end)

local function borrow()
  local lent = loan.of(server)
  return lent, lent:start()
end

describe("a Postgres that commands started", function()
  it("is stopped by the last of them, though that is not the one who started it", function()
    local first, started = borrow()
    local second, again = borrow()
    assert.same({ true, false }, { started, again })
    assert.is_false(first:finish())
    assert.is_true(server:is_running())
    local third = borrow()
    assert.is_false(second:finish())
    assert.is_true(server:is_running())
    assert.is_true(third:finish())
    assert.is_false(server:is_running())
  end)

  it("is stopped once by several that end at the same moment, and starts again for who comes then", function()
    local lent, stops, ended = {}, 0, 0
    for i = 1, 4 do
      lent[i] = borrow()
    end
    for _, one in ipairs(lent) do
      core.spawn(function()
        stops = stops + (one:finish() and 1 or 0)
        ended = ended + 1
      end, "finish")
    end
    while ended < #lent do
      core.sleep(0.02)
    end
    assert.equal(1, stops)
    assert.is_false(server:is_running())
    local late, started = borrow()
    assert.is_true(started)
    assert.is_true(late:finish())
  end)

  it("is stopped by the next one when the last was killed", function()
    -- The lock goes with the process, the file stays.
    local dead = borrow()
    dead.lock:unlock()
    local heir, started = borrow()
    assert.is_false(started)
    assert.is_true(heir:finish())
    assert.is_nil(core_os.stat(dead.path))
  end)

  it("is not stopped over the head of somebody who is no command, but by the next command then", function()
    local lent = borrow()
    local session = core_os.spawn { "psql", "-XAtq", "-d", server:url(), stdin = "pipe" }
    session:write "select 'here';\n"
    assert.equal("here\n", session:read())
    assert.is_false(lent:finish())
    assert.is_true(server:is_running())
    session:close_stdin()
    session:wait(5)
    local heir = borrow()
    assert.is_true(heir:finish())
  end)

  it("may be given back twice", function()
    local lent, other = borrow(), borrow()
    assert.is_false(lent:finish())
    assert.is_false(lent:finish())
    assert.is_true(other:finish())
    assert.is_false(other:finish())
  end)
end)

describe("a Postgres that somebody keeps", function()
  it("is stopped by no command", function()
    assert.same({ true, false }, { server:start() })
    local lent, started = borrow()
    assert.is_false(started)
    assert.is_false(lent:finish())
    assert.is_true(server:is_running())
  end)

  it("neither when commands had started it", function()
    local lent = borrow()
    assert.same({ false, true }, { server:start() })
    assert.is_false(lent:finish())
    assert.is_true(server:is_running())
  end)

  it("is theirs again when it is left while they run", function()
    server:start()
    local lent = borrow()
    assert.same({ false, true }, { loan.leave(server) })
    assert.is_true(server:is_running())
    assert.is_true(lent:finish())
    server:start()
    assert.same({ true, false }, { loan.leave(server) })
  end)

  it("is nobody's after it was stopped", function()
    local lent = borrow()
    assert.is_true(server:stop())
    assert.is_true((server:start()))
    assert.is_false(lent:finish())
    assert.is_true(server:is_running())
  end)
end)

describe("two test runs of one folder", function()
  -- A run that ends when its spec hears of it.
  local SPEC = [[
    local core_os = require "neap.core.os"
    it("waits", function()
      assert(core_os.write_file(os.getenv "RUN" .. ".here", ""))
      while not core_os.stat(os.getenv "RUN" .. ".go") do
        require("neap.core").sleep(0.02)
      end
    end)
  ]]
  local app, private

  setup(function()
    app = scratch.app { files = { ["spec/wait_spec.lua"] = SPEC, ["migrations/.keep"] = "", ["lua/app/init.lua"] = "" } }
    private = postgres.of(app)
  end)

  teardown(function()
    scratch.remove(app)
  end)

  local function run(name)
    local env = {}
    for _, known in ipairs { "PATH", "HOME", "LANG", "NEAP_HOME", "ASAN_OPTIONS" } do
      env[known] = os.getenv(known)
    end
    env.RUN = app .. "/" .. name
    local process = core_os.spawn { core.program, "test", "spec/wait_spec.lua", cwd = app, env = env, stdout = "null" }
    return process, env.RUN
  end

  local function arrive(path)
    for _ = 1, 1500 do
      if core_os.stat(path .. ".here") then
        return
      end
      core.sleep(0.02)
    end
    error(path .. " did not begin")
  end

  local function finish(process, path)
    assert(core_os.write_file(path .. ".go", ""))
    assert.equal(0, (process:wait(60)))
  end

  it("leave no server behind, whichever began and whichever ends first", function()
    local one, one_at = run "one"
    arrive(one_at)
    local two, two_at = run "two"
    arrive(two_at)
    finish(one, one_at)
    assert.is_true(private:is_running())
    finish(two, two_at)
    assert.is_false(private:is_running())
  end)

  it("leave none when they begin and end together", function()
    local one, one_at = run "three"
    local two, two_at = run "four"
    arrive(one_at)
    arrive(two_at)
    assert(core_os.write_file(two_at .. ".go", ""))
    finish(one, one_at)
    finish(two, two_at)
    assert.is_false(private:is_running())
  end)

  it("leave the one of `neap db up`", function()
    local one, one_at = run "five"
    arrive(one_at)
    assert.equal(0, (core_os.exec { core.program, "db", "up", cwd = app }))
    finish(one, one_at)
    assert.is_true(private:is_running())
  end)
end)
