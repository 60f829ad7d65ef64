--- Work that outlives its request: rows of the table `jobs`, run by whichever worker is free.
---
---     jobs.handle("mail.send", function(payload) ... end)          -- while the application loads
---     jobs.enqueue("mail.send", { to = user.id })                   -- in the transaction of the change that asks for it
---
--- A job is run at least once: its handler must bear being run again. See docs/jobs.md.
local json = require "neap.json"
local store = require "neap.jobs_store"

local M = {}

local DEFAULT_QUEUE, DEFAULT_MAX_ATTEMPTS = "default", 5
local KIND_BYTES_MAX, KEY_BYTES_MAX, ATTEMPTS_MAX = 200, 500, 1000
-- What a job works on lies in tables; its payload names it.
local PAYLOAD_BYTES_MAX = 256 << 10
local DELAY_S_MAX = 10 * 366 * 86400

---@class neap.JobOptions
---@field dedupe_key string?    at most one job of this kind and key is queued or running
---@field queue string?         "default"
---@field run_at string?        not before this time, RFC 3339
---@field delay number?         not before so many seconds from now
---@field max_attempts integer? 5

---@class neap.JobHandler
---@field fn fun(payload: any, job: neap.Job): any
---@field queue string?
---@field max_attempts integer?

---@type table<string, neap.JobHandler>
local handlers = {}

local function check(ok, message, ...)
  if not ok then
    error("jobs: " .. message:format(...), 3)
  end
end

local function is_word(v, max)
  return type(v) == "string" and #v <= max and v:find "^[%w][%w._:-]*$" ~= nil
end

local OPTIONS = { dedupe_key = true, queue = true, run_at = true, delay = true, max_attempts = true }

local function check_options(opts)
  for name in pairs(opts) do
    check(OPTIONS[name], "unknown option %q", tostring(name))
  end
  local key, attempts, delay = opts.dedupe_key, opts.max_attempts, opts.delay
  check(key == nil or (type(key) == "string" and key ~= "" and #key <= KEY_BYTES_MAX),
    "dedupe_key is a string of 1 to %d bytes", KEY_BYTES_MAX)
  check(opts.queue == nil or is_word(opts.queue, KIND_BYTES_MAX), "queue is a word")
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
  check(is_word(kind, KIND_BYTES_MAX), "a kind is a word like mail.send, not %s", tostring(kind))
  check(payload == nil or type(payload) == "table", "the payload of %s is a table", kind)
  check_options(opts)
  local text = (payload == nil or next(payload) == nil) and "{}" or json.encode(payload)
  check(#text <= PAYLOAD_BYTES_MAX, "the payload of %s has %d bytes, more than %d", kind, #text, PAYLOAD_BYTES_MAX)
  local handler = handlers[kind] or {}
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

return M
