--- neap types: the application's schemas as types of another language.
local args = require "neap.tool.args"
local boot = require "neap.boot"

local M = {}

local command = args.command {
  name = "types",
  summary = "the application's schemas as types",
  usage = { "neap types --ts [--camel]", "neap types --lua" },
  flags = {
    ts = { help = "TypeScript, for who calls the API" },
    camel = { help = "fields in camelCase, for a client that renames what it sends and gets" },
    lua = { help = "classes for the Lua language server, for who writes handlers" },
  },
  max = 0,
}

function M.main()
  return command:run(function(flags)
    if (flags.ts == nil) == (flags.lua == nil) then
      command:wrong "one of --ts and --lua is needed"
    end
    if flags.camel and not flags.ts then
      command:wrong "--camel is for --ts"
    end
    local routes = boot.load("tool"):routes()
    io.stdout:write(require(flags.ts and "neap.types.ts" or "neap.types.lua").module(routes, flags.camel))
  end)
end

return M
