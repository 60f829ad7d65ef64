--- neap version: what is linked.
local keys = require "neap.base.keys"
local args = require "neap.tool.args"
local core = require "neap.core"
local json = require "neap.json"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "version",
  summary = "versions of everything linked",
  usage = { "neap version [--json]" },
  flags = { json = { help = "as one JSON object" } },
  max = 0,
}

function M.main()
  return command:run(function(flags)
    local versions = core.versions()
    if flags.json then
      terminal.line(json.encode(versions))
      return
    end
    terminal.line("neap ", versions.neap)
    versions.neap = nil
    for _, name in ipairs(keys.sorted(versions)) do
      terminal.line(("  %-10s %s"):format(name, versions[name]))
    end
  end)
end

return M
