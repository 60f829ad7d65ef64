--- db.each through an answer in pieces: more rows than memory could hold, at the client's pace.
local core = require "neap.core"
local edges = require "spec.support.edges"
local postgres = require "neap.postgres"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

local INIT = [[
local core = require "neap.core"
local db = require "neap.db"
local json = require "neap.json"
local neap = require "neap"
local response = require "neap.response"

return function()
  local app = neap.app { auth = false }
  app:get("/counts", function() return core.counts() end)
  app:get("/rows/{n}", function(req)
    return response.stream("application/x-ndjson", function(out)
      for row in db.each("select generate_series(1, $1::bigint) as id, repeat('x', 90) as text /* rows */", req.params.n) do
        out:write(json.encode(row) .. "\n")
      end
    end)
  end)
  app:get("/csv/{n}", function(req)
    return response.stream("text/csv", function(out)
      local sql = "copy (select x, repeat('y', 90) from generate_series(1, %d) x) to stdout (format csv)"
      for piece in db.copy_out(sql:format(req.params.n)) do
        out:write(piece)
      end
    end)
  end)
  return app
end
]]

-- What the allocator and Lua's collector need on top of the few rows that are in memory; the rows are 30 MB.
local GROWTH_KB, ROWS = 16 * 1024, 300000

local WORKING = "pg_stat_activity where query like '%/* rows */%' and state = 'active' and pid <> pg_backend_pid()"

local app, private, server

local function psql(sql)
  return query(private:url(), sql)
end

setup(function()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  private = postgres.of(app)
  private:start()
  server = edges.start {
    dir = app,
    env = { DATABASE_URL = private:url(), DB_POOL_MIN = "2", DB_POOL_MAX = "2", DB_STATEMENT_TIMEOUT = "2" },
  }
end)

teardown(function()
  edges.finish(server)
  scratch.remove(app)
end)

local function ask(path)
  local conn = wire.open(server)
  conn:write(wire.request("GET " .. path, { "Connection: close" }))
  return conn
end

--- Lines and bytes until the server closes; `each` is called with every piece that was read.
local function read_all(conn, each)
  local lines, bytes, last = 0, 0, ""
  while true do
    local piece = conn.sock:read()
    if piece == nil then
      return lines, bytes, last
    end
    lines, bytes, last = lines + select(2, piece:gsub("}", "")), bytes + #piece, (last .. piece):sub(-200)
    if each then
      each(bytes)
    end
  end
end

describe("an answer of more rows than fit into memory", function()
  it("arrives whole, and the worker's memory stays as it is", function()
    read_all(ask "/rows/20000")
    local before, sanitized = edges.resident(server)
    local most, looked = before, 0
    local lines, bytes, last = read_all(ask("/rows/" .. ROWS), function(n)
      if n - looked > 4 << 20 then
        looked, most = n, math.max(most, (edges.resident(server)))
      end
    end)
    assert.equal(ROWS, lines)
    assert(bytes > 30000000, bytes)
    assert.matches('"id":' .. ROWS .. ",", last)
    assert.matches("0\r\n\r\n$", last)
    assert(sanitized or most - before < GROWTH_KB, ("%d KiB before, %d at most"):format(before, most))
  end)

  it("goes at the client's pace, however slow: Postgres waits, and no deadline is on the whole", function()
    local conn = ask("/rows/" .. ROWS)
    assert(edges.eventually(function()
      return psql("select wait_event from " .. WORKING) == "ClientWrite"
    end))
    local before, sanitized = edges.resident(server)
    core.sleep(3)
    local after = edges.resident(server)
    assert(sanitized or after - before < 1024, after - before)
    assert.equal(ROWS, (read_all(conn)))
  end)

  it("ends with its client: the statement is gone, and the connection is used again", function()
    for _ = 1, 5 do
      local conn = ask "/rows/1000000000"
      assert(conn.sock:read())
      conn.sock:reset()
    end
    assert(edges.eventually(function()
      return psql("select count(*) from " .. WORKING) == "0"
    end))
    assert.equal(100, (read_all(ask "/rows/100")))
    assert.equal("0", psql "select count(*) from pg_stat_activity where state like 'idle in transaction%'")
  end)

  it("may be the data of a COPY", function()
    local _, bytes = read_all(ask "/csv/100000")
    assert(bytes > 100000 * 92, bytes)
  end)
end)
