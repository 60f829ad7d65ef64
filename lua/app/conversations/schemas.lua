local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Title = s.string { min = 1, max = 255, trim = true }:nullable()
local Role = s.enum { "user", "assistant" }

M.ConversationResponse = s.object({
  { "id", s.uuid() },
  { "user_id", s.uuid() },
  { "title", Title },
}):extend(s.Timestamps):named("ConversationResponse"):table("conversations")

M.ConversationPage = s.page(M.ConversationResponse)
M.ConversationCreate = s.object("ConversationCreate", { { "title", Title:optional() } }):table("conversations")
M.ConversationUpdate = s.object("ConversationUpdate", { { "title", Title:optional() } }):table("conversations")
M.ConversationFilter = shared.list_query({ "updated_at", "created_at", "title" }, "-updated_at", {})

-- As many characters as the table holds bytes: of those that take more than one byte there is room for fewer.
local Content = s.string { min = 1, max = 65536 }:describe "At most 65,536 bytes of UTF-8"

M.MessageResponse = s.object("MessageResponse", {
  { "id", s.uuid() },
  { "conversation_id", s.uuid() },
  { "user_id", s.uuid():describe "Whose conversation it is" },
  { "role", Role },
  { "content", Content },
  { "created_at", s.datetime() },
}):table("messages")

M.MessagePage = s.page(M.MessageResponse)

M.MessageCreate = s.object("MessageCreate", {
  { "role", Role:default "user":describe "assistant: for services" },
  { "content", Content },
}):table("messages")

M.MessageFilter = shared.list_query({ "created_at" }, "created_at", {
  role = Role,
}):extend({
  after = s.uuid():optional():describe "A message's id: those that follow it, in place of a page",
  before = s.uuid():optional():describe "A message's id: those just before it, in place of a page",
  page = s.integer { min = 1, max = 10000000 }:optional(),
}):refine(function(query)
  return query.after == nil or query.before == nil, "cannot be given together with after", "before"
end):refine(function(query)
  local has_cursor = query.after or query.before
  return not (has_cursor and query.page), "is for lists without after and before", "page"
end)

M.MessageCount = s.object("MessageCount", { { "count", s.integer { min = 0 } } })

return M
