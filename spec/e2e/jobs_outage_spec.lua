--- Jobs while Postgres is away for a moment.
local jobs = require "spec.support.jobs"
local test = require "neap.test"

test.no_transaction()

local postgres, app, server

setup(function()
  postgres = test.scratch_postgres()
  app = jobs.new(postgres)
  server = jobs.serve(app, { JOBS_LEASE = "60", JOBS_POLL = "0.5" })
end)

teardown(function()
  server:stop()
  jobs.remove(app)
end)

describe("a job that ends while the database is away", function()
  it("is written down when it is back, and does not run twice", function()
    local id = jobs.enqueue(server, "quiet", { seconds = 1 })
    jobs.wait(app, "select count(*) from runs", "1")
    postgres:stop "fast"
    server:wait_log("jobs.settle_failed", 20)
    postgres:start()
    jobs.wait(app, "select state from jobs where id = " .. id, "succeeded", 40)
    assert.equal("1", jobs.sql(app, "select count(*) from runs where job = " .. id))
  end)

  it("and others are run afterwards, without a restart", function()
    local id = jobs.enqueue(server, "work")
    jobs.wait(app, "select state from jobs where id = " .. id, "succeeded", 20)
  end)
end)
