--- All SQL about messages. The owner is the first parameter of every function and in every WHERE; that a message is never
--- filed under somebody else's conversation is a foreign key.
local db = require "neap.db"
local shared = require "app.store"

local M = shared.repository("messages", {
  table = "messages",
  owner = "user_id",
  columns = { "id", "user_id", "conversation_id", "role", "content", "created_at" },
  write = { "conversation_id", "role", "content" },
  filters = { "conversation_id", "role" },
  sort = { "created_at" },
  default_sort = "created_at",
})

local function around(comparison, direction)
  return ([[
    select %s from messages
    where user_id = $1 and conversation_id = $2 and (created_at, id) %s ($3, $4) and ($6::text is null or role = $6)
    order by created_at %s, id %s limit $5]]):format(M.columns, comparison, direction, direction)
end

local AROUND = { after = around(">", "asc"), before = around("<", "desc") }

--- The messages next to another one of the conversation: after it, the oldest first; before it, the newest first.
---@param user_id string
---@param conversation_id string
---@param way "after"|"before"
---@param message { id: string, created_at: string }
---@param limit integer
---@param role string?  only theirs
---@return table[] messages
function M.around(user_id, conversation_id, way, message, limit, role)
  return shared.call("messages.around", user_id, nil, db.query, AROUND[way],
    user_id, conversation_id, message.created_at, message.id, limit, role)
end

---@param user_id string
---@param conversation_id string
---@param role string?  only theirs
---@return integer
function M.count_by_conversation(user_id, conversation_id, role)
  return shared.call("messages.count_by_conversation", user_id, nil, db.one, [[
    select count(*) as n from messages where user_id = $1 and conversation_id = $2 and ($3::text is null or role = $3)]],
    user_id, conversation_id, role).n
end

return M
