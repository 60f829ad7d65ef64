--- What the stores share: a page of rows with its exact total, and the log line of each call.
local db = require "neap.db"
local log = require "neap.log"

local M = {}

--- One debug line when `fn` is through, a warning when it raised. The error goes on to the caller.
---@param name string "tasks.create"
---@param owner_id string
---@param id string? of the entity; that of the row that fn returns when it is not known before
---@param fn fun(...): any
---@return any what fn returns
function M.call(name, owner_id, id, fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok then
    log.warn(name .. ".failed", { owner_id = owner_id, id = id, reason = tostring(result) })
    error(result, 0)
  end
  log.debug(name, { owner_id = owner_id, id = id or type(result) == "table" and result.id or nil })
  return result
end

--- The text of a "contains" filter for ILIKE: what the client typed means itself, not a pattern.
---@param text string?
---@return string?
function M.contains(text)
  return text and "%" .. text:gsub("[\\%%_]", "\\%0") .. "%"
end

--- One page of what `from_where` selects.
---@param list {columns: string, from_where: string, order: string} SQL of the caller, never of a client; its parameters
---   are $1 to $n
---@param query {page: integer, page_size: integer}
---@param ... any the n parameters
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.page(list, query, ...)
  local n = select("#", ...)
  local args = table.pack(...)
  args[n + 1], args[n + 2] = query.page_size, (query.page - 1) * query.page_size
  local total = db.one("select count(*) as total " .. list.from_where, ...).total
  local items = db.query(
    ("select %s %s order by %s limit $%d offset $%d"):format(list.columns, list.from_where, list.order, n + 1, n + 2),
    table.unpack(args, 1, n + 2)
  )
  return { items = items, total = total, page = query.page, page_size = query.page_size }
end

return M
