--- neap help COMMAND: the same as neap COMMAND --help.
local core = require "neap.core"

local M = {}

function M.main()
  local name = core.args[1] or ""
  local ok, module = pcall(require, "neap.cli." .. name:gsub("-", "_"))
  if not ok or type(module) ~= "table" or module.main == nil then
    io.stderr:write("neap help: of what? `neap --help` lists the commands\n")
    return 64
  end
  core.args = { "--help" }
  return module.main()
end

return M
