--- Log lines: one JSON object each. The request id and the user are added by themselves.
---
---     log.info("task.started", { task_id = id })
---     log.bind { conversation_id = id }      -- on every later line of this request, the access line among them
local core = require "neap.core"

local M = {}

-- "@lua/app/tasks/rules.lua" is app.tasks.rules. Sources are few and come again with every line, so keep the answer.
local module_names = {}

local function derive(source)
  local name = source:match "^[@=](.*)$" or "?"
  name = name:gsub("%.lua$", "")
  name = name:match "^.*/lua/(.+)$" or name:match "^lua/(.+)$" or name:gsub("^.*/spec/", "spec/")
  name = name:gsub("/init$", ""):gsub("^%./", ""):gsub("/", ".")
  return name ~= "" and name or "?"
end

--- The module of the function at a stack level, as `debug.getinfo` counts from the caller.
---@param level integer
---@return string
local function module_at(level)
  local info = debug.getinfo(level + 1, "S")
  -- The function of the level was tail called away, or is C.
  local source = info and info.source or "=?"
  local name = module_names[source]
  if name == nil then
    name = derive(source)
    module_names[source] = name
  end
  return name
end

local function is_on(level)
  return level ~= "debug" or core.log_level() == "debug"
end

local function writer(level)
  return function(message, fields)
    if is_on(level) then
      core.log(level, module_at(2), tostring(message), fields)
    end
  end
end

---@type fun(message: string, fields: table<string, any>?)
M.debug = writer "debug"
---@type fun(message: string, fields: table<string, any>?)
M.info = writer "info"
---@type fun(message: string, fields: table<string, any>?)
M.warn = writer "warn"
---@type fun(message: string, fields: table<string, any>?)
M.error = writer "error"

--- Fields that every later line of this request (or command) carries.
---@param fields table<string, any>
function M.bind(fields)
  core.log_bind(fields)
end

---@class neap.Logger
---@field debug fun(message: string, fields: table<string, any>?)
---@field info fun(message: string, fields: table<string, any>?)
---@field warn fun(message: string, fields: table<string, any>?)
---@field error fun(message: string, fields: table<string, any>?)
---@field bind fun(fields: table<string, any>)

--- A logger whose lines name this module, wherever they are written.
---@param module string
---@return neap.Logger
function M.get(module)
  local logger = { bind = M.bind }
  for _, level in ipairs { "debug", "info", "warn", "error" } do
    logger[level] = function(message, fields)
      if is_on(level) then
        core.log(level, module, tostring(message), fields)
      end
    end
  end
  return logger
end

local function print_line(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    parts[i] = tostring(parts[i])
  end
  core.log("info", module_at(2), table.concat(parts, "\t"))
end

--- Called once when the application loads. In a server a `print` becomes a log line; a tool's stays what it is.
---@param opts { level: string?, redirect_print: boolean? }
function M.setup(opts)
  if opts.level then
    core.log_level(opts.level)
  end
  if opts.redirect_print then
    _G.print = print_line
  end
end

return M
