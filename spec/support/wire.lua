--- HTTP/1.1 by hand: what a spec writes goes out byte by byte as it is, and answers are read as strictly as a careful
--- client would.
local sys = require "neap.core.os"
local json = require "neap.json"

local M = {}

---@class spec.Wire
---@field sock table
---@field rest string read but not used yet
local Wire = {}
Wire.__index = Wire

---@param server table as neap.test.spawn_server gives it
---@return spec.Wire
function M.open(server)
  local sock, problem = sys.tcp("127.0.0.1", server.port, 5)
  if sock == nil then
    error(("%s; the server said:\n%s"):format(problem, server.log_text and server:log_text() or "nothing"), 2)
  end
  sock.timeout = 10
  return setmetatable({ sock = sock, rest = "" }, Wire)
end

function Wire:write(bytes)
  return self.sock:write(bytes)
end

local function fill(self)
  local chunk, err = self.sock:read()
  if chunk == nil then
    return nil, err
  end
  self.rest = self.rest .. chunk
  return true
end

local function read_head(self)
  while true do
    local head, rest = self.rest:match "^(.-\r\n)\r\n(.*)$"
    if head then
      self.rest = rest
      return head
    end
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
end

local function read_bytes(self, n)
  while #self.rest < n do
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
  local bytes = self.rest:sub(1, n)
  self.rest = self.rest:sub(n + 1)
  return bytes
end

--- The head of the next answer, whose body is left to be read.
---@return {status: integer, headers: table<string, string>, head: string}?, string? err
function Wire:head()
  local head, err = read_head(self)
  if head == nil then
    return nil, err
  end
  local res = { status = math.tointeger(tonumber(head:match "^HTTP/1%.1 (%d%d%d) [^\r\n]*\r\n")), headers = {}, head = head }
  assert(res.status, "not a status line: " .. head)
  for name, value in head:gmatch "\r\n([^\r\n:]+): ([^\r\n]*)" do
    res.headers[name:lower()] = value
  end
  return res
end

--- The next chunk of a body (RFC 9112 7.1); "" is the last one.
---@return string? bytes, string? err
function Wire:chunk()
  while not self.rest:find("\r\n", 1, true) do
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
  local size, rest = self.rest:match "^(%x+)\r\n(.*)$"
  assert(size, "not a chunk: " .. self.rest:sub(1, 40))
  self.rest = rest
  local n = tonumber(size, 16)
  local bytes, err = read_bytes(self, n + 2)
  if bytes == nil then
    return nil, err
  end
  assert(bytes:sub(-2) == "\r\n", "a chunk does not end where it says")
  return bytes:sub(1, n)
end

--- Chunks until there are `n` bytes, or the last one; all of them as one.
---@param n integer?
---@return string? bytes, string? err
function Wire:chunks(n)
  local all = {}
  local got = 0
  while n == nil or got < n do
    local bytes, err = self:chunk()
    if bytes == nil then
      return nil, err, table.concat(all)
    elseif bytes == "" then
      break
    end
    all[#all + 1] = bytes
    got = got + #bytes
  end
  return table.concat(all)
end

--- The next answer.
---@param method string? "HEAD": no body follows
---@return {status: integer, headers: table<string, string>, head: string, body: string, json: any}?, string? err
function Wire:answer(method)
  local res, err = self:head()
  if res == nil then
    return nil, err
  end
  local length = tonumber(res.headers["content-length"])
  if method == "HEAD" or res.status < 200 or res.status == 204 or res.status == 304 then
    length = 0
  end
  assert(length, "an answer without a length: " .. res.head)
  res.body, err = read_bytes(self, length)
  if res.body == nil then
    return nil, err
  end
  res.json = #res.body > 0 and json.decode(res.body) or nil
  return res
end

--- Whether the server has closed its side, with nothing more to say.
function Wire:is_closed()
  if #self.rest > 0 then
    return false
  end
  local chunk, err = self.sock:read()
  return chunk == nil and err ~= "timeout"
end

function Wire:close()
  self.sock:close()
end

--- One exchange on a connection of its own.
---@param server table
---@param bytes string
---@return table res
function M.exchange(server, bytes)
  local wire = M.open(server)
  wire:write(bytes)
  local res, err = wire:answer()
  wire:close()
  assert(res, err)
  return res
end

--- The same, and whether the server closed the connection after it.
---@return table res, boolean closed
function M.last_exchange(server, bytes)
  local wire = M.open(server)
  wire:write(bytes)
  local res, err = wire:answer()
  assert(res, err)
  wire.sock.timeout = 0.5
  local closed = wire:is_closed()
  wire:close()
  return res, closed
end

--- A request as text, Host included.
---@param line string "GET /hello"
---@param headers string[]?
---@param body string? Content-Length is added
---@return string
function M.request(line, headers, body)
  local lines = { line .. " HTTP/1.1", "Host: localhost" }
  for _, header in ipairs(headers or {}) do
    lines[#lines + 1] = header
  end
  if body then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

return M
