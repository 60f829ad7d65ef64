--- Loaded by busted before the specs: the transaction around each test, and the counts for the last line.
local busted = require "busted"
local db = require "neap.core.db"
local runner = require "neap.test.runner"
local test = require "neap.test"

-- Files that specs require are no specs: they see globals, not busted's environment.
_G.assert = require "luassert"

local pinned = false

busted.subscribe({ "file", "start" }, function()
  test.internal.start_file()
  return nil, true
end)

busted.before_each(function()
  test.internal.start_test()
  if runner.has_database and test.internal.is_in_transaction() then
    db.pin()
    pinned = true
  end
end)

busted.after_each(function()
  if pinned then
    pinned = false
    db.unpin()
  end
end)

local count = runner.count

busted.subscribe({ "test", "end" }, function(_, _, status)
  if status == "success" then
    count.passed = count.passed + 1
  elseif status == "pending" then
    count.skipped = count.skipped + 1
  else
    count.failed = count.failed + 1
  end
  return nil, true
end)

-- A file that does not load, a setup that fails: no test, and yet a failure.
local function on_other_failure(element)
  if element.descriptor ~= "it" then
    count.failed = count.failed + 1
  end
  return nil, true
end

busted.subscribe({ "error" }, on_other_failure)
busted.subscribe({ "failure" }, on_other_failure)
