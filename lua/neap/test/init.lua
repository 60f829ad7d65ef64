--- What specs use: requests to the application in this very process, and servers and databases of their own.
---
---     local test = require "neap.test"
---     it("says hello", function()
---       local res = test.get("/hello")
---       assert.equal(200, res.status)
---       assert.same({ hello = "world" }, res.json)
---     end)
---
--- Each `it` runs in a transaction that is rolled back, and so do the requests that it sends.
local boot = require "neap.boot"
local core = require "neap.core"
local http = require "neap.test.http"
local scratch = require "neap.test.scratch"
local server = require "neap.test.server"

local M = {}

local port, default_user
local in_transaction = true

local function serving_port()
  if port == nil then
    boot.load "tool"
    boot.start()
    port = core.serve { host = "127.0.0.1", port = 0 }
  end
  return port
end

local function user_fields(user)
  return user and {
    id = user.id,
    email = user.email or "",
    role = user.role or "user",
    scopes = table.concat(user.scopes or {}, " "),
    session = user.session or "",
  } or nil
end

--- Who is signed in from here on in this test; nobody at the start of each.
---@param user { id: string, email: string?, role: string?, scopes: string[]?, session: string? }|nil
function M.as(user)
  default_user = user_fields(user)
  core.set_user(default_user)
end

--- One request to the application in this process.
---@param opts { method: string?, path: string, query: table?, headers: table?, json: any, body: string?,
---   as: table|false|nil }  as: who is signed in for this request; false for nobody
---@return neap.TestAnswer
function M.request(opts)
  local where = serving_port()
  if opts.as ~= nil then
    core.set_user(user_fields(opts.as or nil))
  end
  local ok, answer = pcall(http.request, "127.0.0.1", where, opts)
  if opts.as ~= nil then
    core.set_user(default_user)
  end
  if not ok then
    error(answer, 2)
  end
  return answer
end

-- test.get(path, opts), test.post(path, json, opts) and so on.
http.add_verbs(M, M.request)

--- A row of `users`, made for this test.
---@param fields { email: string?, role: string? }?
---@return { id: string, email: string, role: string }
function M.user(fields)
  fields = fields or {}
  local name = core.hex(core.random(6))
  return require("neap.db").one(
    "insert into users (email, external_id, role) values ($1, $2, $3) returning id, email, role",
    fields.email or name .. "@example.com", "test:" .. name, fields.role or "user")
end

--- At the top of a spec file: its tests run without a transaction around them.
function M.no_transaction()
  in_transaction = false
end

M.scratch_database = scratch.database
M.scratch_postgres = scratch.postgres
M.spawn_server = server.spawn

-- For the runner.
M.internal = {
  is_in_transaction = function()
    return in_transaction
  end,
  start_file = function()
    in_transaction = true
  end,
  start_test = function()
    core.rate_forget()
    M.as(nil)
  end,
  stop_serving = function()
    if port then
      core.unserve()
      boot.stop()
      port = nil
    end
  end,
}

return M
