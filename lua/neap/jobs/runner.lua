--- Who runs the jobs: in each worker as many at a time as JOBS_CONCURRENCY says, each in a task of its own.
---
--- Whatever may have made a job due rings the bell (`wake`): a notification, the end of a job, the clock of the next one,
--- and every JOBS_POLL whatever else was missed. Claiming, running and settling are tasks that finish, so neither a reload
--- nor a stop cuts one of them in two; the loops around them are background tasks and end with their code.
local core = require "neap.core"
local db = require "neap.db"
local errors = require "neap.errors"
local handlers = require "neap.jobs.handlers"
local job_module = require "neap.jobs.job"
local log = require "neap.log"
local store = require "neap.jobs.store"

local M = {}

local ENSURE_S, DEAD_KEPT = 60, 4
local SETTLE_PAUSE_S, HELD_S, CLAIM_AGAIN_S = 0.5, 0.1, 1

---@class neap.JobsRunner
local runner -- of this engine; nil before it starts

local function describe(problem)
  return { error = errors.describe(problem) }
end

---- leases

local function each_running()
  local ids, attempts = {}, {}
  for id, job in pairs(runner.running) do
    ids[#ids + 1], attempts[#attempts + 1] = id, job.attempts
  end
  return ids, attempts
end

-- Somebody else may run it from now on: what is left of it here is ended.
local function lose(job)
  job.lost = true
  core.cancel(job.task)
end

local function beat()
  local began = core.monotonic()
  local ids, attempts = each_running()
  local ok, held = pcall(store.beat, runner.who, ids, attempts, runner.lease)
  if not ok then
    log.warn("jobs.heartbeat_failed", describe(held))
  end
  for _, id in ipairs(ids) do
    local job = runner.running[id]
    if job and ok and held[id] then
      job.held_until = began + runner.lease
    elseif job and not job.settling and (ok or core.monotonic() >= job.held_until) then
      lose(job)
    end
  end
end

local function keep_leases()
  while true do
    core.sleep(runner.lease / 3)
    beat()
  end
end

local function heart(should_beat)
  if should_beat and runner.heart == nil then
    runner.heart = core.spawn(keep_leases, "jobs.heartbeat", { finish = true })
  elseif not should_beat and runner.heart then
    core.cancel(runner.heart)
    runner.heart = nil
  end
end

---- one job

-- A database that is away for a moment must not make a job run twice: ask again for as long as the lease is ours.
local function settle_patiently(job, how, problem, trace)
  job.settling = true
  while true do
    local ok, err = pcall(job_module.settle, job, how, problem, trace)
    if ok then
      return
    end
    log.warn("jobs.settle_failed", { job_id = job.id, kind = job.kind, error = errors.describe(err) })
    if core.monotonic() >= job.held_until then
      return
    end
    core.sleep(SETTLE_PAUSE_S)
  end
end

local function let_go(job)
  -- One whose lease was lost may have been claimed here again meanwhile.
  if runner.running[job.id] == job then
    runner.running[job.id] = nil
  end
  runner.count = runner.count - 1
  heart(runner.count > 0)
  M.wake()
end

local function run(job)
  log.bind { job_id = job.id, kind = job.kind, attempt = job.attempts }
  job_module.run(job)
end

local function start_job(row, held_until)
  local job = job_module.new(row)
  job.held_until = held_until
  runner.running[job.id] = job
  runner.count = runner.count + 1
  heart(true)
  job.task = core.spawn(function() run(job) end, "job " .. job.kind, {
    finish = true,
    timeout = job.handler.timeout,
    ended = function(how, problem, trace)
      local _ <close> = setmetatable({}, { __close = function() let_go(job) end })
      settle_patiently(job, how, problem, trace)
    end,
  })
end

---- claiming

local function claim_from(queue)
  local wanted = runner.limit - runner.count
  if wanted <= 0 or core.ending() then
    return
  end
  local began = core.monotonic()
  local rows = store.claim(queue, runner.kinds, wanted, runner.who, runner.lease)
  for _, row in ipairs(rows) do
    start_job(row, began + runner.lease)
  end
end

-- Rings again when the next one is due, if nothing else does before.
local function set_alarm(seconds)
  -- Due, and yet not claimed: somebody holds its row.
  seconds = seconds > 0 and seconds or HELD_S
  local at = core.monotonic() + seconds
  if seconds > runner.poll or (runner.alarm_at and runner.alarm_at <= at) or core.ending() then
    return
  end
  if runner.alarm then
    core.cancel(runner.alarm)
  end
  runner.alarm_at = at
  runner.alarm = core.spawn(function()
    core.sleep(seconds)
    runner.alarm, runner.alarm_at = nil, nil
    M.wake()
  end, "jobs.alarm")
end

local function claim()
  for _, queue in ipairs(runner.queues) do
    claim_from(queue)
  end
  for _, queue in ipairs(runner.queues) do
    local seconds = runner.count < runner.limit and not core.ending() and store.next_due(queue, runner.kinds)
    if seconds then
      set_alarm(seconds)
    end
  end
end

local function on_claimed(how, problem)
  runner.claiming = false
  if how ~= "ok" then
    log.warn("jobs.claim_failed", { error = problem })
    -- Whoever rang does not ring again.
    set_alarm(CLAIM_AGAIN_S)
  end
  if runner.rung then
    M.wake()
  end
end

--- There may be something to do.
function M.wake()
  if runner == nil or core.ending() then
    return
  elseif runner.claiming then
    runner.rung = true
    return
  end
  runner.claiming, runner.rung = true, false
  core.spawn(claim, "jobs.claim", { finish = true, ended = on_claimed })
end

---- the clockwork

local function ensure_schedules()
  for kind, handler in pairs(handlers.by_kind) do
    if handler.period then
      store.ensure(kind, handler.queue, handler.period)
    end
  end
end

-- Others may be gone, and with them what they had begun.
local function take_over_lost()
  for _, row in ipairs(store.expire()) do
    local job = job_module.new(row)
    log.warn("job.lease_expired", { job_id = row.id, kind = row.kind, attempt = row.attempts, error = row.last_error })
    if row.state == "dead" then
      job_module.tell_dead(job, row.last_error)
    end
  end
end

local function look_around()
  if core.monotonic() >= runner.ensure_at then
    ensure_schedules()
    runner.ensure_at = core.monotonic() + ENSURE_S
  end
  db.tx(take_over_lost)
end

local function poll()
  while true do
    local ok, problem = pcall(look_around)
    if not ok then
      log.warn("jobs.poll_failed", describe(problem))
    end
    M.wake()
    core.sleep(runner.poll * (0.75 + math.random() / 2))
  end
end

local function listen()
  db.listen(store.CHANNEL, M.wake)
  -- What was told of until now nobody has heard.
  M.wake()
end

local function sweep()
  local removed = store.sweep("succeeded", runner.keep) + store.sweep("dead", runner.keep * DEAD_KEPT)
  if removed > 0 then
    log.info("jobs.swept", { removed = removed })
  end
end

local function configure(config)
  return {
    who = ("%s:%d:%s"):format(core.hostname or "?", core.pid, core.hex(core.random(4))),
    kinds = handlers.kinds(),
    queues = #config.JOBS_QUEUES > 0 and config.JOBS_QUEUES or handlers.queues(),
    limit = config.JOBS_CONCURRENCY,
    poll = config.JOBS_POLL,
    lease = config.JOBS_LEASE,
    keep = config.JOBS_KEEP,
    running = {},
    count = 0,
    ensure_at = 0,
  }
end

--- Begins in this engine, if the application handles any jobs. The host calls this when code takes over.
---@param config table
function M.start(config)
  if next(handlers.by_kind) == nil or config.JOBS_CONCURRENCY == 0 then
    return
  end
  handlers.every("1h", "jobs.sweep", sweep)
  runner = configure(config)
  core.spawn(poll, "jobs")
  core.spawn(listen, "jobs.listen")
end

---- here and now

local function run_here(job)
  local ok, problem = xpcall(job_module.run, function(err)
    return { text = errors.describe(err), trace = debug.traceback(nil, 2) }
  end, job)
  return ok and "ok" or "error", not ok and problem.text or "", not ok and problem.trace or ""
end

local function claim_here(opts, who)
  for _, queue in ipairs(handlers.queues()) do
    local row = store.claim(queue, opts.kinds or handlers.kinds(), 1, who, 3600)[1]
    if row then
      return job_module.new(row)
    end
  end
end

--- See neap.jobs.work_off.
function M.work_off(opts)
  local counts = { succeeded = 0, failed = 0, dead = 0 }
  local who = ("%s:%d:here"):format(core.hostname or "?", core.pid)
  for _ = 1, opts.max or math.huge do
    if opts.early then
      store.hurry(opts.kinds or handlers.once_kinds())
    end
    local job = claim_here(opts, who)
    if job == nil then
      break
    end
    local outcome = job_module.settle(job, run_here(job))
    counts[outcome] = (counts[outcome] or 0) + 1
  end
  return counts
end

return M
