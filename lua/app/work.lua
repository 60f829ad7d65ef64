--- What the rules work with, their first argument: every feature's store, and what makes several calls one change. Rules
--- know no other database, so a spec may hand them tables of its own.
---
---     work.tx(function()
---       local task = work.tasks.update(user.id, id, fields)
---       work.publish(user.id, "tasks", "task.updated", id, data)
---     end)
local db = require "neap.db"
local events = require "app.events"
local jobs = require "neap.jobs"

local M = {
  agents = require "app.agents.store",
  conversations = require "app.conversations.store",
  git_operations = require "app.git_operations.store",
  labs = require "app.labs.store",
  messages = require "app.conversations.message_store",
  recipes = require "app.recipes.store",
  sandboxes = require "app.sandboxes.store",
  tasks = require "app.tasks.store",
  publish = events.publish,
  enqueue = jobs.enqueue,
}

-- Two changes that wait for each other in spite of the order of the locks (task, agent, sandbox) are tried again: what a
-- deletion cascades to is locked in an order of its own.
local RETRIES = 3

--- Runs fn as one transaction: all that it does, the events and the jobs, or nothing. It may run more than once.
---@generic T
---@param fn fun(): T
---@return T
function M.tx(fn)
  return db.tx({ retries = RETRIES }, fn)
end

return M
