--- The command line of a command: flags, positions, --help, exit codes.
---
---     local command = args.command {
---       name = "routes", summary = "what the application declares",
---       usage = { "neap routes [--json]" },
---       flags = { json = { help = "as JSON" } },
---     }
---     function M.main() return command:run(function(flags, positions) ... end) end
local keys = require "neap.base.keys"
local core = require "neap.core"

local M = {}

-- sysexits.h: EX_USAGE and EX_CONFIG.
M.FAILED, M.USAGE, M.CONFIG = 1, 64, 78

---@class neap.Command
---@field name string
---@field summary string
---@field usage string[]
---@field help string?                              more lines for --help
---@field flags table<string, { value: string?, help: string, many: boolean? }>
---@field max integer?                              positions at most; any number when nil
---@field rest boolean?                             unknown flags are handed on among the positions
local Command = { __name = "neap.command" }
Command.__index = Command

local Failure = { __name = "neap.cli.failure" }
Failure.__index = Failure

function Failure:__tostring()
  return self.message
end

--- Ends the command: the message goes to stderr without a traceback.
---@param message string
---@param code integer?  1
function M.fail(message, code)
  error(setmetatable({ message = message, code = code or M.FAILED }, Failure), 0)
end

---@return neap.Command
function M.command(spec)
  spec.flags = spec.flags or {}
  return setmetatable(spec, Command)
end

local function usage_error(self, message, ...)
  M.fail(("%s\nusage: %s"):format(message:format(...), table.concat(self.usage, "\n       ")), M.USAGE)
end

local function store(flags, name, flag, value)
  if flag.many then
    flags[name] = flags[name] or {}
    table.insert(flags[name], value)
  else
    flags[name] = value
  end
end

local function take_flag(self, argv, i, flags, positions)
  local name, value = argv[i]:match "^%-%-([%w-]+)=(.*)$"
  name = name or argv[i]:match "^%-%-([%w-]+)$"
  local flag = name and self.flags[name]
  if flag == nil then
    if self.rest then
      positions[#positions + 1] = argv[i]
      return i + 1
    end
    usage_error(self, "unknown option %s", argv[i])
  end
  if flag.value == nil then
    if value then
      usage_error(self, "--%s takes no value", name)
    end
    flags[name] = true
    return i + 1
  end
  if value == nil then
    i = i + 1
    value = argv[i]
    if value == nil then
      usage_error(self, "--%s wants %s", name, flag.value)
    end
  end
  store(flags, name, flag, value)
  return i + 1
end

--- Raises a usage failure (64) on what is not declared. `--` ends the flags.
---@param argv string[]
---@return table<string, any> flags
---@return string[] positions
function Command:parse(argv)
  local flags, positions = {}, {}
  local i = 1
  while i <= #argv do
    if argv[i] == "--" then
      table.move(argv, i + 1, #argv, #positions + 1, positions)
      break
    elseif argv[i] == "--help" or argv[i] == "-h" then
      flags.help = true
      i = i + 1
    elseif argv[i]:sub(1, 1) == "-" and argv[i] ~= "-" then
      i = take_flag(self, argv, i, flags, positions)
    else
      positions[#positions + 1] = argv[i]
      i = i + 1
    end
  end
  if self.max and #positions > self.max and not flags.help then
    usage_error(self, "too many arguments: %s", positions[self.max + 1])
  end
  return flags, positions
end

--- The text of --help.
---@return string
function Command:help_text()
  local lines = { ("neap %s: %s"):format(self.name, self.summary), "" }
  for i, usage in ipairs(self.usage) do
    lines[#lines + 1] = (i == 1 and "usage: " or "       ") .. usage
  end
  lines[#lines + 1] = ""
  for _, name in ipairs(keys.sorted(self.flags)) do
    local flag = self.flags[name]
    lines[#lines + 1] = ("  %-22s %s"):format("--" .. name .. (flag.value and " " .. flag.value or ""), flag.help)
  end
  lines[#lines + 1] = ("  %-22s %s"):format("--help", "this text")
  if self.help then
    lines[#lines + 1] = ""
    lines[#lines + 1] = self.help
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Ends the command as a wrong use of it.
function Command:wrong(message, ...)
  usage_error(self, message, ...)
end

local function name_of(err)
  local mt = type(err) == "table" and getmetatable(err)
  return type(mt) == "table" and mt.__name or nil
end

--- What to print about an error, and the exit code.
---@return string
---@return integer
function M.explain(err)
  local name = name_of(err)
  if name == "neap.cli.failure" then
    return err.message, err.code
  elseif name == "neap.settings.problems" then
    return "the configuration is not complete:\n  " .. table.concat(err.problems, "\n  "), M.CONFIG
  elseif name == "neap.db.error" then
    -- Where a failing statement stands matters; where we were when nobody answered does not.
    return "database: " .. (err.kind == "server" and tostring(err) or tostring(err.message)), M.FAILED
  elseif name == "neap.cli.trace" then
    return err.text, M.FAILED
  end
  return tostring(err), M.FAILED
end

-- Frames that say nothing of where the mistake is: C, and how a command is run.
local function is_noise(frame)
  return frame:find("[C]:", 1, true) or frame:find("(...tail calls...)", 1, true)
    or frame:find("neap/tool/args.lua", 1, true)
end

local function traceback(err)
  local lines = {}
  for line in debug.traceback(tostring(err), 3):gmatch "[^\n]+" do
    if line:sub(1, 1) ~= "\t" or not is_noise(line) then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

-- Errors that say all there is to say keep their type; a bug gets its traceback while the stack is still there.
local function on_error(err)
  if name_of(err) ~= nil then
    return err
  end
  return setmetatable({ text = traceback(err) }, { __name = "neap.cli.trace" })
end

--- Parses core.args, answers --help, runs fn(flags, positions) and turns errors into exit codes.
---@param fn fun(flags: table<string, any>, positions: string[]): integer?
---@return integer exit_code
function Command:run(fn)
  local ok, result = xpcall(function()
    local flags, positions = self:parse(core.args)
    if flags.help then
      io.stdout:write(self:help_text())
      return 0
    end
    return fn(flags, positions) or 0
  end, on_error)
  if ok then
    return result
  end
  local text, code = M.explain(result)
  io.stdout:flush()
  io.stderr:write("neap ", self.name, ": ", text, "\n")
  return code
end

return M
