--- Clients that never stop writing, and remember what they were told: for servers that are killed meanwhile.
local core = require "neap.core"
local load = require "spec.support.load"
local sys = require "neap.core.os"
local wire = require "spec.support.wire"

local M = {}

---@class spec.Writers
---@field acknowledged integer[]  the notes that were answered with 201
---@field refused integer        503 and 504
---@field first_ok number?       when the first 201 since mark() came: seconds since 1970
local Writers = {}
Writers.__index = Writers

local serial = 0

---@param server table
---@param n integer
function M.open(server, n)
  return setmetatable({
    server = server, conns = load.connect(server, n), acknowledged = {}, refused = 0, wrong = {},
  }, Writers)
end

local function note()
  serial = serial + 1
  return wire.request("POST /notes", { "Content-Type: application/json" }, ('{"body":"note %d"}'):format(serial))
end

function Writers:mark()
  self.first_ok = nil
end

function Writers:take(res)
  if res and res.status == 201 then
    self.acknowledged[#self.acknowledged + 1] = math.tointeger(tonumber(res.json.body:match "%d+"))
    self.first_ok = self.first_ok or core.now()
  elseif res and (res.status == 503 or res.status == 504) and (res.status == 504 or res.headers["retry-after"]) then
    self.refused = self.refused + 1
  else
    self.wrong[#self.wrong + 1] = res and res.head or "a connection was dropped"
  end
end

--- One request on each connection, the last one a read.
function Writers:round()
  for i, conn in ipairs(self.conns) do
    conn:write(i == #self.conns and wire.request "GET /sql/divide/5" or note())
  end
  for i, conn in ipairs(self.conns) do
    local res = conn:answer()
    if i < #self.conns then
      self:take(res)
    elseif not res or (res.status ~= 200 and res.status ~= 503 and res.status ~= 504) then
      self.wrong[#self.wrong + 1] = res and res.head or "a connection was dropped"
    end
  end
end

--- Writes until the command ended.
function Writers:during(argv)
  local proc = assert(sys.spawn(argv))
  local code
  repeat
    self:round()
    code = proc:wait(0.005)
  until code
  assert(code == 0, table.concat(argv, " ", 1, 4) .. " failed")
end

--- Writes until a write is acknowledged since mark(), for half a minute at most.
function Writers:until_ok()
  local deadline = core.monotonic() + 30
  while self.first_ok == nil do
    assert(core.monotonic() < deadline, "no write is acknowledged any more")
    self:round()
    core.sleep(0.005)
  end
end

---@param seconds number
function Writers:for_seconds(seconds)
  local deadline = core.monotonic() + seconds
  repeat
    self:round()
  until core.monotonic() >= deadline
end

--- What was acknowledged and is not there, and what is there more than once.
---@param node spec.Node
---@return integer[] missing, integer[] twice
function Writers:compare(node)
  local there, missing, twice = {}, {}, {}
  for number in node:psql("select substr(body, 6) from notes"):gmatch "%d+" do
    number = math.tointeger(tonumber(number))
    if there[number] then
      twice[#twice + 1] = number
    end
    there[number] = true
  end
  for _, number in ipairs(self.acknowledged) do
    if not there[number] then
      missing[#missing + 1] = number
    end
  end
  return missing, twice
end

function Writers:close()
  load.close(self.conns)
end

return M
