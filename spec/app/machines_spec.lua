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

-- What was agreed on, written down once more: the rules and all that is made of them could change together.
local AGREED = {
  ["app.tasks.rules"] = {
    pending = "in_progress completed cancelled",
    in_progress = "in_review completed failed cancelled pending",
    in_review = "completed in_progress failed cancelled",
    failed = "pending",
    completed = "pending",
    cancelled = "",
  },
  ["app.agents.rules"] = {
    idle = "offline working",
    offline = "idle",
    working = "paused idle error",
    paused = "working idle error",
    error = "idle",
  },
  ["app.sandboxes.rules"] = {
    creating = "running failed destroying",
    running = "destroying failed",
    destroying = "destroyed failed",
    failed = "destroyed",
    destroyed = "",
  },
  ["app.git_operations.rules"] = {
    pending = "running failed",
    running = "succeeded failed",
    succeeded = "",
    failed = "",
  },
  ["app.labs.rules"] = {
    requested = "provisioning ending failed",
    provisioning = "ready ending failed",
    ready = "ending failed",
    ending = "finished failed",
    finished = "",
    failed = "",
  },
}

describe("the machines of Workbench", function()
  for module, agreed in pairs(AGREED) do
    it(("have the edges that were agreed on, in %s"):format(module), function()
      local machine, states = require(module).machine, 0
      for state, text in pairs(agreed) do
        local wanted = {}
        for to in text:gmatch "%S+" do
          wanted[#wanted + 1] = to
        end
        local found = machine:allowed(state)
        table.sort(wanted)
        table.sort(found)
        assert.same(wanted, found, state)
        states = states + 1
      end
      assert.equal(#machine.states, states)
    end)
  end
end)

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
