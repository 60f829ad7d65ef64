--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local errors = require "neap.errors"
local hold = require "app.agents.hold_rules"
local sandboxes = require "app.sandboxes.life_rules"
local shared = require "app.rules"
local tasks = require "app.tasks.rules"

local M = { machine = hold.machine }

---@param work table
---@param user {id: string}
---@param query table checked AgentFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, query)
  return work.agents.list(user.id, query)
end

---@param fields table checked AgentCreate; it starts idle
---@return table agent
function M.create(work, user, fields)
  return work.tx(function()
    local agent = work.agents.create(user.id, fields)
    hold.tell(work, user.id, agent, "created")
    return agent
  end)
end

--- Somebody else's agent does not exist for this user.
---@param id string uuid
---@return table agent
function M.read(work, user, id)
  return hold.read(work, user.id, id)
end

--- Fields, and idle or offline if a state is given.
---@param body table checked AgentUpdate
---@return table agent
function M.update(work, user, id, body)
  local fields = shared.without(body, "status")
  if shared.is_empty(body) then
    return M.read(work, user, id)
  end
  return work.tx(function()
    local agent
    if body.status then
      agent = hold.machine:transition(work.agents, user.id, id, body.status, { by = "patch", fields = fields })
    else
      agent = work.agents.update(user.id, id, fields) or errors.not_found "Agent not found"
    end
    hold.tell(work, user.id, agent, body.status or "updated")
    return agent
  end)
end

--- 409 agent_busy while it has a task. A sandbox that was made for it goes, too.
function M.delete(work, user, id)
  work.tx(function()
    tasks.unassign_all(work, user.id, id)
    local agent = work.agents.lock(user.id, id) or errors.not_found "Agent not found"
    if agent.current_task_id then
      errors.conflict("agent_busy", "The agent has a task: stop it first", { status = agent.status })
    end
    sandboxes.destroy_live(work, user.id, { agent_id = id })
    work.agents.delete(user.id, id)
    hold.tell(work, user.id, agent, "deleted")
  end)
end

--- An idle agent begins to work on a pending task, in a new sandbox: all of it or nothing. The locks are taken in the order
--- task, agent, sandbox, here as everywhere.
---@param body {task_id: string, repo_url: string?, branch_name: string?}
---@return {agent: table, task: table, sandbox: table}
function M.start_task(work, user, id, body)
  return work.tx(function()
    local sandbox_id = sandboxes.new_id()
    local task = tasks.start(work, user.id, body.task_id, id)
    local agent = hold.take(work, user.id, id, task.id, sandbox_id)
    local sandbox = sandboxes.open(work, user.id, {
      id = sandbox_id, agent_id = id, task_id = task.id, repo_url = body.repo_url,
      branch_name = body.branch_name or task.git_branch,
    })
    return { agent = agent, task = task, sandbox = sandbox }
  end)
end

--- The agent is free, its sandbox goes, its task waits again.
---@return table agent
function M.stop(work, user, id)
  return work.tx(function()
    local task_id = M.read(work, user, id).current_task_id
    return task_id and tasks.stop(work, user.id, task_id, id)
      or hold.machine:refuse(work.agents.read(user.id, id), "idle")
  end)
end

local function move(by, to)
  return function(work, user, id)
    return work.tx(function()
      local agent = hold.machine:transition(work.agents, user.id, id, to, { by = by })
      hold.tell(work, user.id, agent, agent.status)
      return agent
    end)
  end
end

--- Both keep the task.
---@type fun(work: table, user: {id: string}, id: string): table
M.pause = move("pause", "paused")

---@type fun(work: table, user: {id: string}, id: string): table
M.resume = move("resume", "working")

return M
