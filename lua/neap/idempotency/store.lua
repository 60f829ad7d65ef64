--- The SQL of idempotency keys: what was answered to a user's request with this key.
local db = require "neap.db"
local json = require "neap.json"

local M = {}

local KEPT_S = 24 * 3600

--- Whether nobody else is at work on this key; held until the transaction ends, however it ends.
---@return boolean
function M.lock(user_id, key)
  local sql = "select pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 0)) as got"
  return db.one(sql, user_id, key).got
end

---@class neap.StoredAnswer
---@field request_hash string
---@field status integer
---@field body string?
---@field content_type string?
---@field headers table<string, string|string[]>

--- To be asked under the lock, as a statement of its own: what was committed before the lock was had must be seen.
---@return neap.StoredAnswer?
function M.find(user_id, key)
  local row = db.one([[select request_hash, status_code, response::text as response from idempotency_keys
    where user_id = $1 and key = $2 and expires_at > now()]], user_id, key)
  if row == nil then
    return nil
  end
  local answer = json.decode(row.response)
  return {
    request_hash = row.request_hash,
    status = row.status_code,
    body = answer.body,
    content_type = answer.content_type,
    headers = answer.headers,
  }
end

---@param request { user_id: string, key: string, method: string, path: string, hash: string }
---@param answer neap.StoredAnswer
function M.save(request, answer)
  db.exec([[insert into idempotency_keys (user_id, key, method, path, request_hash, status_code, response, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7::jsonb, now() + make_interval(secs => $8))
    on conflict (user_id, key) do update set method = excluded.method, path = excluded.path,
      request_hash = excluded.request_hash, status_code = excluded.status_code, response = excluded.response,
      created_at = now(), expires_at = excluded.expires_at]],
    request.user_id, request.key, request.method, request.path, db.bytes(request.hash), answer.status,
    json.encode { body = answer.body, content_type = answer.content_type, headers = json.object(answer.headers or {}) },
    KEPT_S)
end

--- Removes those that have expired.
---@return integer removed
function M.sweep()
  local removed = 0
  repeat
    local n = db.exec [[delete from idempotency_keys where (user_id, key) in
      (select user_id, key from idempotency_keys where expires_at < now() limit 5000)]]
    removed = removed + n
  until n < 5000
  return removed
end

return M
