--- Sign-ins that last: refresh tokens in a table, each good for one use and replaced by its child.
---
---     local sessions = require "neap.sessions" { table = "refresh_tokens", ttl = 30 * 86400, grace = 10 }
---     local opened = sessions.open(user.id, { user_agent = "...", ip = "192.0.2.1" })   -- { token, family_id, ... }
---     local next, why = sessions.rotate(token, seen)                                    -- or nil, "reused"
---
--- All tokens that descend from one sign-in are a family. A token that comes back after it was replaced was copied by
--- somebody: the whole family is revoked, which signs out the thief as well as the owner (RFC 9700 4.14.2). Only two tabs,
--- a retry after an answer that was lost, or calls in parallel present a token twice with no harm meant, all within
--- seconds: in `grace` they get a sibling, and nobody is signed out.
---
--- Postgres keeps the SHA-256 of a token, never the token. Columns: id, the owner, family_id, parent_id, token_hash,
--- issued_at, expires_at, used_at, revoked_at, user_agent, ip; migrations/0001_initial.up.sql of Workbench has the table.
local core = require "neap.core"
local db = require "neap.db"
local sql = require "neap.sessions.sql"

local M = {}

local TOKEN_BYTES = 32
local USER_AGENT_MAX = 512

---@class neap.SessionsSpec
---@field table string?   "refresh_tokens"
---@field owner string?   the column with whose it is, "user_id"
---@field ttl number      seconds that a token is good for
---@field grace number    seconds in which it may come a second time; 0: not at all

---@class neap.SessionSeen  what the client looked like
---@field user_agent string?
---@field ip string?

---@class neap.SessionToken
---@field token string       for the client; it is nowhere else
---@field owner string
---@field family_id string
---@field expires_at string
---@field repeated boolean   whether the token had been used already, within the grace

---@class neap.Sessions
---@field open fun(owner: string, seen: neap.SessionSeen?): neap.SessionToken
---@field rotate fun(token: string, seen: neap.SessionSeen?): neap.SessionToken?, string?, string?
---   nil, why and the owner if known: "unknown", "expired", "revoked", or "reused", and then the family has been revoked.
---   Not inside db.tx: what the caller raises next would take the revocation back
---@field close fun(owner: string, family_id: string): boolean
---@field close_all fun(owner: string, but: string?): integer  how many families; but: one that stays
---@field list fun(owner: string, query: { page: integer, page_size: integer }): table  a page of live families
---@field sweep fun(limit: integer?): integer  removes tokens that have expired

-- A name of a client is for people to read: what Postgres would not take as text is a question mark.
local function shown(user_agent)
  if user_agent == nil then
    return nil
  end
  local text = utf8.len(user_agent) and user_agent or user_agent:gsub("[\x80-\xff]", "?")
  text = text:gsub("%z", "?")
  local stop = utf8.offset(text, USER_AGENT_MAX + 1)
  return stop and text:sub(1, stop - 1) or text
end

local function hash(token)
  return db.bytes(core.sha256(token))
end

local function insert(plan, owner, family_id, parent_id, seen)
  seen = seen or {}
  local token = core.hex(core.random(TOKEN_BYTES))
  local row = db.one(plan.insert, owner, family_id, parent_id, hash(token), plan.ttl, shown(seen.user_agent), seen.ip)
  return { token = token, owner = owner, family_id = family_id, expires_at = row.expires_at, repeated = parent_id ~= nil }
end

-- Everything that changes a session of one owner goes one after the other. Without that a family that is being revoked
-- could get a child that the revocation did not see.
local function in_line(plan, owner, fn)
  return db.tx(function()
    db.one(plan.lock, owner)
    return fn()
  end)
end

local function why_not(state)
  if state.revoked then
    return "revoked"
  elseif state.used then
    return "reused"
  end
  return "expired"
end

local function rotate(plan, token, seen)
  return db.tx(function()
    local found = db.one(plan.find, hash(token))
    if found == nil then
      return nil, "unknown"
    end
    local owner, family_id = found.owner, found.family_id
    if db.one(plan.use, found.id) then
      local child = insert(plan, owner, family_id, found.id, seen)
      child.repeated = false
      return child
    end
    local state = db.one(plan.state, found.id, plan.grace)
    if state.repeated then
      return insert(plan, owner, family_id, found.id, seen)
    end
    local why = why_not(state)
    if why == "reused" then
      db.exec(plan.revoke_family, owner, family_id)
    end
    -- Returned, not raised: an error would roll the revocation back.
    return nil, why, owner
  end)
end

local function list(plan, owner, query)
  local page, size = query.page or 1, query.page_size or 20
  local found = db.all { { plan.list, owner, size, (page - 1) * size }, { plan.count, owner } }
  return { items = found[1], total = found[2][1].total, page = page, page_size = size }
end

local function number_option(spec, name, min)
  local value = spec[name]
  if type(value) ~= "number" or value < min then
    error(("neap.sessions: %s must be seconds, at least %g"):format(name, min), 0)
  end
  return value
end

---@param spec neap.SessionsSpec
---@return neap.Sessions
local function new(spec)
  local plan = sql.plan(spec.table or "refresh_tokens", spec.owner or "user_id")
  plan.ttl, plan.grace = number_option(spec, "ttl", 1), number_option(spec, "grace", 0)
  local sessions = {}

  function sessions.open(owner, seen)
    return in_line(plan, owner, function()
      return insert(plan, owner, core.uuid(), nil, seen)
    end)
  end

  function sessions.rotate(token, seen)
    return rotate(plan, token, seen)
  end

  function sessions.close(owner, family_id)
    return in_line(plan, owner, function()
      return db.exec(plan.revoke_family, owner, family_id) > 0
    end)
  end

  function sessions.close_all(owner, but)
    return in_line(plan, owner, function()
      return db.one(plan.revoke_all, owner, but).families
    end)
  end

  function sessions.list(owner, query)
    return list(plan, owner, query)
  end

  function sessions.sweep(limit)
    return db.exec(plan.sweep, limit or 1000)
  end

  return sessions
end

M.new = new

return setmetatable(M, {
  __call = function(_, spec)
    local ok, made = pcall(new, spec)
    if not ok then
      error(made, 2)
    end
    return made
  end,
})
