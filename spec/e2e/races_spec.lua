-- A hundred requests at once for what only one of them can have, on a real server with two workers. What the database has
-- afterwards must be what the answers said, and nothing half done.
local json = require "neap.json"
local load = require "spec.support.load"
local query = require "spec.support.psql"
local rules = require "app.tasks.rules"
local test = require "neap.test"
local wire = require "spec.support.wire"

test.no_transaction()

local AT_ONCE = 100
local V1 = "/api/v1"
local server, database, conns

local function psql(sql)
  return query(database.url, sql)
end

local function request(method, path, body)
  return wire.request(method .. " " .. V1 .. path, body and { "Content-Type: application/json" } or {},
    body and json.encode(body) or nil)
end

local function one(method, path, body)
  local res = wire.exchange(server, request(method, path, body))
  assert.is_true(res.status < 300, res.body)
  return res.json
end

--- The answers to a hundred requests at once: how often each "status code" came, and the answers themselves.
local function at_once(make)
  local answers, count = load.round(conns, make), {}
  for _, res in ipairs(answers) do
    assert(res, "a connection was lost")
    local key = res.status .. (res.json and res.json.error and " " .. res.json.error.code or "")
    count[key] = (count[key] or 0) + 1
  end
  return count, answers
end

local function agent()
  return one("POST", "/agents", { name = "an agent", role = "developer" }).id
end

local function tasks(n)
  local ids = {}
  for i = 1, n do
    ids[i] = one("POST", "/tasks", { title = "task " .. i }).id
  end
  return ids
end

local function start(agent_id, task_id)
  return request("POST", "/agents/" .. agent_id .. "/start-task", { task_id = task_id })
end

setup(function()
  database = test.scratch_database { migrate = true }
  server = test.spawn_server {
    command = "dev", args = { "--as", "you@example.com" }, env = { WORKERS = "2", DATABASE_URL = database.url },
  }
  conns = load.connect(server, AT_ONCE)
end)

teardown(function()
  load.close(conns)
  server:stop()
end)

describe("100 start-task at once", function()
  it("on one agent: one is accepted, 99 are told that it is busy, nothing is half done", function()
    local id, ids = agent(), tasks(AT_ONCE)
    local count, answers = at_once(function(i)
      return start(id, ids[i])
    end)
    assert.same({ ["202"] = 1, ["409 agent_busy"] = 99 }, count)
    local winner
    for _, res in ipairs(answers) do
      winner = winner or (res.status == 202 and res.json or nil)
    end
    assert.equal(("working|%s|%s"):format(winner.task.id, winner.sandbox.id),
      psql(("select status, current_task_id, sandbox_id from agents where id = '%s'"):format(id)))
    assert.equal(("1|%s"):format(winner.task.id), psql(
      ("select count(*), min(id::text) from tasks where assigned_agent_id = '%s' or status <> 'pending'"):format(id)))
    assert.equal("1", psql(("select count(*) from sandboxes where agent_id = '%s'"):format(id)))
    assert.equal("1", psql "select count(*) from jobs where kind = 'sandbox.create'")
    assert.equal("1", psql "select count(*) from events where type = 'task.started'")
    assert.equal("1", psql "select count(*) from events where type = 'agent.working'")
  end)

  it("of one task: one agent gets it", function()
    local agents, task = {}, tasks(1)[1]
    for i = 1, AT_ONCE do
      agents[i] = agent()
    end
    local count = at_once(function(i)
      return start(agents[i], task)
    end)
    assert.same({ ["202"] = 1, ["409 task_not_pending"] = 99 }, count)
    assert.equal("1", psql(("select count(*) from agents where current_task_id = '%s'"):format(task)))
    assert.equal("1", psql(("select count(*) from sandboxes where task_id = '%s'"):format(task)))
  end)
end)

describe("100 transitions of one task at once", function()
  it("to its ends: one is done, and its agent is freed once", function()
    local id, task = agent(), tasks(1)[1]
    one("POST", "/agents/" .. id .. "/start-task", { task_id = task })
    local count = at_once(function(i)
      return request("POST", ("/tasks/%s/%s"):format(task, i % 2 == 0 and "complete" or "cancel"))
    end)
    assert.same({ ["200"] = 1, ["409 invalid_transition"] = 99 }, count)
    assert.equal("idle", psql(("select status from agents where id = '%s'"):format(id)))
    assert.equal("1", psql(("select count(*) from events where entity_id = '%s' and type = 'agent.idle'"):format(id)))
    assert.equal("1", psql(([[select count(*) from jobs where kind = 'sandbox.destroy' and dedupe_key in
      (select id from sandboxes where agent_id = '%s')]]):format(id)))
  end)

  it("to anywhere: each that is done is an edge from the one before, and all others are refused", function()
    local task = tasks(1)[1]
    local wanted = { "in_progress", "in_review", "pending", "failed", "completed" }
    local count = at_once(function(i)
      return request("PATCH", "/tasks/" .. task, { status = wanted[i % #wanted + 1] })
    end)
    assert.equal(AT_ONCE, (count["200"] or 0) + (count["409 invalid_transition"] or 0))
    local state, steps = "pending", 0
    for next_state in psql(
      ("select data->>'status' from events where entity_id = '%s' and type <> 'task.created' order by id"):format(task))
      :gmatch "[^\n]+" do
      assert.is_table(rules.machine:edge(state, next_state), state .. " -> " .. next_state)
      state, steps = next_state, steps + 1
    end
    assert.equal(count["200"], steps)
    assert.is_true(steps > 0)
    assert.equal(state, psql(("select status from tasks where id = '%s'"):format(task)))
  end)

  it("while its agent is stopped and it is handed to others: agent and task always agree", function()
    local id, other, ids = agent(), agent(), tasks(2)
    one("POST", "/agents/" .. id .. "/start-task", { task_id = ids[1] })
    local count = at_once(function(i)
      local step = i % 5
      if step == 0 then
        return request("POST", "/agents/" .. id .. "/stop")
      elseif step == 1 then
        return start(i % 2 == 0 and id or other, ids[1])
      elseif step == 2 then
        return request("PATCH", "/tasks/" .. ids[1], { status = "failed" })
      elseif step == 3 then
        return request("POST", ("/tasks/%s/reopen"):format(ids[1]))
      end
      return start(id, ids[2])
    end)
    for answer in pairs(count) do
      assert.is_true(answer == "200" or answer == "202" or answer:find "^409 " ~= nil, answer)
    end
    assert.equal("0", psql [[select count(*) from tasks t full join agents a on a.current_task_id = t.id
      where (a.id is not null and t.status not in ('in_progress', 'in_review'))
        or (a.id is null and t.status = 'in_progress' and t.assigned_agent_id is not null)]])
    assert.equal("0", psql [[select count(*) from agents a full join (select * from sandboxes where status in
      ('creating', 'running')) s on s.id = a.sandbox_id where (a.status = 'working') <> (s.id is not null)
        and a.id is not null and a.status in ('working', 'idle')]])
  end)
end)

describe("whatever can be asked of three agents and four tasks at once", function()
  it("is done or refused, never a failure, and what is left agrees", function()
    local agents, ids = { agent(), agent(), agent() }, tasks(4)
    local actions = {
      function(a, t) return start(a, t) end,
      function(a) return request("POST", "/agents/" .. a .. "/stop") end,
      function(_, t) return request("POST", ("/tasks/%s/complete"):format(t)) end,
      function(_, t) return request("POST", ("/tasks/%s/reopen"):format(t)) end,
      function(a, t) return request("POST", ("/tasks/%s/assign"):format(t), { agent_id = a }) end,
      function(a, t) return request("POST", "/sandboxes", { agent_id = a, task_id = t }) end,
      function(_, t) return request("PATCH", "/tasks/" .. t, { status = "failed" }) end,
      function(a) return request("POST", "/agents/" .. a .. "/pause") end,
      function(a) return request("DELETE", "/agents/" .. a) end,
      function(_, t) return request("DELETE", "/tasks/" .. t) end,
    }
    local count = {}
    for round = 0, 2 do
      for answer, n in pairs(at_once(function(i)
        -- The deletions, the last two, only in the last round.
        local action = actions[i * 7 % (round == 2 and #actions or #actions - 2) + 1]
        return action(agents[i % 3 + 1], ids[i % 4 + 1])
      end)) do
        count[answer] = (count[answer] or 0) + n
      end
    end
    for answer in pairs(count) do
      assert.is_true(answer:find "^20[024]" ~= nil or answer:find "^40[49] " ~= nil, answer)
    end
    assert.equal("0", psql [[select count(*) from agents a left join tasks t on t.id = a.current_task_id
      left join sandboxes s on s.id = a.sandbox_id where a.status in ('working', 'paused') and (t.status is null
        or t.status not in ('in_progress', 'in_review') or t.assigned_agent_id <> a.id or s.agent_id <> a.id)]])
  end)
end)

describe("what is done together", function()
  -- In specs with a transaction around them, rules that the database looks at when it commits are never looked at.
  it("is committed, also where rows refer to each other in a circle", function()
    local id, ids = agent(), tasks(2)
    local run = one("POST", "/agents/" .. id .. "/start-task", { task_id = ids[1] })
    local res = wire.exchange(server, request("DELETE", "/tasks/" .. ids[1]))
    assert.same({ 409, "task_in_use" }, { res.status, res.json.error.code })
    one("POST", "/agents/" .. id .. "/pause")
    one("POST", "/agents/" .. id .. "/resume")
    one("POST", "/agents/" .. id .. "/stop")
    one("POST", "/agents/" .. id .. "/start-task", { task_id = ids[1] })
    one("PATCH", "/tasks/" .. ids[1], { completed = true })
    assert.equal(204, wire.exchange(server, request("DELETE", "/tasks/" .. ids[1])).status)
    assert.equal("0", psql(("select count(*) from sandboxes where id = '%s'"):format(run.sandbox.id)))
    local sandbox = one("POST", "/sandboxes", { agent_id = id, task_id = ids[2] }).id
    assert.equal(204, wire.exchange(server, request("DELETE", "/agents/" .. id)).status)
    assert.equal("0|1", psql(([[select (select count(*) from sandboxes where agent_id = '%s'),
      (select count(*) from jobs where kind = 'sandbox.destroy' and dedupe_key = '%s')]]):format(id, sandbox)))
  end)
end)

describe("100 requests for a lab at once", function()
  it("fill the places that there are, and no more", function()
    psql "insert into recipes (name, software) values ('Of this spec', 'bash')"
    local recipe = psql "select id from recipes where name = 'Of this spec'"
    local count = at_once(function()
      return request("POST", "/labs", { recipe_id = recipe })
    end)
    assert.same({ ["202"] = 5, ["409 labs_limit"] = 95 }, count)
    assert.equal("5", psql(("select count(*) from labs where recipe_id = '%s'"):format(recipe)))
  end)
end)
