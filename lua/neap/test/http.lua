--- A small HTTP/1.1 client for specs: one request on a connection of its own.
local keys = require "neap.base.keys"
local core_os = require "neap.core.os"
local json = require "neap.json"

local M = {}

-- A handler may wait for as long as its time limit, 30 s by default.
local TIMEOUT_S = 35

---@class neap.TestAnswer
---@field status integer
---@field headers table<string, string>  names in lower case; lines of one name are joined by ", "
---@field body string
---@field json any                        the decoded body when it is JSON

local function escape(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

local function query_text(query)
  local pairs_of = {}
  for i, name in ipairs(keys.sorted(query)) do
    pairs_of[i] = escape(name) .. "=" .. escape(query[name])
  end
  return table.concat(pairs_of, "&")
end

local function target(opts)
  if opts.query == nil then
    return opts.path
  end
  return opts.path .. (opts.path:find("?", 1, true) and "&" or "?") .. query_text(opts.query)
end

local function add_headers(lines, headers)
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = ("%s: %s"):format(name, value)
  end
end

local function has_header(headers, wanted)
  for name in pairs(headers or {}) do
    if name:lower() == wanted then
      return true
    end
  end
  return false
end

--- The bytes of a request.
---@param opts { method: string?, path: string, query: table?, headers: table?, json: any, body: string? }
---@return string
function M.format(opts)
  local body = opts.body
  local lines = { ("%s %s HTTP/1.1"):format(opts.method or "GET", target(opts)) }
  if opts.json ~= nil then
    body = json.encode(opts.json)
    if not has_header(opts.headers, "content-type") then
      lines[#lines + 1] = "Content-Type: application/json"
    end
  end
  if not has_header(opts.headers, "host") then
    lines[#lines + 1] = "Host: localhost"
  end
  if not has_header(opts.headers, "connection") then
    lines[#lines + 1] = "Connection: close"
  end
  if body and not has_header(opts.headers, "content-length") then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  add_headers(lines, opts.headers)
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

---@class neap.TestReader
local Reader = {}
Reader.__index = Reader

function Reader:fill()
  local chunk, problem = self.sock:read()
  if chunk == nil then
    return nil, problem
  end
  self.rest = self.rest .. chunk
  return true
end

function Reader:until_text(text)
  while true do
    local _, stop = self.rest:find(text, 1, true)
    if stop then
      local got = self.rest:sub(1, stop)
      self.rest = self.rest:sub(stop + 1)
      return got
    end
    local ok, problem = self:fill()
    if not ok then
      error(("the connection ended in the middle of an answer: %s"):format(problem), 0)
    end
  end
end

function Reader:bytes(n)
  while #self.rest < n do
    local ok, problem = self:fill()
    if not ok then
      error(("the connection ended %d bytes before the body did: %s"):format(n - #self.rest, problem), 0)
    end
  end
  local got = self.rest:sub(1, n)
  self.rest = self.rest:sub(n + 1)
  return got
end

function Reader:all()
  repeat
    local ok = self:fill()
  until not ok
  local got = self.rest
  self.rest = ""
  return got
end

function Reader:chunks()
  local parts = {}
  while true do
    local size = tonumber(self:until_text("\r\n"):match "^%x+", 16)
    if size == 0 then
      self:until_text "\r\n"
      return table.concat(parts)
    end
    parts[#parts + 1] = self:bytes(size)
    self:bytes(2)
  end
end

local function parse_head(head)
  local status = math.tointeger(tonumber(head:match "^HTTP/1%.%d (%d%d%d)"))
  if status == nil then
    error("not an HTTP answer: " .. head:match "^[^\r\n]*", 0)
  end
  local headers = {}
  for name, value in head:gmatch "\r\n([^:\r\n]+):[ \t]*([^\r\n]*)" do
    name = name:lower()
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return { status = status, headers = headers }
end

local function has_body(method, status)
  return method ~= "HEAD" and status ~= 204 and status ~= 304
end

local function read_body(reader, answer, method)
  if not has_body(method, answer.status) then
    return ""
  elseif (answer.headers["transfer-encoding"] or ""):find "chunked" then
    return reader:chunks()
  elseif answer.headers["content-length"] then
    return reader:bytes(tonumber(answer.headers["content-length"]))
  end
  return reader:all()
end

local function read_answer(sock, method)
  local reader = setmetatable({ sock = sock, rest = "" }, Reader)
  local answer
  repeat
    -- 1xx are interim answers (RFC 9110 15.2).
    answer = parse_head(reader:until_text "\r\n\r\n")
  until answer.status >= 200
  answer.body = read_body(reader, answer, method)
  if (answer.headers["content-type"] or ""):find "json" then
    answer.json = json.decode(answer.body)
  end
  return answer
end

--- Sends one request and reads its answer.
---@param host string
---@param port integer
---@param opts table  as M.format takes it, and timeout in seconds
---@return neap.TestAnswer
function M.request(host, port, opts)
  local sock, problem = core_os.tcp(host, port)
  if sock == nil then
    error(("no connection to %s:%d: %s"):format(host, port, problem), 0)
  end
  sock.timeout = opts.timeout or TIMEOUT_S
  local ok, answer = pcall(function()
    sock:write(M.format(opts))
    return read_answer(sock, opts.method)
  end)
  sock:close()
  if not ok then
    error(answer, 0)
  end
  return answer
end

--- get, post, put, patch and delete for whatever has a request(opts).
---@param object table
---@param request fun(opts: table): neap.TestAnswer
function M.add_verbs(object, request)
  local function without_body(method)
    return function(path, opts)
      local all = { method = method, path = path }
      for name, value in pairs(opts or {}) do
        all[name] = value
      end
      return request(all)
    end
  end
  local function with_body(method)
    local send = without_body(method)
    return function(path, body, opts)
      local all = { json = body }
      for name, value in pairs(opts or {}) do
        all[name] = value
      end
      return send(path, all)
    end
  end
  object.get, object.head, object.delete = without_body "GET", without_body "HEAD", without_body "DELETE"
  object.post, object.put, object.patch = with_body "POST", with_body "PUT", with_body "PATCH"
end

return M
