--- What the job handlers share: a report that comes too late is no failure of the job.
local errors = require "neap.errors"
local log = require "neap.log"
local work = require "app.work"

local M = {}

-- For how long one call of a provider may last, in seconds, before the job is tried again.
M.PROVIDER_S = 300

-- What fn returns; nil when the thing is gone, or has moved on and the report cannot follow.
local function try(fn, ...)
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
  text = text:gsub("\0", "?"):gsub("%s+", " ")
  return #text <= REASON_BYTES_MAX and text or text:sub(1, utf8.offset(text, 0, REASON_BYTES_MAX + 1) - 1)
end

---@class app.jobs.Reports  each is nil when the thing is gone, or its state does not allow it
---@field read fun(id: string): table?
---@field tell fun(id: string, fields: table): table?                 a report
---@field fail fun(id: string, problem: string?): table?              the report that it failed
---@field begin fun(id: string, from: string, to: string): table?     from its first state into the one of work

--- What the jobs of a feature tell its rules.
---@param rules { read_any: function, report_any: function }
---@param reason string?  the field that says why something failed, where there is one
---@return app.jobs.Reports
function M.to(rules, reason)
  local made = {}

  function made.read(id)
    return try(rules.read_any, work, id)
  end

  function made.tell(id, fields)
    return try(rules.report_any, work, id, fields)
  end

  function made.fail(id, problem)
    local fields, why = { status = "failed" }, M.reason(problem or "no reason given")
    if reason then
      fields[reason] = why
    end
    local row = made.tell(id, fields)
    if row then
      log.warn("jobs.reported_failed", { id = id, reason = why })
    end
    return row
  end

  -- A job that runs again after a crash finds what it works on begun already.
  function made.begin(id, from, to)
    local row = made.read(id)
    if row and row.status == from then
      return made.tell(id, { status = to })
    end
    return row and row.status == to and row or nil
  end

  return made
end

return M
