--- All SQL about agents. The owner is the first parameter of every function and in every WHERE.
local db = require "neap.db"
local shared = require "app.store"

local M = {}

local COLUMNS = "id, owner_id, name, role, status, current_task_id, sandbox_id, avatar_url, created_at, updated_at"

-- One text for every combination of filters: a filter that is NULL is off.
local FILTERED = [[from agents where owner_id = $1
  and ($2::text is null or status = $2)
  and ($3::text is null or role = $3)]]

local ORDER = {
  created_at = "created_at, id",
  ["-created_at"] = "created_at desc, id desc",
  updated_at = "updated_at, id",
  ["-updated_at"] = "updated_at desc, id desc",
  name = "name, id",
  ["-name"] = "name desc, id desc",
}

---@param owner_id string
---@param query table checked AgentFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list_by_owner(owner_id, query)
  return shared.call("agents.list_by_owner", owner_id, nil, shared.page,
    { columns = COLUMNS, from_where = FILTERED, order = ORDER[query.sort] }, query, owner_id, query.status, query.role)
end

---@param owner_id string
---@param agent {name: string, role: string, avatar_url: string?}
---@return table agent
function M.create(owner_id, agent)
  return shared.call("agents.create", owner_id, nil, db.one,
    "insert into agents (owner_id, name, role, avatar_url) values ($1, $2, $3, $4) returning " .. COLUMNS,
    owner_id, agent.name, agent.role, agent.avatar_url)
end

---@param owner_id string
---@param id string
---@return table? agent
function M.read(owner_id, id)
  return shared.call("agents.read", owner_id, id, db.one,
    "select " .. COLUMNS .. " from agents where owner_id = $1 and id = $2", owner_id, id)
end

return M
