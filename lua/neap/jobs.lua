--- Work that outlives its request: rows of the table `jobs`, run by whichever worker is free.
---
---     jobs.handle("mail.send", function(payload) ... end)          -- while the application loads
---     jobs.every("1h", "mail.digest", function() ... end)           -- once per period, however many hosts there are
---     jobs.enqueue("mail.send", { to = user.id })                   -- in the transaction of the change that asks for it
---
--- A job is run at least once: its handler must bear being run again. See docs/jobs.md.
local handlers = require "neap.jobs.handlers"
local json = require "neap.json"
local store = require "neap.jobs.store"

local M = {}

local DEFAULT_QUEUE, DEFAULT_MAX_ATTEMPTS = "default", 5
local KEY_BYTES_MAX, ATTEMPTS_MAX = 500, 1000
-- What a job works on lies in tables; its payload names it.
local PAYLOAD_BYTES_MAX = 256 << 10
local DELAY_S_MAX = 10 * 366 * 86400

---@class neap.JobOptions
---@field dedupe_key string?    at most one job of this kind and key is queued or running
---@field queue string?         that of its handler; "default"
---@field run_at string?        not before this time, RFC 3339
---@field delay number?         not before so many seconds from now
---@field max_attempts integer? that of its handler; 5

local function check(ok, message, ...)
  if not ok then
    error("jobs: " .. message:format(...), 3)
  end
end

local OPTIONS = { dedupe_key = true, queue = true, run_at = true, delay = true, max_attempts = true }

local function check_options(opts)
  for name in pairs(opts) do
    check(OPTIONS[name], "unknown option %q", tostring(name))
  end
  local key, attempts, delay = opts.dedupe_key, opts.max_attempts, opts.delay
  check(key == nil or (type(key) == "string" and key ~= "" and #key <= KEY_BYTES_MAX),
    "dedupe_key is a string of 1 to %d bytes", KEY_BYTES_MAX)
  check(opts.queue == nil or handlers.is_word(opts.queue), "queue is a word")
  check(attempts == nil or (math.type(attempts) == "integer" and attempts >= 1 and attempts <= ATTEMPTS_MAX),
    "max_attempts is an integer from 1 to %d", ATTEMPTS_MAX)
  check(delay == nil or (type(delay) == "number" and delay >= 0 and delay <= DELAY_S_MAX), "delay is in seconds")
  check(delay == nil or opts.run_at == nil, "run_at and delay: one of them")
end

--- Puts a job into the line, in the present transaction: it runs when that has committed, and not at all when it did not.
---@param kind string          "mail.send"
---@param payload table?       what JSON can hold, up to 256 KiB
---@param opts neap.JobOptions?
---@return integer id          of the new job, or of the live one with this dedupe_key
---@return boolean made        whether it is new
function M.enqueue(kind, payload, opts)
  opts = opts or {}
  check(handlers.is_word(kind), "a kind is a word like mail.send, not %s", tostring(kind))
  check(payload == nil or type(payload) == "table", "the payload of %s is a table", kind)
  check_options(opts)
  local text = (payload == nil or next(payload) == nil) and "{}" or json.encode(payload)
  check(#text <= PAYLOAD_BYTES_MAX, "the payload of %s has %d bytes, more than %d", kind, #text, PAYLOAD_BYTES_MAX)
  local handler = handlers.by_kind[kind] or {}
  return store.insert {
    kind = kind,
    payload = text,
    dedupe_key = opts.dedupe_key,
    queue = opts.queue or handler.queue or DEFAULT_QUEUE,
    max_attempts = opts.max_attempts or handler.max_attempts or DEFAULT_MAX_ATTEMPTS,
    run_at = opts.run_at,
    delay = opts.delay,
  }
end

--- What is done with jobs of a kind. Workers claim jobs of those kinds only that their code handles.
---
--- Options: `timeout` (600 s), `max_attempts` (5) and `queue` ("default") of jobs that enqueue says nothing else about,
--- `backoff(attempt) -> seconds` (5 s, 10 s, 20 s ... up to an hour, and a little by chance),
--- `dead(payload, job, problem)`, in the transaction that gives a job up.
---@param kind string
---@param fn fun(payload: any, job: neap.Job): any
---@param opts table?
function M.handle(kind, fn, opts)
  handlers.handle(kind, fn, opts)
end

--- Runs fn once in each period, in one worker of one host. Periods begin at multiples of their length since 1970 (UTC), by
--- the database's clock. One that nobody was there for is left out; one that is still running holds the next one up.
---@param period string|integer  "30s", "5m", "1h", "1d", or seconds
---@param name string            the same in all hosts
---@param fn fun(payload: any, job: neap.Job): any
---@param opts table?            timeout, queue
function M.every(period, name, fn, opts)
  handlers.every(period, name, fn, opts)
end

--- Calls fn(job, problem) for every job that is given up, in the transaction that does so.
---@param fn fun(job: neap.Job, problem: string)
function M.on_dead(fn)
  check(type(fn) == "function", "on_dead wants a function")
  handlers.dead_hooks[#handlers.dead_hooks + 1] = fn
end

--- Runs jobs here and now, one after the other, until none is due: for specs and commands. In a spec they run inside of its
--- transaction.
---@param opts { kinds: string[]?, max: integer?, early: boolean? }?  early: also those that are not due yet
---@return { succeeded: integer, failed: integer, dead: integer }
function M.work_off(opts)
  return require("neap.jobs.runner").work_off(opts or {})
end

return M
