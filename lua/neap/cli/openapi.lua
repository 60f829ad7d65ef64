--- neap openapi: the OpenAPI document of the application, and what in it would break clients of an older one.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local core_os = require "neap.core.os"
local diff = require "neap.openapi.diff"
local json = require "neap.json"
local openapi = require "neap.openapi"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "openapi",
  summary = "the OpenAPI 3.1 document of the application",
  usage = { "neap openapi", "neap openapi --check FILE" },
  flags = { check = { value = "FILE", help = "compare with an older document; exit 1 when a client of it would break" } },
  max = 0,
}

local function document()
  local app = boot.load "tool"
  return openapi.document(app:routes(), openapi.info(app, boot.config "tool"))
end

local function read(path)
  local text, problem = core_os.read_file(path)
  if text == nil then
    args.fail(problem)
  end
  local old, why = json.decode(text)
  if type(old) ~= "table" or type(old.paths) ~= "table" then
    args.fail(("%s: is not an OpenAPI document in JSON%s"):format(path, why and ": " .. why or ""))
  end
  return old
end

local function check(path)
  local old = read(path)
  local found = diff.breaking(old, json.decode(document()))
  for _, sentence in ipairs(found) do
    terminal.line(sentence)
  end
  if #found > 0 then
    terminal.note(("%d breaking change%s"):format(#found, #found == 1 and "" or "s"))
    return args.FAILED
  end
  terminal.line(terminal.colour("green", "ok"), ": nothing in it would break a client of ", path)
  return 0
end

function M.main()
  return command:run(function(flags)
    if flags.check then
      return check(flags.check)
    end
    terminal.line(document())
  end)
end

return M
