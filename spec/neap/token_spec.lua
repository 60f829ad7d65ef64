--- Access tokens as requests bring them: who is let in, and what those hear who are not.
local core = require "neap.core"
local json = require "neap.json"
local test = require "neap.test"
local token = require "neap.token"

local TASKS = "/api/v1/tasks"

local function bearer(text)
  return { headers = { authorization = "Bearer " .. text } }
end

--- Status and code of the answer, and its challenge.
local function verdict(res)
  return { res.status, res.json.error and res.json.error.code, res.headers["www-authenticate"] }
end

local MISSING = { 401, "token_missing", "Bearer" }
local INVALID = { 401, "token_invalid", 'Bearer error="invalid_token"' }
local EXPIRED = {
  401, "token_expired", 'Bearer error="invalid_token", error_description="The access token has expired"',
}

describe("a token", function()
  it("has the claims that it was signed with, and ours", function()
    local before = math.floor(core.now())
    local claims = assert(token.verify(token.sign { sub = "7", role = "admin", scope = "a b", sid = "f" }))
    assert.equal("7", claims.sub)
    assert.same({ "admin", "a b", "f" }, { claims.role, claims.scope, claims.sid })
    assert.same({ "neap", "neap" }, { claims.iss, claims.aud })
    assert.is_true(claims.iat >= before and claims.exp == claims.iat + 900)
  end)

  it("is refused when it was changed, is for somebody else, or is past its time", function()
    local text = token.sign { sub = "7" }
    local now = math.floor(core.now())
    assert.same({ nil, "token_invalid" }, { token.verify(text .. "A") })
    assert.same({ nil, "token_invalid" }, { token.verify "" })
    assert.same({ nil, "token_invalid" }, { token.verify(token.sign { sub = "7", iss = "other" }) })
    assert.same({ nil, "token_invalid" }, { token.verify(token.sign { sub = "7", aud = "other" }) })
    assert.same({ nil, "token_expired" }, { token.verify(token.sign { sub = "7", exp = now - 31 }) })
    assert.truthy(token.verify(token.sign { sub = "7", exp = now - 29 }))
  end)
end)

describe("a request", function()
  local user

  before_each(function()
    user = test.user { role = "user" }
  end)

  it("without a token hears that it is missing, and how to bring one", function()
    assert.same(MISSING, verdict(test.get(TASKS)))
    assert.same(MISSING, verdict(test.get(TASKS, { headers = { authorization = "Basic YTpi" } })))
    assert.same(MISSING, verdict(test.get(TASKS, { headers = { cookie = "access_token=; other=1" } })))
  end)

  it("is let in by the header, whatever the case of its scheme", function()
    local text = token.sign { sub = user.id, email = user.email, role = user.role }
    for _, scheme in ipairs { "Bearer ", "bearer ", "BEARER   " } do
      assert.equal(200, test.get(TASKS, { headers = { authorization = scheme .. text } }).status)
    end
  end)

  it("is let in by the cookie", function()
    local text = token.sign { sub = user.id }
    assert.equal(200, test.get(TASKS, { headers = { cookie = "a=b; access_token=" .. text .. "; c=d" } }).status)
  end)

  it("is judged by the header alone when it has both", function()
    local good, old = token.sign { sub = user.id }, token.sign { sub = user.id, exp = math.floor(core.now()) - 60 }
    local both = { headers = { authorization = "Bearer " .. old, cookie = "access_token=" .. good } }
    assert.same(EXPIRED, verdict(test.get(TASKS, both)))
    both = { headers = { authorization = "Bearer " .. good, cookie = "access_token=" .. old } }
    assert.equal(200, test.get(TASKS, both).status)
  end)

  it("with a token that is no good hears which way it is no good", function()
    assert.same(EXPIRED, verdict(test.get(TASKS, bearer(token.sign { sub = user.id, exp = 1000 }))))
    for _, text in ipairs { "x", "a.b.c", token.sign { sub = user.id } .. "x", token.sign { sub = "" } } do
      assert.same(INVALID, verdict(test.get(TASKS, bearer(text))))
    end
    assert.same(INVALID, verdict(test.get(TASKS, { headers = { authorization = "Bearer" } })))
    assert.same(INVALID, verdict(test.get(TASKS, { headers = { authorization = "Bearer  " } })))
  end)

  it("sees only what is its user's", function()
    local other = test.user()
    local mine = token.sign { sub = user.id }
    local res = test.post(TASKS, { title = "mine" }, bearer(mine))
    assert.equal(201, res.status)
    assert.equal(1, test.get(TASKS, bearer(mine)).json.total)
    assert.equal(0, test.get(TASKS, bearer(token.sign { sub = other.id })).json.total)
    assert.equal(404, test.get(TASKS .. "/" .. res.json.id, bearer(token.sign { sub = other.id })).status)
  end)

  it("of a known token is judged anew when its time has come", function()
    -- Verified at its first request and kept; the 30 seconds of leeway are almost over.
    local text = token.sign { sub = user.id, exp = math.floor(core.now()) - 27 }
    local res = test.get(TASKS, bearer(text))
    assert.equal(200, res.status)
    while res.status == 200 do
      core.sleep(0.2)
      res = test.get(TASKS, bearer(text))
    end
    assert.same(EXPIRED, verdict(res))
    assert.same(EXPIRED, verdict(test.get(TASKS, bearer(text))))
  end)

  it("to a route for everybody goes through with a token that is no good", function()
    assert.equal(200, test.get("/health", bearer "nonsense").status)
  end)

  it("is told so in JSON", function()
    local res = test.get(TASKS, bearer "x")
    assert.same({ error = { code = "token_invalid", message = "The access token is not valid" } }, json.decode(res.body))
  end)
end)
