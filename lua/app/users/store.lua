--- All SQL about users as administrators see them. Nobody owns a user: every function says _any.
local db = require "neap.db"
local store = require "neap.store"
local shared = require "app.store"

local M = {}

local users = store {
  table = "users",
  columns = { "id", "email", "display_name", "role", "is_active", "created_at", "updated_at" },
  write = { "role", "is_active" },
  filters = { "role", "is_active", q = { column = "email", op = "contains" } },
  sort = { "created_at", "updated_at", "email" },
  default_sort = "-created_at",
}

---@param query table checked UserFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list_any(query)
  return shared.call("users.list_any", nil, nil, users.list, query)
end

---@param id string
---@return table? user
function M.read_any(id)
  return shared.call("users.read_any", nil, id, users.get, id)
end

---@param id string
---@param changes {role: string?, is_active: boolean?}
---@return table? user
function M.update_any(id, changes)
  return shared.call("users.update_any", nil, id, users.update, id, changes)
end

--- Locks two accounts until the transaction ends, always in the same order: two administrators who change each other at the
--- same time go one after the other.
---@param first string   id
---@param second string  id
---@return table? user   the first one
function M.lock_two_any(first, second)
  return shared.call("users.lock_two_any", nil, first, function()
    local found
    for _, row in ipairs(db.query([[select id, role, is_active from users where id in ($1, $2) order by id for update]],
      first, second)) do
      found = row.id == first and row or found
    end
    return found
  end)
end

---@param fn fun(): any
---@return any
function M.tx(fn)
  return db.tx(fn)
end

return M
