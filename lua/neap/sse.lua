--- Server-sent events (WHATWG HTML, 9.2): a stream that stays open for what is yet to come. A stream has no task of its own:
--- whoever holds it sends to it, and one loop for all of them keeps them alive and ends those whose token has expired.
---
---     r:get("/clock", { summary = "The time", response = { [200] = "text/event-stream" } }, function(req)
---       return sse.stream(req, {
---         on_open = function(stream) clients[stream] = true end,
---         on_close = function(stream) clients[stream] = nil end,
---       })
---     end)
---     ... stream:send { event = "tick", data = { now = now } }
---
--- With `hub` (sse.hub, see neap.sse.hub) a stream has the events of a table, and a client that comes back misses none.
local core = require "neap.core"
local errors = require "neap.errors"
local json = require "neap.json"
local log = require "neap.log"
local response = require "neap.response"

local M = {}

local RETRY_MS = 3000
local KEEP_ALIVE_S = 15
local TICK_S = 1

-- ---- framing

local function check_line(name, value)
  value = tostring(value)
  if value:find "[\r\n]" or (name == "id" and value:find "%z") then
    error(("sse: %s has a line break or a NUL"):format(name), 3)
  end
  return ("%s: %s\n"):format(name, value)
end

-- CR LF, LF and CR all end a line, so none of them may be inside one.
local function lines_of(name, text)
  text = text:gsub("\r\n?", "\n")
  return name .. ": " .. text:gsub("\n", "\n" .. name .. ": ") .. "\n"
end

---@class neap.SseEvent
---@field event string?    its name; "message" for those who listen when there is none
---@field data any         a string as it is, line by line; anything else as JSON
---@field id string?       what the client sends back as Last-Event-ID
---@field retry integer?   milliseconds before the client connects again
---@field comment string?  nobody sees it

--- The bytes of an event.
---@param event neap.SseEvent
---@return string
function M.format(event)
  local parts = {}
  if event.comment then
    parts[#parts + 1] = lines_of("", event.comment)
  end
  if event.retry then
    parts[#parts + 1] = ("retry: %d\n"):format(event.retry)
  end
  if event.id then
    parts[#parts + 1] = check_line("id", event.id)
  end
  if event.event then
    parts[#parts + 1] = check_line("event", event.event)
  end
  if event.data ~= nil then
    parts[#parts + 1] = lines_of("data", type(event.data) == "string" and event.data or json.encode(event.data))
  end
  return table.concat(parts) .. "\n"
end

local function bytes_of(event)
  return type(event) == "string" and event or M.format(event)
end

local function farewell(reason)
  return M.format { event = "bye", data = { reason = reason } }
end

local RESTART = farewell "restart"
local PING = ":\n\n"

-- ---- what is open in this worker

local open, open_count = {}, 0
local held = {} -- how many a user has, those that are still being opened included
local watched = {}
local counts = { opened = 0, slow = 0, expired = 0 }
local keeping = false

--- Streams of this worker: open now; and since its code was loaded, opened, cut because they were slow, ended because their
--- token expired.
---@return { open: integer, opened: integer, slow: integer, expired: integer }
function M.counts()
  return { open = open_count, opened = counts.opened, slow = counts.slow, expired = counts.expired }
end

---@class neap.SseStream
---@field last_event_id string?
---@field user_id string?
local Stream = { __name = "neap.sse.stream" }
Stream.__index = Stream

local function hold(stream)
  local user = stream.user_id
  if user then
    stream.is_held = true
    held[user] = (held[user] or 0) + 1
  end
end

local function forget(stream)
  if stream.is_held then
    local left = held[stream.user_id] - 1
    held[stream.user_id] = left > 0 and left or nil
    stream.is_held = false
  end
  if open[stream] then
    open[stream] = nil
    open_count = open_count - 1
  end
  if stream.hub then
    stream.hub:leave(stream)
  end
  stream.is_closed = true
end

--- Ends it with an event `bye` that has the reason.
---@param reason string
function Stream:close(reason)
  if not self.is_closed then
    forget(self)
    self.out:send(farewell(reason))
    self.out:close()
  end
end

-- The client reads more slowly than things happen: it comes back with its last id, and reads what it missed from the table.
function Stream:cut()
  if self.is_closed then
    return
  end
  counts.slow = counts.slow + 1
  core.count "streams_slow"
  log.warn("sse.slow_reader", { user_id = self.user_id, queued = self.out:queued() })
  forget(self)
  self.out:close "slow"
end

--- Never waits. A client whose queue is full is cut off.
---@param event neap.SseEvent|string  bytes are sent as they are
---@return boolean sent
function Stream:send(event)
  if self.is_closed then
    return false
  end
  local ok, why = self.out:send(bytes_of(event))
  if why == "full" then
    self:cut()
  end
  return ok
end

--- Waits while the client is slow: for on_open.
---@param event neap.SseEvent|string
---@return boolean sent
function Stream:write(event)
  return not self.is_closed and self.out:write(bytes_of(event))
end

local function tend(stream, now, wall)
  if stream.expires_at and stream.expires_at <= wall then
    counts.expired = counts.expired + 1
    core.count "streams_expired"
    stream:close "expired"
  elseif stream.ping_at <= now then
    stream.ping_at = now + stream.keep_alive
    stream:send(stream.hub and stream.hub:ping(stream, now) or PING)
  end
end

local function keep()
  local _ <close> = setmetatable({}, { __close = function()
    keeping = false
  end })
  while next(open) do
    core.sleep(TICK_S)
    local now, wall = core.monotonic(), core.now()
    -- Only entries that are there go away meanwhile, which next() allows.
    for stream in pairs(open) do
      tend(stream, now, wall)
    end
    for hub in pairs(watched) do
      hub:tick(now)
    end
  end
end

local function remember(stream)
  open[stream] = true
  open_count = open_count + 1
  counts.opened = counts.opened + 1
  stream.ping_at = core.monotonic() + stream.keep_alive
  if stream.hub then
    watched[stream.hub] = true
  end
  if not keeping then
    keeping = true
    core.spawn(keep, "sse.keep_alive")
  end
end

-- ---- opening

---@class neap.SseOptions
---@field on_open fun(stream: neap.SseStream)?   in the handler's task, after the head: may wait, query and stream:write
---@field on_close fun(stream: neap.SseStream)?  the client left, or was cut off by the kernel
---@field hub neap.SseHub?          gives the stream the events of its user
---@field topics string[]?          of the hub's events; nil: all
---@field user_id string?           req.user.id
---@field last_event_id string?     the request's header Last-Event-ID
---@field expires_at number?        req.user.expires_at, seconds since 1970
---@field retry integer?            3000 milliseconds
---@field keep_alive number?        15 seconds between comments
---@field queue_max integer?        262144 bytes that wait for a slow client
---@field streams_max integer?      that one user may have in a worker; without it as many as there is room for
---@field headers table<string, string>?

local function new_stream(req, opts)
  local user = req.user
  return setmetatable({
    hub = opts.hub,
    topics = opts.topics,
    user_id = opts.user_id or user and user.id,
    last_event_id = opts.last_event_id or req:header "last-event-id",
    expires_at = opts.expires_at or user and user.expires_at,
    keep_alive = opts.keep_alive or KEEP_ALIVE_S,
  }, Stream)
end

-- What was joined and not opened in the end (an error, a client that left) must not stay behind.
local function left_alone(stream)
  return setmetatable({}, { __close = function()
    if not open[stream] then
      forget(stream)
    end
  end })
end

local function run(stream, out, opts)
  local _ <close> = left_alone(stream)
  hold(stream)
  stream.out = out
  if opts.queue_max then
    out:queue_max(opts.queue_max)
  end
  stream:write { retry = opts.retry or RETRY_MS }
  if opts.on_open then
    opts.on_open(stream)
  end
  if stream.hub then
    stream.hub:join(stream, opts.queue_max)
  end
  if stream.is_closed then
    return
  end
  remember(stream)
  out:detach {
    farewell = RESTART,
    on_close = function()
      forget(stream)
      if opts.on_close then
        opts.on_close(stream)
      end
    end,
  }
end

-- A token is let in for some seconds beyond its end, since clocks differ. A stream would be ended at once, and opened again
-- by a client that believes in it.
local function refuse_expired(stream)
  if stream.expires_at and stream.expires_at <= core.now() then
    errors.app {
      status = 401,
      code = "token_expired",
      message = "The access token has expired",
      headers = { ["WWW-Authenticate"] = 'Bearer error="invalid_token"' },
    }
  end
end

-- What waits for a slow reader is bounded for each stream, and so is nothing for somebody who opens thousands of them.
local function refuse_more(stream, max)
  if max and (held[stream.user_id] or 0) >= max then
    errors.too_many(("At most %d streams at a time"):format(max), KEEP_ALIVE_S)
  end
end

--- The answer of a handler: a stream of events. No proxy is to keep it or gather it.
---@param req table
---@param opts neap.SseOptions
---@return neap.Response
function M.stream(req, opts)
  local stream = new_stream(req, opts)
  refuse_expired(stream)
  if stream.hub then
    stream.hub:prepare()
  end
  refuse_more(stream, opts.streams_max) -- last: nothing waits from here on until it is held
  local headers = { ["Cache-Control"] = "no-store", ["X-Accel-Buffering"] = "no" }
  for name, value in pairs(opts.headers or {}) do
    headers[name] = value
  end
  return response.stream("text/event-stream", function(out)
    run(stream, out, opts)
  end, 200, headers)
end

--- The events of a table for the streams of each worker: see neap.sse.hub.
---@param opts neap.SseHubOptions
---@return neap.SseHub
function M.hub(opts)
  return require("neap.sse.hub").new(opts)
end

return M
