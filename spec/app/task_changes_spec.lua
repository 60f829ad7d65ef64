local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local machines = require "spec.support.machines"
local rules = require "app.tasks.rules"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local TASKS = wb.V1 .. "/tasks/"
local ann, ben

before_each(function()
  ann, ben = test.user(), test.user()
end)

local function patch(id, body, user)
  return test.patch(TASKS .. id, body, { as = user or ann })
end

local function act(id, action, body, user)
  return test.request { method = "POST", path = TASKS .. id .. "/" .. action, json = body, as = user or ann }
end

local function state(id)
  return wb.value("select status as value from tasks where id = $1", id)
end

local function put(to)
  return wb.put_task(ann, to)
end

describe("the machine of tasks", function()
  it("has the states of the column", function()
    machines.has_the_states(rules.machine, "tasks")
  end)

  describe("by PATCH", function()
    machines.each_pair(it, rules.machine, { by = "patch", put = put, state = state, move = function(id, to)
      return patch(id, { status = to })
    end })
  end)

  for action, target in pairs { complete = "completed", cancel = "cancelled", reopen = "pending" } do
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

describe("changing a task", function()
  it("takes any of its fields, null among them, and leaves the others", function()
    local task = wb.task(ann, { title = "one", description = "long", priority = "low", git_branch = "x" })
    local res = patch(task.id, { title = " two ", description = json.null, priority = "urgent" })
    assert.equal(200, res.status)
    assert.same({ "two", json.null, "urgent", "x", "pending" },
      { res.json.title, res.json.description, res.json.priority, res.json.git_branch, res.json.status })
    assert.is_true(res.json.updated_at > task.updated_at)
    assert.same({ "task.created", "task.updated" }, wb.events(ann))
  end)

  it("with nothing to change answers the task and tells nobody", function()
    local task = wb.task(ann)
    assert.same(task, patch(task.id, json.object {}).json)
    assert.same({ "task.created" }, wb.events(ann))
  end)

  it("takes fields and a state together, and neither when the state is refused", function()
    local id = wb.task(ann).id
    local res = patch(id, { title = "begun", status = "in_progress" })
    assert.same({ "begun", "in_progress" }, { res.json.title, res.json.status })
    assert.equal(200, patch(id, { status = "cancelled" }).status)
    assert.equal(409, patch(id, { title = "no", status = "pending" }).status)
    assert.equal("begun", test.get(TASKS .. id, { as = ann }).json.title)
  end)

  it("says what is allowed when the state is refused", function()
    local res = patch(put "completed", { status = "in_review" })
    assert.same({ error = {
      code = "invalid_transition", message = "The task cannot go from completed to in_review",
      details = { from = "completed", to = "in_review", allowed = { "pending" } },
    } }, res.json)
    assert.same({}, patch(put "cancelled", { status = "pending" }).json.error.details.allowed)
  end)

  it("completes a to-do by completed = true, and opens it again by false", function()
    local id = wb.task(ann).id
    local res = patch(id, { completed = true })
    assert.same({ "completed", true }, { res.json.status, res.json.completed })
    assert.is_string(res.json.completed_at)
    res = patch(id, { completed = false })
    assert.same({ "pending", false, json.null }, { res.json.status, res.json.completed, res.json.completed_at })
    assert.equal(409, patch(id, { completed = false }).status)
    assert.same({ "task.created", "task.completed", "task.pending" }, wb.events(ann))
  end)

  it("refuses completed beside status, and every column that is not the client's", function()
    local id = wb.task(ann).id
    assert.same({ "body.completed invalid" }, answers.problems(patch(id, { completed = true, status = "completed" })))
    for _, column in ipairs { "id", "user_id", "assigned_agent_id", "created_at", "updated_at", "completed_at" } do
      assert.same({ ("body.%s unknown_field"):format(column) }, answers.problems(patch(id, { [column] = wb.UNKNOWN })))
    end
    assert.same({ "body.title null_not_allowed" }, answers.problems(patch(id, { title = json.null })))
    assert.same({ "body.status enum" }, answers.problems(patch(id, { status = "done" })))
  end)

  it("is 404 for somebody else, whatever is asked", function()
    local id = wb.task(ben).id
    for _, res in ipairs {
      patch(id, { title = "mine" }), patch(id, { status = "cancelled" }), patch(id, json.object {}),
      act(id, "complete"), act(id, "cancel"), act(id, "reopen"), act(id, "assign", { agent_id = json.null }),
      test.delete(TASKS .. id, { as = ann }), patch(wb.UNKNOWN, { completed = true }),
    } do
      assert.equal('404 {"error":{"code":"not_found","message":"Task not found"}}', res.status .. " " .. res.body)
    end
    assert.equal("pending", state(id))
  end)
end)

describe("handing a task over", function()
  it("to an agent of one's own, to another one and to none", function()
    local task, agent, other = wb.task(ann), wb.agent(ann), wb.agent(ann)
    for _, to in ipairs { agent.id, other.id, json.null } do
      local res = act(task.id, "assign", { agent_id = to })
      assert.equal(200, res.status)
      assert.equal(to, res.json.assigned_agent_id)
    end
    assert.same({ "task.created", "task.assigned", "task.assigned", "task.assigned" }, wb.events(ann, "tasks"))
  end)

  it("to somebody else's agent is a 404", function()
    local res = act(wb.task(ann).id, "assign", { agent_id = wb.agent(ben).id })
    assert.equal(404, res.status)
    assert.equal("Agent not found", res.json.error.message)
  end)

  it("is a 409 once it was begun", function()
    local agent = wb.agent(ann)
    for _, status in ipairs { "in_progress", "in_review", "completed", "failed", "cancelled" } do
      local res = act(put(status), "assign", { agent_id = agent.id })
      assert.same({ 409, "task_not_pending", status }, { res.status, res.json.error.code, res.json.error.details.status })
    end
  end)

  it("needs agent_id, null or a UUID", function()
    local id = wb.task(ann).id
    assert.same({ "body.agent_id required" }, answers.problems(act(id, "assign", json.object {})))
    assert.same({ "body.agent_id uuid" }, answers.problems(act(id, "assign", { agent_id = "me" })))
  end)

  it("keeps it from being ticked off, until it is taken back", function()
    local id = wb.task(ann).id
    act(id, "assign", { agent_id = wb.agent(ann).id })
    local res = patch(id, { completed = true })
    assert.equal(409, res.status)
    assert.same({ from = "pending", to = "completed", allowed = { "in_progress", "cancelled" } }, res.json.error.details)
    assert.equal(409, act(id, "complete").status)
    act(id, "assign", { agent_id = json.null })
    assert.equal(200, act(id, "complete").status)
  end)
end)

describe("deleting a task", function()
  it("is 204, and it is gone", function()
    local id = wb.task(ann).id
    assert.equal(204, test.delete(TASKS .. id, { as = ann }).status)
    assert.equal(404, test.get(TASKS .. id, { as = ann }).status)
    assert.equal(404, test.delete(TASKS .. id, { as = ann }).status)
    assert.same({ "task.created", "task.deleted" }, wb.events(ann))
  end)

  it("is 409 task_in_use while an agent works on it, and nothing is touched", function()
    local run = wb.started(ann)
    local res = test.delete(TASKS .. run.task.id, { as = ann })
    assert.same({ 409, "task_in_use" }, { res.status, res.json.error.code })
    assert.equal("in_progress", state(run.task.id))
    assert.equal("creating", wb.value("select status as value from sandboxes where id = $1", run.sandbox.id))
  end)
end)

describe("a task that ends", function()
  local function agent_of(run)
    return db.one("select status, current_task_id, sandbox_id from agents where id = $1", run.agent.id)
  end

  for name, how in pairs {
    ["completed by PATCH"] = function(id) return patch(id, { status = "completed" }) end,
    ["completed as a to-do"] = function(id) return patch(id, { completed = true }) end,
    ["completed by its action"] = function(id) return act(id, "complete") end,
    ["cancelled"] = function(id) return act(id, "cancel") end,
    ["failed"] = function(id) return patch(id, { status = "failed" }) end,
    ["put back"] = function(id) return patch(id, { status = "pending" }) end,
  } do
    it(name .. " frees its agent and sends its sandbox away, all at once", function()
      local run = wb.started(ann)
      assert.equal(200, how(run.task.id).status)
      local agent = agent_of(run)
      assert.same({ "idle", nil, nil }, { agent.status, agent.current_task_id, agent.sandbox_id })
      assert.equal("destroying", wb.value("select status as value from sandboxes where id = $1", run.sandbox.id))
      assert.same({ "sandbox.create " .. run.sandbox.id, "sandbox.destroy " .. run.sandbox.id }, wb.jobs())
      assert.same({ "agent.created", "agent.working", "agent.idle" }, wb.events(ann, "agents"))
      assert.same({ "sandbox.creating", "sandbox.destroying" }, wb.events(ann, "sandboxes"))
    end)
  end

  it("in review only keeps its agent", function()
    local run = wb.started(ann)
    patch(run.task.id, { status = "in_review" })
    assert.equal("working", agent_of(run).status)
    assert.equal(200, act(run.task.id, "complete").status)
    assert.equal("idle", agent_of(run).status)
  end)

  it("frees nobody else's", function()
    local run, other = wb.started(ann), wb.started(ann)
    act(run.task.id, "complete")
    assert.equal("working", agent_of(other).status)
    assert.equal("creating", wb.value("select status as value from sandboxes where id = $1", other.sandbox.id))
  end)
end)
