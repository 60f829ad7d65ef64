--- An agent's hold on its task: taken when it starts, let go when the task ends in whatever way. What other features may
--- ask of an agent; it asks nothing of tasks.
local errors = require "neap.errors"
local json = require "neap.json"
local machine = require "neap.machine"
local sandboxes = require "app.sandboxes.life_rules"
local shared = require "app.rules"

local M = {}

M.machine = machine {
  name = "agent",
  states = { "idle", "working", "paused", "error", "offline" },
  edges = {
    { from = "idle", to = "offline", by = "patch" },
    { from = "offline", to = "idle", by = "patch" },
    { from = "idle", to = "working", by = "start-task" },
    { from = "working", to = "paused", by = "pause" },
    { from = "paused", to = "working", by = "resume" },
    { from = { "working", "paused" }, to = "idle", by = "stop", note = "also when its task ends" },
    { from = { "working", "paused" }, to = "error", by = "report", note = "its sandbox failed" },
    { from = "error", to = "idle", by = "patch" },
  },
}

M.tell = shared.teller("agents", "agent", {
  "id", "name", "role", "status", "current_task_id", "sandbox_id", "avatar_url", "created_at", "updated_at",
})

--- Somebody else's agent does not exist for this user.
---@return table agent
function M.read(work, owner_id, id)
  return work.agents.read(owner_id, id) or errors.not_found "Agent not found"
end

--- An idle agent begins to work on a task, inside a transaction that has the task's row; 409 agent_busy otherwise.
---@return table agent
function M.take(work, owner_id, id, task_id, sandbox_id)
  local fields = { current_task_id = task_id, sandbox_id = sandbox_id }
  local agent = work.agents.move(owner_id, id, M.machine:move("working", { by = "start-task", fields = fields }))
  if agent == nil then
    local status = M.read(work, owner_id, id).status
    errors.conflict("agent_busy", ("The agent is %s, not idle"):format(status), { status = status })
  end
  M.tell(work, owner_id, agent, agent.status)
  return agent
end

local FREE = { current_task_id = json.null, sandbox_id = json.null }

--- The agent that works on a task, if one does, is free again, and its sandbox goes; inside a transaction that has the
--- task's row.
---@return table? agent
function M.release(work, owner_id, task_id)
  local move = M.machine:move("idle", { by = "stop", fields = FREE, when = { current_task_id = task_id } })
  local agent = work.agents.move_all(owner_id, move)[1]
  if agent then
    M.tell(work, owner_id, agent, agent.status)
    sandboxes.destroy_live(work, owner_id, { agent_id = agent.id, task_id = task_id })
  end
  return agent
end

--- The agent that works on a task in this sandbox, if one does, is in error, and without both; inside a transaction that
--- has the task's row.
---@return table? agent
function M.fail(work, owner_id, task_id, sandbox_id)
  local when = { current_task_id = task_id, sandbox_id = sandbox_id }
  local agent = work.agents.move_all(owner_id, M.machine:move("error", { by = "report", fields = FREE, when = when }))[1]
  if agent then
    M.tell(work, owner_id, agent, agent.status)
  end
  return agent
end

return M
