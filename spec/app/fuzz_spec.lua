-- tools/fuzz.sh, which `make fuzz` ends with: it must run all targets, and be able to say no.
local core = require "neap.core"
local core_os = require "neap.core.os"
local scratch = require "spec.support.scratch"

local RUNS = "#!/bin/sh\necho stat::number_of_executed_units: 7\n"
local CRASHES = "#!/bin/sh\necho it broke\nexit 77\n"

local folder

--- The targets of a project (name to the text of its program, or false: not built) run for a second each.
local function fuzz(targets)
  for name, program in pairs(targets) do
    scratch.write(("%s/fuzz/%s_fuzz.c"):format(folder, name), "")
    if program then
      scratch.write(("%s/built/%s_fuzz"):format(folder, name), program)
      assert(core_os.chmod(("%s/built/%s_fuzz"):format(folder, name), 493)) -- 0755
    end
  end
  local argv = { "sh", core.app_dir .. "/tools/fuzz.sh", "built", "1", cwd = folder, env = { PATH = os.getenv "PATH" } }
  local code, out, err = core_os.exec(argv)
  return code, out .. err
end

before_each(function()
  folder = scratch.folder()
end)

after_each(function()
  scratch.remove(folder)
end)

describe("made-up input", function()
  it("is made for each target that there is", function()
    local code, said = fuzz { json = RUNS, later = RUNS, token = RUNS }
    assert.equal(0, code, said)
    assert.equal("json: 7 inputs in 1 s, none crashed\nlater: 7 inputs in 1 s, none crashed\n"
      .. "token: 7 inputs in 1 s, none crashed\n", said)
  end)

  it("fails when a target is not built, which is no crash, and runs the others", function()
    local code, said = fuzz { json = false, token = RUNS }
    assert.equal(1, code)
    assert.equal("json: did not run, built/json_fuzz is not built\ntoken: 7 inputs in 1 s, none crashed\n", said)
  end)

  it("fails when a target crashes, shows what it said, and runs the others", function()
    local code, said = fuzz { json = CRASHES, token = RUNS }
    assert.equal(1, code)
    assert.equal("it broke\njson: a crash; the input is in fuzz/crashes/json/\ntoken: 7 inputs in 1 s, none crashed\n", said)
  end)
end)
