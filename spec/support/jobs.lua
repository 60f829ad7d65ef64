--- The fixture application "jobs" with a database of its own, which several servers may share.
local core = require "neap.core"
local json = require "neap.json"
local psql = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local templates = require "neap.migrate.templates"
local test = require "neap.test"

local M = {}

local RUNS = [[
create table runs (id bigint generated always as identity primary key, job bigint not null, kind text not null,
  attempt int not null, pid int not null, version int not null, began timestamptz not null default clock_timestamp(),
  ended timestamptz);
create table deaths (job bigint not null, problem text not null);
]]

local INIT = "spec/fixtures/jobs/lua/app/init.lua"

--- The application in a folder of its own.
---@param postgres table?  of neap.test.scratch_postgres, in place of a scratch database
---@return { dir: string, database: neap.ScratchDatabase }
function M.new(postgres)
  local dir = scratch.app { files = {
    ["config.lua"] = assert(sys.read_file(core.app_dir .. "/spec/fixtures/jobs/config.lua")),
    ["lua/app/init.lua"] = assert(sys.read_file(core.app_dir .. "/" .. INIT)),
    ["migrations/0001_jobs.up.sql"] = templates.parts.jobs.up .. RUNS,
  } }
  if postgres == nil then
    return { dir = dir, database = test.scratch_database { migrate = true, dir = dir } }
  end
  local code, _, problem = sys.exec { "env", "DATABASE_URL=" .. postgres.url, core.program, "migrate", "up", cwd = dir }
  assert.equal(0, code, problem)
  return { dir = dir, database = postgres }
end

function M.remove(app)
  app.database:drop()
  scratch.remove(app.dir)
end

--- A server with a short lease that learns of jobs by being told alone, unless env says otherwise.
function M.serve(app, env)
  local all = { WORKERS = "1", JOBS_POLL = "30", JOBS_LEASE = "1", DB_POOL_MIN = "1" }
  for name, value in pairs(env or {}) do
    all[name] = value
  end
  return test.spawn_server { dir = app.dir, database = app.database, env = all }
end

--- One value, or the lines of the answer.
---@return string
function M.sql(app, text)
  return psql(app.database.url, text)
end

function M.enqueue(server, kind, payload)
  local res = server:request { method = "POST", path = "/jobs/" .. kind, json = payload or json.object {} }
  assert.equal(201, res.status)
  return res.json.id
end

--- Waits until the query answers so.
function M.wait(app, query, wanted, seconds)
  local deadline = core.monotonic() + (seconds or 20)
  local got = M.sql(app, query)
  while got ~= wanted and core.monotonic() < deadline do
    core.sleep(0.05)
    got = M.sql(app, query)
  end
  if got == wanted then
    return
  end
  error(("%s is %q, not %q"):format(query, got, wanted), 2)
end

function M.state(app, id)
  return M.sql(app, "select state from jobs where id = " .. id)
end

--- Puts other code in place of the fixture's, with SIGHUP.
function M.reload(app, server, version)
  local text = sys.read_file(app.dir .. "/lua/app/init.lua"):gsub("VERSION = %d+", "VERSION = " .. version)
  scratch.write(app.dir .. "/lua/app/init.lua", text)
  local lines = #server:logs()
  server:signal "HUP"
  server:wait_log("loaded", 10, lines)
end

return M
