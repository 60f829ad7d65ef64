--- Statements of different requests on connections that they share, seen from outside; and the same without.
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local notes = require "spec.support.notes"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

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

local function start(env)
  env.DATABASE_URL, env.DB_POOL_MIN, env.DB_POOL_MAX = private:url(), "6", "6"
  local server = edges.start { dir = app, env = env }
  -- All connections open before the handles are counted: the pool keeps what it opened.
  local conns = load.connect(server, 6)
  load.round(conns, function()
    return wire.request "GET /sql/sleep/0.1"
  end)
  load.close(conns)
  server.counts_before = edges.counts(server)
  return server
end

--- Until the texts are known to be quick.
local function warm_up(server)
  for i = 1, 60 do
    wire.exchange(server, wire.request "GET /sql/divide/1")
    wire.exchange(server, wire.request "GET /sql/all/1")
    wire.exchange(server, notes.post("warm " .. i))
  end
end

local READ_LANE = "query like 'select 100 / $1::int%' and state = 'idle'"

for mode, pipeline in pairs { shared = "on", ["not shared"] = "off" } do
  describe("with connections " .. mode, function()
    local server

    setup(function()
      psql "truncate notes"
      server = start { DB_PIPELINE = pipeline }
      warm_up(server)
    end)

    teardown(function()
      edges.finish(server)
    end)

    it("of a thousand reads of which every tenth fails exactly those fail", function()
      local conns = load.connect(server, 100)
      for _ = 1, 10 do
        local answers = load.round(conns, function(i)
          return wire.request("GET /sql/divide/" .. i % 10)
        end)
        for i, res in ipairs(answers) do
          if i % 10 == 0 then
            assert(res.status >= 400, res.body)
          else
            assert.equal(200, res.status)
            assert.equal(100 // (i % 10), res.json.quotient)
          end
        end
      end
      load.close(conns)
    end)

    it("of a thousand reads in flight at once of which every tenth fails exactly those fail", function()
      local conns = load.connect(server, 1000)
      for i, res in ipairs(load.round(conns, function(i) return wire.request("GET /sql/divide/" .. i % 10) end)) do
        if i % 10 == 0 then
          assert(res.status >= 400 and res.status ~= 503, res.body)
        else
          assert.equal(200, res.status)
          assert.equal(100 // (i % 10), res.json.quotient)
        end
      end
      load.close(conns)
    end)

    it("of a thousand writes of which every tenth fails exactly those fail, and the others are there once", function()
      psql "truncate notes; insert into notes (body) values ('taken')"
      local conns = load.connect(server, 100)
      for round = 1, 10 do
        local answers = load.round(conns, function(i)
          return notes.post(i % 10 == 0 and "taken" or ("note %d of %d"):format(i, round))
        end)
        for i, res in ipairs(answers) do
          assert.equal(i % 10 == 0 and 409 or 201, res.status)
        end
      end
      load.close(conns)
      assert.equal("901", psql "select count(*) from notes")
    end)

    it("db.all gives each its own rows, and fails for whom one of them fails", function()
      psql "truncate notes"
      local conns = load.connect(server, 50)
      for _ = 1, 4 do
        local answers = load.round(conns, function(i)
          return wire.request("GET /sql/all/" .. i % 5)
        end)
        for i, res in ipairs(answers) do
          if i % 5 == 0 then
            assert(res.status >= 400, res.body)
          else
            assert.same({ next = i % 5 + 1, notes = 0, quotient = 100 // (i % 5) }, res.json)
          end
        end
      end
      load.close(conns)
    end)

    it("db.many gives each its own rows together, and fails for whom one of them fails", function()
      local conns = load.connect(server, 50)
      for _ = 1, 4 do
        local answers = load.round(conns, function(i)
          return wire.request("GET /sql/many/" .. i % 7 - 2)
        end)
        for i, res in ipairs(answers) do
          local n = i % 7 - 2
          if n <= 0 then
            assert(res.status >= 400, res.body)
          else
            local want = { { quotient = 100 // n }, { quotient = 100 // (n + 1) }, { quotient = 100 // (n + 2) } }
            assert.same(want, res.json)
          end
        end
      end
      load.close(conns)
    end)

    it("clients that leave while their statements are under way take nothing from those who stay", function()
      for _ = 1, 20 do
        local leaving, staying = load.connect(server, 20), load.connect(server, 20)
        for i = 1, 20 do
          leaving[i]:write(wire.request "GET /sql/divide/3")
          staying[i]:write(wire.request("GET /sql/divide/" .. i % 9 + 1))
        end
        for i = 1, 20 do
          leaving[i].sock:reset()
        end
        for i = 1, 20 do
          local res = assert(staying[i]:answer())
          assert.equal(100 // (i % 9 + 1), res.json.quotient)
        end
        load.close(staying)
      end
    end)

    it("a backend that is killed costs what was on it, and nothing afterwards", function()
      local conns = load.connect(server, 20)
      for i = 1, 20 do
        conns[i]:write(wire.request "GET /sql/divide/4")
      end
      psql("select pg_terminate_backend(pid) from pg_stat_activity where " .. READ_LANE)
      for i = 1, 20 do
        local res = assert(conns[i]:answer())
        assert(res.status == 200 or res.status == 503, res.body)
      end
      load.close(conns)
      -- A session that ends may take one more statement before its end is seen.
      assert(edges.eventually(function()
        for _ = 1, 20 do
          if wire.exchange(server, wire.request "GET /sql/divide/4").status ~= 200 then
            return false
          end
        end
        return true
      end))
    end)
  end)
end

describe("DB_PIPELINE", function()
  it("decides whether there are connections that requests share", function()
    for value, shared in pairs { on = true, off = false } do
      local server = start { DB_PIPELINE = value }
      local seen
      for _ = 1, 200 do
        seen = seen or wire.exchange(server, wire.request "GET /sql/who").json.read_only == "on"
      end
      assert.equal(shared, seen)
      edges.finish(server)
    end
  end)
end)
