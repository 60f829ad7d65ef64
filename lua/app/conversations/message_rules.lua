--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it. Messages are added and read;
--- nobody changes what was said.
local conversations = require "app.conversations.rules"
local errors = require "neap.errors"
local shared = require "app.rules"

local M = {}

-- What was said may be long: who wants it reads it after the last one that they have.
local publish = shared.teller("messages", "message", { "id", "conversation_id", "role", "created_at" })

local function reversed(list)
  local out = {}
  for i = #list, 1, -1 do
    out[#out + 1] = list[i]
  end
  return out
end

local function list_around(work, user, conversation_id, way, query)
  local message = work.messages.read(user.id, query[way])
  if message == nil or message.conversation_id ~= conversation_id then
    errors.validation { { field = "query." .. way, code = "invalid", message = "is no message of this conversation" } }
  end
  local items = work.messages.around(user.id, conversation_id, way, message, query.page_size, query.role)
  local is_turned = (way == "before") ~= (query.sort == "-created_at")
  return {
    items = is_turned and reversed(items) or items,
    total = work.messages.count_by_conversation(user.id, conversation_id, query.role),
    page = 1,
    page_size = query.page_size,
  }
end

--- A page of them, or those next to one that the caller has; the oldest first unless query.sort says otherwise.
---@param query table checked MessageFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, conversation_id, query)
  conversations.read(work, user, conversation_id)
  local way = query.after and "after" or query.before and "before"
  if way then
    return list_around(work, user, conversation_id, way, query)
  end
  local filter = shared.without(query)
  filter.conversation_id = conversation_id
  return work.messages.list(user.id, filter)
end

---@return {count: integer}
function M.count(work, user, conversation_id)
  conversations.read(work, user, conversation_id)
  return { count = work.messages.count_by_conversation(user.id, conversation_id) }
end

local function add(work, conversation, body)
  local message = work.messages.create(conversation.user_id, {
    conversation_id = conversation.id, role = body.role, content = body.content,
  })
  publish(work, conversation.user_id, message, "created", { updated_at = message.created_at })
  return message
end

--- A user speaks in their own conversation, a service as the assistant in anybody's.
---@param user {id: string, role: string}
---@param body { role: "user"|"assistant", content: string }
---@return table message
function M.post(work, user, conversation_id, body)
  if body.role == "assistant" then
    return M.answer(work, user, conversation_id, body)
  end
  return work.tx(function()
    return add(work, conversations.touch(work, user, conversation_id), body)
  end)
end

--- The assistant's part, which only a service may speak.
---@return table message
function M.answer(work, user, conversation_id, body)
  if user.role ~= "service" then
    -- Whether there is such a conversation is nobody else's business.
    conversations.read(work, user, conversation_id)
    errors.forbidden "Only a service may post as the assistant"
  end
  return work.tx(function()
    return add(work, conversations.touch_any(work, conversation_id), body)
  end)
end

return M
