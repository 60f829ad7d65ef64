local config = require "config"
local neap = require "neap"
local rules = require "app.events.rules"
local S = require "app.events.schemas"
local sse = require "neap.sse"

local r = neap.router { tags = { "events" }, auth = "user" }

local hub = sse.hub { table = "events", channel = "app_events" }

r:get("/sse", {
  summary = "What changes, as it does",
  description = "Server-sent events: one's own and those for everybody. With `Last-Event-ID` those come first that were"
    .. " missed in the last 24 hours; `resync` says that they are no longer known.",
  query = S.Topics,
  response = { [200] = "text/event-stream" },
}, function(req)
  return sse.stream(req, {
    hub = hub, topics = rules.topics(req.query.topics), streams_max = config.SSE_STREAMS_MAX,
  })
end)

return r
