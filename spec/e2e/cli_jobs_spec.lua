--- neap jobs, as a person at a prompt and as a script see it.
local core = require "neap.core"
local jobs = require "spec.support.jobs"
local sys = require "neap.core.os"
local test = require "neap.test"

test.no_transaction()

local app

local function run(...)
  local argv = { core.program, "jobs", ... }
  argv.cwd = app.dir
  argv.env = { PATH = os.getenv "PATH", DATABASE_URL = app.database.url, SECRET_KEY = ("test"):rep(8) }
  return sys.exec(argv)
end

local function insert(columns, values)
  return jobs.sql(app, ("insert into jobs (%s) values (%s) returning id"):format(columns, values))
end

setup(function()
  app = jobs.new()
end)

teardown(function()
  jobs.remove(app)
end)

before_each(function()
  jobs.sql(app, "truncate jobs, runs, deaths")
end)

describe("neap jobs list", function()
  it("writes a line for each job, the newest first, with tabs between its parts in a pipe", function()
    local a = insert("kind, run_at", "'work', '2026-01-31T12:00:00Z'")
    local b = insert("kind, state, attempts, last_error", "'mail', 'dead', 5, E'no\\nsuch host'")
    local code, out = run "list"
    assert.equal(0, code)
    local lines = {}
    for line in out:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal(2, #lines)
    assert.matches("^" .. b .. "\tmail\tdefault\tdead\t5/5\t[^\t]+\t\tno such host$", lines[1])
    assert.equal(a .. "\twork\tdefault\tqueued\t0/5\t2026-01-31 12:00:00\t\t", lines[2])
    assert.equal(lines[1] .. "\n", select(2, run("list", "--state", "dead")))
    assert.equal(lines[2] .. "\n", select(2, run("list", "--kind", "work")))
    assert.equal(lines[1] .. "\n", select(2, run("list", "--limit", "1")))
  end)

  it("refuses what it does not know, with 64", function()
    for _, words in ipairs { { "list", "--state", "x" }, { "list", "--limit", "0" }, { "lst" }, { "show" }, { "retry" } } do
      assert.equal(64, (run(table.unpack(words))), words[1])
    end
  end)
end)

describe("neap jobs show", function()
  it("tells all of one", function()
    local id = insert("kind, payload", [['work', '{"seconds": 0}']])
    local code, out = run("show", id)
    assert.equal(0, code)
    assert.matches('payload\t{"seconds": 0}', out, 1, true)
    assert.equal(1, (run("show", "999999")))
  end)
end)

describe("neap jobs stats", function()
  it("counts the states of each kind", function()
    insert("kind", "'work'")
    insert("kind, state", "'work', 'dead'")
    assert.matches("^work\tdefault\t1\t0\t0\t1\t%d+ s\n$", select(2, run "stats"))
  end)
end)

describe("neap jobs retry", function()
  it("puts the dead back into the line, with all their attempts", function()
    local id = insert("kind, state, attempts, finished_at", "'work', 'dead', 5, now()")
    local other = insert("kind, state, attempts, finished_at", "'fails', 'dead', 5, now()")
    local code, out = run("retry", id)
    assert.same({ 0, "1 back in the line\n" }, { code, out })
    assert.equal("queued 0", jobs.sql(app, "select state || ' ' || attempts from jobs where id = " .. id))
    assert.equal(1, (run("retry", id)))
    assert.equal(0, (run("retry", "--all", "--kind", "fails")))
    assert.equal("queued", jobs.state(app, other))
  end)

  it("does not revive one whose key is live again", function()
    local id = insert("kind, state, dedupe_key", "'work', 'dead', 'k'")
    insert("kind, dedupe_key", "'work', 'k'")
    assert.equal(1, (run("retry", id)))
    assert.equal("dead", jobs.state(app, id))
  end)
end)

describe("neap jobs drain", function()
  it("runs what is due here and now, and says how it went", function()
    local good, bad = insert("kind", "'work'"), insert("kind, payload", [['fails', '{"times": 9}']])
    local later = insert("kind, run_at", "'work', now() + interval '1 hour'")
    local code, out, problem = run "drain"
    assert.equal("1 succeeded, 1 failed, 0 dead\n", out, problem)
    assert.equal(1, code)
    assert.same({ "succeeded", "queued", "queued" },
      { jobs.state(app, good), jobs.state(app, bad), jobs.state(app, later) })
    code, out = run("drain", "--early", "--kind", "work")
    assert.same({ 0, "1 succeeded, 0 failed, 0 dead\n" }, { code, out })
    assert.equal("succeeded", jobs.state(app, later))
  end)

  it("ends a job that goes on failing as dead", function()
    insert("kind, payload", [['fails', '{"times": 9}']])
    assert.equal("0 succeeded, 4 failed, 1 dead\n", select(2, run("drain", "--early")))
  end)
end)

describe("neap jobs delete", function()
  it("removes what is not running", function()
    local id = insert("kind", "'work'")
    local running = insert("kind, state", "'work', 'running'")
    assert.equal(0, (run("delete", id)))
    assert.equal(1, (run("delete", running)))
    assert.equal("1", jobs.sql(app, "select count(*) from jobs"))
  end)
end)
