--- A service and its Postgres, one of which misbehaves.
local core = require "neap.core"
local edges = require "spec.support.edges"
local load = require "spec.support.load"
local notes = require "spec.support.notes"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

-- Sessions of the service, as Postgres lists them.
local SERVICE = "pid <> pg_backend_pid() and backend_type = 'client backend'"

local app, private, server

local function psql(sql)
  return query(private:url(), sql)
end

setup(function()
  app, private = notes.app()
  server = edges.start {
    dir = app,
    env = {
      DATABASE_URL = private:url(),
      DB_POOL_MIN = "2",
      DB_POOL_MAX = "4",
      DB_ACQUIRE_TIMEOUT = "0.5",
      DB_STATEMENT_TIMEOUT = "1",
    },
  }
  -- All connections open before the handles are counted: the pool keeps what it opened.
  local conns = load.connect(server, 4)
  load.round(conns, function()
    return wire.request "GET /sql/sleep/0.1"
  end)
  load.close(conns)
  server.counts_before = edges.counts(server)
end)

teardown(function()
  edges.finish(server)
  scratch.remove(app)
end)

local function get(path)
  return wire.exchange(server, wire.request("GET " .. path))
end

local eventually = edges.eventually

local function unavailable(res)
  assert.equal(503, res.status)
  assert.equal("unavailable", res.json.error.code)
  assert.matches("^%d+$", res.headers["retry-after"])
end

describe("a transaction", function()
  before_each(function()
    psql "truncate notes"
  end)

  it("that a handler leaves open is rolled back and logged with its line", function()
    assert.equal(200, get("/sql/leak").status)
    assert(eventually(function()
      return psql "select count(*) from pg_stat_activity where state like 'idle in transaction%'" == "0"
    end))
    assert.equal("0", psql "select count(*) from notes")
    local told
    for _, line in ipairs(server:logs()) do
      for _, value in pairs(line) do
        told = told or tostring(value):match "lua/app/data%.lua:%d+"
      end
    end
    assert.equal("string", type(told))
  end)

  it("whose function raises is rolled back", function()
    assert.equal(500, get("/sql/rollback").status)
    assert.equal("0", psql "select count(*) from notes")
  end)

  it("whose client leaves is cancelled and rolled back", function()
    -- Neither its own time nor a deadline would end the statement as soon.
    local patient = edges.start {
      dir = app,
      env = { DATABASE_URL = private:url(), DB_STATEMENT_TIMEOUT = "600", HANDLER_TIMEOUT = "600" },
    }
    local conn = wire.open(patient)
    conn:write(wire.request "GET /sql/tx-sleep/600")
    assert(eventually(function()
      return psql "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()" ~= "0"
    end))
    conn.sock:reset()
    assert(eventually(function()
      return psql "select count(*) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid()" == "0"
    end), "the statement was not cancelled")
    assert.equal("0", psql "select count(*) from notes")
    edges.finish(patient)
  end)
end)

describe("a statement", function()
  it("that takes longer than DB_STATEMENT_TIMEOUT is 504", function()
    local res = get "/sql/sleep/3"
    assert.equal(504, res.status)
    assert.equal("timeout", res.json.error.code)
  end)

  it("that breaks a constraint is 409 without a word of the row", function()
    psql "truncate notes"
    assert.equal(201, wire.exchange(server, notes.post "once").status)
    local res = wire.exchange(server, notes.post "once")
    assert.equal(409, res.status)
    assert.is_nil(res.body:find "once")
  end)
end)

describe("the pool", function()
  it("answers 503 to who waits longer than DB_ACQUIRE_TIMEOUT, and serves the rest", function()
    local conns = load.connect(server, 12)
    local answers = load.round(conns, function()
      return wire.request "GET /sql/sleep/0.4"
    end)
    local served = 0
    for _, res in ipairs(answers) do
      if res.status == 200 then
        served = served + 1
      else
        unavailable(res)
      end
    end
    assert.equal(8, served)
    load.close(conns)
  end)

  it("makes a new connection when the server ended one", function()
    assert.equal(200, get("/sql/who").status)
    psql("select pg_terminate_backend(pid) from pg_stat_activity where " .. SERVICE)
    core.sleep(0.2)
    for _ = 1, 8 do
      assert.equal(200, get("/sql/who").status)
    end
  end)

  it("never has more connections than DB_POOL_MAX", function()
    local conns = load.connect(server, 8)
    load.round(conns, function()
      return wire.request "GET /sql/sleep/0.05"
    end)
    assert(tonumber(psql("select count(*) from pg_stat_activity where " .. SERVICE)) <= 4)
    load.close(conns)
  end)
end)

describe("the pool's line", function()
  it("answers 503 at once to who finds it full, and serves those who stand in it", function()
    local small = edges.start {
      dir = app,
      env = { DATABASE_URL = private:url(), DB_POOL_MIN = "1", DB_POOL_MAX = "1", DB_POOL_LINE = "2" },
    }
    local conns = load.connect(small, 6)
    for _, conn in ipairs(conns) do
      conn:write(wire.request "GET /sql/sleep/0.3")
    end
    local began, served = core.monotonic(), 0
    for _, conn in ipairs(conns) do
      local res = assert(conn:answer())
      served = served + (res.status == 200 and 1 or 0)
      if res.status ~= 200 then
        unavailable(res)
      end
    end
    assert.equal(3, served)
    -- Who was refused did not wait for DB_ACQUIRE_TIMEOUT, five seconds.
    assert(core.monotonic() - began < 4)
    load.close(conns)
    edges.finish(small)
  end)
end)

describe("a service that starts while Postgres is away", function()
  it("answers 503, and 200 when Postgres is there", function()
    private:stop()
    local early = edges.start { dir = app, env = { DATABASE_URL = private:url(), DB_ACQUIRE_TIMEOUT = "0.5" } }
    unavailable(wire.exchange(early, wire.request "GET /sql/who"))
    assert.equal(200, wire.exchange(early, wire.request "GET /hello").status)
    private:start()
    assert(eventually(function()
      return wire.exchange(early, wire.request "GET /sql/who").status == 200
    end))
    assert(eventually(function()
      return get("/sql/who").status == 200
    end))
    early:stop()
  end)
end)

describe("Postgres stopped and started under load", function()
  it("costs 503 with Retry-After meanwhile, then 200 again without a restart, and nothing that was acknowledged", function()
    psql "truncate notes"
    local conns = load.connect(server, 8)
    local acknowledged, refused, round = {}, 0, 0

    local function send()
      round = round + 1
      local all_served = true
      local answers = load.round(conns, function(i)
        return notes.post(("round %d of %d"):format(round, i))
      end)
      for _, res in ipairs(answers) do
        assert(res, "a connection was dropped")
        if res.status == 201 then
          acknowledged[#acknowledged + 1] = res.json.body
        else
          unavailable(res)
          refused = refused + 1
          all_served = false
        end
      end
      return all_served
    end

    local function send_while(command)
      local env = { PATH = "/usr/bin:/bin:/usr/local/bin", HOME = app }
      local argv = { core.program, "db", command, cwd = app, env = env, stdout = "null", stderr = "null" }
      local proc = sys.spawn(argv)
      local code
      repeat
        send()
        code = proc:wait(0.001)
      until code
      assert.equal(0, code)
    end

    for _ = 1, 20 do
      assert.is_true(send())
    end
    send_while "down"
    local down_for = core.monotonic()
    while core.monotonic() - down_for < 1.5 do
      send()
    end
    assert(refused > 0)
    assert.equal(503, get("/notes").status)
    send_while "up"
    assert(eventually(send), "no round was served after Postgres came back")
    for _ = 1, 20 do
      assert.is_true(send())
    end
    load.close(conns)

    local lost = {}
    local stored = "\n" .. psql "select body from notes" .. "\n"
    for _, body in ipairs(acknowledged) do
      if not stored:find("\n" .. body .. "\n", 1, true) then
        lost[#lost + 1] = body
      end
    end
    assert.same({}, lost)
  end)
end)
