local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local machines = require "spec.support.machines"
local rules = require "app.git_operations.rules"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local OPERATIONS = wb.V1 .. "/git-operations/"
local ann, ben, service, sandbox

local function running(user)
  local id = wb.started(user).sandbox.id
  db.exec("update sandboxes set status = 'running' where id = $1", id)
  return id
end

before_each(function()
  ann, ben, service = test.user(), test.user(), test.user { role = "service" }
  sandbox = running(ann)
end)

local function list_path(id)
  return ("%s/sandboxes/%s/git-operations"):format(wb.V1, id or sandbox)
end

local function request(type, id, user)
  return test.post(list_path(id), { operation_type = type or "clone" }, { as = user or ann })
end

local function report(id, body, user)
  return test.patch(OPERATIONS .. id, body, { as = user or service })
end

local function put(to)
  local id = wb.made(request()).id
  db.exec([[update git_operations set status = $2::text, error_message = case when $2::text = 'failed' then 'no' end,
    finished_at = case when $2::text in ('succeeded', 'failed') then now() end where id = $1]], id, to)
  return id
end

describe("the machine of git operations", function()
  it("has the states of the column", function()
    machines.has_the_states(rules.machine, "git_operations")
  end)

  machines.each_pair(it, rules.machine, {
    by = "report", put = put, targets = { "running", "succeeded", "failed" },
    move = function(id, to)
      return report(id, { status = to, error_message = to == "failed" and "no" or nil })
    end,
    state = function(id)
      return wb.value("select status as value from git_operations where id = $1", id)
    end,
  })
end)

describe("asking for a git operation", function()
  it("answers 202 with where it is, and has a job and an event", function()
    for _, type in ipairs { "clone", "branch", "commit", "push", "pull", "pull_request" } do
      local res = request(type)
      assert.equal(202, res.status)
      assert.same({ type, "pending", sandbox, json.null }, {
        res.json.operation_type, res.json.status, res.json.sandbox_id, res.json.commit_sha,
      })
      assert.equal(OPERATIONS .. res.json.id, res.headers["location"])
      assert.same(res.json, test.get(res.headers["location"], { as = ann }).json)
      local jobs = wb.jobs()
      assert.equal("git.run " .. res.json.id, jobs[#jobs])
    end
    assert.equal(6, #wb.events(ann, "git_operations"))
  end)

  it("needs a sandbox that runs", function()
    for _, status in ipairs { "creating", "destroying", "failed" } do
      db.exec("update sandboxes set status = $2 where id = $1", sandbox, status)
      local res = request()
      assert.same({ 409, "sandbox_not_running", status }, { res.status, res.json.error.code, res.json.error.details.status })
    end
    assert.equal(0, wb.value("select count(*) as value from git_operations where sandbox_id = $1", sandbox))
  end)

  it("is 404 in somebody else's sandbox, and theirs are not there", function()
    assert.equal(404, request("clone", running(ben)).status)
    assert.equal(404, request("clone", "sbx_none").status)
    assert.equal(404, test.get(list_path(), { as = ben }).status)
    local id = wb.made(request()).id
    assert.equal(404, test.get(OPERATIONS .. id, { as = ben }).status)
  end)

  it("takes a type that there is", function()
    assert.same({ "body.operation_type enum" }, answers.problems(request "rebase"))
    local res = test.post(list_path(), { operation_type = "push", status = "succeeded" }, { as = ann })
    assert.same({ "body.status unknown_field" }, answers.problems(res))
  end)
end)

describe("the git operations of a sandbox", function()
  it("are listed, the newest first, by status and type", function()
    local first, second = put "succeeded", put "pending"
    wb.made(request("push", running(ann)))
    db.exec("update git_operations set created_at = now() - interval '1 hour' where id = $1", first)
    local all = wb.made(test.get(list_path(), { as = ann }))
    assert.same({ 2, second, first }, { all.total, all.items[1].id, all.items[2].id })
    assert.equal(first, wb.made(test.get(list_path() .. "?status=succeeded", { as = ann })).items[1].id)
    assert.equal(0, wb.made(test.get(list_path() .. "?operation_type=push", { as = ann })).total)
    assert.same({ "query.sandbox_id unknown_field" },
      answers.problems(test.get(list_path() .. "?sandbox_id=x", { as = ann })))
  end)
end)

describe("what the worker tells of an operation", function()
  it("is for services only", function()
    local id = wb.made(request()).id
    assert.equal(403, report(id, { status = "running" }, ann).status)
    assert.equal(404, report(wb.UNKNOWN, { status = "running" }).status)
  end)

  it("has a commit, or says why there is none", function()
    local id = put "running"
    local res = report(id, { status = "succeeded", commit_sha = ("a"):rep(40) })
    assert.same({ 200, ("a"):rep(40), json.null }, { res.status, res.json.commit_sha, res.json.error_message })
    assert.is_string(res.json.finished_at)
    res = report(put "pending", { status = "failed", error_message = "no such branch" })
    assert.same({ "failed", "no such branch" }, { res.json.status, res.json.error_message })
    assert.same({ "git_operation.pending", "git_operation.succeeded", "git_operation.pending", "git_operation.failed" },
      wb.events(ann, "git_operations"))
  end)

  it("says why exactly when it failed", function()
    local id = put "running"
    assert.same({ "body.error_message invalid" }, answers.problems(report(id, { status = "failed" })))
    assert.same({ "body.error_message invalid" },
      answers.problems(report(id, { status = "succeeded", error_message = "well" })))
    assert.same({ "body.commit_sha pattern" }, answers.problems(report(id, { status = "succeeded", commit_sha = "HEAD" })))
  end)
end)
