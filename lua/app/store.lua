--- What the stores share: the log line of each call, and the functions that every feature has.
local log = require "neap.log"
local store = require "neap.store"

local M = {}

local function tell(name, owner_id, id, ok, result, ...)
  if not ok then
    log.warn(name .. ".failed", { owner_id = owner_id, id = id, reason = tostring(result) })
    error(result, 0)
  end
  log.debug(name, { owner_id = owner_id, id = id or type(result) == "table" and result.id or nil })
  return result, ...
end

--- One debug line when `fn` is through, a warning when it raised. The error goes on to the caller.
---@param name string "tasks.create"
---@param owner_id string?
---@param id string? of the entity; that of the row that fn returns when it is not known before
---@param fn fun(...): any
---@return any ... what fn returns
function M.call(name, owner_id, id, fn, ...)
  return tell(name, owner_id, id, pcall(fn, ...))
end

-- Of neap.store, by the names that the features use. KEYED ones take the row's key after the owner.
local KEYED = { read = "get", update = "update", delete = "delete", move = "move", lock = "lock" }
local OTHERS = { create = "create", list = "list", move_all = "move_all" }

local function add_owned(made, declared, name)
  for as, method in pairs(KEYED) do
    made[as] = function(owner_id, id, ...)
      return M.call(name .. "." .. as, owner_id, id, declared[method], owner_id, id, ...)
    end
  end
  for as, method in pairs(OTHERS) do
    made[as] = function(owner_id, ...)
      return M.call(name .. "." .. as, owner_id, nil, declared[method], owner_id, ...)
    end
  end
end

local function add_any(made, any, name)
  for as, method in pairs(KEYED) do
    made[as .. "_any"] = function(id, ...)
      return M.call(name .. "." .. as .. "_any", nil, id, any[method], id, ...)
    end
  end
  for as, method in pairs(OTHERS) do
    made[as .. "_any"] = any[method] and function(...)
      return M.call(name .. "." .. as .. "_any", nil, nil, any[method], ...)
    end
  end
end

---@class app.Repository  the owner is the first parameter; each has a log line of its own
---@field create fun(owner_id: string, fields: table): table
---@field list fun(owner_id: string, query: table): { items: table, total: integer, page: integer, page_size: integer }
---@field read fun(owner_id: string, id: string): table?
---@field update fun(owner_id: string, id: string, fields: table): table?
---@field delete fun(owner_id: string, id: string): boolean
---@field move fun(owner_id: string, id: string, move: neap.Move): table?
---@field move_all fun(owner_id: string, move: neap.Move): table[]
---@field lock fun(owner_id: string, id: string): table?
---@field columns string  what they read of a row, for a feature's own SQL: "id, title, ..."

--- The functions of a feature's store, from what neap.store takes. Beside each there is one with `_any` at its end and
--- without the owner, for services and administrators; a table that has no owner has only those.
---@param name string  "tasks", in the log
---@param declaration neap.StoreSpec
---@return app.Repository
function M.repository(name, declaration)
  local declared, made = store(declaration), { columns = table.concat(declaration.columns, ", ") }
  if declaration.owner then
    add_owned(made, declared, name)
    add_any(made, declared.any, name)
  else
    add_any(made, declared, name)
  end
  return made
end

return M
