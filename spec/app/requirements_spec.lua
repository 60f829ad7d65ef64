-- tools/requirements.sh, which `make test` ends with: it must be able to say no.
local core = require "neap.core"
local core_os = require "neap.core.os"
local scratch = require "spec.support.scratch"

local HERE = "spec/app/requirements_spec.lua"

local folder

local function check(page, results)
  scratch.write(folder .. "/page.md", page)
  local argv = {
    "sh", "tools/requirements.sh", cwd = core.app_dir,
    env = { PATH = os.getenv "PATH", REQUIREMENTS = folder .. "/page.md" },
  }
  if results then
    scratch.write(folder .. "/results", results)
    argv[3] = folder .. "/results"
  end
  local code, out, err = core_os.exec(argv)
  return code, (out .. err):gsub("[^\n]*page%.md:", "page:")
end

local function row(how, shown)
  return ("| A1 | something | %s | %s |\n"):format(how, shown)
end

local function named(name)
  return row("done", ("`%s`: \"%s\""):format(HERE, name))
end

before_each(function()
  folder = scratch.folder()
end)

after_each(function()
  scratch.remove(folder)
end)

describe("the page of requirements", function()
  it("is complete, and names specs that are there", function()
    local code, out, err = core_os.exec { "sh", "tools/requirements.sh", cwd = core.app_dir }
    assert.equal(0, code, out .. err)
  end)

  it("may not name a spec that is not there, by its file or its sentence", function()
    local code, said = check(named "is not here at all")
    assert.equal(1, code)
    assert.matches("page:1: spec/app/requirements_spec.lua has no \"is not here at all\"", said, 1, true)
    code, said = check(row("done", '`spec/app/nothing_spec.lua`: "says nothing"'))
    assert.equal(1, code)
    assert.matches("page:1: spec/app/nothing_spec.lua has no \"says nothing\"", said, 1, true)
    code, said = check(row("done", "`" .. HERE .. "`"))
    assert.equal(1, code)
    assert.matches("page:1: spec/app/requirements_spec.lua is named without one of its tests", said, 1, true)
  end)

  it("has a spec in each row, or says that the row is deferred, and has all rows once", function()
    local _, said = check(row("done", "") .. row("Deferred by the seed", "") .. row("Not applicable: no", ""))
    assert.matches("page:1: names no spec and is not deferred", said, 1, true)
    assert.matches("page:2: a second row A1", said, 1, true)
    assert.matches("has no row D34", said, 1, true)
    assert.is_nil(said:find("page:[23]: names no spec"))
  end)

  it("after a run names only what has run and passed; what was skipped is told", function()
    local page = named "is complete, and names specs that are there"
    local function run(status, name)
      local _, said = check(page, ("%s\t%s\t%s\n"):format(status, HERE, name))
      return said:match "page:1: ([^\n]*)"
    end
    assert.is_nil(run("passed", "is complete, and names specs that are there"))
    assert.matches("was not run$", run("passed", "something else"))
    assert.matches("failed$", run("failed", "is complete, and names specs that are there"))
    assert.matches("^skipped here", run("skipped", "is complete, and names specs that are there"))
    assert.matches("^skipped here", run("skipped", "no browser"))
    local _, said = check(page, "skipped\t" .. HERE .. "\tno browser\n")
    assert.matches("1 rows, 1 specs named, 1 skipped here, 161 wrong", said, 1, true)
  end)

  it("knows the tests in C, too", function()
    local _, said = check(row("done", '`spec/core/http/problem_test.c`: "it says the status, its reason, and all that the '
      .. 'envelope says", "it says nothing"'))
    assert.matches("page:1: spec/core/http/problem_test.c has no \"it says nothing\"", said, 1, true)
    assert.is_nil(said:find("has no \"it says the status", 1, true))
  end)
end)
