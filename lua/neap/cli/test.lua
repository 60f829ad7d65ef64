--- neap test: the specs, in the real thing: this host's loop, its router, a database of their own.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core = require "neap.core"
local core_os = require "neap.core.os"
local leave = require "neap.tool.leave"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "test",
  summary = "run the specs of spec/ with busted, inside the host",
  usage = { "neap test [--ran FILE] [PATH...] [busted options]" },
  flags = {
    ran = { value = "FILE", help = "write what became of each test: passed, failed or skipped, its file, its name" },
  },
  rest = true,
  help = [[
A scratch database is made on the server of TEST_DATABASE_URL, or on the private Postgres, migrated, and dropped at the
end. Each test runs in a transaction that is rolled back. Useful options of busted: --filter=PATTERN, --tags=TAG,
--exclude-tags=TAG, --repeat=N, --shuffle, -o TAP, --list. SIGINT, SIGTERM or SIGHUP ends a run at once and tells where it
was; what it started is stopped. Log lines are shown for what fails; with LOG_LEVEL all of that level are, as they come.]],
}

-- The server that scratch databases are made on; without a URL when the application has no database.
local function find_server(server)
  local url = os.getenv "TEST_DATABASE_URL"
  if url and url ~= "" then
    server.url = url
  elseif require("neap.tool.database").is_wanted() then
    require("neap.tool.database").start_private(server)
  end
end

local function check_there_are_specs(argv)
  for _, word in ipairs(argv) do
    if word:sub(1, 1) ~= "-" then
      return
    end
  end
  if core_os.stat(core.app_dir .. "/spec") == nil then
    args.fail "there is no folder spec/ here"
  end
end

local function run_specs(argv, runner)
  local code = runner.run(argv)
  require("neap.test").internal.stop_serving()
  return code
end

local function run_with_database(argv, runner, server)
  local scratch = require "neap.test.scratch"
  scratch.use_server(server.url)
  if server.private then
    scratch.drop_forgotten()
  end
  local database = scratch.database()
  require("neap.tool.database").connect(database.url)
  require("neap.migrate").up(core.app_dir .. "/migrations")
  runner.has_database = true
  return run_specs(argv, runner)
end

local function clean_up(server, runner)
  core.log_hold(false)
  runner.unpin() -- a test that was ended in its middle has not
  core.use_database(nil)
  for _, problem in ipairs(require("neap.test.scratch").discard_all()) do
    terminal.note("neap test: ", problem)
  end
  if server.private then
    require("neap.tool.database").release(server)
  end
end

-- The innermost line of a spec is what its reader looks for; the frames around it are busted's and ours.
local function tell_where(runner)
  local signal, traceback = leave.interruption()
  if signal == nil then
    return
  end
  local place = traceback:match "\n%s*([^\n]-_spec%.lua:%d+):"
  runner.show_log(runner.current and "'" .. runner.current .. "'" or "its end")
  terminal.note(("neap test: ended by %s%s%s"):format(signal, runner.current and " in '" .. runner.current .. "'" or "",
    place and " at " .. place or ""))
  terminal.line(runner.summary(), runner.is_over and "" or ", not all of them ran")
end

-- In place of what the application's .env says; the environment of who runs the specs still wins. Hashing a password is
-- slow on purpose, and specs sign in all the time.
local function set_defaults()
  for name, value in pairs { BCRYPT_COST = "6", SECRET_KEY = core.hex(core.random(32)) } do
    if os.getenv(name) == nil then
      core_os.setenv(name, value)
    end
  end
end

-- For who wants to know whether a test that is named somewhere was run: a line each, with tabs between.
local function write_results(path, results)
  local lines = {}
  for i, result in ipairs(results) do
    lines[i] = table.concat({ result.status, result.file, result.name }, "\t") .. "\n"
  end
  local ok, problem = core_os.write_file(path, table.concat(lines))
  if not ok then
    args.fail(("--ran %s: %s"):format(path, problem))
  end
end

function M.main()
  return command:run(function(flags, positions)
    set_defaults()
    boot.config "tool"
    check_there_are_specs(positions)
    local runner = require "neap.test.runner"
    runner.keep_results = flags.ran ~= nil
    runner.holds_log = os.getenv "LOG_LEVEL" == nil
    runner.hold_log()
    local server = {}
    local undo = leave.undo(function()
      tell_where(runner)
      clean_up(server, runner)
    end)
    local ok, code = pcall(function()
      find_server(server)
      if server.url then
        return run_with_database(positions, runner, server)
      end
      return run_specs(positions, runner)
    end)
    undo()
    if not ok then
      error(code, 0)
    end
    if flags.ran then
      write_results(flags.ran, runner.results)
    end
    terminal.line(runner.summary())
    return code
  end)
end

return M
