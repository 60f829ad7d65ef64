--- `neap user`, on a database of its own.
local core = require "neap.core"
local core_os = require "neap.core.os"
local json = require "neap.json"
local password = require "neap.password"
local scratch = require "neap.test.scratch"
local test = require "neap.test"

local database, env

setup(function()
  database = test.scratch_database { migrate = true }
  env = {
    PATH = os.getenv "PATH", HOME = os.getenv "HOME", NEAP_HOME = os.getenv "NEAP_HOME",
    ASAN_OPTIONS = os.getenv "ASAN_OPTIONS",
    DATABASE_URL = database.url, SECRET_KEY = "0123456789abcdef0123456789abcdef", BCRYPT_COST = "4",
  }
end)

teardown(function()
  database:drop()
end)

local function neap_user(...)
  return core_os.exec { core.program, "user", cwd = core.app_dir, env = env, ... }
end

local function with_input(input, ...)
  return core_os.exec { core.program, "user", cwd = core.app_dir, env = env, stdin_data = input, ... }
end

local function users()
  local code, out, problem = neap_user("list", "--json")
  assert.equal(0, code, problem)
  local by_email = {}
  for _, user in ipairs(json.decode(out)) do
    by_email[user.email] = user
  end
  return by_email
end

local function psql(text)
  local _, out = core_os.exec { "psql", "-XAtq", "-d", database.url, "-c", text }
  return (out:gsub("\n$", ""))
end

local function base64url(bytes)
  local _, text = core_os.exec { "openssl", "base64", "-A", stdin_data = bytes, env = env }
  return (text:gsub("[+/=\n]", { ["+"] = "-", ["/"] = "_", ["="] = "", ["\n"] = "" }))
end

describe("neap user", function()
  it("makes the first administrator, with a password that it prints once", function()
    local code, out, said = neap_user("create", "Root@Example.com", "--role", "admin")
    assert.equal(0, code, said)
    assert.equal("admin", users()["root@example.com"].role)
    local made_up = out:gsub("\n$", "")
    assert.equal(30, #made_up)
    assert.is_true((password.verify(made_up, psql "select password_hash from users where email = 'root@example.com'")))
    local again, _, why = neap_user("create", "root@example.com")
    assert.equal(1, again)
    assert.matches("there is a user root@example.com already", why, 1, true)
  end)

  it("takes a password from stdin, of the length that signing up takes", function()
    local code, out = with_input("correct horse battery\n", "create", "ann@example.com", "--password-stdin")
    assert.same({ 0, "" }, { code, out })
    assert.is_true((password.verify("correct horse battery",
      psql "select password_hash from users where email = 'ann@example.com'")))
    local short, _, why = with_input("short\n", "password", "ann@example.com", "--password-stdin")
    assert.equal(1, short)
    assert.matches("at least 12 characters", why, 1, true)
  end)

  it("sets a password, which ends all sessions", function()
    neap_user("create", "ben@example.com")
    psql [[insert into refresh_tokens (user_id, family_id, token_hash, expires_at)
      select id, gen_random_uuid(), sha256('x'), now() + interval '1 day' from users where email = 'ben@example.com']]
    local code, out = neap_user("password", "ben@example.com")
    assert.equal(0, code)
    assert.equal(31, #out)
    assert.equal("1", psql "select count(*) from refresh_tokens where revoked_at is not null")
  end)

  it("changes a role", function()
    neap_user("create", "cleo@example.com")
    assert.equal(0, (neap_user("role", "cleo@example.com", "service")))
    assert.equal("service", users()["cleo@example.com"].role)
  end)

  it("signs a token, that is the user's and over after its time", function()
    neap_user("create", "dan@example.com", "--role", "service")
    local code, out, said = neap_user("token", "dan@example.com", "--ttl", "60")
    assert.equal(0, code, said)
    assert.matches("^[%w_-]+%.[%w_-]+%.[%w_-]+\n$", out)
    psql "update users set is_active = false where email = 'dan@example.com'"
    assert.equal(1, (neap_user("token", "dan@example.com")))
  end)

  it("signs with the key that neap dev made when there is no other, and not without one", function()
    local made = ("made for this spec "):rep(2)
    local folder = scratch.folder()
    assert.equal(0, (core_os.exec { core.program, "new", "shop", cwd = folder, env = env }))
    neap_user("create", "eve@example.com")
    env.SECRET_KEY = nil
    finally(function() env.SECRET_KEY = "0123456789abcdef0123456789abcdef" end)
    local function sign()
      return core_os.exec { core.program, "user", "token", "eve@example.com", cwd = folder .. "/shop", env = env }
    end
    assert.equal(78, (sign()))
    assert(core_os.mkdir(folder .. "/shop/.neap"))
    assert(core_os.write_file(folder .. "/shop/.neap/secret", made, 384))
    local code, out, said = sign()
    assert.equal(0, code, said)
    local signed, signature = out:match "^(.*)%.([%w_-]+)\n$"
    local _, mac = core_os.exec { "openssl", "dgst", "-sha256", "-hmac", made, "-binary", stdin_data = signed, env = env }
    assert.equal(signature, base64url(mac))
  end)

  it("says what is wrong with its arguments, with 64, and who is not there", function()
    for _, argv in ipairs {
      {}, { "make" }, { "create" }, { "role", "ann@example.com" }, { "role", "ann@example.com", "root" },
      { "create", "a@example.com", "--role", "root" }, { "token", "root@example.com", "--ttl", "soon" },
    } do
      assert.equal(64, (neap_user(table.unpack(argv))), table.concat(argv, " "))
    end
    local code, _, why = neap_user("role", "nobody@example.com", "admin")
    assert.equal(1, code)
    assert.matches("there is no user nobody@example.com", why, 1, true)
    code, _, why = neap_user("create", "no-address")
    assert.equal(1, code)
    assert.matches("no-address is not an e-mail address", why, 1, true)
  end)
end)
