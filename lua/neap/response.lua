--- An answer that says more than a body: a status, headers, or bytes that are not JSON.
--- A handler may also return `body`, or `status, body`; then it needs none of this.
local core = require "neap.core"

local M = {}

---@class neap.Response
---@field status integer
---@field headers table<string, string|string[]>?
---@field body any            written as JSON
---@field raw string?         written as it is, in place of body
---@field stream function?  writes the body, piece by piece, in place of body
---@field content_type string? of raw and stream
local Response = { __name = "neap.response" }
Response.__index = Response
core.set_response_class(Response)

-- RFC 9110 5.6.2: a header name is a token.
local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

local function check_value(name, value)
  if type(value) == "number" then
    value = tostring(value)
  end
  if type(value) ~= "string" then
    error(("header %s: a string is needed, not a %s"):format(name, type(value)), 0)
  end
  -- RFC 9110 5.5: a line break in a value would let whoever chose it write headers of their own.
  if value:find "[\0\r\n]" then
    error(("header %s: the value has a line break or a NUL"):format(name), 0)
  end
  return value
end

local function check_header(name, value)
  if type(name) ~= "string" or not name:find(TOKEN) then
    error(("%q is not a header name"):format(tostring(name)), 0)
  end
  if type(value) ~= "table" then
    return check_value(name, value)
  end
  local list = {}
  for i, v in ipairs(value) do
    list[i] = check_value(name, v)
  end
  return list
end

local function check_headers(headers)
  if headers == nil then
    return nil
  end
  local out = {}
  for name, value in pairs(headers) do
    out[name] = check_header(name, value)
  end
  return out
end

local function check_status(status)
  if math.type(status) ~= "integer" or status < 200 or status > 599 then
    error(("a status is an integer from 200 to 599, not %s"):format(tostring(status)), 0)
  end
  return status
end

local function check(fields)
  check_status(fields.status)
  fields.headers = check_headers(fields.headers)
end

local function make(fields)
  -- Most answers have no headers of their own and the status that they were given here.
  if fields.status ~= 200 or fields.headers ~= nil then
    local ok, err = pcall(check, fields)
    if not ok then
      error(err, 2)
    end
  end
  return setmetatable(fields, Response)
end

--- Sets one header; a list of strings makes one line each. Returns the response.
---@param name string
---@param value string|string[]
---@return neap.Response
function Response:header(name, value)
  local ok, checked = pcall(check_header, name, value)
  if not ok then
    error(checked, 2)
  end
  self.headers = self.headers or {}
  self.headers[name] = checked
  return self
end

--- A body that is written as JSON; nil leaves it empty.
---@param body any
---@param status integer?  200
---@param headers table<string, string|string[]>?
---@return neap.Response
function M.json(body, status, headers)
  return make { status = status or 200, body = body, headers = headers }
end

---@param text string
---@param status integer?  200
---@param headers table<string, string|string[]>?
---@return neap.Response
function M.text(text, status, headers)
  return M.bytes(text, "text/plain; charset=utf-8", status, headers)
end

---@param html string
---@param status integer?  200
---@param headers table<string, string|string[]>?
---@return neap.Response
function M.html(html, status, headers)
  return M.bytes(html, "text/html; charset=utf-8", status, headers)
end

---@param bytes string
---@param content_type string
---@param status integer?  200
---@param headers table<string, string|string[]>?
---@return neap.Response
function M.bytes(bytes, content_type, status, headers)
  if type(bytes) ~= "string" then
    error(("a string is needed, not a %s"):format(type(bytes)), 2)
  end
  return make { status = status or 200, raw = bytes, content_type = content_type, headers = headers }
end

---@class neap.Outlet  the body of an answer while it is written
---@field write fun(self, bytes: string): boolean   waits while the client is slow; false: the client is gone
---@field send fun(self, bytes: string): boolean, "full"|"closed"|nil   never waits; all of it or nothing
---@field queued fun(self): integer                 bytes that were written and did not leave yet
---@field queue_max fun(self, bytes: integer)       how many these may be, 256 KiB unless it is said
---@field detach fun(self, opts: { on_close: fun()?, farewell: string? })
---   The answer goes on when the function has returned, until close; it costs no coroutine. on_close: the client left by
---   itself. farewell: the last bytes when the code is reloaded or the server stops, which end it.
---@field close fun(self, how: "slow"|nil)          the answer is whole; "slow": cut off, with what is queued

--- A body of unknown length. The head goes out, then `write` runs in the handler's task. The route's timeout counts from
--- each piece to the next. An error in it ends the connection in the middle of the answer, so that the client can tell;
--- the status is out by then. A HEAD request is answered without calling it.
---
---     return response.stream("text/csv", function(out)
---       for row in db.each "select id, title from tasks" do
---         out:write(("%s,%s\n"):format(row.id, row.title))
---       end
---     end)
---@param content_type string
---@param write fun(out: neap.Outlet)
---@param status integer?  200
---@param headers table<string, string|string[]>?
---@return neap.Response
function M.stream(content_type, write, status, headers)
  if type(write) ~= "function" then
    error(("a function is needed, not a %s"):format(type(write)), 2)
  end
  return make { status = status or 200, stream = write, content_type = content_type, headers = headers }
end

local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

---@param location string  a path or a URL
---@param status integer?  302; or 301, 303, 307, 308
---@return neap.Response
function M.redirect(location, status)
  status = status or 302
  if not REDIRECTS[status] then
    error(("a redirect has status 301, 302, 303, 307 or 308, not %s"):format(tostring(status)), 2)
  end
  return make { status = status, headers = { Location = location } }
end

--- Whether a handler's result is one of these.
function M.is(value)
  return getmetatable(value) == Response
end

return setmetatable(M, {
  __call = function(_, status, body, headers)
    return make { status = status, body = body, headers = headers }
  end,
})
