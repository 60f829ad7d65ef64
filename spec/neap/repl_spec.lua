--- `neap repl`, fed from a pipe, with a database of its own.
local core = require "neap.core"
local core_os = require "neap.core.os"
local test = require "neap.test"

local database, env

setup(function()
  database = test.scratch_database { migrate = true }
  env = {
    PATH = os.getenv "PATH", HOME = os.getenv "HOME", NEAP_HOME = os.getenv "NEAP_HOME",
    ASAN_OPTIONS = os.getenv "ASAN_OPTIONS",
    DATABASE_URL = database.url, SECRET_KEY = "0123456789abcdef0123456789abcdef",
  }
end)

teardown(function()
  database:drop()
end)

local function repl(...)
  local text = table.concat({ ... }, "\n") .. "\n"
  return core_os.exec { core.program, "repl", cwd = core.app_dir, env = env, stdin_data = text }
end

describe("neap repl", function()
  it("prints what a line gives, and keeps its names", function()
    local code, out, said = repl("1 + 1", "name = 'Ann'", "name .. '!'", "nil, true", "local x = 1")
    assert.equal(0, code, said)
    assert.equal('2\n"Ann!"\nnil\ttrue\n', out)
  end)

  it("is inside the application: its settings, its database, its modules", function()
    local code, out, said = repl(
      "db.exec('insert into recipes (name, software) values ($1, $2)', 'one', 'httpd')",
      "db.query 'select name, software from recipes'",
      "config.PORT == 8000 or config.PORT",
      "#require('app.recipes.store').list_any({}).items")
    assert.equal(0, code, said)
    local lines = {}
    for line in out:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.same({ "1", '[{"name":"one","software":"httpd"}]', "1" }, { lines[1], lines[2], lines[4] })
  end)

  it("reads on until a statement is whole", function()
    local _, out = repl("for i = 1, 2 do", "  print(i)", "end")
    assert.equal("1\n2\n", out)
    _, out = repl("1 +", "2", "{", "  3,", "}")
    assert.equal("3\n[3]\n", out)
  end)

  it("says what went wrong and goes on, and a script with a mistake ends with 1", function()
    local code, out = repl("error('no', 0)", "x = = 1", "db.query 'select nothing_of_the_kind'", "7")
    assert.equal(1, code)
    assert.matches("error: no\n", out, 1, true)
    assert.matches("error: line:1: ", out, 1, true)
    assert.matches("nothing_of_the_kind", out, 1, true)
    assert.matches("\n7\n$", out)
  end)
end)
