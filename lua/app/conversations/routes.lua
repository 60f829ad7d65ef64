local neap = require "neap"
local log = require "neap.log"
local messages = require "app.conversations.message_rules"
local rules = require "app.conversations.rules"
local s = require "neap.schema"
local S = require "app.conversations.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/conversations", tags = { "conversations" }, auth = "user" }

r:get("/", {
  summary = "List my conversations, the one where something was said last first",
  query = S.ConversationFilter,
  response = S.ConversationPage,
}, function(req)
  return rules.list(work, req.user, req.query)
end)

r:post("/", {
  summary = "Begin a conversation",
  body = S.ConversationCreate,
  response = { [201] = S.ConversationResponse },
}, function(req)
  return shared.made(201, "/conversations", rules.create(work, req.user, req.body))
end)

-- What is logged about one conversation can be found by its id.
local one = r:group "/{id}"
one:use(function(req, next)
  log.bind { conversation_id = req.params.id }
  return next(req)
end)

one:get("/", {
  summary = "One of my conversations",
  params = s.id_uuid,
  response = S.ConversationResponse,
}, function(req)
  return rules.read(work, req.user, req.params.id)
end)

one:patch("/", {
  summary = "Give a conversation another title, or none",
  params = s.id_uuid,
  body = S.ConversationUpdate,
  response = S.ConversationResponse,
}, function(req)
  return rules.update(work, req.user, req.params.id, req.body)
end)

one:delete("/", {
  summary = "Delete a conversation with its messages",
  params = s.id_uuid,
  response = { [204] = false },
}, function(req)
  rules.delete(work, req.user, req.params.id)
end)

one:get("/messages", {
  summary = "What was said, the oldest first",
  description = "By pages, or those next to a message by its id: `after` for what is new, `before` for what was earlier.",
  params = s.id_uuid,
  query = S.MessageFilter,
  response = S.MessagePage,
}, function(req)
  return messages.list(work, req.user, req.params.id, req.query)
end)

one:post("/messages", {
  summary = "Say something",
  params = s.id_uuid,
  body = S.MessageCreate,
  response = { [201] = S.MessageResponse },
  errors = { [403] = "Only a service may post as the assistant" },
}, function(req)
  return 201, messages.post(work, req.user, req.params.id, req.body)
end)

one:get("/messages/count", {
  summary = "How many messages a conversation has",
  params = s.id_uuid,
  response = S.MessageCount,
}, function(req)
  return messages.count(work, req.user, req.params.id)
end)

return r
