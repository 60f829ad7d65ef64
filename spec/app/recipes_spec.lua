local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local RECIPES = wb.V1 .. "/recipes"
local admin, ann

before_each(function()
  admin, ann = test.user { role = "admin" }, test.user()
end)

local function create(fields, user)
  return test.post(RECIPES, fields, { as = user or admin })
end

local function recipe(fields)
  local all = { name = "Apache " .. tostring(fields), software = "httpd" }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return wb.made(create(all))
end

local function patch(id, body, user)
  return test.patch(RECIPES .. "/" .. id, body, { as = user or admin })
end

local function names(query, user)
  local list = {}
  for i, item in ipairs(wb.made(test.get(RECIPES .. query, { as = user or ann })).items) do
    list[i] = item.name
  end
  return list
end

describe("recipes", function()
  it("are made by administrators, with 201 and a Location that everybody reads", function()
    local fields = {
      name = "Path traversal", description = "CVE-2021-41773", software = "httpd", version_constraint = "=2.4.49",
      exploit_family = "traversal",
    }
    local res = create(fields)
    assert.equal(201, res.status)
    for name, value in pairs(fields) do
      assert.equal(value, res.json[name])
    end
    assert.is_true(res.json.is_active)
    assert.equal(RECIPES .. "/" .. res.json.id, res.headers["location"])
    assert.same(res.json, test.get(res.headers["location"], { as = ann }).json)
    assert.equal(json.null, recipe { name = "bare" }.description)
  end)

  it("are written by nobody else", function()
    local id = recipe { name = "mine" }.id
    for _, user in ipairs { ann, test.user { role = "service" } } do
      assert.equal(403, create({ name = "x", software = "y" }, user).status)
      assert.equal(403, patch(id, { name = "x" }, user).status)
      assert.equal(403, test.delete(RECIPES .. "/" .. id, { as = user }).status)
    end
    assert.equal(401, test.get(RECIPES, { as = false }).status)
    assert.equal("mine", wb.value("select name as value from recipes where id = $1", id))
  end)

  it("have a name of their own, in whatever case", function()
    local first, second = recipe { name = "Shellshock" }, recipe { name = "Heartbleed" }
    local again = create { name = "shellSHOCK", software = "bash" }
    for _, res in ipairs { again, patch(second.id, { name = " SHELLSHOCK " }) } do
      assert.equal(409, res.status)
      assert.same({ { field = "body.name", code = "taken", message = "is taken already" } }, res.json.error.details)
    end
    assert.equal("SHELLSHOCK", wb.made(patch(first.id, { name = "SHELLSHOCK" })).name)
  end)

  it("are checked field by field", function()
    local found = answers.problems(create {
      name = "  ", exploit_family = ("x"):rep(101), version_constraint = ("x"):rep(101), is_active = "yes",
      created_at = "2026-01-01T00:00:00Z",
    })
    table.sort(found)
    assert.same({
      "body.created_at unknown_field", "body.exploit_family too_long", "body.is_active type", "body.name too_short",
      "body.software required", "body.version_constraint too_long",
    }, found)
    assert.same({ "body.software null_not_allowed" }, answers.problems(patch(recipe {}.id, { software = json.null })))
  end)

  it("are changed field by field, and deactivated", function()
    local made = recipe { name = "one", description = "d" }
    local res = patch(made.id, { description = json.null, is_active = false })
    assert.same({ 200, "one", json.null, false }, { res.status, res.json.name, res.json.description, res.json.is_active })
    assert.equal(404, patch(wb.UNKNOWN, { name = "x" }).status)
    assert.equal(200, test.get(RECIPES .. "/" .. made.id, { as = ann }).status)
  end)

  it("are listed by name, the active ones unless told otherwise", function()
    recipe { name = "b", software = "nginx", exploit_family = "rce" }
    recipe { name = "a", software = "httpd", exploit_family = "rce" }
    recipe { name = "c", software = "httpd", exploit_family = "xss", is_active = false }
    assert.same({ "a", "b" }, names "")
    assert.same({ "b", "a" }, names "?sort=-name")
    assert.same({ "a" }, names "?software=httpd")
    assert.same({ "c" }, names "?is_active=false")
    assert.same({}, names "?exploit_family=xss")
    assert.same({ "query.is_active type" }, answers.problems(test.get(RECIPES .. "?is_active=maybe", { as = ann })))
  end)

  it("are deleted while there are no labs of them, and in_use afterwards", function()
    local one, two = recipe { name = "one" }, recipe { name = "two" }
    assert.equal(204, test.delete(RECIPES .. "/" .. one.id, { as = admin }).status)
    assert.equal(404, test.delete(RECIPES .. "/" .. one.id, { as = admin }).status)
    db.exec("insert into labs (owner_id, recipe_id) values ($1, $2)", ann.id, two.id)
    local res = test.delete(RECIPES .. "/" .. two.id, { as = admin })
    assert.same({ 409, "in_use" }, { res.status, res.json.error.code })
    assert.equal(200, patch(two.id, { is_active = false }).status)
  end)
end)
