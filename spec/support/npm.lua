--- Tools of npm that hold our documents and types against what others think of them. They are no part of the build:
--- installed once below .neap/, and where that cannot be, the specs say so and skip.
local core = require "neap.core"
local core_os = require "neap.core.os"

local M = {}

local PACKAGES = {
  "@redocly/cli@2", "@apidevtools/swagger-parser@12", "@seriousme/openapi-schema-validator@2", "ajv@8",
  "ajv-formats@3", "typescript@5", "axios@1",
}

local folder = core.app_dir .. "/.neap/spec-npm"

-- Once in a run: a network that is away is not asked again.
local missing

local function install()
  assert(core_os.mkdir(folder))
  assert(core_os.write_file(folder .. "/package.json", '{"private":true}'))
  local argv = {
    "npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=30000", "--loglevel=error",
  }
  table.move(PACKAGES, 1, #PACKAGES, #argv + 1, argv)
  argv.cwd, argv.timeout = folder, 300
  local ok, code, stdout, stderr = pcall(core_os.exec, argv)
  if not ok then
    return "npm is not here"
  elseif code ~= 0 then
    core_os.remove(folder, { recursive = true })
    return "npm cannot install them: " .. tostring(code and stderr or stdout)
  end
  assert(core_os.write_file(folder .. "/complete", table.concat(PACKAGES, "\n")))
end

--- The folder of the tools, or nil and why there is none.
---@return string?
---@return string?
function M.folder()
  if core_os.read_file(folder .. "/complete") == table.concat(PACKAGES, "\n") then
    return folder
  end
  missing = missing or install()
  if missing then
    return nil, missing
  end
  return folder
end

--- Runs one in its folder: exit code, output, errors.
---@param argv string[]
function M.run(argv)
  argv.cwd, argv.timeout = folder, 120
  return core_os.exec(argv)
end

return M
