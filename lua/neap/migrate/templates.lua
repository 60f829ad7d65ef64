--- The tables that parts of the framework want in an application's database: `neap migrate new NAME --with jobs`.
local keys = require "neap.base.keys"

local M = {}

local JOBS_UP = [[
-- Work that outlives its request: neap.jobs, see docs/jobs.md.
CREATE TABLE jobs (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue        text NOT NULL DEFAULT 'default',
  kind         text NOT NULL,
  payload      jsonb NOT NULL DEFAULT '{}'::jsonb,
  dedupe_key   text,
  state        text NOT NULL DEFAULT 'queued'
               CONSTRAINT jobs_state_valid CHECK (state IN ('queued', 'running', 'succeeded', 'dead')),
  attempts     integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL DEFAULT 5 CONSTRAINT jobs_max_attempts_pos CHECK (max_attempts > 0),
  run_at       timestamptz NOT NULL DEFAULT now(),
  locked_by    text,
  locked_until timestamptz,
  last_error   text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  finished_at  timestamptz
);
CREATE INDEX jobs_ready_idx ON jobs (queue, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_lease_idx ON jobs (locked_until) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_dedupe_key ON jobs (kind, dedupe_key)
  WHERE dedupe_key IS NOT NULL AND state IN ('queued', 'running');
]]

local IDEMPOTENCY_UP = [[
-- What was answered to a request with an Idempotency-Key: see docs/idempotency.md.
CREATE TABLE idempotency_keys (
  user_id      text NOT NULL,
  key          varchar(255) NOT NULL,
  method       varchar(8) NOT NULL,
  path         text NOT NULL,
  request_hash bytea NOT NULL,
  status_code  smallint,
  response     jsonb,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL DEFAULT now() + interval '24 hours',
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
]]

---@type table<string, { up: string, down: string }>
M.parts = {
  idempotency = { up = IDEMPOTENCY_UP, down = "DROP TABLE idempotency_keys;\n" },
  jobs = { up = JOBS_UP, down = "DROP TABLE jobs;\n" },
}

--- The names, for people.
---@return string
function M.names()
  return table.concat(keys.sorted(M.parts), ", ")
end

return M
