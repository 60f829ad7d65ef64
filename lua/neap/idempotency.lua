--- Requests that may be sent again: who did not hear the answer repeats the request with the same `Idempotency-Key` and gets
--- the answer of the first one, which was done once (draft-ietf-httpapi-idempotency-key-header).
---
--- The handler runs inside one transaction together with the row that keeps its answer, under a lock on the key that ends
--- with the transaction. So either both are there or neither, also when the process is killed in between, and of requests at
--- the same time one runs. What a handler does outside of this database is not covered.
local core = require "neap.core"
local db = require "neap.db"
local errors = require "neap.errors"
local json = require "neap.json"
local log = require "neap.log"
local response = require "neap.response"
local route_schemas = require "neap.route.schemas"
local schema = require "neap.schema"
local store = require "neap.idempotency.store"

local M = {}

M.HEADER, M.REPLAY = "Idempotency-Key", "Idempotent-Replay"
M.KEY_MAX = 255
M.KEY_PATTERN = "^[!-~]+$"
-- Larger answers are given, but not kept.
local ANSWER_BYTES_MAX = 1 << 20

-- These say something of the moment, not of the request.
local NOT_KEPT = { [401] = true, [408] = true, [429] = true }

--- Whether a route's POST (or PUT, PATCH, DELETE that says so itself) takes keys: it needs a user, whose key it is, and a
--- body that can be told from another one.
---@param route { method: string, opts: table }
---@param own table  what the route says itself
---@return boolean
function M.applies(route, own)
  local opts = route.opts
  local wanted = own.idempotent
  if wanted == nil then
    wanted = opts.idempotent and route.method == "POST"
  end
  return wanted == true and opts.auth ~= false and opts.form == nil
end

local function check_key(key)
  if #key > M.KEY_MAX or not key:find(M.KEY_PATTERN) then
    errors.app {
      status = 400,
      code = "idempotency_key_invalid",
      message = ("Idempotency-Key: 1 to %d visible ASCII characters"):format(M.KEY_MAX),
    }
  end
end

local function may_keep(answer)
  local body = answer.body or ""
  return answer.status < 500 and not NOT_KEPT[answer.status] and #body <= ANSWER_BYTES_MAX
    and utf8.len(body) ~= nil and not body:find("\0", 1, true)
end

---- what a handler returned, as bytes

local function encode(plans, status, body)
  local plan = plans[status] or (status < 300 and plans.default)
  if not plan then
    return json.encode(body)
  end
  local ok, text = pcall(plan.encode, plan, body)
  if ok then
    return text
  elseif core.mode ~= "serve" then
    error(("the answer breaks the schema of its status: %s"):format(text), 0)
  end
  log.error("the answer breaks the schema of its status", { error = text })
  return json.encode(body)
end

local function of_body(plans, status, body, headers)
  if body == nil then
    return { status = status, headers = headers }
  elseif type(body) == "string" then
    return { status = status, headers = headers, body = body, content_type = "text/plain; charset=utf-8" }
  end
  return { status = status, headers = headers, body = encode(plans, status, body), content_type = "application/json" }
end

--- nil for a stream: nobody knows its end yet.
local function answer_of(plans, n, first, second)
  if n == 1 and response.is(first) then
    if first.stream then
      return nil
    elseif first.raw then
      return {
        status = first.status, headers = first.headers, body = first.raw,
        content_type = first.content_type or "application/octet-stream",
      }
    end
    return of_body(plans, first.status, first.body, first.headers)
  elseif n == 2 or (n == 1 and math.type(first) == "integer" and first >= 200 and first <= 599) then
    return of_body(plans, first, second)
  elseif first == nil then
    return { status = 204 }
  end
  return of_body(plans, 200, first)
end

-- As the core writes it for an error that was raised.
local function answer_of_error(known)
  local error_part = { code = known.code, message = known.message, details = known.details }
  return {
    status = known.status, headers = known.headers, content_type = "application/json",
    body = json.encode { error = error_part },
  }
end

local function give(answer, is_replay)
  local headers = {}
  for name, value in pairs(answer.headers or {}) do
    headers[name] = value
  end
  headers[M.REPLAY] = is_replay and "true" or nil
  if answer.body == nil then
    return response(answer.status, nil, headers)
  end
  return response.bytes(answer.body, answer.content_type, answer.status, headers)
end

---- one request

-- What is to be raised, but after the transaction: it ends the lock, and an error would end it a moment too late.
local function problem(spec)
  local _, value = pcall(errors.app, spec)
  return { problem = value }
end

local function replay(known, request)
  if known.request_hash ~= request.hash then
    return problem {
      status = 422,
      code = "idempotency_mismatch",
      message = "This Idempotency-Key was used for another request",
    }
  end
  return { answer = give(known, true) }
end

local function run(plans, handler, req, request)
  local results = table.pack(pcall(db.tx, function() return handler(req) end))
  if not results[1] then
    local answer = answer_of_error(errors.map(results[2]))
    if may_keep(answer) then
      store.save(request, answer)
    end
    return { problem = results[2] }
  end
  local answer = answer_of(plans, results.n - 1, results[2], results[3])
  if answer == nil then
    return { answer = results[2] }
  elseif may_keep(answer) then
    store.save(request, answer)
  end
  return { answer = give(answer, false) }
end

local function attempt(plans, handler, req, request)
  if not store.lock(request.user_id, request.key) then
    return problem {
      status = 409,
      code = "idempotency_in_progress",
      message = "The first request with this Idempotency-Key is still running",
      headers = { ["Retry-After"] = "1" },
    }
  end
  local known = store.find(request.user_id, request.key)
  if known then
    return replay(known, request)
  end
  return run(plans, handler, req, request)
end

local function plans_of(opts)
  local plans = {}
  for status, answer in pairs(route_schemas.answers(opts)) do
    plans[status] = answer and schema.plan(answer) or nil
  end
  return plans
end

--- The handler, and what it answered to the same request before.
---@param opts table  of the route
---@param handler function
---@return function
function M.wrap(opts, handler)
  local plans
  return function(req)
    local key = req:header "Idempotency-Key"
    local user = key and req.user
    if user == nil then
      return handler(req)
    end
    check_key(key)
    plans = plans or plans_of(opts)
    local hash = core.sha256(("%s\n%s\n%s"):format(req.method, req.target, req.text))
    local request = { user_id = user.id, key = key, method = req.method, path = req.path, hash = hash }
    local outcome = db.tx(function() return attempt(plans, handler, req, request) end)
    if outcome.answer == nil then
      error(outcome.problem, 0)
    end
    return outcome.answer
  end
end

M.sweep = store.sweep

return M
