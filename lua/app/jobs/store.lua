--- The SQL of the jobs, where neither neap.jobs nor a feature has it.
local db = require "neap.db"
local shared = require "app.store"

local M = {}

--- Those whom a job concerns that was given up: nobody else knows of jobs.
---@return neap.DbRows  id
function M.admins_any()
  return shared.call("jobs.admins_any", nil, nil, db.query, "select id from users where role = 'admin' and is_active")
end

--- When a job ended: it has no updated_at.
---@param id integer
---@return string? finished_at
function M.finished_at_any(id)
  local row = shared.call("jobs.finished_at_any", nil, id, db.one, "select finished_at from jobs where id = $1", id)
  return row and row.finished_at
end

return M
