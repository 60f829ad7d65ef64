--- Jobs in real workers: claimed once, retried, given up, taken over from those that died, handed on by those that stop.
local core = require "neap.core"
local edges = require "spec.support.edges"
local jobs = require "spec.support.jobs"
local prometheus = require "spec.support.prometheus"
local sys = require "neap.core.os"
local test = require "neap.test"

test.no_transaction()

local app, servers

local function serve(env)
  local server = jobs.serve(app, env)
  servers[#servers + 1] = server
  return server
end

local function sql(text, ...)
  return jobs.sql(app, text:format(...))
end

local function wait(query, wanted, seconds)
  local ok, problem = pcall(jobs.wait, app, query, wanted, seconds)
  if not ok then
    for _, server in ipairs(servers) do
      problem = ("%s; a server said:\n%s"):format(problem, server:log_text())
    end
    error(problem, 2)
  end
end

local function wait_state(id, state, seconds)
  wait("select state from jobs where id = " .. id, state, seconds)
end

before_each(function()
  app = jobs.new()
  servers = {}
end)

after_each(function()
  for _, server in ipairs(servers) do
    server:discard()
  end
  jobs.remove(app)
end)

-- A stopped server is looked at once more for what it left open, then forgotten.
local function stop(server)
  server:stop()
  for i, other in ipairs(servers) do
    if other == server then
      table.remove(servers, i)
    end
  end
end

local function kill_workers(server)
  local children = sys.read_file(("/proc/%d/task/%d/children"):format(server.pid, server.pid))
  for pid in children:gmatch "%d+" do
    sys.exec { "kill", "-KILL", pid }
  end
end

describe("a job", function()
  it("runs at once, because the workers are told, and once however many there are", function()
    local server = serve { WORKERS = "2" }
    -- Until both have looked for themselves: from then on they only look when they are told.
    core.sleep(1.5)
    wait_state(jobs.enqueue(server, "work"), "succeeded")
    for _ = 1, 60 do
      jobs.enqueue(server, "work")
    end
    wait("select count(*) from jobs where state = 'succeeded'", "61")
    assert.equal("61 61", sql "select count(*) || ' ' || count(distinct job) from runs")
    assert(edges.eventually(function()
      local now = prometheus.parse(server:get("/metrics").body)
      return now:get("neap_job_runs_total", { result = "succeeded" }) == 61
    end))
    stop(server)
  end)

  it("that was written by somebody else and told to nobody is found all the same", function()
    local server = serve { JOBS_POLL = "0.2" }
    sql "insert into jobs (kind) values ('work')"
    wait("select count(*) from runs where ended is not null", "1")
    stop(server)
  end)

  it("that was told of before the server listened is found when it does", function()
    local server = serve { LISTEN_AFTER = "1.5" }
    core.sleep(0.7)
    wait_state(jobs.enqueue(server, "work"), "succeeded")
    stop(server)
  end)

  it("of a kind that this code does not know stays in the line", function()
    local server = serve { JOBS_POLL = "0.2" }
    sql "insert into jobs (kind) values ('tomorrow'), ('work')"
    wait("select state from jobs where kind = 'work'", "succeeded")
    assert.equal("queued 0", sql "select state || ' ' || attempts from jobs where kind = 'tomorrow'")
    stop(server)
  end)

  it("waits for its time", function()
    local server = serve()
    sql [[insert into jobs (kind, run_at) values ('work', now() + interval '1 second');
      select pg_notify('neap_jobs', 'default')]]
    wait("select count(*) from runs where ended is not null", "1")
    assert.equal("t", sql "select began >= run_at from runs r join jobs j on j.id = r.job")
    stop(server)
  end)

  it("runs beside as many others as JOBS_CONCURRENCY says", function()
    local server = serve { JOBS_CONCURRENCY = "2" }
    for _ = 1, 6 do
      jobs.enqueue(server, "work", { seconds = 0.2 })
    end
    wait("select count(*) from jobs where state = 'succeeded'", "6")
    assert.equal("2", sql [[select max(n) from (select count(*) as n from runs a
      join runs b on b.began <= a.began and b.ended > a.began group by a.id) x]])
    stop(server)
  end)
end)

describe("a job that fails", function()
  it("is tried again until it succeeds", function()
    local server = serve()
    local id = jobs.enqueue(server, "fails", { times = 2 })
    wait_state(id, "succeeded")
    assert.equal("1,2,3", sql("select string_agg(attempt::text, ',' order by id) from runs where job = %d", id))
    local line = server:wait_log "job.failed"
    assert.same({ id, "fails", 1, "it failed, as it was told to", 0.1 },
      { line.job_id, line.kind, line.attempt, line.error, line.retry_s })
    stop(server)
  end)

  it("is dead after its last attempt, and who wants to know is told in that transaction", function()
    local server = serve()
    local id = jobs.enqueue(server, "fails", { times = 9 })
    wait_state(id, "dead")
    assert.equal("3 it failed, as it was told to",
      sql("select attempts || ' ' || last_error from jobs where id = %d and finished_at is not null", id))
    assert.equal("hook: it failed, as it was told to", sql("select problem from deaths where job = %d", id))
    assert.equal("error", server:wait_log("job.dead").level)
    stop(server)
  end)

  it("may say that there is no use in trying again", function()
    local server = serve()
    local id = jobs.enqueue(server, "hopeless")
    wait_state(id, "dead")
    assert.equal("there is no such thing|hook: there is no such thing",
      sql("select string_agg(problem, '|' order by problem desc) from deaths where job = %d", id))
    assert.equal("1", sql("select count(*) from runs where job = %d", id))
    stop(server)
  end)

  it("is claimed soon after a claim that failed, though nobody tells of it again", function()
    local server = serve()
    sql [[
      create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
      create trigger refuse before update on jobs for each row execute function refuse();
    ]]
    local id = jobs.enqueue(server, "work")
    server:wait_log "jobs.claim_failed"
    sql "drop trigger refuse on jobs"
    wait_state(id, "succeeded")
    stop(server)
  end)

  it("because it takes longer than its timeout, or computes for ever, is cancelled and has failed", function()
    -- While one computes nobody keeps the leases, and on a busy machine 0.2 s of computing may take more than one.
    local server = serve { HANDLER_CPU = "0.2", JOBS_LEASE = "60" }
    local slow, spin = jobs.enqueue(server, "short", { seconds = 60 }), jobs.enqueue(server, "spin")
    wait_state(slow, "dead")
    wait_state(spin, "dead")
    assert.equal("it took longer than it may", sql("select last_error from jobs where id = %d", slow))
    assert.matches("computed for too long", sql("select last_error from jobs where id = %d", spin))
    stop(server)
  end)
end)

describe("a lease", function()
  it("is extended while the job runs, so that nobody else begins it", function()
    local server, other = serve { JOBS_POLL = "0.2" }, serve { JOBS_POLL = "0.2" }
    local id = jobs.enqueue(server, "work", { seconds = 3 })
    wait_state(id, "succeeded")
    assert.equal("1", sql "select count(*) from runs")
    stop(server)
    stop(other)
  end)

  it("runs out when its worker was killed, and the job runs again, once", function()
    local server = serve { JOBS_POLL = "0.2" }
    local id = jobs.enqueue(server, "work", { seconds = 2 })
    wait("select count(*) from runs", "1")
    kill_workers(server)
    wait_state(id, "succeeded")
    core.sleep(1.5)
    assert.equal("1 f,2 t", sql("select string_agg(attempt || ' ' || left((ended is not null)::text, 1), ',' order by id) "
      .. "from runs where job = %d", id))
    assert.equal("2", sql "select count(distinct pid) from runs")
    -- The lease began when the job was claimed: after it was made, and some time before its handler wrote its row.
    assert.equal("t", sql("select r.began - j.created_at >= interval '1 second' from runs r join jobs j on j.id = r.job "
      .. "where r.attempt = 2 and j.id = %d", id))
    assert.equal(id, server:wait_log("job.lease_expired").job_id)
    stop(server)
  end)

  it("that was lost ends the handler at its wait, and it cannot finish the job", function()
    local server = serve()
    local id = jobs.enqueue(server, "work", { seconds = 30 })
    wait("select count(*) from runs", "1")
    sql("update jobs set attempts = 2, locked_by = 'another', locked_until = now() + interval '1 hour' where id = %d", id)
    assert.equal("cancelled", server:wait_log("job.lease_lost").ended)
    assert.equal("running another 2", sql("select state || ' ' || locked_by || ' ' || attempts from jobs where id = %d", id))
    stop(server)
  end)

  it("that was lost leaves a job that ends all the same as its new holder has it", function()
    local server = serve { JOBS_LEASE = "60" }
    for _, kind in ipairs { "work", "fails" } do
      local id = jobs.enqueue(server, kind, { seconds = 1.5, times = 9 })
      wait(("select count(*) from runs where job = %d"):format(id), "1")
      local lines = #server:logs()
      sql("update jobs set attempts = 7, locked_by = 'another', locked_until = now() + interval '1 hour' where id = %d", id)
      server:wait_log("job.lease_lost", 20, lines)
      assert.equal("running another 7",
        sql("select state || ' ' || locked_by || ' ' || attempts from jobs where id = %d", id))
    end
    stop(server)
  end)

  it("that was lost rolls back what the handler wrote, when it ends its job with it", function()
    local server = serve { JOBS_LEASE = "60" }
    local id = jobs.enqueue(server, "exact", { seconds = 0.5 })
    wait("select count(*) from runs", "1")
    sql("update jobs set attempts = 2, locked_by = 'another' where id = %d", id)
    server:wait_log "job.lease_lost"
    assert.equal("0", sql "select count(*) from deaths")
    local good = jobs.enqueue(server, "exact")
    wait_state(good, "succeeded")
    assert.equal(tostring(good), sql "select job from deaths")
    stop(server)
  end)

  it("of a job at its last attempt leaves it dead when it runs out", function()
    local server = serve { JOBS_POLL = "0.2" }
    sql [[insert into jobs (kind, state, attempts, max_attempts, locked_by, locked_until)
      values ('work', 'running', 5, 5, 'gone', now() - interval '1 second')]]
    wait("select state from jobs where kind = 'work'", "dead")
    assert.equal("hook: the lease of gone ran out", sql "select problem from deaths")
    stop(server)
  end)
end)

describe("workers that are killed, again and again,", function()
  it("lose no job and finish none twice", function()
    for _ = 1, 2 do
      serve { WORKERS = "2", JOBS_POLL = "0.5", JOBS_LEASE = "2" }
    end
    sql [[insert into jobs (kind, payload, max_attempts)
      select 'exact', '{"seconds": 0.1}', 100 from generate_series(1, 200)]]
    for i = 1, 6 do
      core.sleep(0.4)
      kill_workers(servers[i % 2 + 1])
    end
    wait("select count(*) from jobs where kind = 'exact' and state <> 'succeeded'", "0", 90)
    assert.equal("200 200", sql "select count(*) || ' ' || count(distinct job) from deaths")
  end)
end)

describe("a worker that stops", function()
  it("lets its jobs end", function()
    local server = serve()
    local id = jobs.enqueue(server, "work", { seconds = 1 })
    wait("select count(*) from runs", "1")
    stop(server)
    assert.equal("succeeded", jobs.state(app, id))
  end)

  it("gives back what takes longer than SHUTDOWN_TIMEOUT, as if it had never begun it", function()
    local server = serve { SHUTDOWN_TIMEOUT = "0.3" }
    local id = jobs.enqueue(server, "work", { seconds = 60 })
    wait("select count(*) from runs", "1")
    stop(server)
    assert.equal("queued 0 t", sql("select state || ' ' || attempts || ' ' || left((locked_by is null)::text, 1) "
      .. "from jobs where id = %d", id))
  end)

  it("begins nothing new", function()
    local server = serve { JOBS_CONCURRENCY = "1", JOBS_POLL = "0.1" }
    jobs.enqueue(server, "work", { seconds = 1 })
    wait("select count(*) from runs", "1")
    jobs.enqueue(server, "work")
    stop(server)
    assert.equal("1 1", sql [[select count(*) filter (where state = 'succeeded') || ' ' ||
      count(*) filter (where state = 'queued') from jobs where kind = 'work']])
  end)
end)

describe("a reload", function()
  it("lets a job end with the code it began with, under its lease, and begins others with the new code", function()
    local server = serve { JOBS_POLL = "0.2" }
    local old = jobs.enqueue(server, "work", { seconds = 3 })
    wait("select count(*) from runs", "1")
    jobs.reload(app, server, 2)
    local new = jobs.enqueue(server, "work")
    wait_state(new, "succeeded")
    assert.equal("running", jobs.state(app, old))
    wait_state(old, "succeeded")
    assert.equal("1 2", sql "select string_agg(version::text, ' ' order by version) from runs")
    stop(server)
  end)
end)

describe("every", function()
  it("runs once in each period, whichever of the workers it is, and not twice for one", function()
    for _ = 1, 2 do
      serve { EVERY = "1", WORKERS = "2" }
    end
    wait("select count(*) >= 5 from runs where kind = 'every.tick'", "t")
    assert.equal("t", sql [[select bool_and(n = 1) from
      (select count(*) as n from runs group by date_trunc('second', began)) x]])
    -- Each begins as its period does.
    assert.equal("t", sql "select run_at = date_trunc('second', run_at) from jobs where kind = 'every.tick'")
    assert.equal("t", sql [[select percentile_disc(0.5) within group
      (order by extract(epoch from began - date_trunc('second', began))) < 0.5 from runs]])
    assert.equal("1", sql "select count(*) from jobs where kind = 'every.tick'")
    for _, server in ipairs { table.unpack(servers) } do
      stop(server)
    end
  end)

  it("runs once for all the periods in which nobody was there", function()
    sql [[insert into jobs (kind, dedupe_key, max_attempts, run_at)
      values ('every.tick', 'schedule', 2147483647, now() - interval '1 hour')]]
    local server = serve { EVERY = "1" }
    wait("select count(*) >= 3 from runs", "t")
    assert.equal("t", sql "select count(*) <= extract(epoch from max(began) - min(began)) + 2 from runs")
    stop(server)
  end)
end)
