local core = require "neap.core"
local core_os = require "neap.core.os"
local postgres = require "neap.postgres"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

-- One server for the file: making one takes a second.
local server

setup(function()
  server = test.scratch_postgres()
end)

teardown(function()
  server:drop()
end)

local function query(sql)
  local code, out, err = core_os.exec { "psql", "-XAtq", "-d", server.private:url(), "-c", sql }
  assert.equal(0, code, err)
  return (out:gsub("\n$", ""))
end

describe("a private Postgres", function()
  it("has a database of its own, listens on no address, and keeps what it acknowledged", function()
    assert.equal("neap_dev|", query "select current_database(), current_setting('listen_addresses')")
    assert.equal("UTF8", query "select current_setting('server_encoding')")
  end)

  it("that is not told otherwise syncs to disk", function()
    local private = postgres.at(core_os.realpath(server.root) .. "/other")
    assert.is_nil(private:options():find "fsync")
    private:destroy()
  end)

  it("is only reached by its owner and root", function()
    local stat = core_os.stat(server.private.socket)
    assert.equal("directory", stat.type)
    assert.equal(0, stat.mode & 63)
  end)

  it("does not run as root", function()
    local pid = server.private:pid()
    assert.are_not.equal(0, core_os.stat("/proc/" .. pid).uid)
  end)

  it("starts once, also when several start it at the same moment", function()
    local app = scratch.folder()
    local starters, started = {}, 0
    for i = 1, 4 do
      starters[i] = core_os.spawn { core.program, "db", "up", cwd = app }
    end
    for _, starter in ipairs(starters) do
      local said = starter:read_until "\n"
      assert.equal(0, (starter:wait(30)))
      started = started + (said:find "^started " and 1 or 0)
    end
    assert.equal(1, started)
    local private = postgres.of(app)
    assert.is_false(private:start())
    private:destroy()
    scratch.remove(app)
  end)

  it("starts after it was killed, with its pid file still there", function()
    local pid = server.private:pid()
    core_os.exec { "kill", "-9", tostring(pid) }
    while core_os.stat("/proc/" .. pid) do
      core.sleep(0.02)
    end
    assert.equal(pid, server.private:pid())
    assert.is_true(server:start())
    assert.equal("1", query "select 1")
  end)

  -- A process that lives, and a pid file that names it. Of the same user: one of another user Postgres itself takes for a
  -- stranger.
  local function stranger()
    local private = server.private
    local owner = private.owner or {}
    local process = core_os.spawn { "sleep", "60", uid = owner.uid, gid = owner.gid, cwd = "/" }
    local lines = ("%d\n%s\n1700000000\n5432\n"):format(process.pid, private.data)
    assert(core_os.write_file(private.data .. "/postmaster.pid", lines))
    return process
  end

  it("starts when its pid file names a stranger that lives", function()
    server:stop "immediate"
    local process = stranger()
    assert.is_true(server:start())
    process:kill "KILL"
    process:wait(5)
    assert.equal("1", query "select 1")
  end)

  it("that does not run stops no stranger whose number is in its pid file", function()
    server:stop "immediate"
    local process = stranger()
    assert.is_false(server.private:stop "immediate")
    assert.same({ nil, "timeout" }, { process:wait(0.2) })
    process:kill "KILL"
    process:wait(5)
    assert.is_true(server:start())
  end)

  it("knows whether anybody uses it", function()
    assert.is_false(server.private:is_used())
    local session = core_os.spawn { "psql", "-XAtq", "-d", server.url, stdin = "pipe" }
    session:write "select 'here';\n"
    assert.equal("here\n", session:read())
    assert.is_true(server.private:is_used())
    session:close_stdin()
    session:wait(5)
    assert.is_false(server.private:is_used())
  end)

  it("is stopped for good, or only when nobody uses it", function()
    local app = scratch.folder()
    local private = postgres.of(app)
    private:start()
    local function down(...)
      local code, said = core_os.exec { core.program, "db", "down", ..., cwd = app }
      assert.equal(0, code)
      return said
    end
    local session = core_os.spawn { "psql", "-XAtq", "-d", private:url(), stdin = "pipe" }
    session:write "select 'here';\n"
    assert.equal("here\n", session:read())
    assert.matches("goes on", down "--if-unused")
    assert.is_true(private:is_used())
    session:close_stdin()
    session:wait(5)
    assert.equal("stopped\n", down "--if-unused")
    private:destroy()
    scratch.remove(app)
  end)

  it("below a folder whose name is too long for a socket has it elsewhere", function()
    local root = server.root .. "/" .. ("d"):rep(60) .. "/" .. ("e"):rep(60)
    assert(core_os.mkdir(root))
    local private = postgres.at(root .. "/server", { fsync = "off" })
    assert.is_true(#private.socket + #"/.s.PGSQL.5432" <= 107)
    assert.is_true(private:start())
    assert.is_true(private:is_running())
    private:destroy()
    assert.is_nil(core_os.stat(private.socket))
  end)
end)
