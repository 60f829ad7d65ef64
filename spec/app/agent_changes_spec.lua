local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local machines = require "spec.support.machines"
local rules = require "app.agents.rules"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local AGENTS = wb.V1 .. "/agents/"
local ann, ben

before_each(function()
  ann, ben = test.user(), test.user()
end)

local function patch(id, body, user)
  return test.patch(AGENTS .. id, body, { as = user or ann })
end

local function act(id, action, body, user)
  return test.request { method = "POST", path = AGENTS .. id .. "/" .. action, json = body, as = user or ann }
end

local function start(id, body, user)
  return act(id, "start-task", body, user)
end

local function state(id)
  return wb.value("select status as value from agents where id = $1", id)
end

local function put(to)
  return wb.put_agent(ann, to)
end

describe("the machine of agents", function()
  it("has the states of the column", function()
    machines.has_the_states(rules.machine, "agents")
  end)

  describe("by PATCH", function()
    machines.each_pair(it, rules.machine, { by = "patch", put = put, state = state, targets = { "idle", "offline" },
      move = function(id, to)
        return patch(id, { status = to })
      end })
  end)

  for action, target in pairs { stop = "idle", pause = "paused", resume = "working" } do
    describe("by " .. action, function()
      machines.each_pair(it, rules.machine, {
        by = action, put = put, state = state, targets = { target },
        move = function(id)
          return act(id, action)
        end,
      })
    end)
  end
end)

describe("changing an agent", function()
  it("takes its fields and a state, and nothing that is not the client's", function()
    local id = wb.agent(ann).id
    local res = patch(id, { name = " new ", role = "tester", avatar_url = "https://example.com/a.png", status = "offline" })
    assert.equal(200, res.status)
    assert.same({ "new", "tester", "https://example.com/a.png", "offline" },
      { res.json.name, res.json.role, res.json.avatar_url, res.json.status })
    assert.equal(json.null, patch(id, { avatar_url = json.null }).json.avatar_url)
    for _, column in ipairs { "id", "owner_id", "current_task_id", "sandbox_id", "updated_at" } do
      assert.same({ ("body.%s unknown_field"):format(column) }, answers.problems(patch(id, { [column] = wb.UNKNOWN })))
    end
    for _, status in ipairs { "working", "paused", "error" } do
      assert.same({ "body.status enum" }, answers.problems(patch(id, { status = status })))
    end
    assert.same({ "agent.created", "agent.offline", "agent.updated" }, wb.events(ann))
  end)

  it("is 404 for somebody else, whatever is asked", function()
    local theirs, task = wb.agent(ben), wb.task(ann)
    for _, res in ipairs {
      patch(theirs.id, { name = "mine" }), patch(theirs.id, { status = "offline" }), patch(theirs.id, json.object {}),
      start(theirs.id, { task_id = task.id }), act(theirs.id, "stop"), act(theirs.id, "pause"), act(theirs.id, "resume"),
      test.delete(AGENTS .. theirs.id, { as = ann }), test.get(AGENTS .. theirs.id .. "/tasks", { as = ann }),
    } do
      assert.equal('404 {"error":{"code":"not_found","message":"Agent not found"}}', res.status .. " " .. res.body)
    end
    assert.equal("pending", wb.value("select status as value from tasks where id = $1", task.id))
  end)
end)

describe("starting a task", function()
  it("changes task, agent and sandbox together, with their events and the job", function()
    local agent, task = wb.agent(ann), wb.task(ann, { title = "go", git_branch = "feature/x" })
    local res = start(agent.id, { task_id = task.id, repo_url = "git@example.com:a/b.git" })
    assert.equal(202, res.status)
    local run = res.json
    assert.same({ "working", task.id, run.sandbox.id },
      { run.agent.status, run.agent.current_task_id, run.agent.sandbox_id })
    assert.same({ "in_progress", agent.id }, { run.task.status, run.task.assigned_agent_id })
    assert.matches("^sbx_%x+$", run.sandbox.id)
    assert.same({ agent.id, task.id, "creating", "git@example.com:a/b.git", "feature/x" },
      { run.sandbox.agent_id, run.sandbox.task_id, run.sandbox.status, run.sandbox.repo_url, run.sandbox.branch_name })
    assert.same({ "task.created", "task.started" }, wb.events(ann, "tasks"))
    assert.same({ "agent.created", "agent.working" }, wb.events(ann, "agents"))
    assert.same({ "sandbox.creating" }, wb.events(ann, "sandboxes"))
    assert.same({ "sandbox.create " .. run.sandbox.id }, wb.jobs())
    local event = db.one("select data from events where type = 'task.started' and entity_id = $1", task.id)
    local data = json.decode(json.encode(event.data))
    assert.same({ task.id, "in_progress", run.task.updated_at, agent.id, json.null },
      { data.id, data.status, data.updated_at, data.assigned_agent_id, data.completed_at })
  end)

  it("is 409 task_not_pending or agent_busy, and nothing is half done", function()
    local run = wb.started(ann)
    local agent, task = wb.agent(ann), wb.task(ann)
    local events, jobs = #wb.events(ann), wb.jobs()
    local res = start(agent.id, { task_id = run.task.id })
    assert.same({ 409, "task_not_pending", "in_progress" },
      { res.status, res.json.error.code, res.json.error.details.status })
    res = start(run.agent.id, { task_id = task.id })
    assert.same({ 409, "agent_busy", "working" }, { res.status, res.json.error.code, res.json.error.details.status })
    assert.equal("idle", state(agent.id))
    assert.same({ "pending", json.null }, {
      test.get(wb.V1 .. "/tasks/" .. task.id, { as = ann }).json.status,
      test.get(wb.V1 .. "/tasks/" .. task.id, { as = ann }).json.assigned_agent_id,
    })
    assert.equal(1, wb.value("select count(*) as value from sandboxes where agent_id = $1 or task_id = $2",
      run.agent.id, task.id))
    assert.equal(events, #wb.events(ann))
    assert.same(jobs, wb.jobs())
  end)

  it("needs an idle agent", function()
    local task = wb.task(ann)
    for _, status in ipairs { "working", "paused", "error", "offline" } do
      local res = start(put(status), { task_id = task.id })
      assert.same({ 409, "agent_busy", status }, { res.status, res.json.error.code, res.json.error.details.status })
    end
  end)

  it("is 409 agent_busy when the agent has a live sandbox already", function()
    local agent, task, other = wb.agent(ann), wb.task(ann), wb.task(ann)
    db.exec("insert into sandboxes (id, agent_id, task_id) values ('sbx_1', $1, $2)", agent.id, other.id)
    local res = start(agent.id, { task_id = task.id })
    assert.same({ 409, "agent_busy" }, { res.status, res.json.error.code })
    assert.equal("idle", state(agent.id))
    assert.equal("pending", wb.value("select status as value from tasks where id = $1", task.id))
  end)

  it("is 404 for somebody else's task", function()
    local agent = wb.agent(ann)
    local res = start(agent.id, { task_id = wb.task(ben).id })
    assert.same({ 404, "Task not found" }, { res.status, res.json.error.message })
    assert.equal("idle", state(agent.id))
  end)

  it("checks what it is given", function()
    local id = wb.agent(ann).id
    assert.same({ "body.task_id required" }, answers.problems(start(id, json.object {})))
    assert.same({ "body.branch_name too_short", "body.force unknown_field", "body.repo_url pattern", "body.task_id uuid" },
      answers.problems(start(id, { task_id = "x", repo_url = "file:///etc", branch_name = "", force = true })))
  end)
end)

describe("stopping an agent", function()
  it("frees it, its task waits again, its sandbox goes", function()
    local run = wb.started(ann)
    local res = act(run.agent.id, "stop")
    assert.equal(202, res.status)
    assert.same({ "idle", json.null, json.null }, { res.json.status, res.json.current_task_id, res.json.sandbox_id })
    assert.equal("pending", wb.value("select status as value from tasks where id = $1", run.task.id))
    assert.equal("destroying", wb.value("select status as value from sandboxes where id = $1", run.sandbox.id))
    assert.same({ "sandbox.create " .. run.sandbox.id, "sandbox.destroy " .. run.sandbox.id }, wb.jobs())
    assert.same({ "task.created", "task.started", "task.pending" }, wb.events(ann, "tasks"))
  end)

  it("works on a paused one, and leaves a task in review where it is", function()
    local run = wb.started(ann)
    assert.equal("paused", wb.made(act(run.agent.id, "pause")).status)
    assert.equal("idle", wb.made(act(run.agent.id, "stop")).status)
    run = wb.started(ann)
    wb.made(test.patch(wb.V1 .. "/tasks/" .. run.task.id, { status = "in_review" }, { as = ann }))
    assert.equal("idle", wb.made(act(run.agent.id, "stop")).status)
    assert.equal("in_review", wb.value("select status as value from tasks where id = $1", run.task.id))
  end)

  it("lets it start again, with the same task", function()
    local run = wb.started(ann)
    act(run.agent.id, "stop")
    local again = start(run.agent.id, { task_id = run.task.id })
    assert.equal(202, again.status)
    assert.not_equal(run.sandbox.id, again.json.sandbox.id)
  end)
end)

describe("pausing and resuming an agent", function()
  it("keeps task and sandbox", function()
    local run = wb.started(ann)
    for _, step in ipairs { { "pause", "paused" }, { "resume", "working" } } do
      local res = act(run.agent.id, step[1])
      assert.same({ 202, step[2], run.task.id, run.sandbox.id },
        { res.status, res.json.status, res.json.current_task_id, res.json.sandbox_id })
    end
    assert.same({ "agent.created", "agent.working", "agent.paused", "agent.working" }, wb.events(ann, "agents"))
  end)
end)

describe("deleting an agent", function()
  it("is 204, and its tasks are nobody's", function()
    local agent, task = wb.agent(ann), wb.task(ann)
    wb.made(test.post(wb.V1 .. "/tasks/" .. task.id .. "/assign", { agent_id = agent.id }, { as = ann }))
    assert.equal(204, test.delete(AGENTS .. agent.id, { as = ann }).status)
    assert.equal(404, test.get(AGENTS .. agent.id, { as = ann }).status)
    assert.equal(json.null, test.get(wb.V1 .. "/tasks/" .. task.id, { as = ann }).json.assigned_agent_id)
    assert.same({ "agent.created", "agent.deleted" }, wb.events(ann, "agents"))
    assert.same({ "task.created", "task.assigned", "task.assigned" }, wb.events(ann, "tasks"))
  end)

  it("is 409 agent_busy while it has a task", function()
    for _, status in ipairs { "working", "paused" } do
      local id = put(status)
      local res = test.delete(AGENTS .. id, { as = ann })
      assert.same({ 409, "agent_busy" }, { res.status, res.json.error.code })
      assert.equal(status, state(id))
    end
    local run = wb.started(ann)
    assert.equal(409, test.delete(AGENTS .. run.agent.id, { as = ann }).status)
    assert.equal(run.agent.id, wb.value("select assigned_agent_id as value from tasks where id = $1", run.task.id))
  end)

  it("sends its sandbox away first", function()
    local agent, task = wb.agent(ann), wb.task(ann)
    db.exec([[insert into sandboxes (id, agent_id, task_id, status, provider_ref)
      values ('sbx_1', $1, $2, 'running', 'ref-1')]], agent.id, task.id)
    assert.equal(204, test.delete(AGENTS .. agent.id, { as = ann }).status)
    assert.same({ "sandbox.destroy sbx_1" }, wb.jobs())
    assert.equal("ref-1", wb.value "select payload->>'provider_ref' as value from jobs")
  end)
end)

describe("an agent's tasks", function()
  it("are those that it was given, filtered and paged like all tasks", function()
    local agent, other = wb.agent(ann), wb.agent(ann)
    local ids = {}
    for i = 1, 3 do
      local task = wb.task(ann, { title = "t" .. i })
      ids[i] = task.id
      wb.made(test.post(wb.V1 .. "/tasks/" .. task.id .. "/assign", { agent_id = agent.id }, { as = ann }))
    end
    wb.task(ann)
    local res = test.get(AGENTS .. agent.id .. "/tasks?sort=title&page_size=2", { as = ann })
    assert.same({ 3, 2, ids[1], ids[2] }, { res.json.total, #res.json.items, res.json.items[1].id, res.json.items[2].id })
    assert.equal(0, test.get(AGENTS .. other.id .. "/tasks", { as = ann }).json.total)
    assert.equal(1, test.get(AGENTS .. agent.id .. "/tasks?q=t2", { as = ann }).json.total)
    assert.same({ "query.assigned_agent_id unknown_field" },
      answers.problems(test.get(AGENTS .. agent.id .. "/tasks?assigned_agent_id=" .. other.id, { as = ann })))
  end)
end)
