--- The hub with a table that the spec writes itself: what a real one shows only once in a long while. The rest is in
--- spec/e2e/sse_spec.lua.
local core = require "neap.core"
local eventually = require "spec.support.eventually"
local sse_hub = require "neap.sse.hub"

-- A table of events: read() gives what was put there, up to `xmin`.
local function fake_outbox()
  local outbox = { rows = {}, xmin = 1, reads = 0 }

  function outbox.position()
    outbox.asked = (outbox.asked or 0) + 1
    core.sleep(0.02)
    return { xid = outbox.xmin, id = 0 }
  end

  function outbox:read(cursor)
    self.reads = self.reads + 1
    if self.fails then
      self.fails = false
      error("the database is away", 0)
    end
    local found = {}
    for _, row in ipairs(self.rows) do
      local is_new = row.xid > cursor.xid or (row.xid == cursor.xid and row.id > cursor.id)
      if is_new and row.xid < self.xmin then
        found[#found + 1] = row
      end
    end
    return found, { xid = self.xmin, id = 0 }, nil
  end

  function outbox:replay()
    return {}
  end

  function outbox:knows()
    return true, true
  end

  function outbox:add(xid, id)
    self.rows[#self.rows + 1] = { xid = xid, id = id, topic = "t", type = "e" .. id, data = {} }
    self.xmin = xid + 1
  end

  return outbox
end

local function fake_stream(last_event_id)
  local stream = { got = {}, last_event_id = last_event_id }
  function stream:send(text)
    for event in text:gmatch "event: (%w+)" do
      self.got[#self.got + 1] = event
    end
    return true
  end
  stream.write, stream.out = stream.send, stream
  return stream
end

describe("a hub", function()
  local hub, outbox

  before_each(function()
    hub = sse_hub.new { table = "events", channel = "unheard" }
    outbox = fake_outbox()
    hub.outbox = outbox
  end)

  it("says nothing twice to a client that another worker told more than it has read itself", function()
    local first = fake_stream()
    hub:join(first)
    outbox:add(5, 1)
    outbox:add(5, 2)
    outbox:add(6, 3)
    local ahead = fake_stream "5-2"
    hub:join(ahead)
    hub:wake()
    assert.is_true(eventually(function() return #first.got == 3 end))
    assert.same({ "e1", "e2", "e3" }, first.got)
    assert.same({ "e3" }, ahead.got)
  end)

  it("tells everybody to begin anew when the database has gone back behind it", function()
    outbox.xmin = 100
    local stream = fake_stream()
    hub:join(stream)
    outbox.xmin = 50
    hub:wake()
    assert.is_true(eventually(function() return stream.got[1] == "resync" end))
    outbox:add(51, 1)
    hub:wake()
    assert.is_true(eventually(function() return stream.got[2] == "e1" end))
  end)

  it("asks once where it is, however many come at once", function()
    local over = 0
    for _ = 1, 50 do
      core.spawn(function()
        hub:join(fake_stream())
        over = over + 1
      end, "client")
    end
    assert.is_true(eventually(function() return over == 50 end))
    assert.equal(1, outbox.asked)
  end)

  it("reads again when it could not", function()
    local stream = fake_stream()
    hub:join(stream)
    outbox:add(5, 1)
    outbox.fails = true
    hub:wake()
    assert.is_true(eventually(function() return stream.got[1] == "e1" end))
  end)

  it("reads nothing when nobody listens, and then begins where it is", function()
    local stream = fake_stream()
    hub:join(stream)
    hub:leave(stream)
    outbox:add(5, 1)
    hub:wake()
    core.sleep(0.05)
    assert.equal(0, outbox.reads)
    hub:join(stream)
    outbox:add(6, 2)
    hub:wake()
    assert.is_true(eventually(function() return #stream.got > 0 end))
    assert.same({ "e2" }, stream.got)
  end)
end)
