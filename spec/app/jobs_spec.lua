--- What Workbench does beside its requests: sandboxes, git operations and labs come to life, end, or fail.
local boot = require "neap.boot"
local db = require "neap.db"
local jobs = require "neap.jobs"
local test = require "neap.test"

-- Each spec file has modules of its own: the handlers have to be among ours.
boot.load "tool"
require "app.jobs"
local providers = require "app.providers"
local report = require "app.jobs.report"

local V1 = "/api/v1"
local ann, kept

before_each(function()
  ann = test.user()
  test.as(ann)
  kept = { sandbox = providers.sandbox, git = providers.git, lab = providers.lab }
end)

after_each(function()
  for name, provider in pairs(kept) do
    providers[name] = provider
  end
end)

local function created(res)
  assert(res.status == 201 or res.status == 202, res.body)
  return res.json
end

local function post(path, body)
  return created(test.post(V1 .. path, body))
end

local function start_task(more)
  local agent = post("/agents", { name = "Ada", role = "coder" })
  local task = post("/tasks", { title = "Write it" })
  local body = { task_id = task.id }
  for name, value in pairs(more or {}) do
    body[name] = value
  end
  local started = post("/agents/" .. agent.id .. "/start-task", body)
  return agent, task, started.sandbox
end

local function get(path)
  local res = test.get(V1 .. path)
  assert.equal(200, res.status)
  return res.json
end

local function work(kind, outcome)
  local counts = jobs.work_off { kinds = { kind } }
  assert.equal(1, counts[outcome or "succeeded"], kind)
end

-- The events of this user, in their order.
local function events()
  local list = {}
  for i, row in ipairs(db.query("select type from events where user_id = $1 order by id", ann.id)) do
    list[i] = row.type
  end
  return table.concat(list, " ")
end

describe("a started task", function()
  it("has a running sandbox a moment later, and none when it is done; its agent is free", function()
    local agent, task, sandbox = start_task()
    assert.equal("creating", sandbox.status)
    work "sandbox.create"
    assert.equal("running", get("/sandboxes/" .. sandbox.id).status)
    assert.matches("^local%-%x+$", db.one("select provider_ref from sandboxes where id = $1", sandbox.id).provider_ref)
    assert.equal(200, test.post(V1 .. "/tasks/" .. task.id .. "/complete").status)
    assert.equal("idle", get("/agents/" .. agent.id).status)
    work "sandbox.destroy"
    assert.equal("destroyed", get("/sandboxes/" .. sandbox.id).status)
    assert.matches("sandbox.creating .*sandbox.running .*task.completed.* sandbox.destroyed$", events())
  end)

  it("that is completed before its sandbox runs leaves no sandbox behind", function()
    local asked = {}
    providers.sandbox = {
      create = function(request) asked[#asked + 1] = "create " .. request.key return "ref" end,
      destroy = function(request) asked[#asked + 1] = "destroy " .. request.key return true end,
    }
    local _, task, sandbox = start_task()
    local create = providers.sandbox.create
    providers.sandbox.create = function(request)
      assert.equal(200, test.post(V1 .. "/tasks/" .. task.id .. "/complete").status)
      return create(request)
    end
    work "sandbox.create"
    assert.same({ "create " .. sandbox.id, "destroy " .. sandbox.id }, asked)
    assert.equal("destroying", get("/sandboxes/" .. sandbox.id).status)
    work "sandbox.destroy"
    assert.equal("destroyed", get("/sandboxes/" .. sandbox.id).status)
  end)

  it("fails with its sandbox, when the provider has none, and its agent says so", function()
    providers.sandbox = { create = function() return nil, "no room" end }
    local agent, task, sandbox = start_task()
    work "sandbox.create"
    assert.equal("failed", get("/sandboxes/" .. sandbox.id).status)
    assert.equal("failed", get("/tasks/" .. task.id).status)
    assert.equal("error", get("/agents/" .. agent.id).status)
  end)

  it("fails when its sandbox was given up after the last attempt, and administrators are told", function()
    local admin = test.user { role = "admin" }
    local tries = 0
    providers.sandbox = { create = function()
      tries = tries + 1
      error "the provider does not answer"
    end }
    local _, task, sandbox = start_task()
    jobs.work_off { kinds = { "sandbox.create" }, early = true }
    assert.equal(5, tries)
    assert.equal("failed", get("/sandboxes/" .. sandbox.id).status)
    assert.equal("failed", get("/tasks/" .. task.id).status)
    local event = db.one("select type, entity_id, data from events where user_id = $1 and topic = 'jobs'", admin.id)
    assert.same({ "job.dead", "sandbox.create", "dead" }, { event.type, event.data.kind, event.data.status })
    assert.equal(db.one("select finished_at from jobs where id = $1", tonumber(event.entity_id)).finished_at,
      event.data.updated_at)
  end)
end)

describe("a git operation", function()
  local function request(kind, more)
    local _, _, sandbox = start_task(more)
    work "sandbox.create"
    local operation = post("/sandboxes/" .. sandbox.id .. "/git-operations", { operation_type = kind })
    work "git.run"
    return get("/git-operations/" .. operation.id), sandbox
  end

  it("succeeds with its commit", function()
    local operation = request "commit"
    assert.equal("succeeded", operation.status)
    assert.matches("^%x+$", operation.commit_sha)
    assert.equal(40, #operation.commit_sha)
    assert.matches("git_operation.pending .*git_operation.running .*git_operation.succeeded", events())
  end)

  it("fails with a reason where there is nothing to work on", function()
    local operation = request "push"
    assert.same({ "failed", "push: the sandbox has no repository" }, { operation.status, operation.error_message })
    assert.equal("succeeded", request("push", { repo_url = "https://example.com/a.git" }).status)
  end)
end)

describe("a lab", function()
  local function request()
    local recipe = db.one(
      "insert into recipes (name, software) values ($1, 'openssl') returning id", "recipe of " .. ann.id)
    return post("/labs", { recipe_id = recipe.id, requested_intent = {} })
  end

  it("is ready a moment later, and finished when its user ends it", function()
    local lab = request()
    work "lab.provision"
    assert.equal("ready", get("/labs/" .. lab.id).status)
    post("/labs/" .. lab.id .. "/end")
    work "lab.end"
    assert.equal("finished", get("/labs/" .. lab.id).status)
    assert.matches("lab.requested lab.provisioning lab.ready lab.ending lab.finished$", events())
  end)

  it("that its user gave up is taken down when it is ready", function()
    local finished = {}
    local lab
    providers.lab = {
      provision = function()
        post("/labs/" .. lab.id .. "/end")
        return true
      end,
      finish = function(asked) finished[#finished + 1] = asked.key return true end,
    }
    lab = request()
    work "lab.provision"
    assert.same({ lab.id }, finished)
    assert.equal("ending", get("/labs/" .. lab.id).status)
  end)

  it("that is provisioned for more than a quarter of an hour has failed", function()
    local lab = request()
    db.exec("alter table labs disable trigger labs_touch")
    db.exec("update labs set status = 'provisioning', updated_at = now() - interval '16 minutes' where id = $1", lab.id)
    db.exec("alter table labs enable trigger labs_touch")
    local handler = require("neap.jobs.handlers").by_kind["every.labs.stuck"]
    handler.fn()
    local failed = get("/labs/" .. lab.id)
    assert.same({ "failed", "timeout" }, { failed.status, failed.failure_reason })
  end)
end)

describe("every sweep", function()
  it("has its period, and runs", function()
    local by_kind, periods = require("neap.jobs.handlers").by_kind, {}
    for _, name in ipairs { "events", "refresh_tokens", "idempotency_keys" } do
      local handler = by_kind[("every.%s.sweep"):format(name)]
      handler.fn()
      periods[name] = handler.period
    end
    assert.same({ events = 900, refresh_tokens = 3600, idempotency_keys = 3600 }, periods)
  end)

  it("of sign-ins removes what has expired", function()
    db.exec([[insert into refresh_tokens (user_id, family_id, token_hash, issued_at, expires_at) values
      ($1, gen_random_uuid(), sha256('old'), now() - interval '2 days', now() - interval '1 day'),
      ($1, gen_random_uuid(), sha256('new'), now() - interval '2 days', now() + interval '1 day')]], ann.id)
    require("neap.jobs.handlers").by_kind["every.refresh_tokens.sweep"].fn()
    assert.equal(1, db.one("select count(*) as n from refresh_tokens where user_id = $1", ann.id).n)
  end)
end)

describe("the sweep of events", function()
  it("removes what is older than a day", function()
    db.exec [[insert into events (topic, type, created_at) values
      ('tasks', 'old', now() - interval '25 hours'), ('tasks', 'new', now() - interval '23 hours')]]
    require("neap.jobs.handlers").by_kind["every.events.sweep"].fn()
    local left = db.query "select type from events where type in ('old', 'new')"
    assert.same({ 1, "new" }, { #left, left[1].type })
  end)
end)

describe("a provider's reason", function()
  it("is one line of text that the tables take, whatever it says", function()
    for said, told in pairs {
      ["no\nroom \t left"] = "no room left", ["caf\xe9\0"] = "caf??", [("x"):rep(499) .. "\u{e4}"] = ("x"):rep(499),
    } do
      assert.equal(told, report.reason(said))
    end
  end)
end)
