--- `neap new`: what it makes works as it is.
local core = require "neap.core"
local core_os = require "neap.core.os"
local templates = require "neap.tool.new_templates"
local test = require "neap.test"

local root, database, env

setup(function()
  root = assert(core_os.tempdir "neap-new-")
  database = test.scratch_database()
  env = {
    PATH = os.getenv "PATH", HOME = os.getenv "HOME", NEAP_HOME = os.getenv "NEAP_HOME",
    ASAN_OPTIONS = os.getenv "ASAN_OPTIONS", TEST_DATABASE_URL = database.url, DATABASE_URL = database.url,
    SECRET_KEY = "0123456789abcdef0123456789abcdef",
  }
end)

teardown(function()
  database:drop()
  core_os.remove(root)
end)

local function neap(folder, ...)
  return core_os.exec { core.program, cwd = root .. folder, env = env, ... }
end

describe("neap new", function()
  it("makes an application that passes its own specs and checks, and would serve", function()
    local code, out, said = neap("", "new", "shop")
    assert.equal(0, code, said)
    for _, entry in ipairs(templates.files) do
      assert.truthy(out:find("shop/" .. entry[1], 1, true), entry[1])
      assert.is_nil(core_os.read_file(root .. "/shop/" .. entry[1]):find("{{", 1, true))
    end

    code, out, said = neap("/shop", "test")
    assert.equal(0, code, out .. said)
    assert.truthy(out:find("4 passed, 0 failed", 1, true), out)

    code, out, said = neap("/shop", "migrate", "up")
    assert.equal(0, code, out .. said)
    code, out, said = neap("/shop", "check", "--serve", "--db")
    assert.equal(0, code, said)
    assert.truthy(out:find("like their tables", 1, true), out)
  end)

  it("says how to go on, with the path of neap where the shell would not find it", function()
    local function said_with(path)
      local name = "next" .. #path
      local code, _, said = core_os.exec { core.program, "new", name, cwd = root, env = { PATH = path } }
      assert.equal(0, code, said)
      return said, name
    end
    local said, name = said_with "/nowhere"
    assert.equal(("next:  cd %s && %s dev --as you@example.com\n"):format(name, core.program), said)
    said, name = said_with("/nowhere:" .. core.program:match "^(.*)/")
    assert.equal(("next:  cd %s && neap dev --as you@example.com\n"):format(name), said)
  end)

  it("leaves alone what is there", function()
    assert(core_os.mkdir(root .. "/mine"))
    assert(core_os.write_file(root .. "/mine/config.lua", "-- mine\n"))
    local code, _, said = neap("", "new", "mine")
    assert.equal(1, code)
    assert.truthy(said:find("mine is there already", 1, true), said)
    assert.equal("-- mine\n", core_os.read_file(root .. "/mine/config.lua"))
    assert.is_nil(core_os.stat(root .. "/mine/lua"))
  end)

  it("takes names that may stand in paths and addresses", function()
    for _, name in ipairs { "../up", "Shop", "a b", "9", "", ("x"):rep(64) } do
      local code = neap("", "new", name)
      assert.equal(64, code, name)
    end
    assert.equal(64, (neap("", "new")))
  end)
end)
