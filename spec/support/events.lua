--- A client of event streams (WHATWG HTML, 9.2.6) for specs: what comes is read event by event.
local wire = require "spec.support.wire"

local M = {}

---@class spec.EventClient
local Client = {}
Client.__index = Client

---@param server table
---@param path string
---@param headers string[]?
---@return spec.EventClient
function M.open(server, path, headers)
  local conn = wire.open(server)
  conn:write(wire.request("GET " .. path, headers))
  local res = assert(conn:head())
  return setmetatable({ conn = conn, res = res, text = "", last_id = "" }, Client)
end

local function parse(block)
  local event, data = {}, {}
  for line in block:gmatch "([^\n]*)\n" do
    local name, value = line:match "^([^:]*):? ?(.*)$"
    if name == "data" then
      data[#data + 1] = value
    elseif name == "" then
      event.comment = value
    else
      event[name] = value
    end
  end
  event.data = #data > 0 and table.concat(data, "\n") or nil
  return event
end

--- The next block, whether anybody would be told of it or not; nil when the stream has ended, or "timeout".
---@param timeout number?  seconds, 10
---@return table? event
---@return string? why
function Client:block(timeout)
  self.conn.sock.timeout = timeout or 10
  while true do
    local block, rest = self.text:match "^(.-\n)\n(.*)$"
    if self.text:sub(1, 1) == "\n" then
      block, rest = "", self.text:sub(2)
    end
    if block then
      self.text = rest
      local event = parse(block)
      self.last_id = event.id or self.last_id
      return event
    end
    local bytes, err = self.conn:chunk()
    if bytes == nil or bytes == "" then
      return nil, err or "end"
    end
    self.text = self.text .. bytes
  end
end

--- The next event that a listener would be told of.
---@param timeout number?
---@return table? event
---@return string? why
function Client:next(timeout)
  while true do
    local event, why = self:block(timeout)
    if event == nil or event.data then
      return event, why
    end
  end
end

--- What the next n events say: data.text of each.
---@param n integer
---@return string[]
function Client:texts(n)
  local texts = {}
  for i = 1, n do
    local event, why = self:next()
    assert(event, ("%d of %d events came: %s"):format(i - 1, n, tostring(why)))
    texts[i] = event.data:match '"text":%s*"(%w*)"' or event.event
  end
  return texts
end

function Client:close()
  self.conn:close()
end

return M
