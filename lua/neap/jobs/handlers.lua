--- What the application does with jobs: its handlers by kind, and its schedules. Declared while the application loads, so
--- that each reload brings its own.
local keys = require "neap.base.keys"
local setting_types = require "neap.settings.types"

local M = {}

local DEFAULT_QUEUE, TIMEOUT_S = "default", 600
-- "job " and a kind are the name of a task, of 64 bytes.
local KIND_BYTES_MAX = 60
local PERIOD_S_MAX = 366 * 86400

---@class neap.JobHandler
---@field fn fun(payload: any, job: neap.Job): any
---@field queue string
---@field timeout number              seconds; a job that takes longer is cancelled, and that attempt failed
---@field max_attempts integer?
---@field backoff nil|fun(attempt: integer): number  seconds until the next attempt
---@field dead nil|fun(payload: any, job: neap.Job, problem: string)  in the transaction that gives it up
---@field period integer?             seconds; of a schedule

---@type table<string, neap.JobHandler>
M.by_kind = {}

---@type fun(job: neap.Job, problem: string)[]
M.dead_hooks = {}

function M.is_word(v)
  return type(v) == "string" and #v <= KIND_BYTES_MAX and v:find "^%w[%w._:-]*$" ~= nil
end

local function fail(message, ...)
  error("jobs: " .. message:format(...), 4)
end

local OPTIONS = {
  queue = M.is_word,
  timeout = function(v) return type(v) == "number" and v > 0 and v <= 86400 end,
  max_attempts = function(v) return math.type(v) == "integer" and v >= 1 and v <= 1000 end,
  backoff = function(v) return type(v) == "function" end,
  dead = function(v) return type(v) == "function" end,
}

local function add(kind, fn, opts, period)
  if not M.is_word(kind) then
    fail("a kind is a word like mail.send of at most %d bytes, not %s", KIND_BYTES_MAX, tostring(kind))
  elseif type(fn) ~= "function" then
    fail("%s wants a function", kind)
  elseif M.by_kind[kind] then
    fail("%s has a handler already", kind)
  end
  local handler = { fn = fn, queue = DEFAULT_QUEUE, timeout = TIMEOUT_S, period = period }
  for name, value in pairs(opts or {}) do
    if OPTIONS[name] == nil or not OPTIONS[name](value) then
      fail("%s: option %s is unknown or has a value that it cannot have", kind, tostring(name))
    end
    handler[name] = value
  end
  M.by_kind[kind] = handler
end

---@param kind string
---@param fn fun(payload: any, job: neap.Job): any
---@param opts table?
function M.handle(kind, fn, opts)
  add(kind, fn, opts)
end

--- Seconds, whole ones: the periods of all hosts begin at the same moments, multiples of it since 1970.
local function seconds_of(period)
  local seconds = period
  if type(period) == "string" then
    seconds = setting_types.duration(period, {})
  end
  if math.type(seconds) ~= "integer" or seconds < 1 or seconds > PERIOD_S_MAX then
    fail("every: a period is whole seconds or a duration like 30s, 5m, 1h or 1d, not %s", tostring(period))
  end
  return seconds
end

---@param period string|integer
---@param name string
---@param fn fun(payload: any, job: neap.Job): any
---@param opts table?
function M.every(period, name, fn, opts)
  if opts and opts.max_attempts then
    fail("every %s: there are no attempts, the next period is the next one", tostring(name))
  end
  add("every." .. tostring(name), fn, opts, seconds_of(period))
end

---@return string[]
function M.kinds()
  return keys.sorted(M.by_kind)
end

--- Those that are no schedules.
---@return string[]
function M.once_kinds()
  local set = {}
  for kind, handler in pairs(M.by_kind) do
    set[kind] = handler.period == nil and true or nil
  end
  return keys.sorted(set)
end

--- Those of the handlers, and the default one.
---@return string[]
function M.queues()
  local set = { [DEFAULT_QUEUE] = true }
  for _, handler in pairs(M.by_kind) do
    set[handler.queue] = true
  end
  return keys.sorted(set)
end

return M
