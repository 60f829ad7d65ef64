local answers = require "spec.support.answers"
local config = require "config"
local db = require "neap.db"
local json = require "neap.json"
local machines = require "spec.support.machines"
local rules = require "app.labs.rules"
local test = require "neap.test"
local wb = require "spec.support.workbench"
local work = require "app.work"

local LABS = wb.V1 .. "/labs"
local ann, ben, service, recipe

before_each(function()
  ann, ben, service = test.user(), test.user(), test.user { role = "service" }
  recipe = db.one "insert into recipes (name, software) values ('Shellshock', 'bash') returning id"
end)

local function request(user, body)
  return test.post(LABS, body or { recipe_id = recipe.id }, { as = user or ann })
end

local function finish(id, user)
  return test.post(LABS .. "/" .. id .. "/end", nil, { as = user or ann })
end

local function report(id, body, user)
  return test.patch(LABS .. "/" .. id, body, { as = user or service })
end

local function state(id)
  return wb.value("select status::text as value from labs where id = $1", id)
end

local function put(to)
  local id = wb.made(request()).id
  db.exec([[update labs set status = $2::text::lab_status, failure_reason = case when $2::text = 'failed' then 'no' end,
    finished_at = case when $2::text in ('finished', 'failed') then now() end where id = $1]], id, to)
  return id
end

describe("the machine of labs", function()
  it("has the states of the type", function()
    machines.has_the_states(rules.machine, "labs")
  end)

  describe("by the provisioner", function()
    machines.each_pair(it, rules.machine, {
      by = "report", put = put, state = state, targets = { "provisioning", "ready", "finished", "failed" },
      move = function(id, to)
        return report(id, { status = to, failure_reason = to == "failed" and "no" or nil })
      end,
    })
  end)

  describe("by end", function()
    machines.each_pair(it, rules.machine, {
      by = "end", put = put, state = state, targets = { "ending" },
      move = function(id)
        return finish(id)
      end,
    })
  end)
end)

describe("requesting a lab", function()
  it("answers 202 with where it is, has a job and an event", function()
    local intent = { difficulty = "hard", ports = { 80, 443 }, nested = { on = true } }
    local res = request(ann, { recipe_id = recipe.id, requested_intent = intent })
    assert.equal(202, res.status)
    assert.equal(LABS .. "/" .. res.json.id, res.headers["location"])
    assert.same({ "requested", intent, ann.id, json.null, json.null }, {
      res.json.status, res.json.requested_intent, res.json.owner_id, res.json.failure_reason, res.json.finished_at,
    })
    assert.same(res.json, test.get(res.headers["location"], { as = ann }).json)
    assert.same({ "lab.provision " .. res.json.id }, wb.jobs())
    assert.same({ "lab.requested" }, wb.events(ann))
    assert.matches('"requested_intent":{}', request().body, 1, true)
  end)

  it("needs an active recipe, and an old lab keeps one that no longer is", function()
    local id = wb.made(request()).id
    db.exec("update recipes set is_active = false where id = $1", recipe.id)
    local res = request()
    assert.same({ 409, "recipe_inactive" }, { res.status, res.json.error.code })
    assert.equal("requested", state(id))
    assert.equal(200, report(id, { status = "provisioning" }).status)
    res = request(ann, { recipe_id = wb.UNKNOWN })
    assert.same({ 404, "Recipe not found" }, { res.status, res.json.error.message })
  end)

  it("is 409 labs_limit at so many live ones, until one has ended", function()
    local id
    for _ = 1, config.LABS_MAX_LIVE do
      id = wb.made(request()).id
    end
    local res = request()
    assert.same({ 409, "labs_limit", config.LABS_MAX_LIVE },
      { res.status, res.json.error.code, res.json.error.details.limit })
    assert.equal(202, request(ben).status)
    wb.made(finish(id))
    assert.equal(409, request().status)
    wb.made(report(id, { status = "finished" }))
    assert.equal(202, request().status)
  end)

  it("takes a recipe and an object", function()
    assert.same({ "body.recipe_id required" }, answers.problems(request(ann, json.object {})))
    local bad = { recipe_id = recipe.id, requested_intent = json.array {}, status = "ready", failure_reason = "x" }
    local list = answers.problems(request(ann, bad))
    table.sort(list)
    assert.same({ "body.failure_reason unknown_field", "body.requested_intent type", "body.status unknown_field" }, list)
  end)
end)

describe("the list of labs", function()
  it("has one's own, by status and recipe", function()
    local first, second = put "ready", put "failed"
    wb.made(request(ben))
    assert.equal(2, wb.made(test.get(LABS, { as = ann })).total)
    assert.equal(first, wb.made(test.get(LABS .. "?status=ready", { as = ann })).items[1].id)
    assert.equal(second, wb.made(test.get(LABS .. "?status=failed", { as = ann })).items[1].id)
    assert.equal(2, wb.made(test.get(LABS .. "?recipe_id=" .. recipe.id, { as = ann })).total)
    assert.equal(0, wb.made(test.get(LABS .. "?recipe_id=" .. wb.UNKNOWN, { as = ann })).total)
    assert.same({ "query.status enum" }, answers.problems(test.get(LABS .. "?status=live", { as = ann })))
  end)
end)

describe("what the provisioner tells of a lab", function()
  it("is for services only", function()
    local id = wb.made(request()).id
    assert.equal(403, report(id, { status = "provisioning" }, ann).status)
    assert.equal(404, report(wb.UNKNOWN, { status = "provisioning" }).status)
    assert.equal("requested", state(id))
  end)

  it("reaches the owner as events", function()
    local id = wb.made(request()).id
    for _, status in ipairs { "provisioning", "ready" } do
      assert.equal(status, wb.made(report(id, { status = status })).status)
    end
    wb.made(finish(id))
    assert.is_string(wb.made(report(id, { status = "finished" })).finished_at)
    assert.same({ "lab.requested", "lab.provisioning", "lab.ready", "lab.ending", "lab.finished" }, wb.events(ann))
    assert.same({ "lab.provision " .. id, "lab.end " .. id }, wb.jobs())
  end)

  it("says why exactly when it failed", function()
    local id = wb.made(request()).id
    assert.same({ "body.failure_reason invalid" }, answers.problems(report(id, { status = "failed" })))
    assert.same({ "body.failure_reason invalid" },
      answers.problems(report(id, { status = "provisioning", failure_reason = "x" })))
    assert.equal("no image", wb.made(report(id, { status = "failed", failure_reason = "no image" })).failure_reason)
  end)
end)

describe("labs that are provided for too long", function()
  it("have failed with timeout, and no others", function()
    local slow, fresh, waiting = put "provisioning", put "provisioning", put "requested"
    db.exec "alter table labs disable trigger labs_touch"
    db.exec("update labs set updated_at = now() - interval '16 minutes' where id = any($1)", db.array { slow, waiting })
    db.exec "alter table labs enable trigger labs_touch"
    assert.equal(1, rules.fail_stuck_any(work, 900))
    assert.same({ "failed", "provisioning", "requested" }, { state(slow), state(fresh), state(waiting) })
    assert.equal("timeout", wb.value("select failure_reason as value from labs where id = $1", slow))
    assert.equal(0, rules.fail_stuck_any(work, 900))
  end)
end)
