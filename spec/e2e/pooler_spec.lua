--- Behind a real pgbouncer, whose connections to Postgres are fewer than ours to it.
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local pgbouncer = require "spec.support.pgbouncer"
local notes = require "spec.support.notes"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

if not pgbouncer.is_here() then
  pending "pgbouncer is not here (tools/deps.sh test installs it)"
  return
end

local app, private

local function psql(sql)
  return query(private:url(), sql)
end

setup(function()
  app, private = notes.app()
end)

teardown(function()
  scratch.remove(app)
end)

local RUNNING = "select count(*) from pg_stat_activity where state <> 'idle' and query like 'select pg_sleep($1)%'"

local MODES = {
  -- A server connection is a client's for one transaction: what was prepared before is not there.
  { mode = "transaction", size = 2, env = { DB_PREPARED = "false" } },
  -- A server connection is a client's for as long as it stays: nothing is different.
  { mode = "session", size = 8, env = {} },
}

for _, m in ipairs(MODES) do
  describe("behind a pooler of " .. m.mode .. "s", function()
    local pooler, server

    setup(function()
      psql "truncate notes"
      pooler = pgbouncer.start(private, { mode = m.mode, size = m.size })
      m.env.DATABASE_URL, m.env.DB_POOL_MIN, m.env.DB_POOL_MAX = pooler:url(), "6", "6"
      m.env.DB_STATEMENT_TIMEOUT = "2"
      server = edges.start { dir = app, env = m.env }
    end)

    teardown(function()
      server:stop()
      pooler:discard()
    end)

    it("of a thousand statements of which every tenth fails exactly those fail", function()
      local conns = load.connect(server, 100)
      for round = 1, 10 do
        local answers = load.round(conns, function(i)
          return i % 2 == 0 and wire.request("GET /sql/all/" .. i % 10) or notes.post(("note %d of %d"):format(i, round))
        end)
        for i, res in ipairs(answers) do
          assert.equal(i % 10 == 0 and 500 or i % 2 == 0 and 200 or 201, res.status, res.body)
          assert.equal(i % 2 == 0 and i % 10 ~= 0 and 100 // (i % 10) or nil, res.json.quotient)
        end
      end
      load.close(conns)
      assert.equal("500", psql "select count(*) from notes")
    end)

    it("a connection to it stays open from one request to the next", function()
      local before = pooler:logins()
      for _ = 1, 20 do
        assert.equal(200, wire.exchange(server, wire.request "GET /sql/divide/4").status)
      end
      assert.equal(before, pooler:logins())
    end)

    it("a value that is taken is a conflict, and a transaction that fails leaves nothing", function()
      assert.equal(201, wire.exchange(server, notes.post "taken").status)
      assert.equal(409, wire.exchange(server, notes.post "taken").status)
      assert.equal(500, wire.exchange(server, wire.request "GET /sql/rollback").status)
      assert.equal("1", psql "select count(*) from notes where body in ('taken', 'rolled back')")
    end)

    it("a statement that takes too long is cancelled, with its transaction", function()
      assert.equal(504, wire.exchange(server, wire.request "GET /sql/tx-sleep/30").status)
      assert.is_true(edges.eventually(function()
        return psql(RUNNING) == "0"
      end))
      assert.equal("0", psql "select count(*) from notes where body = 'half done'")
    end)

    it("a statement whose client leaves is cancelled", function()
      local client = wire.open(server)
      client:write(wire.request "GET /sql/sleep/30.5")
      assert.is_true(edges.eventually(function()
        return psql(RUNNING) == "1"
      end))
      client:close()
      assert.is_true(edges.eventually(function()
        return psql(RUNNING) == "0"
      end))
    end)

    it("goes on by itself when the pooler was killed and is back", function()
      pooler:kill()
      local res = wire.exchange(server, wire.request "GET /sql/divide/5")
      assert.equal(503, res.status)
      pooler:start()
      local deadline = core.monotonic() + 20
      repeat
        res = wire.exchange(server, wire.request "GET /sql/divide/5")
        assert(res.status == 200 or res.status == 503, res.body)
        assert(core.monotonic() < deadline, "it does not find the pooler again")
      until res.status == 200
      assert.equal(20, res.json.quotient)
    end)
  end)
end
