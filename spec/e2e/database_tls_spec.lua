--- TLS to Postgres, with certificates of an authority that only this run knows.
local certificates = require "spec.support.certificates"
local cluster = require "spec.support.cluster"
local core = require "neap.core"
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local HOST = "db.internal"

local folder, node, ca, other_ca

setup(function()
  folder = scratch.folder()
  ca, other_ca = certificates.authority(folder, "ca"), certificates.authority(folder, "other")
  local certificate, key = certificates.server(folder, "ca", HOST)
  node = cluster.node { ssl = "on", ssl_cert_file = certificate, ssl_key_file = key }
  -- Postgres reads no key that others could read.
  local owner = node.private.owner
  if owner then
    assert(sys.chown(key, owner.uid, owner.gid))
  end
  assert(sys.chmod(key, 384)) -- 0600
  node.private:start()
end)

teardown(function()
  node:discard()
  scratch.remove(folder)
end)

local function url_of(host, authority)
  local query = "hostaddr=" .. node.address .. "&sslmode=verify-full"
  return ("postgresql://neap@%s:5432/neap_dev?%s%s"):format(host, query, authority and "&sslrootcert=" .. authority or "")
end

local function start(url, env)
  env = env or {}
  env.DB_POOL_MIN, env.DB_POOL_MAX, env.DB_ACQUIRE_TIMEOUT, env.DB_STATEMENT_TIMEOUT = "2", "4", "2", "60"
  env.DATABASE_URL = url
  return edges.start { env = env }
end

local function sessions(what)
  return node:psql([[select count(*) from pg_stat_activity join pg_stat_ssl using (pid)
    where application_name = 'neap' and ]] .. what)
end

--- The application says unavailable, the log says why, and nothing was sent to the server in the open.
local function refuses(url, why)
  local server = test.spawn_server { env = { WORKERS = "1", DATABASE_URL = url } }
  assert(edges.eventually(function()
    return server:get("/health/ready").status == 503
  end))
  local line = server:wait_log("no connection to the database")
  assert.matches(why, line.error)
  assert.equal("0", sessions "true")
  server:stop()
end

describe("with sslmode=verify-full", function()
  it("the right name and the right authority are all that is needed", function()
    local server = test.spawn_server { env = { WORKERS = "1", DATABASE_URL = url_of(HOST, ca) } }
    assert(edges.eventually(function()
      return server:get("/health/ready").status == 200
    end))
    assert.equal("0", sessions "not ssl")
    assert.not_equal("0", sessions "ssl")
    server:stop()
  end)

  it("the authority may come from PGSSLROOTCERT", function()
    local server = start(url_of(HOST), { PGSSLROOTCERT = ca })
    assert.equal(200, wire.exchange(server, wire.request "GET /sql/who").status)
    edges.finish(server)
  end)

  it("another name than the certificate's is refused", function()
    refuses(url_of("db.elsewhere", ca), "does not match host name")
  end)

  it("another authority than the server's is refused", function()
    refuses(url_of(HOST, other_ca), "certificate verify failed")
  end)

  it("a server without TLS is refused", function()
    local plain = cluster.node()
    plain.private:start()
    refuses((url_of(HOST, ca):gsub("hostaddr=[%d.]+", "hostaddr=" .. plain.address)), "does not support SSL")
    plain:discard()
  end)

  it("a statement whose client leaves is cancelled", function()
    local server = start(url_of(HOST, ca))
    local running = "query like '%pg_sleep%' and state = 'active'"
    local conn = wire.open(server)
    conn:write(wire.request "GET /sql/sleep/30")
    assert(edges.eventually(function() return sessions(running) == "1" end))
    conn.sock:reset()
    assert(edges.eventually(function() return sessions(running) == "0" end))
    edges.finish(server)
  end)

  it("an answer larger than a record of TLS is read to its end", function()
    local server = start(url_of(HOST, ca))
    node:psql "create table notes (id integer generated always as identity primary key, body text not null)"
    node:psql "insert into notes (body) select repeat(chr(97 + n), 20000) from generate_series(0, 20) n"
    local items = wire.exchange(server, wire.request "GET /notes").json.items
    assert.equal(21, #items)
    assert.equal(("u"):rep(20000), items[21].body)
    edges.finish(server)
  end)
end)

describe("a server that stops in the middle of the handshake", function()
  it("holds up no request that needs no database, and has a deadline", function()
    local listener <close> = sys.listen(0)
    local url = ("postgresql://neap@%s:%d/x?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=%s"):format(HOST,
      listener.port, ca)
    local server = start(url, { DB_POOL_MIN = "1" })
    local sock = assert(listener:accept())
    sock.timeout = 20
    assert.equal(8, #sock:read()) -- SSLRequest
    sock:write "S"
    assert(#sock:read() > 100) -- ClientHello; no answer comes
    local began = core.monotonic()
    assert.equal(200, wire.exchange(server, wire.request "GET /hello").status)
    assert(core.monotonic() - began < 1)
    local res = wire.exchange(server, wire.request "GET /sql/who")
    assert.equal(503, res.status)
    assert.is_truthy(res.headers["retry-after"])
    assert.is_nil(sock:read())
    assert.matches("no answer within", server:wait_log("no connection to the database").error)
    server:stop()
  end)
end)
