--- The SQL of what is swept, where no feature has it.
local db = require "neap.db"
local shared = require "app.store"

local M = {}

--- Those whom a job concerns that was given up: nobody else knows of jobs.
---@return neap.DbRows  id
function M.admins_any()
  return shared.call("jobs.admins_any", nil, nil, db.query, "select id from users where role = 'admin' and is_active")
end

return M
