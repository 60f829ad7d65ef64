local core = require "neap.core"
local log = require "neap.log"

describe("a log line", function()
  local lines, original

  before_each(function()
    lines, original = {}, core.log
    core.log = function(level, module, message, fields)
      lines[#lines + 1] = { level, module, message, fields }
    end
  end)

  after_each(function()
    core.log = original
  end)

  it("names the module that wrote it", function()
    log.info("task.started", { task_id = 7 })
    assert.same({ { "info", "spec.neap.log_spec", "task.started", { task_id = 7 } } }, lines)
  end)

  it("names the module as it is required, wherever the file is", function()
    for source, module in pairs {
      ["@lua/app/tasks/rules.lua"] = "app.tasks.rules",
      ["@lua/app/init.lua"] = "app",
      ["@/srv/it/lua/app/tasks/init.lua"] = "app.tasks",
      ["@lua/neap/router.lua"] = "neap.router",
      ["@lua/neap/boot/init.lua"] = "neap.boot",
      ["@config.lua"] = "config",
    } do
      local chunk = load("local log = ...; log.warn('x')", source)
      chunk(log)
      assert.equal(module, lines[#lines][2])
    end
  end)

  it("of a named logger names that", function()
    log.get("billing").error "late"
    assert.same({ { "error", "billing", "late" } }, lines)
  end)

  it("takes any value for a message", function()
    log.warn(nil)
    log.info { }
    assert.equal("nil", lines[1][3])
    assert.matches("^table: ", lines[2][3])
  end)
end)

describe("print in a server", function()
  local original_log, original_print

  before_each(function()
    original_log, original_print = core.log, _G.print
  end)

  after_each(function()
    core.log, _G.print = original_log, original_print
  end)

  it("is a log line", function()
    local got
    core.log = function(...)
      got = { ... }
    end
    log.setup { redirect_print = true }
    print("a", 1, nil)
    assert.same({ "info", "spec.neap.log_spec", "a\t1\tnil" }, got)
  end)
end)
