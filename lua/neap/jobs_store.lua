--- The SQL of the jobs. A row is queued, running under a lease, succeeded or dead; who may change a running one is who
--- holds its lease: (locked_by, attempts).
local db = require "neap.db"
local json = require "neap.json"

local M = {}

-- Wakes the runners; the payload is the queue.
M.CHANNEL = "neap_jobs"

local INSERT = [[
with made as (
  insert into jobs (kind, payload, dedupe_key, queue, max_attempts, run_at)
  values ($1, $2::jsonb, $3, $4, $5, coalesce($6::timestamptz, now() + make_interval(secs => $7)))
  on conflict (kind, dedupe_key) where dedupe_key is not null and state in ('queued', 'running') do nothing
  returning id
)
select id, pg_notify($8, $4) from made]]

local LIVE = "select id from jobs where kind = $1 and dedupe_key = $2 and state in ('queued', 'running')"

-- The one that was there may end between the two statements: then there is room for ours.
local INSERT_TRIES = 5

---@param job { kind: string, payload: any, dedupe_key: string?, queue: string, max_attempts: integer, run_at: string?,
---   delay: number? }
---@return integer id
---@return boolean made  false: one with this dedupe_key was there
function M.insert(job)
  local payload = type(job.payload) == "string" and job.payload or json.encode(job.payload)
  for _ = 1, INSERT_TRIES do
    local row = db.one(INSERT, job.kind, payload, job.dedupe_key, job.queue, job.max_attempts, job.run_at, job.delay or 0,
      M.CHANNEL)
    if row then
      return row.id, true
    end
    row = db.one(LIVE, job.kind, job.dedupe_key)
    if row then
      return row.id, false
    end
  end
  error(("jobs: %s %s can neither be found nor made"):format(job.kind, job.dedupe_key), 0)
end

return M
