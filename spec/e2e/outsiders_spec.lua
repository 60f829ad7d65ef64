--- Users whom another service signs in: their tokens, and the rows that those become.
local jws = require "spec.support.jws"
local query = require "spec.support.psql"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

test.no_transaction()

local SECRET, ISSUER, AUDIENCE = ("other"):rep(8), "https://issuer.example", "https://api.example"
local ME = sign_in.AUTH .. "/me"

local server

local function start(env)
  local all = { WORKERS = "2", BETTER_AUTH_SECRET = SECRET, AUTH_ISSUER = ISSUER, AUTH_AUDIENCE = AUDIENCE }
  for name, value in pairs(env or {}) do
    all[name] = value
  end
  server = test.spawn_server { database = true, env = all }
end

after_each(function()
  server:stop()
end)

local function psql(text)
  return query(server.database.url, text)
end

local function ask(subject, path, more)
  local claims = { iss = ISSUER, aud = AUDIENCE, sub = subject, iat = os.time(), exp = os.time() + 300 }
  for name, value in pairs(more or {}) do
    claims[name] = value
  end
  return server:get(path or ME, { headers = { Authorization = "Bearer " .. jws.hs256(claims, SECRET) } })
end

describe("a token of another issuer", function()
  it("makes an account the first time, whose rows are one's own; its claims give no role", function()
    start()
    local first = ask("subject-1", ME, { name = "Eve", role = "admin", email = "eve@example.com", email_verified = true })
    assert.equal(200, first.status, first.body)
    assert.same({ "Eve", "user", "eve@example.com" }, { first.json.display_name, first.json.role, first.json.email })
    assert.equal(first.json.id, ask("subject-1").json.id)
    assert.not_equal(first.json.id, ask("subject-2").json.id)
    assert.equal("2", psql "select count(*) from users")
    assert.equal(403, ask("subject-1", "/api/v1/users", { role = "admin" }).status)
    psql "update users set role = 'admin' where external_id = 'subject-1'"
    -- What is known of a token is kept for a while; another one is looked at anew.
    assert.equal(200, ask("subject-1", "/api/v1/users", { jti = "2" }).status)
    psql "update users set is_active = false where external_id = 'subject-1'"
    assert.equal(401, ask("subject-1", ME, { jti = "3" }).status)
  end)

  it("of somebody whom nobody knows is 401 when EXTERNAL_USERS is refuse", function()
    start { EXTERNAL_USERS = "refuse" }
    local res = ask "subject-1"
    assert.same({ 401, "token_invalid" }, { res.status, res.json.error.code })
    psql "insert into users (external_id) values ('subject-1')"
    assert.equal(200, ask("subject-1", ME, { jti = "2" }).status)
    assert.equal("1", psql "select count(*) from users")
  end)

  it("that is signed by somebody else, or is for another service, makes nobody", function()
    start()
    assert.equal(401, ask("subject-1", ME, { aud = "https://other.example" }).status)
    assert.equal(401, ask("subject-1", ME, { iss = "https://other.example" }).status)
    local forged = jws.hs256({ iss = ISSUER, aud = AUDIENCE, sub = "s", exp = os.time() + 300 }, ("x"):rep(40))
    assert.equal(401, server:get(ME, { headers = { Authorization = "Bearer " .. forged } }).status)
    assert.equal("0", psql "select count(*) from users")
  end)
end)
