--- Rows of Workbench for specs, made as a client makes them, and put into a state as no client could.
local config = require "config"
local db = require "neap.db"
local test = require "neap.test"

local M = { V1 = config.API_V1_PREFIX, UNKNOWN = "00000000-0000-4000-8000-000000000000" }

--- A request that must succeed; what it answers.
local function made(res)
  assert(res.status >= 200 and res.status < 300, ("%d %s"):format(res.status, res.body))
  return res.json
end
M.made = made

function M.task(user, fields)
  return made(test.post(M.V1 .. "/tasks", fields or { title = "a task" }, { as = user }))
end

function M.agent(user, fields)
  return made(test.post(M.V1 .. "/agents", fields or { name = "an agent", role = "developer" }, { as = user }))
end

--- An agent that works on a task: { agent, task, sandbox }.
function M.started(user, task_id)
  local agent = M.agent(user)
  return made(test.post(("%s/agents/%s/start-task"):format(M.V1, agent.id),
    { task_id = task_id or M.task(user).id }, { as = user }))
end

--- A task in any state, without an agent.
function M.put_task(user, state)
  local id = M.task(user).id
  db.exec([[update tasks set status = $2::text, completed_at = case when $2::text = 'completed' then now() end
    where id = $1]], id, state)
  return id
end

--- An agent in any state, with a task where it needs one.
function M.put_agent(user, state)
  local id = M.agent(user).id
  local task_id = (state == "working" or state == "paused") and M.put_task(user, "in_progress") or nil
  db.exec("update agents set status = $2, current_task_id = $3 where id = $1", id, state, task_id)
  return id
end

--- The types of the user's events, in their order; of one topic when it is given.
function M.events(user, topic)
  local types = {}
  for i, row in ipairs(db.query(
    "select type from events where user_id = $1 and ($2::text is null or topic = $2) order by id", user.id, topic)) do
    types[i] = row.type
  end
  return types
end

--- "kind key" of the jobs that wait, in their order.
function M.jobs()
  local list = {}
  for i, row in ipairs(db.query "select kind, dedupe_key from jobs where state = 'queued' order by id") do
    list[i] = row.kind .. " " .. tostring(row.dedupe_key)
  end
  return list
end

--- One value of one row.
function M.value(sql, ...)
  local row = db.one(sql, ...)
  return row and row.value
end

return M
