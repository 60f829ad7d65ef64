--- One claimed job: what its handler may do with it, and what becomes of it when the handler has ended.
local core = require "neap.core"
local db = require "neap.db"
local errors = require "neap.errors"
local handlers = require "neap.jobs.handlers"
local json = require "neap.json"
local log = require "neap.log"
local store = require "neap.jobs.store"

local M = {}

local BACKOFF_S, BACKOFF_S_MAX = 5, 3600

---@class neap.Job
---@field id integer
---@field kind string
---@field queue string
---@field payload any
---@field dedupe_key string?
---@field attempts integer      this is the how manyeth
---@field max_attempts integer
---@field created_at string
---@field locked_by string
---@field claimed_at number     seconds since 1970, by the database's clock
local Job = { __name = "neap.job" }
Job.__index = Job

---@param row table  of a claim
---@return neap.Job
function M.new(row)
  return setmetatable({
    id = row.id,
    kind = row.kind,
    queue = row.queue,
    payload = json.decode(row.payload),
    dedupe_key = row.dedupe_key,
    attempts = row.attempts,
    max_attempts = row.max_attempts,
    created_at = row.created_at,
    locked_by = row.locked_by,
    claimed_at = row.claimed_at,
    handler = handlers.by_kind[row.kind],
    began = core.monotonic(),
  }, Job)
end

-- When the period begins that follows the one it was claimed in. That may be in the past by now: then it runs at once.
local function next_period(job)
  local period = job.handler.period
  return (job.claimed_at // period + 1) * period
end

--- Ends the job as done in the present transaction, with what its handler wrote in it: then both are done or neither.
--- Raises when the lease was lost, so that the transaction of the one that came too late rolls back.
function Job:finish()
  local done
  if self.handler.period then
    done = store.again(self, next_period(self))
  else
    done = store.succeed(self)
  end
  if not done then
    error(("job %d is not ours any more: its lease ran out"):format(self.id), 0)
  end
  self.finished = true
end

--- Gives up: the job is dead at once, without further attempts.
---@param problem string
function Job:give_up(problem)
  self.hopeless = true
  error(problem, 0)
end

local function backoff(job)
  if job.handler.backoff then
    return job.handler.backoff(job.attempts)
  end
  local base = math.min(BACKOFF_S * 2 ^ math.min(job.attempts - 1, 20), BACKOFF_S_MAX)
  return base + math.random() * base / 4
end

local function facts(job, problem, more)
  local fields = { job_id = job.id, kind = job.kind, attempt = job.attempts, error = problem }
  for name, value in pairs(more or {}) do
    fields[name] = value
  end
  return fields
end

local function run_hooks(job, problem)
  if job.handler and job.handler.dead then
    job.handler.dead(job.payload, job, problem)
  end
  for _, hook in ipairs(handlers.dead_hooks) do
    hook(job, problem)
  end
end

--- Tells who wants to know. In a transaction: what a hook writes is there if and only if the job is dead, but a hook that
--- fails must not keep it alive.
---@param job neap.Job
---@param problem string
function M.tell_dead(job, problem)
  local ok, err = pcall(db.tx, function() run_hooks(job, problem) end)
  if not ok then
    log.error("jobs.dead_hook_failed", facts(job, errors.describe(err)))
  end
  core.count "jobs_dead"
  log.error("job.dead", facts(job, problem))
end

local function die(job, problem)
  return db.tx(function()
    if not store.die(job, problem) then
      return false
    end
    M.tell_dead(job, problem)
    return true
  end)
end

local function fail(job, problem, trace)
  trace = trace ~= "" and trace or nil
  if job.handler.period then
    log.error("job.failed", facts(job, problem, { traceback = trace }))
    return store.again(job, next_period(job), problem), "failed"
  elseif job.hopeless or job.attempts >= job.max_attempts then
    return die(job, problem), "dead"
  end
  local seconds = backoff(job)
  log.warn("job.failed", facts(job, problem, { traceback = trace, retry_s = seconds }))
  return store.retry(job, seconds, problem), "failed"
end

local function settle(job, how, problem, trace)
  if job.lost then
    return false
  elseif job.finished then
    return true, "succeeded"
  elseif how == "cancelled" then
    return store.release(job), "released"
  elseif how ~= "ok" then
    return fail(job, problem, trace)
  elseif job.handler.period then
    return store.again(job, next_period(job)), "succeeded"
  end
  return store.succeed(job), "succeeded"
end

--- Writes down how a job ended, if it is still ours.
---@param job neap.Job
---@param how "ok"|"error"|"timeout"|"cancelled"|"cpu"|"heap"
---@param problem string?
---@param trace string?
---@return "succeeded"|"failed"|"dead"|"released"|"lost"
function M.settle(job, how, problem, trace)
  local held, outcome = settle(job, how, problem, trace)
  if not held then
    log.warn("job.lease_lost", facts(job, problem ~= "" and problem or nil, { ended = how }))
    return "lost"
  end
  if outcome == "succeeded" then
    core.count "jobs_succeeded"
  elseif outcome ~= "released" then
    core.count "jobs_failed"
  end
  -- A schedule that runs every second would drown the rest.
  local write = job.handler.period and log.debug or log.info
  write("job." .. outcome, facts(job, nil, { took_ms = math.floor((core.monotonic() - job.began) * 1000) }))
  return outcome
end

--- The handler itself.
---@param job neap.Job
function M.run(job)
  job.handler.fn(job.payload, job)
end

return M
