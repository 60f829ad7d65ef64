--- db.each that does not come to its end: whoever ends it, its connection goes back clean and the others are served.
local edges = require "spec.support.edges"
local postgres = require "neap.postgres"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

local INIT = [[
local core = require "neap.core"
local db = require "neap.db"
local neap = require "neap"

local AROUND = { plain = function(fn) return fn() end, tx = db.tx, session = db.session }
local SQL = {
  waits = "select x, pg_sleep(30) from generate_series(1, 3) x /* mark */",
  reads = "select generate_series(1, 100000000) as x /* mark */",
  ends = "select x, pg_sleep(0.1) from generate_series(1, 12) x /* mark */",
}

return function()
  local app = neap.app { auth = false }
  app:get("/counts", function() return core.counts() end)
  app:get("/one", function() return db.one "select 1 as one" end)
  app:get("/each/{around}/{how}", function(req)
    return AROUND[req.params.around](function()
      local n = 0
      db.exec "insert into visits default values"
      for _ in db.each(SQL[req.params.how]) do
        n = n + 1
        if req.params.how == "reads" then
          core.sleep(30)
        end
      end
      return { rows = n }
    end)
  end)
  return app
end
]]

local app, private, server

local function psql(sql)
  return query(private:url(), sql)
end

local OTHERS = "pg_stat_activity where application_name = 'neap' and pid <> pg_backend_pid()"

local function is_working()
  return psql("select count(*) from " .. OTHERS .. " and query like '%/* mark */%' and (state = 'active')") == "1"
end

local function start(env)
  env.DATABASE_URL, env.DB_POOL_MIN, env.DB_POOL_MAX, env.DB_STATEMENT_TIMEOUT = private:url(), "2", "2", "60"
  server = edges.start { dir = app, env = env }
end

--- Nothing runs and nothing is open; more requests than the pool has connections are answered.
local function assert_clean()
  assert(edges.eventually(function() return edges.counts(server).pool_busy == 0 end), "the pool stays busy")
  assert(edges.eventually(function()
    return psql("select count(*) from " .. OTHERS .. " and (state <> 'idle' or xact_start is not null)") == "0"
  end), "a statement or a transaction is left")
  for _ = 1, 5 do
    assert.equal(1, wire.exchange(server, wire.request "GET /one").json.one)
  end
end

local function begin(around, how)
  local conn = wire.open(server)
  conn.sock.timeout = 30
  conn:write(wire.request(("GET /each/%s/%s"):format(around, how)))
  assert(edges.eventually(is_working))
  return conn
end

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  private = postgres.of(app)
  private:start()
  psql "create table visits (id integer generated always as identity)"
end)

teardown(function()
  scratch.remove(app)
end)

before_each(function()
  psql "delete from visits"
end)

--- What a transaction wrote is gone with it, the rest was committed by itself.
local function assert_written(around)
  assert.equal(around == "tx" and "0" or "1", psql "select count(*) from visits")
end

for _, around in ipairs { "plain", "tx", "session" } do
  for _, how in ipairs { "waits", "reads" } do
    describe(("db.each (%s) that %s"):format(around, how), function()
      after_each(function()
        edges.finish(server)
      end)

      it("ends with its client", function()
        start {}
        begin(around, how).sock:reset()
        assert_clean()
        assert_written(around)
      end)

      it("ends at its handler's deadline, which is told", function()
        start { HANDLER_TIMEOUT = "1" }
        local conn = begin(around, how)
        local status = conn:answer().status
        conn:close()
        assert.equal(504, status)
        assert_clean()
        assert_written(around)
      end)
    end)
  end

  describe(("db.each (%s) in the middle"):format(around), function()
    it("of a reload comes to its end", function()
      start {}
      local conn = begin(around, "ends")
      server:signal "HUP"
      local res = conn:answer()
      assert.equal(200, res.status)
      assert.equal(12, res.json.rows)
      conn:close()
      assert_clean()
      edges.finish(server)
    end)

    it("of SIGTERM comes to its end", function()
      start {}
      local conn = begin(around, "ends")
      server:signal "TERM"
      assert.equal(12, conn:answer().json.rows)
      conn:close()
      assert.equal(0, server:wait(20))
      assert(edges.eventually(function() return psql("select count(*) from " .. OTHERS) == "0" end))
    end)

    it("of SIGTERM ends with the patience of SHUTDOWN_TIMEOUT, and leaves nothing on the server", function()
      start { SHUTDOWN_TIMEOUT = "1" }
      local conn = begin(around, "waits")
      server:signal "TERM"
      server:wait(20)
      conn:close()
      assert(edges.eventually(function() return psql("select count(*) from " .. OTHERS) == "0" end))
      assert_written(around)
    end)
  end)
end
