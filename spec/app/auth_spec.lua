--- Signing in, with real tokens: nobody is signed in by the specs themselves here.
local answers = require "spec.support.answers"
local config = require "config"
local core = require "neap.core"
local db = require "neap.db"
local json = require "neap.json"
local password = require "neap.password"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

local AUTH, PASSWORD = sign_in.AUTH, sign_in.PASSWORD
local problems = answers.problems

-- Hashes of the cost that is configured take a quarter of a second.
local client, user

before_each(function()
  client = sign_in.client(test)
  user = client:register()
end)

local function bearer(token)
  return { headers = { Authorization = "Bearer " .. token } }
end

local function login(body)
  return test.post(AUTH .. "/login", body)
end

-- A session of a client without cookies.
local function tokens()
  local res = login { email = user.email, password = PASSWORD, transport = "body" }
  assert.equal(200, res.status, res.body)
  return res.json
end

local function refresh(token)
  return test.post(AUTH .. "/refresh", { refresh_token = token })
end

local function code(res)
  return ("%d %s"):format(res.status, res.json.error.code)
end

local function age(token, seconds)
  db.exec("update refresh_tokens set used_at = used_at - make_interval(secs => $2) where token_hash = $1",
    db.bytes(core.sha256(token)), seconds)
end

describe("registering", function()
  it("makes an active user of the role user, the address in lower case, and shows nothing of the password", function()
    local address = sign_in.address()
    local res = test.post(AUTH .. "/register", { email = address:upper(), password = PASSWORD, display_name = " Ann " })
    assert.equal(201, res.status)
    assert.same({ address, "Ann", "user", true },
      { res.json.email, res.json.display_name, res.json.role, res.json.is_active })
    assert.is_nil(res.body:find "password")
    assert.is_nil(res.body:find "%$2b%$")
    assert.matches(("^%%$2b%%$%02d%%$"):format(config.BCRYPT_COST),
      db.one("select password_hash as h from users where id = $1", res.json.id).h)
  end)

  it("of an address that is taken, in any case, is 409 and names the field", function()
    local res = test.post(AUTH .. "/register", { email = user.email:upper(), password = PASSWORD })
    assert.equal("409 conflict", code(res))
    assert.same({ { field = "body.email", code = "taken", message = "is taken already" } }, res.json.error.details)
  end)

  it("takes passwords of 12 characters to 72 bytes, and no role", function()
    local function said(text, more)
      local body = { email = sign_in.address(), password = text }
      for name, value in pairs(more or {}) do body[name] = value end
      return problems(test.post(AUTH .. "/register", body))
    end
    assert.same({ "body.password too_short" }, said(("x"):rep(11)))
    assert.same({ "body.password too_long" }, said(("x"):rep(73)))
    assert.same({ "body.password invalid" }, said(("\u{e9}"):rep(37)))
    assert.same({ "body.role unknown_field" }, said(PASSWORD, { role = "admin" }))
    local address = sign_in.address()
    local long = ("\u{e9}"):rep(36)
    assert.equal(201, test.post(AUTH .. "/register", { email = address, password = long }).status)
    assert.equal(200, login({ email = address, password = long }).status)
  end)
end)

describe("signing in", function()
  it("sets three cookies: two out of the page's reach, one of them for these routes only", function()
    local res = client:sign_in(user.email)
    assert.equal(200, res.status)
    local set = sign_in.cookies(res)
    assert.equal(res.json.access_token, set.access_token.value)
    assert.equal(res.json.csrf_token, set.csrf_token.value)
    for name, path in pairs { access_token = "/", refresh_token = AUTH, csrf_token = "/" } do
      local text = set[name].text .. ";"
      assert.matches("; path=" .. path:gsub("%-", "%%-") .. ";", text)
      assert.matches("; samesite=lax;", text)
      assert.equal(name ~= "csrf_token", text:find("; httponly;", 1, true) ~= nil, name)
      assert.equal(config.COOKIE_SECURE, text:find("; secure;", 1, true) ~= nil, name)
    end
    assert.equal("no-store", res.headers["cache-control"])
    assert.is_nil(res.json.refresh_token)
    assert.same({ "Bearer", config.ACCESS_TOKEN_TTL }, { res.json.token_type, res.json.expires_in })
    assert.equal(user.id, client:request("GET", AUTH .. "/me").json.id)
  end)

  it("without cookies gives both tokens in the answer", function()
    local res = login { email = user.email:upper(), password = PASSWORD, transport = "body" }
    assert.equal(200, res.status)
    assert.is_nil(res.headers["set-cookie"])
    assert.equal(user.id, test.get(AUTH .. "/me", bearer(res.json.access_token)).json.id)
    assert.is_nil(res.json.csrf_token)
    assert.equal(200, refresh(res.json.refresh_token).status)
  end)

  it("says the same for an unknown address, a wrong password, an inactive account and one without a password", function()
    db.exec("insert into users (email, external_id) values ('elsewhere@example.com', 'x')")
    local inactive = client:register()
    db.exec("update users set is_active = false where id = $1", inactive.id)
    local said = {}
    for _, body in ipairs {
      { email = sign_in.address(), password = PASSWORD },
      { email = user.email, password = PASSWORD .. "x" },
      { email = inactive.email, password = PASSWORD },
      { email = "elsewhere@example.com", password = PASSWORD },
    } do
      local res = login(body)
      assert.equal(401, res.status)
      said[res.body] = true
    end
    assert.equal("invalid_credentials", json.decode((next(said))).error.code)
    assert.is_nil(next(said, (next(said))))
  end)

  it("looks at a password in each of these cases", function()
    local rules, store = require "app.auth.rules", require "app.auth.store"
    local looked = 0
    local verify, dummy = password.verify, password.dummy
    finally(function() password.verify, password.dummy = verify, dummy end)
    password.verify = function(...) looked = looked + 1 return verify(...) end
    password.dummy = function(...) looked = looked + 1 return dummy(...) end
    db.exec("insert into users (email, external_id) values ('elsewhere@example.com', 'x')")
    local function refused(email, text)
      local ok, err = pcall(rules.login, store, { email = email, password = text }, { network = "here" })
      assert.is_false(ok)
      assert.equal("invalid_credentials", err.code)
    end
    refused(sign_in.address(), PASSWORD)
    refused(user.email, "wrong" .. PASSWORD)
    refused("elsewhere@example.com", PASSWORD)
    db.exec("update users set is_active = false where id = $1", user.id)
    refused(user.email, PASSWORD)
    assert.equal(4, looked)
  end)

  it("may be tried five times a minute for one account from one place, right or wrong", function()
    local function try(email, text)
      return login { email = email, password = text }.status
    end
    for _ = 1, 5 do
      assert.equal(401, try(user.email, "wrong" .. PASSWORD))
    end
    local res = login { email = user.email:upper(), password = PASSWORD }
    assert.equal("429 too_many_requests", code(res))
    assert.is_true(tonumber(res.headers["retry-after"]) >= 1)
    assert.equal(200, try(client:register().email, PASSWORD))
  end)

  it("makes a hash of an old cost one of today's, and leaves one of today's alone", function()
    local function hash()
      return db.one("select password_hash as h from users where id = $1", user.id).h
    end
    local today = hash()
    client:sign_in(user.email)
    assert.equal(today, hash())
    -- A test vector of crypt_blowfish, of cost 5.
    local old = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    db.exec("update users set password_hash = $2 where id = $1", user.id, old)
    assert.equal(401, client:sign_in(user.email, "U*V").status)
    assert.equal(old, hash())
    assert.equal(200, client:sign_in(user.email, "U*U").status)
    assert.equal(today:sub(1, 7), hash():sub(1, 7))
    assert.equal(200, client:sign_in(user.email, "U*U").status)
  end)
end)

describe("who is signed in", function()
  it("by an access token that is missing, wrong or over is told which, with 401", function()
    assert.equal("401 token_missing", code(test.get(AUTH .. "/me")))
    assert.equal("401 token_invalid", code(test.get(AUTH .. "/me", bearer "nonsense")))
    assert.equal("401 token_invalid", code(test.get(AUTH .. "/me", { headers = { Cookie = "access_token=nonsense" } })))
    local over = require("neap.token").sign { sub = user.id, role = "user", exp = os.time() - 3600 }
    assert.equal("401 token_expired", code(test.get(AUTH .. "/me", bearer(over))))
    assert.equal("401 token_expired", code(test.get(AUTH .. "/me", { headers = { Cookie = "access_token=" .. over } })))
  end)

  it("but does not exist any more is 401", function()
    local session = tokens()
    db.exec("delete from users where id = $1", user.id)
    assert.equal("401 token_invalid", code(test.get(AUTH .. "/me", bearer(session.access_token))))
  end)
end)

describe("a refresh", function()
  it("by cookie replaces both tokens and keeps the csrf token, and the body has no refresh token", function()
    client:sign_in(user.email)
    local before = { refresh = client.jar.refresh_token, csrf = client.jar.csrf_token }
    local res = client:request("POST", AUTH .. "/refresh")
    assert.equal(200, res.status, res.body)
    assert.is_nil(res.json.refresh_token)
    assert.not_equal(before.refresh, client.jar.refresh_token)
    assert.equal(before.csrf, client.jar.csrf_token)
    assert.equal(before.csrf, res.json.csrf_token)
    assert.equal(200, client:request("GET", AUTH .. "/me").status)
  end)

  it("by the body sets no cookie", function()
    local res = refresh(tokens().refresh_token)
    assert.equal(200, res.status)
    assert.is_nil(res.headers["set-cookie"])
    assert.equal(200, refresh(res.json.refresh_token).status)
  end)

  it("without a token, with one that is unknown, and with one whose time is over, says which", function()
    assert.equal("401 token_missing", code(test.post(AUTH .. "/refresh", json.object {})))
    assert.equal("401 token_missing", code(test.request { method = "POST", path = AUTH .. "/refresh" }))
    assert.equal("401 token_invalid", code(refresh(("0"):rep(64))))
    local session = tokens()
    db.exec("update refresh_tokens set issued_at = now() - interval '2 s', expires_at = now() - interval '1 s'")
    assert.equal("401 token_expired", code(refresh(session.refresh_token)))
  end)

  it("with the same token within the grace gives a sibling: two tabs go on side by side", function()
    local first = tokens().refresh_token
    local a, b = refresh(first), refresh(first)
    assert.same({ 200, 200 }, { a.status, b.status })
    assert.same({ 200, 200 }, { refresh(a.json.refresh_token).status, refresh(b.json.refresh_token).status })
    assert.equal(1, db.one("select count(distinct family_id) as n from refresh_tokens where user_id = $1", user.id).n)
  end)

  it("with one that was used before the grace ends the session, and clears no cookie", function()
    client:sign_in(user.email)
    local old = client.jar.refresh_token
    client:request("POST", AUTH .. "/refresh")
    age(old, config.REFRESH_REUSE_GRACE + 1)
    local res = test.request { method = "POST", path = AUTH .. "/refresh", headers = {
      Cookie = "refresh_token=" .. old, Origin = "http://localhost:3000",
    } }
    assert.equal("401 token_invalid", code(res))
    assert.is_nil(res.headers["set-cookie"])
    assert.equal("401 token_invalid", code(client:request("POST", AUTH .. "/refresh")))
    -- The access token is good until it is over.
    assert.equal(200, client:request("GET", AUTH .. "/me").status)
  end)

  it("of somebody who is not active any more ends all their sessions", function()
    local a, b = tokens(), tokens()
    db.exec("update users set is_active = false where id = $1", user.id)
    assert.equal("401 token_invalid", code(refresh(a.refresh_token)))
    db.exec("update users set is_active = true where id = $1", user.id)
    assert.equal("401 token_invalid", code(refresh(b.refresh_token)))
  end)

  it("gives the role of now, not that of the sign-in", function()
    local session = tokens()
    db.exec("update users set role = 'admin' where id = $1", user.id)
    local users = config.API_V1_PREFIX .. "/users"
    assert.equal(403, test.get(users, bearer(session.access_token)).status)
    assert.equal(200, test.get(users, bearer(refresh(session.refresh_token).json.access_token)).status)
  end)
end)

describe("signing out", function()
  it("ends this session and clears its cookies", function()
    local other = tokens()
    client:sign_in(user.email)
    local token = client.jar.refresh_token
    local res = client:request("POST", AUTH .. "/logout")
    assert.equal(204, res.status, res.body)
    assert.same({}, client.jar)
    assert.equal("401 token_invalid", code(refresh(token)))
    assert.equal(200, refresh(other.refresh_token).status)
  end)

  it("everywhere ends all of them, and nobody else's", function()
    local ben = sign_in.client(test)
    ben:sign_in(ben:register().email)
    local a, b = tokens(), tokens()
    local res = test.request { method = "POST", path = AUTH .. "/logout-all",
      headers = { Authorization = "Bearer " .. a.access_token } }
    assert.equal(204, res.status)
    assert.equal("401 token_invalid", code(refresh(a.refresh_token)))
    assert.equal("401 token_invalid", code(refresh(b.refresh_token)))
    assert.equal(200, ben:request("POST", AUTH .. "/refresh").status)
  end)
end)

describe("the sessions of a user", function()
  it("are listed, with the one that asks, and one can be ended", function()
    local here = tokens()
    client:request("POST", AUTH .. "/login", { email = user.email, password = PASSWORD }, { ["User-Agent"] = "Phone/2" })
    local page = test.get(AUTH .. "/sessions", bearer(here.access_token)).json
    assert.same({ 2, 1, 20 }, { page.total, page.page, page.page_size })
    assert.same({ "Phone/2", false, true }, { page.items[1].user_agent, page.items[1].current, page.items[2].current })
    assert.equal(json.null, page.items[2].user_agent)
    local path = AUTH .. "/sessions/" .. page.items[1].family_id
    assert.equal(204, test.delete(path, bearer(here.access_token)).status)
    assert.equal(404, test.delete(path, bearer(here.access_token)).status)
    assert.equal("401 token_invalid", code(client:request("POST", AUTH .. "/refresh")))
    assert.equal(1, test.get(AUTH .. "/sessions", bearer(here.access_token)).json.total)
  end)
end)

describe("my account", function()
  it("changes its name, null empties it", function()
    local session = bearer(tokens().access_token)
    assert.equal("Ann", test.patch(AUTH .. "/me", { display_name = "Ann" }, session).json.display_name)
    assert.equal(json.null, test.patch(AUTH .. "/me", { display_name = json.null }, session).json.display_name)
    assert.same({ "body.role unknown_field" }, problems(test.patch(AUTH .. "/me", { role = "admin" }, session)))
  end)

  it("changes its password for the old one, which ends all other sessions", function()
    local here, there = tokens(), tokens()
    local function change(body)
      return test.patch(AUTH .. "/me", body, bearer(here.access_token))
    end
    local new = "another horse battery"
    assert.same({ "body.current_password required" }, problems(change { password = new }))
    assert.same({ "body.current_password wrong" }, problems(change { password = new, current_password = "wrong" }))
    assert.equal(200, refresh(there.refresh_token).status)
    assert.equal(200, change({ password = new, current_password = PASSWORD }).status)
    assert.equal(401, login({ email = user.email, password = PASSWORD }).status)
    assert.equal(200, login({ email = user.email, password = new }).status)
    assert.equal("401 token_invalid", code(refresh(there.refresh_token)))
    assert.equal(200, refresh(here.refresh_token).status)
  end)

  it("does not tell by trying what the password is", function()
    local session = bearer(tokens().access_token)
    local body = { password = "another horse battery", current_password = "wrong" }
    for _ = 1, 5 do
      assert.equal(422, test.patch(AUTH .. "/me", body, session).status)
    end
    assert.equal("429 too_many_requests", code(test.patch(AUTH .. "/me", body, session)))
  end)

  it("that signs in elsewhere has no password to change", function()
    local elsewhere = test.user()
    local res = test.patch(AUTH .. "/me", { password = PASSWORD, current_password = PASSWORD }, { as = elsewhere })
    assert.equal("409 no_password", code(res))
  end)
end)

describe("a page of strangers", function()
  it("neither signs in, nor refreshes, nor signs out with the cookies of a browser", function()
    client:sign_in(user.email)
    local strange = { Origin = "https://strangers.example" }
    local body = { email = user.email, password = PASSWORD }
    assert.equal("403 csrf", code(client:request("POST", AUTH .. "/login", body, strange)))
    assert.equal("403 csrf", code(client:request("POST", AUTH .. "/refresh", nil, strange)))
    assert.equal("403 csrf", code(client:request("POST", AUTH .. "/logout", nil, strange)))
    assert.equal("403 csrf", code(client:request("POST", AUTH .. "/logout-all", nil, { ["X-CSRF-Token"] = ("0"):rep(32) })))
    assert.equal(200, client:request("POST", AUTH .. "/refresh").status)
  end)
end)

describe("somebody with a token of another issuer", function()
  local rules = require "app.auth.rules"
  local store = require "app.auth.store"

  local function count()
    return db.one("select count(*) as n from users").n
  end

  it("gets an account the first time, and the same one from then on", function()
    local claims = { email = "Eve@Example.com", email_verified = true, name = "Eve" }
    local first = rules.external(store, "subject-1", claims)
    assert.same({ "eve@example.com", "user" }, { first.email, first.role })
    local before = count()
    assert.equal(first.id, rules.external(store, "subject-1", {}).id)
    assert.equal(before, count())
    assert.equal("Eve", db.one("select display_name as n from users where external_id = 'subject-1'").n)
  end)

  it("gets no account that is there because of an address, nor an address that nobody has looked at", function()
    local other = rules.external(store, "subject-2", { email = user.email, email_verified = true })
    assert.not_equal(user.id, other.id)
    assert.is_nil(other.email)
    assert.is_nil(rules.external(store, "subject-3", { email = "fay@example.com" }).email)
    assert.is_nil(rules.external(store, "subject-4", { email = { 1 }, email_verified = true, name = 5 }).email)
  end)

  it("is nobody when the account is not active, or when somebody new is refused", function()
    rules.external(store, "subject-5", {})
    db.exec "update users set is_active = false where external_id = 'subject-5'"
    assert.is_nil(rules.external(store, "subject-5", {}))
    local real = package.loaded.config
    finally(function()
      package.loaded.config, package.loaded["app.auth.rules"] = real, rules
    end)
    package.loaded.config = setmetatable({ EXTERNAL_USERS = "refuse" }, { __index = real })
    package.loaded["app.auth.rules"] = nil
    local strict = require "app.auth.rules"
    local before = count()
    assert.is_nil(strict.external(store, "subject-6", {}))
    assert.equal(before, count())
  end)
end)
