--- What flows over TLS, where libpq may leave bytes in a buffer that no poll of the socket sees: db.each, COPY, messages.
local certificates = require "spec.support.certificates"
local cluster = require "spec.support.cluster"
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local HOST = "db.internal"

local INIT = [[
local core = require "neap.core"
local db = require "neap.db"
local neap = require "neap"

local routes = {}

function routes.each()
  local rows, bytes = 0, 0
  for row in db.each "select x, repeat('r', x % 30000) as t from generate_series(1, 2000) x" do
    rows, bytes = rows + 1, bytes + #row.t
  end
  return { rows = rows, bytes = bytes }
end

function routes.left()
  for _ = 1, 5 do
    local next_row, rows <close> = db.each "select generate_series(1, 100000000) as x, repeat('l', 5000) as t"
    next_row(rows)
  end
  return db.one "select 1 as fine"
end

function routes.copy()
  db.exec "create table if not exists copied (n int, t text)"
  db.exec "truncate copied"
  local n = 0
  local rows = db.copy_in("copy copied from stdin", function()
    n = n + 1
    return n <= 3000 and { n, ("c"):rep(n) } or nil
  end)
  local bytes = 0
  for piece in db.copy_out "copy (select t from copied) to stdout" do
    bytes = bytes + #piece
  end
  local ok, err = pcall(db.copy_in, "copy copied from stdin", { { 1, "a" }, { "two", "b" }, { 3 } })
  return { rows = rows, bytes = bytes, bad_line = not ok and err.line, fine = db.one("select count(*) as n from copied").n }
end

function routes.messages()
  local heard, bytes = 0, 0
  local listener = db.listen("bulk", function(payload)
    heard, bytes = heard + 1, bytes + #payload
  end)
  db.tx(function()
    for i = 1, 100 do
      db.notify("bulk", ("m"):rep(7000 + i))
    end
  end)
  for _ = 1, 200 do
    if heard == 100 then
      break
    end
    core.sleep(0.05)
  end
  listener:close()
  return { heard = heard, bytes = bytes }
end

return function()
  local app = neap.app { auth = false }
  app:get("/counts", function() return core.counts() end)
  for name, handler in pairs(routes) do
    app:get("/" .. name, handler)
  end
  return app
end
]]

local folder, node, app, server

setup(function()
  folder = scratch.folder()
  local ca = certificates.authority(folder, "ca")
  local certificate, key = certificates.server(folder, "ca", HOST)
  node = cluster.node { ssl = "on", ssl_cert_file = certificate, ssl_key_file = key }
  -- Postgres reads no key that others could read.
  local owner = node.private.owner
  if owner then
    assert(sys.chown(key, owner.uid, owner.gid))
  end
  assert(sys.chmod(key, 384)) -- 0600
  node.private:start()
  app = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua" },
    files = { ["lua/app/init.lua"] = INIT },
  }
  server = edges.start {
    dir = app,
    env = {
      DATABASE_URL = ("postgresql://neap@%s:5432/neap_dev?hostaddr=%s&sslmode=verify-full&sslrootcert=%s"):format(HOST,
        node.address, ca),
      DB_POOL_MIN = "2",
      DB_POOL_MAX = "2",
    },
  }
end)

teardown(function()
  edges.finish(server)
  node:discard()
  scratch.remove(app)
  scratch.remove(folder)
end)

local function get(path)
  local res = wire.exchange(server, wire.request("GET " .. path))
  assert.equal(200, res.status, res.body)
  return res.json
end

describe("over TLS", function()
  it("db.each gives all rows", function()
    assert.same({ rows = 2000, bytes = 2000 * 2001 // 2 }, get "/each")
  end)

  it("a loop that is left early ends its statement", function()
    assert.same({ fine = 1 }, get "/left")
    assert(edges.eventually(function()
      return node:psql [[select count(*) from pg_stat_activity
        where query like '%generate_series%' and state = 'active' and pid <> pg_backend_pid()]] == "0"
    end))
  end)

  it("COPY goes both ways, and the line of a bad row is told", function()
    assert.same({ rows = 3000, bytes = 3000 * 3001 // 2 + 3000, bad_line = 2, fine = 3000 }, get "/copy")
  end)

  it("messages arrive, all of a burst", function()
    assert.same({ heard = 100, bytes = 100 * 7000 + 5050 }, get "/messages")
  end)
end)
