--- A link to Postgres that can be slow and far away: it passes bytes on between TCP and the server's socket, at a rate and
--- with a delay, and counts the round trips.
local core = require "neap.core"
local sys = require "neap.core.os"

local M = {}

---@class spec.Relay
---@field port integer
---@field turns integer  how often a client spoke after its server had
local Relay = {}
Relay.__index = Relay

local function pump(relay, conn, from, to, is_client)
  while not relay.closed do
    local bytes, err = from:read()
    if bytes then
      if is_client and not conn.client_spoke then
        relay.turns = relay.turns + 1
      end
      conn.client_spoke = is_client
      core.sleep(#bytes / relay.rate + relay.delay)
      if not to:write(bytes) then
        break
      end
    elseif err ~= "timeout" then
      break
    end
  end
  from:close()
  to:close()
end

local function guarded(fn, ...)
  local args = table.pack(...)
  return function()
    pcall(fn, table.unpack(args, 1, args.n)) -- the other direction has closed both
  end
end

local function accept(relay, listener, path)
  while not relay.closed do
    local client = listener:accept(0.5)
    local server = client and sys.unix(path, 5)
    if server then
      local conn = {}
      client.timeout, server.timeout = 0.5, 0.5
      core.spawn(guarded(pump, relay, conn, client, server, true), "relay to server")
      core.spawn(guarded(pump, relay, conn, server, client, false), "relay to client")
    end
  end
  listener:close()
end

--- Its rate (bytes a second in each direction) and delay (seconds each way) may be changed at any time.
---@param path string  the server's socket
---@return spec.Relay
function M.open(path)
  local listener = assert(sys.listen(0))
  local relay = setmetatable({ port = listener.port, turns = 0, rate = math.huge, delay = 0 }, Relay)
  core.spawn(function() accept(relay, listener, path) end, "relay")
  return relay
end

function Relay:close()
  self.closed = true
end

return M
