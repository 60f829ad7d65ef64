-- The page with the drawings is generated: it must be what the rules say.
local core = require "neap.core"
local core_os = require "neap.core.os"
local scratch = require "spec.support.scratch"
local test = require "neap.test"

test.no_transaction()

local function neap(...)
  local code, stdout, stderr = core_os.exec { core.program, "machines", ... }
  return code, stdout, stderr
end

describe("neap machines", function()
  it("finds docs/machines.md up to date", function()
    local code, _, stderr = neap("--check", "docs/machines.md")
    assert.equal(0, code, stderr)
  end)

  it("draws each machine of Workbench", function()
    local _, page = neap()
    for name, edge in pairs {
      agent = "idle --> working : start-task",
      sandbox = "creating --> running : report",
      task = "in_progress --> completed : complete, patch",
    } do
      assert.truthy(page:find("\n## " .. name .. "\n", 1, true), name)
      assert.truthy(page:find("\n  " .. edge .. "\n", 1, true), edge)
    end
  end)

  it("fails for a page that is another, and for one that is not there", function()
    local folder = scratch.folder()
    scratch.write(folder .. "/old.md", "# State machines\n")
    local code, _, stderr = neap("--check", folder .. "/old.md")
    assert.equal(1, code)
    assert.truthy(stderr:find("is out of date", 1, true))
    code, _, stderr = neap("--check", folder .. "/none.md")
    assert.equal(1, code)
    assert.truthy(stderr:find("is not there", 1, true))
  end)
end)
