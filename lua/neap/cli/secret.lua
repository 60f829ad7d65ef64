--- neap secret: 32 random bytes, as SECRET_KEY wants them.
local args = require "neap.tool.args"
local core = require "neap.core"

local M = {}

local command = args.command {
  name = "secret",
  summary = "32 random bytes in hexadecimal, for SECRET_KEY",
  usage = { "neap secret" },
  max = 0,
}

function M.main()
  return command:run(function()
    io.stdout:write(core.hex(core.random(32)), "\n")
  end)
end

return M
