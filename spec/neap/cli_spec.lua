--- Commands as a person or a script runs them. What they print in a pipe has no colour and one thing a line.
local core = require "neap.core"
local core_os = require "neap.core.os"
local json = require "neap.json"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

local app

setup(function()
  app = scratch.app { files = { ["lua/app/init.lua"] = [[
local neap = require "neap"
return function()
  local app = neap.app {}
  app:get("/a/{id}", { summary = "Read an a", tags = { "a" }, auth = "user" }, function() end)
  app:delete("/a/{id}", { auth = "admin", scopes = { "a:write" }, guards = { print } }, function() end)
  app:get("/open", { auth = false }, function() end)
  return app
end
]] } }
end)

teardown(function()
  scratch.remove(app)
end)

-- What a process needs anywhere, and no more: a PORT of whoever runs the specs would win over the .env of one.
local env = {}
for _, name in ipairs { "PATH", "HOME", "LANG", "NEAP_HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS" } do
  env[name] = os.getenv(name)
end

local function neap(...)
  local code, out, err = core_os.exec { core.program, cwd = app, env = env, ... }
  return code, out, err
end

describe("neap routes", function()
  it("has a line for each, with tabs between", function()
    local code, out = neap "routes"
    assert.equal(0, code)
    assert.equal("GET\t/a/{id}\tuser\tRead an a\tlua/app/init.lua:4\n"
      .. "DELETE\t/a/{id}\tadmin a:write +1 guard\t\tlua/app/init.lua:5\n"
      .. "GET\t/open\t-\t\tlua/app/init.lua:6\n", out)
  end)

  it("has all of it as JSON", function()
    local _, out = neap("routes", "--json")
    local list = json.decode(out)
    assert.equal(3, #list)
    assert.same({ "admin", { "a:write" }, 1 }, { list[2].auth, list[2].scopes, list[2].guards })
    assert.same({ "GET", "/a/{id}", "user", { "a" } }, { list[1].method, list[1].path, list[1].auth, list[1].tags })
  end)
end)

describe("neap version", function()
  it("names everything linked", function()
    local _, out = neap("version", "--json")
    local versions = json.decode(out)
    for _, name in ipairs { "neap", "lua", "libuv", "llhttp", "libpq", "openssl" } do
      assert.is_string(versions[name], name)
    end
    assert.matches("^neap %d+%.%d+%.%d+", (select(2, neap "version")))
  end)
end)

describe("neap secret", function()
  it("is 32 bytes, and never the same", function()
    local _, first = neap "secret"
    local _, second = neap "secret"
    assert.matches("^" .. ("%x"):rep(64) .. "\n$", first)
    assert.are_not.equal(first, second)
  end)
end)

describe("neap check", function()
  local function check_with(name, text, ...)
    scratch.write(app .. "/" .. name, text)
    local code, out, err = neap("check", ...)
    core_os.remove(app .. "/" .. name)
    return code, out .. err
  end

  it("counts what it loaded", function()
    local code, out = neap "check"
    assert.same({ 0, "ok: 3 routes, 1 module, 0 migrations\n" }, { code, out })
  end)

  it("names file and line of a module that does not load, though nobody requires it", function()
    local code, said = check_with("lua/app/b/store.lua", "local x =\nreturn")
    assert.equal(1, code)
    assert.matches("lua/app/b/store.lua:2:", said, 1, true)
  end)

  it("names file and line of a global that nobody declared", function()
    local code, said = check_with("lua/app/b/store.lua", "local M = {}\ncount = 1\nreturn M")
    assert.equal(1, code)
    assert.matches("lua/app/b/store.lua:2:", said, 1, true)
  end)

  it("names file and line of SQL outside of a store", function()
    local code, said = check_with("lua/app/b/rules.lua", 'return {\n  sql = "delete from tasks" }')
    assert.equal(1, code)
    assert.matches("lua/app/b/rules.lua:2: SQL belongs in a store.lua", said, 1, true)
  end)

  it("wants what the service would want when it is asked to", function()
    assert.equal(78, (neap("check", "--serve")))
  end)

  it("warns of a name in .env that no setting has", function()
    local code, said = check_with(".env", "PORT=0\nDATABSE_URL=hunter2\n")
    assert.equal(0, code)
    assert.equal("ok: 3 routes, 1 module, 0 migrations\n"
      .. "warning: .env:2: no setting has the name DATABSE_URL; did you mean DATABASE_URL?\n", said)
  end)

  it("says what is wrong with the settings, with 78", function()
    local code, said = check_with(".env", "PORT=hunter2\nDATABSE_URL=hunter2\n")
    assert.equal(78, code)
    assert.matches("PORT: must be an integer between 0 and 65535", said, 1, true)
    assert.matches("did you mean DATABASE_URL?", said, 1, true)
    assert.is_nil(said:find "hunter2")
  end)
end)

describe("every command", function()
  it("has --help", function()
    local names = {
      "new", "repl", "dev", "serve", "migrate", "test", "routes", "check", "db", "secret", "version",
    }
    for _, name in ipairs(names) do
      local code, out = neap(name, "--help")
      assert.equal(0, code, name)
      assert.matches("usage: neap " .. name, out, 1, true)
    end
  end)

  it("in a folder that is no application says so, with 78, and makes nothing there", function()
    local empty = scratch.folder()
    for _, line in ipairs { { "check" }, { "routes" }, { "migrate", "status" }, { "db", "ping" } } do
      local code, out, err = core_os.exec { core.program, line[1], line[2], cwd = empty, env = env }
      assert.equal(78, code, line[1])
      assert.equal("", out)
      assert.matches("lua/app", err, 1, true)
      assert.is_nil(err:find "traceback")
    end
    assert.same({}, core_os.list(empty))
    scratch.remove(empty)
  end)

  it("ends with 64 when it is used wrongly", function()
    for _, line in ipairs {
      { "migrate" }, { "migrate", "sideways" }, { "migrate", "down", "x" }, { "migrate", "new" }, { "migrate", "up", "2" },
      { "db" }, { "db", "sideways" }, { "routes", "--jsn" }, { "secret", "now" }, { "version", "x" },
    } do
      local code, out, err = neap(table.unpack(line))
      assert.equal(64, code, table.concat(line, " "))
      assert.equal("", out)
      assert.matches("usage: neap " .. line[1], err, 1, true)
    end
  end)
end)

describe("a command whose stdin, stdout or stderr was closed", function()
  it("works, and writes to nothing else in their place", function()
    for _, closed in ipairs { "<&-", "2>&-", "<&- 2>&-", ">&-", "<&- >&- 2>&-" } do
      local code, out = core_os.exec { "sh", "-c", 'exec "$0" routes ' .. closed, core.program, cwd = app, env = env }
      assert.equal(0, code, closed)
      assert.equal(closed:find("^>", 1) == nil and not closed:find(" >", 1, true), out:find("/open", 1, true) ~= nil, closed)
    end
  end)
end)
