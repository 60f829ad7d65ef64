--- Loaded by busted before the specs: the transaction around each test, and the counts for the last line.
local busted = require "busted"
local core = require "neap.core"
local db = require "neap.core.db"
local runner = require "neap.test.runner"
local test = require "neap.test"

-- Files that specs require are no specs: they see globals, not busted's environment.
_G.assert = require "luassert"

local file

busted.subscribe({ "file", "start" }, function(element)
  local folder = core.app_dir .. "/"
  file = element.name:sub(1, #folder) == folder and element.name:sub(#folder + 1) or element.name
  test.internal.start_file()
  return nil, true
end)

busted.subscribe({ "test", "start" }, function(element)
  runner.current = element.name
  runner.hold_log()
  return nil, true
end)

busted.before_each(function()
  test.internal.start_test()
  if runner.has_database and test.internal.is_in_transaction() then
    runner.is_pinned = true
    db.pin()
  end
end)

busted.after_each(runner.unpin)

local count = runner.count
local OUTCOMES = { success = "passed", pending = "skipped" }

busted.subscribe({ "test", "end" }, function(element, _, status)
  runner.current = nil
  local outcome = OUTCOMES[status] or "failed"
  if outcome == "failed" then
    runner.show_log("'" .. element.name .. "'")
  end
  runner.hold_log()
  count[outcome] = count[outcome] + 1
  if runner.keep_results then
    table.insert(runner.results, { status = outcome, file = file, name = element.name })
  end
  return nil, true
end)

-- A file that does not load, a setup that fails: no test, and yet a failure.
local function on_other_failure(element)
  if element.descriptor ~= "it" then
    count.failed = count.failed + 1
    runner.show_log "what failed outside of a test"
  end
  return nil, true
end

busted.subscribe({ "error" }, on_other_failure)
busted.subscribe({ "failure" }, on_other_failure)
