--- Tokens at the door of a service: what each caller may see, keys that change, and issuers besides ourselves.
local core = require "neap.core"
local edges = require "spec.support.edges"
local json = require "neap.json"
local scratch = require "neap.test.scratch"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local DIR = core.app_dir .. "/spec/fixtures/tokens"
local FAR = 4102444800
local KEY, OLD_KEY, SHARED = ("key of now "):rep(3), ("key of then "):rep(3), ("shared key "):rep(3)

local function start(env)
  return edges.start { dir = DIR, env = env }
end

local function get(server, path, text, more)
  local headers = more or {}
  if text then
    headers[#headers + 1] = "Authorization: Bearer " .. text
  end
  return wire.exchange(server, wire.request("GET " .. path, headers))
end

local function sign(server, claims)
  local res = wire.exchange(server, wire.request("POST /sign", { "Content-Type: application/json" }, json.encode(claims)))
  assert.equal(200, res.status)
  return res.json.token
end

local function code(res)
  return res.status .. " " .. (res.json.error and res.json.error.code or "")
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(bytes)
  local text = bytes:gsub("..?.?", function(three)
    local a, b, c = three:byte(1, 3)
    local bits, out = a << 16 | (b or 0) << 8 | (c or 0), {}
    for i = 1, #three + 1 do
      local digit = (bits >> (24 - 6 * i) & 63) + 1
      out[i] = DIGITS:sub(digit, digit)
    end
    return table.concat(out)
  end)
  return text
end

local function openssl(...)
  local status, out, problem = sys.exec({ "openssl", ... })
  assert(status == 0, problem)
  return out
end

--- An RSA key in a file, and its public half as a JWK.
local function rsa_key(folder, kid)
  local path = ("%s/%s.pem"):format(folder, kid)
  openssl("genrsa", "-out", path, "2048")
  local modulus = openssl("rsa", "-in", path, "-noout", "-modulus"):match "Modulus=(%x+)"
  local bytes = modulus:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)
  return path, { kty = "RSA", use = "sig", alg = "RS256", kid = kid, n = base64url(bytes), e = "AQAB" }
end

local function rs256(path, kid, claims)
  local input = base64url(json.encode { alg = "RS256", kid = kid }) .. "." .. base64url(json.encode(claims))
  local file = path .. ".input"
  assert(sys.write_file(file, input))
  return input .. "." .. base64url(openssl("dgst", "-sha256", "-sign", path, "-binary", file))
end

local function hs256(secret, claims)
  local input = base64url(json.encode { alg = "HS256" }) .. "." .. base64url(json.encode(claims))
  local file = scratch.folder() .. "/input"
  assert(sys.write_file(file, input))
  return input .. "." .. base64url(openssl("dgst", "-sha256", "-hmac", secret, "-binary", file))
end

describe("a caller with a token of ours", function()
  local server

  setup(function()
    server = start { SECRET_KEY = KEY }
  end)

  teardown(function()
    edges.finish(server)
  end)

  it("is shown to the handler as the token says", function()
    local text = sign(server, { sub = "7", email = "a@b.c", role = "admin", scope = "x y", sid = "f", exp = FAR })
    assert.same({
      id = "7", email = "a@b.c", role = "admin", scopes = { "x", "y" }, session = "f", expires_at = FAR,
    }, get(server, "/me", text).json.user)
    assert.same("7", get(server, "/public", text).json.user.id)
    assert.is_nil(get(server, "/public", text .. "x").json.user)
    assert.is_nil(get(server, "/public").json.user)
  end)

  it("may go where its role and its scopes reach", function()
    local user, admin, service = sign(server, { sub = "u" }), sign(server, { sub = "a", role = "admin" }),
      sign(server, { sub = "s", role = "service", scope = "b c a" })
    assert.same({ "200 ", "403 forbidden", "403 forbidden", "403 forbidden" }, {
      code(get(server, "/me", user)), code(get(server, "/admin", user)), code(get(server, "/service", user)),
      code(get(server, "/scoped", user)),
    })
    assert.same({ "200 ", "403 forbidden" }, { code(get(server, "/admin", admin)), code(get(server, "/service", admin)) })
    assert.same({ "200 ", "200 " }, { code(get(server, "/service", service)), code(get(server, "/scoped", service)) })
    assert.equal('Bearer error="insufficient_scope", scope="a b"', get(server, "/scoped", user).headers["www-authenticate"])
    assert.is_nil(get(server, "/admin", user).headers["www-authenticate"])
  end)

  it("has its user in the access line, and no token is ever in the log", function()
    local text = sign(server, { sub = "somebody" })
    get(server, "/me", text)
    get(server, "/me", text .. "x")
    local seen = false
    assert.is_true(edges.eventually(function()
      for _, line in ipairs(server:logs()) do
        seen = seen or line.user_id == "somebody"
      end
      return seen
    end))
    assert.is_nil(server:log_text():find(text, 1, true))
    assert.is_nil(server:log_text():find(KEY, 1, true))
  end)

  it("with two Authorization lines is nobody's", function()
    local text = sign(server, { sub = "u" })
    local res = get(server, "/me", text, { "Authorization: Bearer " .. text })
    assert.equal("400 bad_request", code(res))
  end)

  it("uploads only when it is known: a stranger hears so at once, and 100 Continue is for callers", function()
    local head = { "Content-Type: application/json", "Content-Length: 50000000", "Expect: 100-continue" }
    local conn = wire.open(server)
    conn:write(wire.request("POST /upload", head))
    local res = conn:answer()
    assert.equal("401 token_missing", code(res))
    assert.equal("close", res.headers.connection)
    conn:close()
    conn = wire.open(server)
    head[#head + 1] = "Authorization: Bearer " .. sign(server, { sub = "u" })
    conn:write(wire.request("POST /upload", head))
    assert.equal(100, conn:head().status)
    conn:close()
  end)
end)

describe("a key that is changed", function()
  it("leaves those signed in who were, until their tokens end or the key goes", function()
    local before = start { SECRET_KEY = OLD_KEY }
    local text = sign(before, { sub = "u" })
    edges.finish(before)

    local after = start { SECRET_KEY = KEY, SECRET_KEY_PREVIOUS = OLD_KEY }
    assert.equal("200 ", code(get(after, "/me", text)))
    local fresh = sign(after, { sub = "u" })
    edges.finish(after)

    local last = start { SECRET_KEY = KEY }
    assert.equal("401 token_invalid", code(get(last, "/me", text)))
    assert.equal("200 ", code(get(last, "/me", fresh)))
    edges.finish(last)
  end)
end)

describe("another issuer", function()
  local folder, path, jwk, claims

  local function token(more)
    local all = {}
    for name, value in pairs(claims) do
      all[name] = value
    end
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return rs256(path, jwk.kid, all)
  end

  setup(function()
    folder = scratch.folder()
    path, jwk = rsa_key(folder, "r1")
    claims = { sub = "ann", iss = "https://issuer.example", aud = "api", exp = FAR }
  end)

  it("with keys in a file has its subjects named once, by the application", function()
    assert(sys.write_file(folder .. "/jwks.json", json.encode { keys = { jwk } }))
    local server = start {
      JWKS_FILE = folder .. "/jwks.json", AUTH_ISSUER = "https://issuer.example", AUTH_AUDIENCE = "api",
    }
    local text = token()
    for _ = 1, 3 do
      local user = get(server, "/me", text).json.user
      assert.same({ "11111111-1111-4111-8111-111111111111", "ann@example.com", "user", "https://issuer.example" },
        { user.id, user.email, user.role, user.issuer })
    end
    assert.equal(1, get(server, "/seen").json.lookups)
    -- What the token says of roles and scopes is not ours to believe.
    assert.equal("403 forbidden", code(get(server, "/admin", token { role = "admin", n = 1 })))
    assert.equal("403 forbidden", code(get(server, "/admin", token { role = "admin", n = 1 })))
    assert.equal("403 forbidden", code(get(server, "/scoped", token { scope = "a b" })))
    local root = token { sub = "root" }
    for _ = 1, 2 do
      assert.equal("200 ", code(get(server, "/admin", root)))
      assert.equal("200 ", code(get(server, "/scoped", root)))
    end
    assert.equal("401 token_invalid", code(get(server, "/me", token { sub = "stranger" })))
    assert.is_nil(get(server, "/public", token { sub = "stranger" }).json.user)
    assert.equal("401 token_invalid", code(get(server, "/me", token { iss = "https://other.example" })))
    assert.equal("401 token_invalid", code(get(server, "/me", token { aud = "other" })))
    assert.equal("401 token_expired", code(get(server, "/me", token { exp = 1000 })))
    edges.finish(server)
  end)

  it("that publishes its keys is asked for them at the start, and for one that is new", function()
    local published = folder .. "/published.json"
    assert(sys.write_file(published, json.encode { keys = { jwk } }))
    local issuer = start { PUBLISHED = published }
    local server = start {
      JWKS_URL = ("http://127.0.0.1:%d/jwks"):format(issuer.port), AUTH_ISSUER = "https://issuer.example",
      AUTH_AUDIENCE = "api",
    }
    assert.is_true(edges.eventually(function()
      return code(get(server, "/me", token())) == "200 "
    end))
    assert.equal(1, get(issuer, "/seen").json.fetches)
    -- Made-up names of keys do not make us ask all the time.
    local _, other = rsa_key(folder, "r2")
    local unknown = rs256(folder .. "/r2.pem", "r2", claims)
    assert.equal("401 token_invalid", code(get(server, "/me", unknown)))
    assert.equal(1, get(issuer, "/seen").json.fetches)
    edges.finish(server)

    -- A service that starts before its issuer has the new key: told to come again while it is fetched.
    assert(sys.write_file(published, json.encode { keys = { jwk, other } }))
    server = start {
      JWKS_URL = ("http://127.0.0.1:%d/jwks"):format(issuer.port), AUTH_ISSUER = "https://issuer.example",
      AUTH_AUDIENCE = "api",
    }
    assert.is_true(edges.eventually(function()
      local res = get(server, "/me", unknown)
      assert.is_true(res.status == 200 or res.status == 503 and res.headers["retry-after"] == "1")
      return res.status == 200
    end))
    edges.finish(server)
    edges.finish(issuer)
  end)

  it("keeps its keys when the code is loaded anew, and others take their place with another URL", function()
    assert(sys.write_file(folder .. "/one.json", json.encode { keys = { jwk } }))
    local issuer = start { PUBLISHED = folder .. "/one.json" }
    local dir = scratch.folder()
    local function write_env(path_)
      assert(sys.write_file(dir .. "/.env", ("JWKS_URL=http://127.0.0.1:%d%s\n"):format(issuer.port, path_)))
    end
    assert(sys.mkdir(dir .. "/lua/app"))
    for _, name in ipairs { "config.lua", "lua/app/init.lua" } do
      assert(sys.write_file(dir .. "/" .. name, sys.read_file(DIR .. "/" .. name)))
    end
    write_env "/jwks"
    local server = edges.start { dir = dir, env = { AUTH_ISSUER = "https://issuer.example", AUTH_AUDIENCE = "api" } }
    local function is_let_in()
      return get(server, "/me", token()).status == 200
    end
    local function reload(times)
      server:signal "HUP"
      assert.is_true(edges.eventually(function()
        local n = 0
        for _, line in ipairs(server:logs()) do
          n = n + (line.message == "loaded" and 1 or 0)
        end
        return n == times
      end))
    end
    assert.is_true(edges.eventually(is_let_in))
    reload(1)
    assert.is_true(is_let_in())
    assert.equal(1, get(issuer, "/seen").json.fetches)
    write_env "/nothing"
    reload(2)
    assert.equal(503, get(server, "/me", token()).status)
    write_env "/jwks"
    reload(3)
    assert.is_true(edges.eventually(is_let_in))
    edges.finish(server)
    edges.finish(issuer)
  end)

  it("that shares a secret needs no key set", function()
    local server = start { BETTER_AUTH_SECRET = SHARED }
    local user = get(server, "/me", hs256(SHARED, { sub = "ann", exp = FAR })).json.user
    assert.same({ "ann@example.com", "unnamed" }, { user.email, user.issuer })
    assert.equal("401 token_invalid", code(get(server, "/me", hs256(KEY, { sub = "ann", exp = FAR }))))
    assert.equal("401 token_invalid", code(get(server, "/me", hs256(SHARED, { sub = "7", exp = FAR }))))
    edges.finish(server)
  end)
end)

describe("passwords", function()
  it("that are hashed when the service stops are hashed to the end", function()
    local server = start { BCRYPT_COST = "12" }
    local conn = wire.open(server)
    conn:write(wire.request("POST /hash", { "Content-Type: application/json" }, '{"password":"correct horse"}'))
    assert(edges.eventually(function()
      return edges.counts(server).tasks > 1
    end))
    server:stop()
    assert.equal(60, #conn:answer().json.hash)
    conn:close()
  end)
end)
