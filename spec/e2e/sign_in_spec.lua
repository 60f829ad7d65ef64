--- Refresh tokens against a server: many clients with one token at once, and a worker that dies in the middle.
local core = require "neap.core"
local core_os = require "neap.core.os"
local edges = require "spec.support.edges"
local json = require "neap.json"
local load = require "spec.support.load"
local query = require "spec.support.psql"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"
local wire = require "spec.support.wire"

test.no_transaction()

local GRACE = 5
local CLIENTS = 100
local ENV = { WORKERS = "2", BCRYPT_COST = "4", REFRESH_REUSE_GRACE = GRACE, RATE_LIMIT_DEFAULT = "off" }

local function psql(url, text)
  return query(url, text)
end

local function refresh_request(token)
  return wire.request("POST " .. sign_in.AUTH .. "/refresh", { "Content-Type: application/json" },
    json.encode { refresh_token = token })
end

local function refresh(server, token)
  return server:post(sign_in.AUTH .. "/refresh", { refresh_token = token })
end

local function signed_in(server)
  local client = sign_in.client(server, true)
  local email = client:register().email
  local res = server:post(sign_in.AUTH .. "/login", { email = email, password = sign_in.PASSWORD, transport = "body" })
  assert.equal(200, res.status, res.body)
  return res.json.refresh_token, res.json.access_token
end

-- How many of the answers have each status.
local function tally(answers)
  local counts = {}
  for _, res in ipairs(answers) do
    assert(res, "a connection was lost")
    counts[res.status] = (counts[res.status] or 0) + 1
  end
  return counts
end

describe("a hundred clients with one token", function()
  local server

  setup(function()
    server = test.spawn_server { database = true, env = ENV }
  end)

  teardown(function()
    server:stop()
  end)

  it("leave nothing behind when one of them signs out meanwhile", function()
    local conns = load.connect(server, 40)
    for _ = 1, 5 do
      local token, access = signed_in(server)
      local answers = load.round(conns, function(i)
        return i == 20 and wire.request("POST " .. sign_in.AUTH .. "/logout", { "Authorization: Bearer " .. access })
          or refresh_request(token)
      end)
      assert.equal(204, answers[20].status)
      assert.equal("0", psql(server.database.url,
        "select count(*) from refresh_tokens where used_at is null and revoked_at is null"))
    end
    load.close(conns)
    psql(server.database.url, "delete from refresh_tokens")
  end)

  it("stay signed in, in one family, inside the grace; after it the family is revoked", function()
    local token = signed_in(server)
    local conns = load.connect(server, CLIENTS)
    local answers = load.round(conns, function() return refresh_request(token) end)
    assert.same({ [200] = CLIENTS }, tally(answers))
    local url = server.database.url
    assert.equal("1", psql(url, "select count(distinct family_id) from refresh_tokens"))
    assert.equal("0", psql(url, "select count(*) from refresh_tokens where revoked_at is not null"))
    -- Each of them goes on with its own.
    local next = load.round(conns, function(i) return refresh_request(answers[i].json.refresh_token) end)
    assert.same({ [200] = CLIENTS }, tally(next))

    psql(url, ("update refresh_tokens set used_at = used_at - interval '%d s' where used_at is not null"):format(GRACE + 1))
    assert.same({ [401] = CLIENTS }, tally(load.round(conns, function() return refresh_request(token) end)))
    assert.equal("0", psql(url, "select count(*) from refresh_tokens where revoked_at is null"))
    assert.same({ [401] = CLIENTS },
      tally(load.round(conns, function(i) return refresh_request(next[i].json.refresh_token) end)))
    load.close(conns)
  end)
end)

describe("more sign-ins than are hashed at a time", function()
  local server

  local function attempt(i)
    return wire.request("POST " .. sign_in.AUTH .. "/login", { "Content-Type: application/json" },
      json.encode { email = ("nobody%d@example.com"):format(i), password = sign_in.PASSWORD })
  end

  -- At cost 13 a hash takes half a second: one is being made, three wait.
  before_each(function()
    server = test.spawn_server { database = true, env = { WORKERS = "1", BCRYPT_COST = "13", PASSWORD_LINE = "3" } }
  end)

  after_each(function()
    server:stop()
  end)

  it("are told to come again, which is a warning in the log and no error", function()
    local conns = load.connect(server, 8)
    local counts = tally(load.round(conns, attempt))
    load.close(conns)
    assert.same({ true, 8 }, { (counts[503] or 0) > 0, (counts[401] or 0) + (counts[503] or 0) })
    local levels = {}
    for _, line in ipairs(server:logs()) do
      if line.message == "handler error" then
        levels[#levels + 1] = line.level
      end
    end
    assert.equal(("warn "):rep(counts[503]), table.concat(levels, " ") .. " ")
  end)

  it("leave the line when their clients do", function()
    local conns = load.connect(server, 4)
    for i, conn in ipairs(conns) do
      conn:write(attempt(i))
    end
    core.sleep(0.2)
    load.close(conns)
    core.sleep(0.05)
    conns = load.connect(server, 3)
    assert.same({ [401] = 3 }, tally(load.round(conns, attempt)))
    load.close(conns)
  end)
end)

describe("in production", function()
  it("the cookies are for HTTPS only, and the log has neither passwords nor tokens", function()
    local server = test.spawn_server { database = true, env = {
      ENVIRONMENT = "production", BCRYPT_COST = "4", LOG_LEVEL = "debug", CORS_ORIGINS = "http://localhost:3000",
    } }
    finally(function() server:stop() end)
    local client = sign_in.client(server, true)
    local email = client:register().email
    client:sign_in(email, "wrong" .. sign_in.PASSWORD)
    local res = client:sign_in(email)
    local set = sign_in.cookies(res)
    for _, name in ipairs { "access_token", "refresh_token", "csrf_token" } do
      assert.matches("; secure", set[name].text, 1, true)
    end
    client:request("POST", sign_in.AUTH .. "/refresh")
    assert.equal(200, client:request("PATCH", sign_in.AUTH .. "/me", {
      password = "another horse battery", current_password = sign_in.PASSWORD,
    }).status)
    local text = server:log_text()
    assert.matches("auth.password_changed", text, 1, true)
    for _, secret in ipairs {
      "horse", set.access_token.value, set.refresh_token.value, client.jar.access_token, client.jar.refresh_token, "$2b$",
    } do
      assert.is_nil(text:find(secret, 1, true), secret)
    end
  end)
end)

describe("a worker that is killed between the commit of a rotation and its answer", function()
  local postgres, server

  setup(function()
    postgres = test.scratch_postgres()
    assert.equal(0, (core_os.exec {
      "env", "DATABASE_URL=" .. postgres.url, core.program, "migrate", "up", cwd = core.app_dir,
    }))
    server = test.spawn_server { database = postgres.url, env = {
      WORKERS = "1", BCRYPT_COST = "4", DB_STATEMENT_TIMEOUT = "60", RATE_LIMIT_DEFAULT = "off",
    } }
  end)

  teardown(function()
    server:stop()
    postgres:drop()
  end)

  -- A commit is done on the disk, and Postgres holds its answer back until a standby that is not there has it, too.
  local function hold_commits(yes)
    psql(postgres.url, yes and "alter system set synchronous_standby_names = 'nobody'"
      or "alter system reset synchronous_standby_names")
    psql(postgres.url, "select pg_reload_conf()")
  end

  local function is_held()
    return psql(postgres.url, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'") == "1"
  end

  it("signs nobody out: the client comes with the old token and goes on", function()
    local token = signed_in(server)
    hold_commits(true)
    local conn = wire.open(server)
    conn:write(refresh_request(token))
    assert.is_true(edges.eventually(is_held))
    local lines = #server:logs()
    core_os.exec { "kill", "-9", tostring(edges.worker_pid(server)) }
    assert.is_nil((conn:answer()))
    conn:close()
    hold_commits(false)
    assert.equal("1", psql(postgres.url, "select count(*) from refresh_tokens where used_at is not null"))
    assert.equal("2", psql(postgres.url, "select count(*) from refresh_tokens"))

    server:wait_log("listening", 20, lines)
    local again = refresh(server, token)
    assert.equal(200, again.status, again.body)
    assert.equal(200, refresh(server, again.json.refresh_token).status)
    assert.equal("0", psql(postgres.url, "select count(*) from refresh_tokens where revoked_at is not null"))
  end)
end)
