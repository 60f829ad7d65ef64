-- Rules see no database: given stores that only remember what they are asked, they tell in which order rows are locked.
-- Everywhere it is task, agent, sandbox; two changes that lock in two orders can wait for each other.
local agents = require "app.agents.rules"
local sandboxes = require "app.sandboxes.rules"
local tasks = require "app.tasks.rules"

local USER = { id = "user-1", role = "user" }

-- A row for whatever is asked: everything is as the change needs it.
local ROWS = {
  tasks = { id = "task-1", status = "in_progress", assigned_agent_id = "agent-1" },
  agents = { id = "agent-1", status = "working", current_task_id = "task-1", sandbox_id = "sbx_1" },
  sandboxes = { id = "sbx_1", status = "running", agent_id = "agent-1", task_id = "task-1" },
}

-- What changes or locks a row; reads take no lock.
local LOCKS = {
  move = true, move_any = true, move_all = true, lock = true, create = true, delete = true, update = true,
  unassign_all = true,
}

local function store(name, asked, row)
  return setmetatable({}, { __index = function(_, method)
    return function()
      if LOCKS[method] then
        asked[#asked + 1] = name .. "." .. method
      end
      return method:find "_all$" and { row } or method == "owner_any" and USER.id or row
    end
  end })
end

local function recorder(agent)
  local asked = {}
  local work = {
    tasks = store("tasks", asked, ROWS.tasks), agents = store("agents", asked, agent or ROWS.agents),
    sandboxes = store("sandboxes", asked, ROWS.sandboxes),
    events = {}, jobs = {},
  }
  local depth = 0
  function work.tx(fn)
    depth = depth + 1
    local result = fn()
    depth = depth - 1
    return result
  end
  function work.publish(_, _, type)
    assert(depth > 0, type .. " is told outside of the transaction")
    table.insert(work.events, type)
  end
  function work.enqueue(kind)
    assert(depth > 0, kind .. " is asked for outside of the transaction")
    table.insert(work.jobs, kind)
  end
  return work, asked
end

local RANK = { tasks = 1, agents = 2, sandboxes = 3 }

-- Each kind for the first time after those of a lower rank.
local function assert_order(asked)
  local seen, highest = {}, 0
  for _, call in ipairs(asked) do
    local rank = RANK[call:match "^%w+"]
    if not seen[rank] then
      assert.is_true(rank > highest, table.concat(asked, ", "))
      seen[rank], highest = true, rank
    end
  end
end

describe("the rules of a run", function()
  for name, change in pairs {
    ["starting a task"] = {
      fn = function(work) agents.start_task(work, USER, "agent-1", { task_id = "task-1" }) end,
      asked = { "tasks.move", "agents.move", "sandboxes.create" }, jobs = { "sandbox.create" },
    },
    ["stopping an agent"] = {
      fn = function(work) agents.stop(work, USER, "agent-1") end,
      asked = { "tasks.lock", "tasks.move", "agents.move_all", "sandboxes.move_all" }, jobs = { "sandbox.destroy" },
    },
    ["completing a task"] = {
      fn = function(work) tasks.act(work, USER, "task-1", "complete") end,
      asked = { "tasks.move", "agents.move_all", "sandboxes.move_all" }, jobs = { "sandbox.destroy" },
    },
    ["cancelling a task by PATCH"] = {
      fn = function(work) tasks.update(work, USER, "task-1", { status = "cancelled" }) end,
      asked = { "tasks.move", "agents.move_all", "sandboxes.move_all" }, jobs = { "sandbox.destroy" },
    },
    ["deleting a task"] = {
      fn = function(work) tasks.delete(work, USER, "task-1") end,
      asked = { "tasks.lock", "sandboxes.move_all", "tasks.delete" }, jobs = { "sandbox.destroy" },
    },
    ["deleting an agent"] = {
      fn = function(work) agents.delete(work, USER, "agent-1") end,
      agent = { id = "agent-1", status = "idle" },
      asked = { "tasks.unassign_all", "agents.lock", "sandboxes.move_all", "agents.delete" }, jobs = { "sandbox.destroy" },
    },
    ["a sandbox that failed"] = {
      fn = function(work) sandboxes.report_any(work, "sbx_1", { status = "failed" }) end,
      asked = { "tasks.lock", "agents.move_all", "tasks.move", "sandboxes.move_any" }, jobs = {},
    },
    ["sending a sandbox away"] = {
      fn = function(work) sandboxes.destroy(work, USER, "sbx_1") end,
      asked = { "tasks.lock", "tasks.move", "agents.move_all", "sandboxes.move_all" }, jobs = { "sandbox.destroy" },
    },
  } do
    it(("lock for %s: %s"):format(name, table.concat(change.asked, ", ")), function()
      local work, asked = recorder(change.agent)
      change.fn(work)
      assert.same(change.asked, asked)
      assert_order(asked)
      assert.same(change.jobs, work.jobs)
      assert.is_true(#work.events > 0)
    end)
  end
end)
