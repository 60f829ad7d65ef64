-- tools/specs.sh, by which `make test` shares the specs out to several processes.
local core = require "neap.core"
local core_os = require "neap.core.os"
local scratch = require "spec.support.scratch"

-- In place of the binary: one line for each file that it was given, and a failure for the one that is to fail.
local NEAP = [[#!/bin/sh
ran=$3
shift 3
status=0
for file in "$@"; do
    case $file in *bad*) what=failed; status=1 ;; *) what=passed ;; esac
    printf '%s\t%s\tworks\n' "$what" "$file" >>"$ran"
done
echo "$# files"
exit "$status"
]]

local folder

local function run(lanes)
  return core_os.exec {
    "sh", core.app_dir .. "/tools/specs.sh", folder .. "/neap", tostring(lanes), folder .. "/results", cwd = folder,
  }
end

local function results()
  local lines = {}
  for line in core_os.read_file(folder .. "/results"):gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

before_each(function()
  folder = scratch.folder()
  scratch.write(folder .. "/neap", NEAP)
  assert(core_os.chmod(folder .. "/neap", 493)) -- 0755
  for _, name in ipairs { "a/one", "b/three", "two" } do
    scratch.write(("%s/spec/%s_spec.lua"):format(folder, name), "")
  end
end)

after_each(function()
  scratch.remove(folder)
end)

describe("the specs of a whole run", function()
  it("are shared out to the lanes, each file to one, and what became of all is in one place", function()
    for lanes, said in pairs { "3 files\n", "1 files\n2 files\n", "1 files\n1 files\n1 files\n", "3 files\n" } do
      assert.same({ 0, said, "" }, { run(lanes) })
      assert.same({
        "passed\tspec/a/one_spec.lua\tworks", "passed\tspec/b/three_spec.lua\tworks", "passed\tspec/two_spec.lua\tworks",
      }, results())
    end
  end)

  it("have failed when one of them has, in whatever lane", function()
    for _, name in ipairs { "a/bad", "z/bad" } do
      scratch.write(("%s/spec/%s_spec.lua"):format(folder, name), "")
      assert.equal(1, (run(2)))
      core_os.remove(("%s/spec/%s_spec.lua"):format(folder, name))
    end
  end)
end)
