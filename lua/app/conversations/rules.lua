--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local errors = require "neap.errors"
local shared = require "app.rules"

local M = {}

local tell = shared.teller("conversations", "conversation", { "id", "title", "created_at", "updated_at" })

---@param work table
---@param user {id: string}
---@param query table checked ConversationFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, query)
  return work.conversations.list(user.id, query)
end

---@param fields table checked ConversationCreate
---@return table conversation
function M.create(work, user, fields)
  return work.tx(function()
    local conversation = work.conversations.create(user.id, fields)
    tell(work, user.id, conversation, "created")
    return conversation
  end)
end

--- Somebody else's conversation does not exist for this user.
---@param id string uuid
---@return table conversation
function M.read(work, user, id)
  return work.conversations.read(user.id, id) or errors.not_found "Conversation not found"
end

---@param id string uuid
---@param fields table checked ConversationUpdate
---@return table conversation
function M.update(work, user, id, fields)
  if shared.is_empty(fields) then
    return M.read(work, user, id)
  end
  return work.tx(function()
    local conversation = work.conversations.update(user.id, id, fields) or errors.not_found "Conversation not found"
    tell(work, user.id, conversation, "updated")
    return conversation
  end)
end

--- With all its messages.
---@param id string uuid
function M.delete(work, user, id)
  work.tx(function()
    local conversation = work.conversations.lock(user.id, id) or errors.not_found "Conversation not found"
    work.conversations.delete(user.id, id)
    tell(work, user.id, conversation, "deleted")
  end)
end

--- Something is said in it, inside a transaction.
---@return table conversation
function M.touch(work, user, id)
  local conversation = work.conversations.touch(user.id, id) or errors.not_found "Conversation not found"
  tell(work, user.id, conversation, "updated")
  return conversation
end

--- The same by a service, in anybody's conversation.
---@return table conversation
function M.touch_any(work, id)
  local conversation = work.conversations.touch_any(id) or errors.not_found "Conversation not found"
  tell(work, conversation.user_id, conversation, "updated")
  return conversation
end

return M
