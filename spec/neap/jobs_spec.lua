--- Putting jobs into the line.
local db = require "neap.db"
local jobs = require "neap.jobs"
local store = require "neap.jobs.store"

local function row(id)
  return db.one("select * from jobs where id = $1", id)
end

describe("enqueue", function()
  it("writes a queued job, due at once", function()
    local id, made = jobs.enqueue("mail.send", { to = "ann", copies = { 1, 2 } })
    local job = row(id)
    assert.is_true(made)
    assert.same({ "mail.send", "default", "queued", 0, 5 },
      { job.kind, job.queue, job.state, job.attempts, job.max_attempts })
    assert.equal("ann", job.payload.to)
    assert.is_true(db.one("select run_at <= now() as due from jobs where id = $1", id).due)
  end)

  it("takes an empty payload as an object", function()
    assert.equal("object", db.one("select jsonb_typeof(payload) as t from jobs where id = $1", (jobs.enqueue "a")).t)
    assert.equal("object", db.one("select jsonb_typeof(payload) as t from jobs where id = $1", (jobs.enqueue("a", {}))).t)
  end)

  it("gives the live job of the same kind and key instead of a second one", function()
    local first = jobs.enqueue("a", nil, { dedupe_key = "k" })
    local again, made = jobs.enqueue("a", nil, { dedupe_key = "k" })
    assert.same({ first, false }, { again, made })
    assert.are_not.equal(first, (jobs.enqueue("b", nil, { dedupe_key = "k" })))
    db.exec("update jobs set state = 'succeeded', finished_at = now() where id = $1", first)
    assert.are_not.equal(first, (jobs.enqueue("a", nil, { dedupe_key = "k" })))
  end)

  it("belongs to the transaction around it", function()
    pcall(db.tx, function()
      jobs.enqueue("a", nil, { dedupe_key = "rolled back" })
      error "no"
    end)
    assert.is_nil(db.one "select 1 as x from jobs where dedupe_key = 'rolled back'")
  end)

  it("runs not before run_at or the delay", function()
    local at = jobs.enqueue("a", nil, { run_at = "2100-01-01T00:00:00Z" })
    assert.equal("2100-01-01T00:00:00.000000Z", row(at).run_at)
    local later = jobs.enqueue("a", nil, { delay = 90 })
    assert.equal(90, db.one("select extract(epoch from run_at - now())::int as s from jobs where id = $1", later).s)
  end)

  it("refuses what it cannot mean", function()
    for problem, call in pairs {
      ["a kind is a word"] = { "a b" },
      ["unknown option \"key\""] = { "a", {}, { key = "x" } },
      ["dedupe_key is a string"] = { "a", {}, { dedupe_key = ("x"):rep(501) } },
      ["max_attempts is an integer from 1"] = { "a", {}, { max_attempts = 0 } },
      ["run_at and delay"] = { "a", {}, { run_at = "2100-01-01T00:00:00Z", delay = 1 } },
      ["more than 262144"] = { "a", { text = ("x"):rep(300000) } },
      ["is a table"] = { "a", "text" },
    } do
      local ok, message = pcall(jobs.enqueue, table.unpack(call))
      assert.is_false(ok)
      assert.matches(problem, message, 1, true)
    end
  end)
end)

describe("what a job failed of", function()
  it("is kept as text that Postgres takes, whatever bytes it has", function()
    local cut = ("x"):rep(1999) .. "\u{e4}"
    for problem, kept in pairs {
      ["caf\xe9 \0 \u{e4}"] = "caf? ? ??", ["\u{e4}\0"] = "\u{e4}?", [cut] = cut:sub(1, 1999),
      [("\x80"):rep(3000)] = ("?"):rep(2000),
    } do
      local id = jobs.enqueue("noise", nil, { queue = "noise" })
      local job = store.claim("noise", { "noise" }, 1, "spec", 60)[1]
      assert.is_true(store.die(job, problem))
      assert.equal(kept, row(id).last_error)
    end
  end)
end)
