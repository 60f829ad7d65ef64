--- Rules take plain values and never see HTTP or SQL. `work` is app.work, or tables like it.
local errors = require "neap.errors"
local machine = require "neap.machine"
local recipes = require "app.recipes.rules"
local shared = require "app.rules"

local M = {}

M.machine = machine {
  name = "lab",
  states = { "requested", "provisioning", "ready", "ending", "finished", "failed" },
  stamps = { finished_at = { "finished", "failed" } },
  edges = {
    { from = "requested", to = "provisioning", by = "report" },
    { from = "provisioning", to = "ready", by = "report" },
    { from = { "requested", "provisioning", "ready" }, to = "ending", by = "end" },
    { from = "ending", to = "finished", by = "report" },
    {
      from = { "requested", "provisioning", "ready", "ending" }, to = "failed", by = "report",
      note = "with a failure_reason",
    },
  },
}

local tell = shared.teller("labs", "lab", {
  "id", "recipe_id", "status", "failure_reason", "created_at", "updated_at", "finished_at",
})

local LIVE = { "requested", "provisioning", "ready", "ending" }

---@param work table
---@param user {id: string}
---@param query table checked LabFilter
---@return {items: table, total: integer, page: integer, page_size: integer}
function M.list(work, user, query)
  return work.labs.list(user.id, query)
end

--- Somebody else's lab does not exist for this user.
---@param id string uuid
---@return table lab
function M.read(work, user, id)
  return work.labs.read(user.id, id) or errors.not_found "Lab not found"
end

--- For services.
---@param id string uuid
---@return table lab
function M.read_any(work, id)
  return work.labs.read_any(id) or errors.not_found "Lab not found"
end

--- A lab of an active recipe, and the job that provides it; 409 recipe_inactive, or labs_limit when the user has as many
--- live ones as anybody may have.
---@param body { recipe_id: string, requested_intent: table }
---@param max_live integer
---@return table lab
function M.request(work, user, body, max_live)
  return work.tx(function()
    recipes.hold_active(work, body.recipe_id)
    if work.labs.count_locked(user.id, LIVE) >= max_live then
      errors.conflict("labs_limit", ("At most %d labs at a time: end one first"):format(max_live), { limit = max_live })
    end
    local lab = work.labs.create(user.id, body)
    work.enqueue("lab.provision", { lab_id = lab.id }, { dedupe_key = lab.id })
    tell(work, user.id, lab, lab.status)
    return lab
  end)
end

--- The user has done with it, or gave up waiting.
---@param id string uuid
---@return table lab
function M.finish(work, user, id)
  return work.tx(function()
    local lab = M.machine:transition(work.labs, user.id, id, "ending", { by = "end" })
    work.enqueue("lab.end", { lab_id = id }, { dedupe_key = id })
    tell(work, user.id, lab, lab.status)
    return lab
  end)
end

--- What the provisioner tells of it.
---@param id string uuid
---@param report { status: "provisioning"|"ready"|"finished"|"failed", failure_reason: string? }
---@return table lab
function M.report_any(work, id, report)
  return work.tx(function()
    local opts = { by = "report", fields = { failure_reason = report.failure_reason } }
    local lab = M.machine:transition_any(work.labs, id, report.status, opts)
    tell(work, lab.owner_id, lab, lab.status)
    return lab
  end)
end

--- Labs that are being provided for too long have failed. One that moved on meanwhile has not.
---@param seconds number
---@return integer how many
function M.fail_stuck_any(work, seconds)
  local count = 0
  local opts = { by = "report", fields = { failure_reason = "timeout" }, when = { status = "provisioning" } }
  for _, id in ipairs(work.labs.stuck_any("provisioning", seconds)) do
    work.tx(function()
      local lab = work.labs.move_any(id, M.machine:move("failed", opts))
      if lab then
        tell(work, lab.owner_id, lab, lab.status)
        count = count + 1
      end
    end)
  end
  return count
end

return M
