--- The events of a table (neap.sse.outbox) for all streams of a worker: it listens once, reads each event once, and sends
--- it to those whom it concerns.
---
---     local hub = sse_hub.new { table = "events", channel = "app_events" }
---     return sse.stream(req, { hub = hub, topics = { "tasks" } })
---
--- A notification only wakes it; it reads by its cursor. So one that was lost costs a few seconds, not an event, and a
--- transaction that commits late is waited for. A stream's id is "<xid>-<id>" of the event, or "<xid>-<id>-<seconds>" for
--- a place between events; whoever comes back with one has what came since, once and in order, or a `resync` when that is no
--- longer known.
local core = require "neap.core"
local db = require "neap.db"
local json = require "neap.json"
local log = require "neap.log"
local outbox = require "neap.sse.outbox"
local sse = require "neap.sse"

local M = {}

local BATCH = 100
local REPLAY_BATCH = 200
local POLL_S = 5
local RETRY_S = 1
-- While events wait for a transaction below them: soon again, then less often.
local PENDING_S, PENDING_S_MAX = 0.005, 0.1
local MAX_AGE_S = 24 * 3600
-- A place is given anew long before it is too old.
local PLACE_S = 3600
local BACKLOG_BYTES = 256 * 1024
local LOOKUPS_MAX = 16
local WAIT_S = 0.02

---@class neap.SseHub
local Hub = { __name = "neap.sse.hub" }
Hub.__index = Hub

local function default_frame(event)
  return {
    event = event.type,
    data = {
      topic = event.topic,
      type = event.type,
      entity_id = event.entity_id,
      data = event.data,
      created_at = event.created_at,
    },
  }
end

---@class neap.SseHubOptions
---@field table string      see neap.sse.outbox
---@field channel string    that the table's trigger notifies
---@field frame (fun(event: table): neap.SseEvent)?  of a row; the id is the hub's
---@field max_age number?   seconds that a client may come back after, a day

---@param opts neap.SseHubOptions
---@return neap.SseHub
function M.new(opts)
  return setmetatable({
    outbox = outbox.new(opts.table),
    channel = opts.channel,
    frame = opts.frame or default_frame,
    max_age = opts.max_age or MAX_AGE_S,
    subs = {},      -- stream -> subscription
    by_user = {},   -- user id -> set of subscriptions
    count = 0,
    cursor = nil,   -- while somebody listens; a new table each time that it moves
    read_at = 0,
    lookups = 0,
    dirty = false,
    is_reading = false,
  }, Hub)
end

local function is_after(a, b)
  return a.xid > b.xid or (a.xid == b.xid and a.id > b.id)
end

local function place(cursor)
  return ("%d-%d-%d"):format(cursor.xid, cursor.id, math.floor(core.now()))
end

local function bytes(self, event)
  local framed = self.frame(event)
  framed.id = ("%d-%d"):format(event.xid, event.id)
  return sse.format(framed)
end

-- ---- who listens

local function add(self, stream, backlog_max)
  local sub = {
    stream = stream,
    out = stream.out,
    backlog = {},
    backlog_bytes = 0,
    backlog_max = backlog_max or BACKLOG_BYTES,
  }
  if stream.topics then
    sub.topics = {}
    for _, topic in ipairs(stream.topics) do
      sub.topics[topic] = true
    end
  end
  self.subs[stream] = sub
  self.count = self.count + 1
  local user = stream.user_id
  if user then
    self.by_user[user] = self.by_user[user] or {}
    self.by_user[user][sub] = true
  end
  return sub
end

function Hub:leave(stream)
  local sub, user = self.subs[stream], stream.user_id
  if sub == nil then
    return
  end
  self.subs[stream] = nil
  self.count = self.count - 1
  if user then
    self.by_user[user][sub] = nil
    if next(self.by_user[user]) == nil then
      self.by_user[user] = nil
    end
  end
  if self.count == 0 then
    self.cursor = nil
  end
end

-- ---- from the table to the streams

-- Thousands of these for one event: the outlet itself, not the stream around it.
local function deliver(sub, text)
  if sub.backlog == nil then
    local _, why = sub.out:send(text)
    if why == "full" then
      sub.stream:cut()
    end
  elseif sub.backlog_bytes + #text <= sub.backlog_max then
    sub.backlog[#sub.backlog + 1] = text
    sub.backlog_bytes = sub.backlog_bytes + #text
  else
    sub.is_over = true
  end
end

local function is_wanted(sub, event)
  local topics, floor = sub.topics, sub.floor
  return (topics == nil or topics[event.topic]) and (floor == nil or is_after(event, floor))
end

-- One event for one stream; what belongs together goes out together.
local function queue(sub, event, text, touched)
  if not is_wanted(sub, event) then
    return
  elseif touched == nil then
    deliver(sub, text)
  elseif sub.queued == nil then
    touched[#touched + 1] = sub
    sub.queued = text
  else
    sub.queued = sub.queued .. text
  end
end

-- Nothing in here waits: who joins has all of this or nothing.
local function fan_out(self, events)
  local touched = #events > 1 and {} or nil
  for _, event in ipairs(events) do
    if event.user_id == nil then
      local text = bytes(self, event)
      for _, sub in pairs(self.subs) do
        queue(sub, event, text, touched)
      end
    elseif self.by_user[event.user_id] then
      local text = bytes(self, event)
      for sub in pairs(self.by_user[event.user_id]) do
        queue(sub, event, text, touched)
      end
    end
  end
  for _, sub in ipairs(touched or {}) do
    local text = sub.queued
    sub.queued = nil
    deliver(sub, text)
  end
end

-- The database is another one than before (a standby that was promoted without its last transactions): what the cursor says
-- of it means nothing.
local function start_over(self, cursor)
  log.warn("sse.resync", { was = self.cursor.xid, is = cursor.xid })
  self.cursor = cursor
  local streams = {}
  for stream in pairs(self.subs) do
    streams[#streams + 1] = stream
  end
  for _, stream in ipairs(streams) do
    deliver(self.subs[stream], sse.format { event = "resync", id = place(cursor), data = json.object {} })
  end
end

local function read_once(self)
  local cursor = self.cursor
  if cursor == nil then
    return nil
  end
  self.read_at = core.monotonic()
  local events, after, rest = self.outbox:read(cursor, BATCH)
  if self.cursor ~= cursor then
    return nil
  elseif is_after(cursor, after) then
    start_over(self, after)
    return nil
  end
  self.cursor = after
  fan_out(self, events)
  return rest
end

local function read_safely(self)
  local ok, rest = pcall(read_once, self)
  if ok then
    self.failed = false
    return rest
  end
  if not self.failed then
    log.warn("sse.read_failed", { reason = tostring(rest) })
    self.failed = true
  end
  core.sleep(RETRY_S)
  return "more"
end

-- One at a time, until there is nothing left to read.
local function read_all(self)
  local _ <close> = setmetatable({}, { __close = function()
    self.is_reading = false
  end })
  local pause = PENDING_S
  repeat
    self.dirty = false
    local rest = read_safely(self)
    if rest == "pending" and not self.dirty then
      core.sleep(pause)
      pause = math.min(pause * 2, PENDING_S_MAX)
    elseif rest ~= "pending" then
      pause = PENDING_S
    end
  until not (rest or self.dirty) or self.count == 0
end

function Hub:wake()
  self.dirty = true
  if not self.is_reading and self.count > 0 then
    self.is_reading = true
    core.spawn(function()
      read_all(self)
    end, "sse.read")
  end
end

--- Called every second while streams are open: notifications may be lost.
---@param now number
function Hub:tick(now)
  if now - self.read_at >= POLL_S then
    self:wake()
  end
end

--- What keeps a stream alive: a comment, and from time to time the place that it has reached.
---@param stream neap.SseStream
---@param now number
---@return string
function Hub:ping(stream, now)
  local sub = self.subs[stream]
  if sub == nil or self.cursor == nil or now < sub.place_at then
    return ":\n\n"
  end
  sub.place_at = now + PLACE_S
  return (":\n\nid: %s\n\n"):format(place(sub.floor and is_after(sub.floor, self.cursor) and sub.floor or self.cursor))
end

-- ---- joining

local function listen(self)
  if self.is_listening then
    return
  end
  self.is_listening = true
  core.spawn(function()
    self.listener = db.listen(self.channel, function()
      self:wake()
    end)
    -- What was told of until now nobody has heard.
    self:wake()
  end, "sse.listen")
end

-- When a worker starts all clients come at once: one of them asks for all.
local function ask_position(self)
  local answer = self.asking
  if answer then
    while not answer.is_over do
      core.sleep(WAIT_S)
    end
  else
    answer = {}
    self.asking = answer
    local _ <close> = setmetatable({}, { __close = function()
      answer.is_over, self.asking = true, nil
    end })
    local ok, result = pcall(self.outbox.position)
    answer.cursor, answer.problem = ok and result or nil, not ok and result or nil
  end
  if answer.problem then
    error(answer.problem, 0)
  end
  -- Who asked may have been cancelled.
  return answer.cursor or ask_position(self)
end

--- Before the head of an answer is sent: what fails here is an error that the client can read.
function Hub:prepare()
  listen(self)
  if self.cursor == nil then
    -- Only whether it can be read: it is kept when somebody listens, who may never come.
    ask_position(self)
  end
end

local function take_cursor(self)
  while self.cursor == nil do
    local cursor = ask_position(self)
    self.cursor = self.cursor or cursor
  end
  return self.cursor
end

-- They also come back at once, and all with something to look up: a few at a time leave the pool to others too.
local function look_up(self, fn, ...)
  while self.lookups >= LOOKUPS_MAX do
    core.sleep(WAIT_S * (0.5 + math.random()))
  end
  self.lookups = self.lookups + 1
  local _ <close> = setmetatable({}, { __close = function()
    self.lookups = self.lookups - 1
  end })
  return fn(self.outbox, ...)
end

-- Where a client was, or nil when it cannot be told what came since.
local function whereabouts(self, stream)
  local xid, id, seconds = stream.last_event_id:match "^(%d+)%-(%d+)%-?(%d*)$"
  local at = { xid = math.tointeger(tonumber(xid)), id = math.tointeger(tonumber(id)) }
  if at.xid == nil or at.id == nil then
    return nil
  end
  local is_there, is_reached = look_up(self, self.outbox.knows, at, stream.user_id, self.max_age)
  local age = tonumber(seconds) and core.now() - tonumber(seconds)
  local is_place = age and is_reached and age < self.max_age and age > -60
  return (is_there or is_place) and at or nil
end

local function replay(self, stream, from, to)
  while is_after(to, from) do
    local events = look_up(self, self.outbox.replay, from, to, stream.user_id, stream.topics, REPLAY_BATCH)
    local parts = {}
    for i = 1, #events do
      parts[i] = bytes(self, events[i])
    end
    if #parts > 0 then
      stream:write(table.concat(parts))
    end
    if #events < REPLAY_BATCH then
      return
    end
    from = { xid = events[#events].xid, id = events[#events].id }
  end
end

local function catch_up(self, stream, sub, target)
  local from = stream.last_event_id and whereabouts(self, stream)
  if from == nil then
    local text = ("id: %s\n\n"):format(place(target))
    if stream.last_event_id then
      text = sse.format { event = "resync", id = place(target), data = json.object {} }
    end
    stream:write(text)
    return
  end
  -- It may have heard from a worker that was ahead of this one.
  sub.floor = is_after(from, target) and from or nil
  replay(self, stream, from, target)
end

--- First what came since its last id, then what comes. Waits until the stream is at one with the hub.
---@param stream neap.SseStream
---@param backlog_max integer?  bytes that may come in the meantime
function Hub:join(stream, backlog_max)
  local sub = add(self, stream, backlog_max)
  sub.place_at = core.monotonic() + PLACE_S
  catch_up(self, stream, sub, take_cursor(self))
  while #sub.backlog > 0 and not sub.is_over do
    local texts = sub.backlog
    sub.backlog, sub.backlog_bytes = {}, 0
    stream:write(table.concat(texts))
  end
  if sub.is_over then
    stream:cut()
  end
  sub.backlog = nil
end

return M
