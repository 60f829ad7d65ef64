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

--- A reason as the tables take it: one line, not too long.
---@param problem string
---@return string
function M.reason(problem)
  return (problem:gsub("%s+", " "):sub(1, 500))
end

return M
