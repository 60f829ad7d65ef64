local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local machines = require "spec.support.machines"
local rules = require "app.sandboxes.rules"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local SANDBOXES = wb.V1 .. "/sandboxes"
local ann, ben, service

before_each(function()
  ann, ben, service = test.user(), test.user(), test.user { role = "service" }
end)

local function create(user, body)
  return test.post(SANDBOXES, body or { agent_id = wb.agent(user).id, task_id = wb.task(user).id }, { as = user })
end

local function report(id, body, user)
  return test.patch(SANDBOXES .. "/" .. id, body, { as = user or service })
end

local function state(id)
  return wb.value("select status as value from sandboxes where id = $1", id)
end

local function put(to)
  local id = wb.made(create(ann)).id
  db.exec([[update sandboxes set status = $2::text, destroyed_at = case when $2::text = 'destroyed' then now() end
    where id = $1]], id, to)
  return id
end

describe("the machine of sandboxes", function()
  it("has the states of the column", function()
    machines.has_the_states(rules.machine, "sandboxes")
  end)

  describe("by the provider", function()
    machines.each_pair(it, rules.machine, {
      by = "report", put = put, state = state, targets = { "running", "failed", "destroyed" },
      move = function(id, to)
        return report(id, { status = to })
      end,
    })
  end)

  describe("by DELETE", function()
    machines.each_pair(it, rules.machine, {
      by = "destroy", put = put, state = state, targets = { "destroying" },
      move = function(id)
        return test.delete(SANDBOXES .. "/" .. id, { as = ann })
      end,
    })
  end)
end)

describe("making a sandbox", function()
  it("answers 202 with where it is, has a job and an event, and starts nothing", function()
    local agent, task = wb.agent(ann), wb.task(ann)
    local res = create(ann, { agent_id = agent.id, task_id = task.id, repo_url = "https://example.com/a.git",
      branch_name = "main" })
    assert.equal(202, res.status)
    assert.equal(SANDBOXES .. "/" .. res.json.id, res.headers["location"])
    assert.same(res.json, test.get(res.headers["location"], { as = ann }).json)
    assert.same({ "creating", "https://example.com/a.git", "main", json.null },
      { res.json.status, res.json.repo_url, res.json.branch_name, res.json.destroyed_at })
    assert.same({ "sandbox.create " .. res.json.id }, wb.jobs())
    assert.same({ "sandbox.creating" }, wb.events(ann, "sandboxes"))
    assert.equal("idle", test.get(wb.V1 .. "/agents/" .. agent.id, { as = ann }).json.status)
    assert.equal("pending", test.get(wb.V1 .. "/tasks/" .. task.id, { as = ann }).json.status)
  end)

  it("is 409 agent_busy when the agent has a live one", function()
    local agent = wb.agent(ann)
    local first = wb.made(create(ann, { agent_id = agent.id, task_id = wb.task(ann).id })).id
    local res = create(ann, { agent_id = agent.id, task_id = wb.task(ann).id })
    assert.same({ 409, "agent_busy" }, { res.status, res.json.error.code })
    wb.made(test.delete(SANDBOXES .. "/" .. first, { as = ann }))
    assert.equal(202, create(ann, { agent_id = agent.id, task_id = wb.task(ann).id }).status)
  end)

  it("needs an agent and a task of one's own", function()
    local res = create(ann, { agent_id = wb.agent(ben).id, task_id = wb.task(ann).id })
    assert.same({ 404, "Agent not found" }, { res.status, res.json.error.message })
    res = create(ann, { agent_id = wb.agent(ann).id, task_id = wb.task(ben).id })
    assert.same({ 404, "Task not found" }, { res.status, res.json.error.message })
    assert.same({ "body.status unknown_field", "body.agent_id required", "body.task_id required" },
      answers.problems(create(ann, { status = "running" })))
  end)

  it("takes the addresses that git takes, and no others", function()
    local agent, task = wb.agent(ann), wb.task(ann)
    for _, url in ipairs { "http://a/b", "ssh://git@a/b", "git://a/b", "git@a:b.git" } do
      local res = create(ann, { agent_id = agent.id, task_id = task.id, repo_url = url })
      assert.equal(202, res.status, res.body)
      db.exec("delete from sandboxes where id = $1", res.json.id)
    end
    for _, url in ipairs { "", "file:///etc", "a/b", "https:// x", "ext::sh -c id", "-uhttps://a" } do
      local res = create(ann, { agent_id = agent.id, task_id = task.id, repo_url = url })
      assert.same({ "body.repo_url pattern" }, answers.problems(res), url)
    end
  end)
end)

describe("the list of sandboxes", function()
  it("has one's own, by status, agent and task", function()
    local run, other = wb.started(ann), wb.started(ann)
    wb.started(ben)
    db.exec("update sandboxes set status = 'running' where id = $1", other.sandbox.id)
    local function ids(query)
      local list = {}
      for i, item in ipairs(wb.made(test.get(SANDBOXES .. query, { as = ann })).items) do
        list[i] = item.id
      end
      return list
    end
    assert.equal(2, #ids "")
    assert.same({ other.sandbox.id }, ids "?status=running")
    assert.same({ run.sandbox.id }, ids("?agent_id=" .. run.agent.id))
    assert.same({ other.sandbox.id }, ids("?task_id=" .. other.task.id))
    assert.same({}, ids("?status=failed"))
    assert.same({ "query.owner unknown_field" }, answers.problems(test.get(SANDBOXES .. "?owner=1", { as = ann })))
  end)
end)

describe("what the provider tells", function()
  it("is for services only", function()
    local id = wb.made(create(ann)).id
    assert.equal(403, report(id, { status = "running" }, ann).status)
    assert.equal(401, test.patch(SANDBOXES .. "/" .. id, { status = "running" }, { as = false }).status)
    assert.equal(404, report("sbx_none", { status = "running" }).status)
    assert.equal("creating", state(id))
  end)

  it("comes with its own name for it, and as an event to the owner", function()
    local id = wb.made(create(ann)).id
    local res = report(id, { status = "running", provider_ref = "vm-7" })
    assert.same({ 200, "running" }, { res.status, res.json.status })
    assert.equal("vm-7", wb.value("select provider_ref as value from sandboxes where id = $1", id))
    assert.same({ "sandbox.creating", "sandbox.running" }, wb.events(ann, "sandboxes"))
    wb.made(test.delete(SANDBOXES .. "/" .. id, { as = ann }))
    assert.equal("vm-7", wb.value "select payload->>'provider_ref' as value from jobs where kind = 'sandbox.destroy'")
    res = report(id, { status = "destroyed" })
    assert.is_string(res.json.destroyed_at)
  end)

  it("may not be what only the owner decides, nor carry what is not the provider's", function()
    local id = wb.made(create(ann)).id
    assert.same({ "body.status enum" }, answers.problems(report(id, { status = "destroying" })))
    assert.same({ "body.destroyed_at unknown_field", "body.status required" },
      answers.problems(report(id, { destroyed_at = "2026-01-01T00:00:00Z" })))
  end)

  it("when it failed under an agent, task and agent have failed with it", function()
    local run = wb.started(ann)
    wb.made(report(run.sandbox.id, { status = "failed" }))
    assert.equal("failed", wb.value("select status as value from tasks where id = $1", run.task.id))
    local agent = db.one("select status, current_task_id, sandbox_id from agents where id = $1", run.agent.id)
    assert.same({ "error", nil, nil }, { agent.status, agent.current_task_id, agent.sandbox_id })
    assert.same({ "task.created", "task.started", "task.failed" }, wb.events(ann, "tasks"))
    assert.same({ "agent.created", "agent.working", "agent.error" }, wb.events(ann, "agents"))
    assert.equal(200, test.patch(wb.V1 .. "/agents/" .. run.agent.id, { status = "idle" }, { as = ann }).status)
  end)

  it("when it failed without an agent at work in it, nothing else has", function()
    local agent, task = wb.agent(ann), wb.task(ann)
    local id = wb.made(create(ann, { agent_id = agent.id, task_id = task.id })).id
    wb.made(report(id, { status = "failed" }))
    assert.equal("pending", wb.value("select status as value from tasks where id = $1", task.id))
    local run = wb.started(ann)
    wb.made(test.post(wb.V1 .. "/tasks/" .. run.task.id .. "/complete", nil, { as = ann }))
    wb.made(report(run.sandbox.id, { status = "failed" }))
    assert.equal("completed", wb.value("select status as value from tasks where id = $1", run.task.id))
    assert.equal("idle", wb.value("select status as value from agents where id = $1", run.agent.id))
  end)

  it("that comes too late changes nothing at all", function()
    local run = wb.started(ann)
    db.exec("update sandboxes set status = 'destroyed', destroyed_at = now() where id = $1", run.sandbox.id)
    assert.equal(409, report(run.sandbox.id, { status = "failed" }).status)
    assert.equal("in_progress", wb.value("select status as value from tasks where id = $1", run.task.id))
    assert.equal("working", wb.value("select status as value from agents where id = $1", run.agent.id))
  end)
end)

describe("sending a sandbox away", function()
  it("stops the agent that works in it", function()
    local run = wb.started(ann)
    local res = test.delete(SANDBOXES .. "/" .. run.sandbox.id, { as = ann })
    assert.same({ 202, "destroying" }, { res.status, res.json.status })
    assert.equal("idle", wb.value("select status as value from agents where id = $1", run.agent.id))
    assert.equal("pending", wb.value("select status as value from tasks where id = $1", run.task.id))
    assert.same({ "sandbox.create " .. run.sandbox.id, "sandbox.destroy " .. run.sandbox.id }, wb.jobs())
  end)
end)
