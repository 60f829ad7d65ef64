--- What the job handlers share: a report that comes too late is no failure of the job.
local errors = require "neap.errors"

local M = {}

--- Runs fn and returns what it does; nil when the thing is gone, or has moved on and the report cannot follow.
---@generic T
---@param fn fun(...): T
---@return T?
function M.try(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then
    return result
  elseif errors.is(result, "not_found") or errors.is(result, "invalid_transition") then
    return nil
  end
  error(result, 0)
end

local REASON_BYTES_MAX = 500

--- A reason as the tables take it: one line of text, not too long. It comes from a provider, who may say anything.
---@param problem string
---@return string
function M.reason(problem)
  local text = utf8.len(problem) and problem or problem:gsub("[\x80-\xff]", "?")
  text = text:gsub("%z", "?"):gsub("%s+", " ")
  return #text <= REASON_BYTES_MAX and text or text:sub(1, utf8.offset(text, 0, REASON_BYTES_MAX + 1) - 1)
end

return M
