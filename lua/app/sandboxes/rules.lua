--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local agents = require "app.agents.hold_rules"
local errors = require "neap.errors"
local life = require "app.sandboxes.life_rules"
local tasks = require "app.tasks.rules"

local M = { machine = life.machine }

---@param work table
---@param user {id: string}
---@param query table checked SandboxFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, query)
  return work.sandboxes.list(user.id, query)
end

--- The sandbox of somebody else's agent does not exist for this user.
---@param id string
---@return table sandbox
function M.read(work, user, id)
  return work.sandboxes.read(user.id, id) or errors.not_found "Sandbox not found"
end

--- The same, and nobody else may change it before the transaction ends.
---@return table sandbox
function M.lock(work, user, id)
  return work.sandboxes.lock(user.id, id) or errors.not_found "Sandbox not found"
end

--- For services.
---@param id string
---@return table sandbox
function M.read_any(work, id)
  return work.sandboxes.read_any(id) or errors.not_found "Sandbox not found"
end

--- A sandbox for one of the user's agents and tasks, without starting the task. 409 agent_busy when the agent has one.
---@param body table checked SandboxCreate
---@return table sandbox
function M.create(work, user, body)
  return work.tx(function()
    tasks.read(work, user, body.task_id)
    agents.read(work, user.id, body.agent_id)
    return life.open(work, user.id, {
      id = life.new_id(), agent_id = body.agent_id, task_id = body.task_id, repo_url = body.repo_url,
      branch_name = body.branch_name,
    }) or errors.not_found "Task or agent not found"
  end)
end

--- The user wants it gone. An agent that works in it is stopped, which sends the sandbox away.
---@return table sandbox
function M.destroy(work, user, id)
  return work.tx(function()
    local sandbox = M.read(work, user, id)
    local agent = agents.read(work, user.id, sandbox.agent_id)
    if agent.sandbox_id == id and tasks.stop(work, user.id, sandbox.task_id, agent.id) then
      return M.read(work, user, id)
    end
    return life.destroy(work, user.id, id)
  end)
end

--- What a provider tells of it: running, failed or destroyed. When it fails, so does the task that an agent does in it.
---@param id string
---@param report { status: "running"|"failed"|"destroyed", provider_ref: string? }
---@return table sandbox
function M.report_any(work, id, report)
  return work.tx(function()
    local owner_id = work.sandboxes.owner_any(id) or errors.not_found "Sandbox not found"
    if report.status == "failed" then
      tasks.fail(work, owner_id, M.read_any(work, id).task_id, id)
    end
    local opts = { by = "report", fields = { provider_ref = report.provider_ref } }
    local sandbox = life.machine:transition_any(work.sandboxes, id, report.status, opts)
    life.tell(work, owner_id, sandbox, sandbox.status)
    return sandbox
  end)
end

return M
