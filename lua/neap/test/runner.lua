--- Runs busted in this process, in this task, so that specs may wait.
local core = require "neap.core"
local terminal = require "neap.tool.terminal"

---@class neap.TestResult
---@field status "passed"|"failed"|"skipped"
---@field file string  as it was found, below the application's folder
---@field name string  what `it` says, without what stands around it

---@class neap.TestRunner
---@field has_database boolean
---@field keep_results boolean
---@field count table<string, integer>
---@field results neap.TestResult[]
---@field is_pinned boolean  the present test has a transaction around it
---@field holds_log boolean  log lines are kept back, and shown for what failed
---@field is_over boolean    all of them ran
---@field current string?  the name of the test that runs now

---@type neap.TestRunner
local M = {
  has_database = false,
  keep_results = false,
  is_pinned = false,
  holds_log = false,
  is_over = false,
  count = { passed = 0, failed = 0, skipped = 0 },
  results = {},
}

-- Where Debian has busted and what it needs.
local LUA_PATHS = "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;/usr/local/share/lua/5.4/?.lua;"
  .. "/usr/local/share/lua/5.4/?/init.lua"

local Exit = { __name = "neap.test.exit" }

local function find_busted()
  package.path = package.path .. ";" .. LUA_PATHS
  local ok, run = pcall(require, "busted.runner")
  if not ok then
    require("neap.tool.args").fail("busted cannot be loaded: install the Debian package lua-busted\n" .. tostring(run))
  end
  return run
end

-- busted ends the process when it is done; here that would leave the databases behind.
local function with_exit_caught(fn)
  local exit = os.exit
  rawset(os, "exit", function(code)
    error(setmetatable({ code = code }, Exit), 0)
  end)
  local ok, problem = pcall(fn)
  rawset(os, "exit", exit)
  if ok then
    return 0
  elseif getmetatable(problem) == Exit then
    local code = problem.code
    return (code == nil or code == true) and 0 or code or 1
  end
  error(problem, 0)
end

--- Runs the specs named by busted's own arguments.
---@param argv string[]
---@return integer exit_code  0 or 1
function M.run(argv)
  local code = with_exit_caught(function()
    local run = find_busted()
    local before = _G.arg
    _G.arg = { [0] = "neap test", "--helper=neap.test.helper", "--directory=" .. core.app_dir }
    table.move(argv, 1, #argv, #_G.arg + 1, _G.arg)
    run { standalone = false }
    _G.arg = before
  end)
  M.is_over = true
  return (code ~= 0 or M.count.failed > 0) and 1 or 0
end

--- Rolls back what the test wrote, if anything holds it.
function M.unpin()
  if M.is_pinned then
    M.is_pinned = false
    pcall(require("neap.core.db").unpin) -- it says no where pin() has failed, which was told then
  end
end

--- From here on log lines are kept back; those from before are forgotten.
function M.hold_log()
  if M.holds_log then
    core.log_hold(true)
  end
end

--- Shows what the log had since hold_log(), if anything.
---@param of string  what it is the log of
function M.show_log(of)
  local lines = core.log_held()
  if lines ~= "" then
    core.log_hold(true)
    terminal.note(("\nneap test: the log of %s:\n"):format(of), (lines:gsub("\n$", "")))
  end
end

--- "12 passed, 0 failed", and ", 1 skipped" when there are any.
---@return string
function M.summary()
  local count = M.count
  local text = ("%d passed, %d failed"):format(count.passed, count.failed)
  return count.skipped > 0 and ("%s, %d skipped"):format(text, count.skipped) or text
end

return M
