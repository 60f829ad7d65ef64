--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local agents = require "app.agents.hold_rules"
local errors = require "neap.errors"
local json = require "neap.json"
local machine = require "neap.machine"
local sandboxes = require "app.sandboxes.life_rules"
local shared = require "app.rules"

local M = {}

-- "patch" is by the status in a PATCH: every edge is open to the task's owner.
M.machine = machine {
  name = "task",
  states = { "pending", "in_progress", "in_review", "completed", "failed", "cancelled" },
  stamps = { completed_at = { "completed" } },
  edges = {
    { from = "pending", to = "in_progress", by = { "start-task", "patch" } },
    {
      from = "pending", to = "completed", by = { "complete", "patch" }, when = { assigned_agent_id = json.null },
      note = "a to-do is ticked off; one that was handed to an agent is not",
    },
    { from = "in_progress", to = "in_review", by = "patch" },
    { from = "in_progress", to = "pending", by = { "stop", "patch" } },
    { from = "in_review", to = "in_progress", by = "patch" },
    { from = { "in_progress", "in_review" }, to = "completed", by = { "complete", "patch" } },
    { from = { "in_progress", "in_review" }, to = "failed", by = { "report", "patch" }, note = "or its sandbox failed" },
    { from = { "pending", "in_progress", "in_review" }, to = "cancelled", by = { "cancel", "patch" } },
    { from = { "completed", "failed" }, to = "pending", by = { "reopen", "patch" } },
  },
}

local tell = shared.teller("tasks", "task", {
  "id", "title", "status", "priority", "completed", "assigned_agent_id", "git_branch", "pull_request_url", "created_at",
  "updated_at", "completed_at",
})

-- What the event of a new state is called when it isn't the state.
local EVENT = { in_progress = "started" }

local function tell_state(work, owner_id, task)
  tell(work, owner_id, task, EVENT[task.status] or task.status)
end

---@param work table
---@param user {id: string}
---@param query table checked TaskFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, query)
  return work.tasks.list(user.id, query)
end

--- The tasks that one of the user's agents was given.
function M.list_of_agent(work, user, agent_id, query)
  agents.read(work, user.id, agent_id)
  local filter = shared.without(query)
  filter.assigned_agent_id = agent_id
  return work.tasks.list(user.id, filter)
end

---@param fields table checked TaskCreate; it starts pending and without an agent
---@return table task
function M.create(work, user, fields)
  return work.tx(function()
    local task = work.tasks.create(user.id, fields)
    tell(work, user.id, task, "created")
    return task
  end)
end

--- Somebody else's task does not exist for this user.
---@param id string uuid
---@return table task
function M.read(work, user, id)
  return work.tasks.read(user.id, id) or errors.not_found "Task not found"
end

-- Where a task is when no agent may be at work on it.
local ENDED = { pending = true, completed = true, failed = true, cancelled = true }

local function change(work, user, id, to, opts)
  local task = M.machine:transition(work.tasks, user.id, id, to, opts)
  tell_state(work, user.id, task)
  if ENDED[to] then
    agents.release(work, user.id, id)
  end
  return task
end

-- {"completed": true} is the transition of a to-do list, {"completed": false} takes it back.
local function target(body)
  if body.completed == nil then
    return body.status, "patch"
  end
  return body.completed and "completed" or "pending", body.completed and "complete" or "reopen"
end

--- Fields, and a new state if one is given. An agent whose task ends is free again.
---@param body table checked TaskUpdate
---@return table task
function M.update(work, user, id, body)
  local fields = shared.without(body, "status", "completed")
  local to, by = target(body)
  if to == nil and shared.is_empty(fields) then
    return M.read(work, user, id)
  end
  return work.tx(function()
    if to then
      return change(work, user, id, to, { by = by, fields = fields })
    end
    local task = work.tasks.update(user.id, id, fields) or errors.not_found "Task not found"
    tell(work, user.id, task, "updated")
    return task
  end)
end

--- complete, cancel and reopen.
---@param by "complete"|"cancel"|"reopen"
---@return table task
function M.act(work, user, id, by)
  local to = ({ complete = "completed", cancel = "cancelled", reopen = "pending" })[by]
  return work.tx(function()
    return change(work, user, id, to, { by = by })
  end)
end

--- Hands a pending task to one of the user's agents, or to none.
---@param agent_id string|userdata  json.null: to none
---@return table task
function M.assign(work, user, id, agent_id)
  return work.tx(function()
    if agent_id ~= json.null then
      agents.read(work, user.id, agent_id)
    end
    local task = work.tasks.assign(user.id, id, agent_id)
    if task == nil then
      local status = M.read(work, user, id).status
      errors.conflict("task_not_pending", ("The task is %s, not pending"):format(status), { status = status })
    end
    tell(work, user.id, task, "assigned")
    return task
  end)
end

--- Takes all tasks back from an agent that is about to go, inside a transaction. Those that are done with are not told of:
--- there may be thousands, and nobody waits for them.
function M.unassign_all(work, owner_id, agent_id)
  for _, task in ipairs(work.tasks.unassign_all(owner_id, agent_id)) do
    if task.status ~= "completed" and task.status ~= "cancelled" then
      tell(work, owner_id, task, "assigned")
    end
  end
end

--- 409 task_in_use while an agent works on it. A sandbox that was made for it goes, too.
function M.delete(work, user, id)
  work.tx(function()
    local task = work.tasks.lock(user.id, id) or errors.not_found "Task not found"
    sandboxes.destroy_live(work, user.id, { task_id = id })
    work.tasks.delete(user.id, id)
    tell(work, user.id, task, "deleted")
  end)
end

--- A pending task is begun by an agent, inside a transaction; 409 task_not_pending otherwise.
---@return table task
function M.start(work, owner_id, id, agent_id)
  local opts = { by = "start-task", fields = { assigned_agent_id = agent_id } }
  local task = work.tasks.move(owner_id, id, M.machine:move("in_progress", opts))
  if task == nil then
    local status = (work.tasks.read(owner_id, id) or errors.not_found "Task not found").status
    errors.conflict("task_not_pending", ("The task is %s, not pending"):format(status), { status = status })
  end
  tell_state(work, owner_id, task)
  return task
end

--- An agent at work on a task stops, inside a transaction. The task waits again; one in review stays there. By the time
--- that the lock is ours the task may have gone to another agent, who is none of this one's business.
---@return table? agent  nil: it is not at work on it
function M.stop(work, owner_id, id, agent_id)
  local task = work.tasks.lock(owner_id, id)
  if task == nil or (task.assigned_agent_id or agent_id) ~= agent_id then
    return nil
  end
  local waiting = work.tasks.move(owner_id, id, M.machine:move("pending", { by = "stop" }))
  if waiting then
    tell_state(work, owner_id, waiting)
  end
  return agents.release(work, owner_id, id)
end

--- The sandbox of a task failed: so did the task, and its agent is in error; inside a transaction. Nothing of it when the
--- agent does not work in this sandbox, or not any more.
function M.fail(work, owner_id, id, sandbox_id)
  work.tasks.lock(owner_id, id)
  if agents.fail(work, owner_id, id, sandbox_id) then
    local task = work.tasks.move(owner_id, id, M.machine:move("failed", { by = "report" }))
    if task then
      tell_state(work, owner_id, task)
    end
  end
end

return M
