--- What administrators see and change of accounts.
local config = require "config"
local db = require "neap.db"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

local USERS = config.API_V1_PREFIX .. "/users"
local UNKNOWN = "00000000-0000-4000-8000-000000000000"

local admin, ann

before_each(function()
  admin, ann = test.user { role = "admin", email = "zoe@example.com" }, test.user { email = "ann@example.com" }
end)

local function code(res)
  return ("%d %s"):format(res.status, res.json.error.code)
end

local function patch(user, body)
  return test.patch(USERS .. "/" .. user.id, body, { as = admin })
end

describe("users", function()
  it("are for administrators", function()
    local service = test.user { role = "service" }
    for _, user in ipairs { ann, service } do
      for _, res in ipairs {
        test.get(USERS, { as = user }), test.get(USERS .. "/" .. user.id, { as = user }),
        test.patch(USERS .. "/" .. user.id, { role = "admin" }, { as = user }),
      } do
        assert.equal("403 forbidden", code(res))
      end
    end
    assert.equal(401, test.get(USERS).status)
  end)

  it("are listed, by role, by whether they are active, and by a part of their address", function()
    test.user { role = "service", email = "mia@example.com" }
    local function emails(query)
      local res = test.get(USERS .. query, { as = admin })
      assert.equal(200, res.status, res.body)
      local list = {}
      for i, user in ipairs(res.json.items) do
        list[i] = user.email
      end
      return list, res
    end
    assert.same({ "ann@example.com" }, (emails "?q=ANN@"))
    assert.same({ admin.email }, (emails "?role=admin"))
    patch(ann, { is_active = false })
    local list, res = emails "?is_active=false"
    assert.same({ "ann@example.com" }, list)
    assert.is_nil(res.body:find "password")
    assert.equal(3, select(2, emails "").json.total)
    assert.same({ "ann@example.com", "mia@example.com" }, (emails "?sort=email&page_size=2"))
  end)

  it("are read one by one", function()
    assert.equal("ann@example.com", test.get(USERS .. "/" .. ann.id, { as = admin }).json.email)
    assert.equal("404 not_found", code(test.get(USERS .. "/" .. UNKNOWN, { as = admin })))
  end)

  it("get another role, and only one that there is", function()
    assert.equal("service", patch(ann, { role = "service" }).json.role)
    assert.equal(422, patch(ann, { role = "root" }).status)
    assert.equal(422, patch(ann, { email = "x@example.com" }).status)
    assert.equal("404 not_found", code(patch({ id = UNKNOWN }, { role = "user" })))
  end)

  it("who are not active any more have no session left", function()
    local client = sign_in.client(test)
    local ben = client:register()
    client:sign_in(ben.email)
    assert.is_false(patch(ben, { is_active = false }).json.is_active)
    assert.equal(0, db.one("select count(*) as n from refresh_tokens where user_id = $1 and revoked_at is null", ben.id).n)
    assert.equal("401 token_invalid", code(client:request("POST", sign_in.AUTH .. "/refresh")))
    assert.equal(401, client:sign_in(ben.email).status)
    patch(ben, { is_active = true })
    assert.equal(200, client:sign_in(ben.email).status)
  end)
end)

describe("an administrator", function()
  it("cannot take their own role or account away, and may say what is so already", function()
    for _, body in ipairs { { role = "user" }, { is_active = false }, { role = "service", is_active = true } } do
      assert.equal("409 own_account", code(patch(admin, body)))
    end
    assert.equal(200, patch(admin, { role = "admin", is_active = true }).status)
    assert.same({ role = "admin", is_active = true },
      db.one("select role, is_active from users where id = $1", admin.id))
  end)

  it("whose token is older than the loss of the role or the account changes nothing with it", function()
    local before = test.user { role = "admin" }
    for _, loss in ipairs { { role = "user" }, { is_active = false } } do
      assert.equal(200, patch(before, loss).status)
      for _, try in ipairs {
        { before, { role = "admin", is_active = true } }, { ann, { role = "admin" } }, { admin, { is_active = false } },
      } do
        assert.equal(403, test.patch(USERS .. "/" .. try[1].id, try[2], { as = before }).status)
      end
      assert.equal(200, patch(before, { role = "admin", is_active = true }).status)
    end
    local function role(user)
      return db.one("select role from users where id = $1", user.id).role
    end
    assert.same({ "user", "admin" }, { role(ann), role(admin) })
  end)
end)
