--- What administrators may do with accounts. Rules take plain values and never see HTTP or SQL.
local auth = require "app.auth.rules"
local errors = require "neap.errors"
local log = require "neap.log"

local M = {}

---@param store table app.users.store, or one like it
---@param query table checked UserFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(store, query)
  return store.list_any(query)
end

---@param id string uuid
---@return table user
function M.read(store, id)
  return store.read_any(id) or errors.not_found "User not found"
end

-- Nobody shuts the door behind themselves by a slip: another administrator has to do it.
local function check_own(admin, id, changes)
  if admin.id ~= id then
    return
  end
  if changes.is_active == false or (changes.role ~= nil and changes.role ~= "admin") then
    errors.conflict("own_account", "You cannot take your own rights away; ask another administrator")
  end
end

-- A token says what its user was when it was made. Who lost the role, or the account, must not use the minutes that are left
-- to take it back, or to make somebody else an administrator.
local function check_still_admin(store, admin, id)
  local row = store.lock_two_any(admin.id, id)
  if row == nil or row.role ~= "admin" or not row.is_active then
    errors.forbidden "You are no administrator any more"
  end
end

--- Who is not active any more has no session left. Tokens that are out already say the old role until they expire, but for
--- this: only who is an administrator now changes accounts.
---@param accounts table app.auth.store, or one like it
---@param admin {id: string}
---@param id string
---@param changes {role: string?, is_active: boolean?}
---@return table user
function M.update(store, accounts, admin, id, changes)
  check_own(admin, id, changes)
  return store.tx(function()
    check_still_admin(store, admin, id)
    local user = store.update_any(id, changes) or errors.not_found "User not found"
    if changes.is_active == false then
      auth.logout_all(accounts, user)
    end
    log.info("users.updated", { target_id = id, role = changes.role, is_active = changes.is_active })
    return user
  end)
end

return M
