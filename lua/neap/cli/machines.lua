--- neap machines: the state machines of the application, drawn.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core_os = require "neap.core.os"
local docs = require "neap.machine.docs"
local machine = require "neap.machine"

local M = {}

local command = args.command {
  name = "machines",
  summary = "the application's state machines as a page with diagrams",
  usage = { "neap machines [--check FILE]" },
  flags = { check = { value = "FILE", help = "fail when the page in FILE is not this one" } },
  max = 0,
}

function M.main()
  return command:run(function(flags)
    boot.load "tool"
    local page = docs.page(machine.all())
    if flags.check == nil then
      io.stdout:write(page)
      return
    end
    local written = core_os.read_file(flags.check)
    if written ~= page then
      local state = written and "out of date" or "not there"
      args.fail(("%s is %s: run neap machines > %s"):format(flags.check, state, flags.check))
    end
  end)
end

return M
