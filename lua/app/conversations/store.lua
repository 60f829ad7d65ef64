--- All SQL about conversations. The owner is the first parameter of every function and in every WHERE.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("conversations", {
  table = "conversations",
  owner = "user_id",
  columns = { "id", "user_id", "title", "created_at", "updated_at" },
  write = { "title" },
  sort = { "updated_at", "created_at", "title" },
  default_sort = "-updated_at",
})

local TOUCH = ("update conversations set updated_at = now() where user_id = $1 and id = $2 returning %s"):format(M.columns)
local TOUCH_ANY = ("update conversations set updated_at = now() where id = $1 returning %s"):format(M.columns)

--- Something was said in it: updated_at is now, and until the transaction ends nobody else says anything, so that the
--- messages of a conversation are in the order of their times.
---@param user_id string
---@param id string
---@return table? conversation
function M.touch(user_id, id)
  return shared.call("conversations.touch", user_id, id, db.one, TOUCH, user_id, id)
end

--- The same for a service that answers in it.
---@param id string
---@return table? conversation
function M.touch_any(id)
  return shared.call("conversations.touch_any", nil, id, db.one, TOUCH_ANY, id)
end

return M
