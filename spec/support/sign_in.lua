--- Accounts with a password, and clients that keep cookies as a browser does.
local config = require "config"
local core = require "neap.core"

local M = {}

M.AUTH = config.API_V1_PREFIX .. "/auth"
M.PASSWORD = "correct horse battery"

--- The cookies that an answer sets, by name: { value, attributes in lower case }. Neither has a comma in it, which the
--- lines of the header are joined by.
---@param res neap.TestAnswer
---@return table<string, {value: string, text: string}>
function M.cookies(res)
  local found = {}
  for line in (res.headers["set-cookie"] or ""):gmatch "[^,]+" do
    local name, value, rest = line:match "^%s*([^=]+)=([^;]*)(.*)$"
    found[name] = { value = value, text = rest:lower() }
  end
  return found
end

---@class spec.Client
---@field jar table<string, string>
local Client = {}
Client.__index = Client

--- A client of whatever has request(opts): neap.test, or a server.
---@param target { request: function }
---@param is_method boolean?  target:request(opts)
---@return spec.Client
function M.client(target, is_method)
  return setmetatable({ jar = {}, send = function(opts)
    if is_method then
      return target:request(opts)
    end
    return target.request(opts)
  end }, Client)
end

local function cookie_header(jar, path)
  local list = {}
  for name, value in pairs(jar) do
    -- The path of this one is that of the routes of sign-in.
    if name ~= "refresh_token" or path:sub(1, #M.AUTH) == M.AUTH then
      list[#list + 1] = name .. "=" .. value
    end
  end
  table.sort(list)
  return #list > 0 and table.concat(list, "; ") or nil
end

--- One request with the cookies, and with what a page adds to a change.
---@param method string
---@param path string
---@param body any
---@param headers table<string, string>?
---@return neap.TestAnswer
function Client:request(method, path, body, headers)
  local all = {
    Cookie = cookie_header(self.jar, path),
    Origin = "http://localhost:3000",
    ["X-CSRF-Token"] = self.jar.csrf_token,
  }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  local res = self.send { method = method, path = path, json = body, headers = all }
  for name, cookie in pairs(M.cookies(res)) do
    self.jar[name] = cookie.text:find "max%-age=0" == nil and cookie.value or nil
  end
  return res
end

--- An address that nobody has.
function M.address()
  return core.hex(core.random(6)) .. "@example.com"
end

--- Registers and signs in by cookies.
---@return neap.TestAnswer
function Client:sign_in(email, password)
  return self:request("POST", M.AUTH .. "/login", { email = email, password = password or M.PASSWORD })
end

---@param email string?
---@return table user
function Client:register(email)
  local res = self:request("POST", M.AUTH .. "/register", { email = email or M.address(), password = M.PASSWORD })
  assert(res.status == 201, res.body)
  return res.json
end

return M
