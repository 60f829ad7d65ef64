--- neap version: what is linked.
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
    local names = {}
    for name in pairs(versions) do
      if name ~= "neap" then
        names[#names + 1] = name
      end
    end
    table.sort(names)
    terminal.line("neap ", versions.neap)
    for _, name in ipairs(names) do
      terminal.line(("  %-10s %s"):format(name, versions[name]))
    end
  end)
end

return M
