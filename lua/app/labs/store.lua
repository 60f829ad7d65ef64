--- All SQL about labs. The owner is the first parameter of every function and in every WHERE; `*_any` is for services.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("labs", {
  table = "labs",
  owner = "owner_id",
  columns = {
    "id", "owner_id", "recipe_id", "status", "requested_intent", "failure_reason", "created_at", "updated_at", "finished_at",
  },
  write = { "recipe_id", "requested_intent" },
  moves = { "failure_reason" },
  filters = { "status", "recipe_id" },
  sort = { "created_at", "updated_at" },
  default_sort = "-created_at",
})

--- How many of the owner's labs are in one of these states. Whoever asks at the same time waits until the transaction ends,
--- so that two cannot both see the last free place. The key is of this purpose alone.
---@param owner_id string
---@param states string[]
---@return integer
function M.count_locked(owner_id, states)
  db.one("select pg_advisory_xact_lock(hashtextextended('labs ' || $1, 0))", owner_id)
  return shared.call("labs.count_locked", owner_id, nil, db.one,
    "select count(*) as n from labs where owner_id = $1 and status = any($2)", owner_id, db.array(states)).n
end

--- Labs that have been in this state for longer than so many seconds.
---@param status string
---@param seconds number
---@return string[] ids
function M.stuck_any(status, seconds)
  local ids = {}
  for i, row in ipairs(shared.call("labs.stuck_any", nil, nil, db.query,
    "select id from labs where status = $1 and updated_at < now() - make_interval(secs => $2)", status, seconds)) do
    ids[i] = row.id
  end
  return ids
end

return M
