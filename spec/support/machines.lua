--- Specs that a state machine writes by itself: every pair of states is tried, those that are an edge and all others.
local check_db = require "neap.check.db"

local M = {}

local function is_open(edge, by)
  if edge == nil then
    return false
  end
  for _, action in ipairs(edge.by) do
    if action == by then
      return true
    end
  end
  return false
end

--- One `it` for each pair of states. A pair that is no edge of this action must answer 409 with what is allowed, and
--- leave the row as it is.
---@param it function  busted's, which only a spec file has
---@param machine neap.Machine
---@param opts { by: string, put: (fun(state: string): any), move: (fun(id: any, to: string): table),
---   state: (fun(id: any): string), targets: string[]? }
---   put makes a row in this state, move asks for another one over HTTP, state reads it; targets: only to these
function M.each_pair(it, machine, opts)
  local targets = {}
  for _, state in ipairs(opts.targets or machine.states) do
    targets[state] = true
  end
  for from, to, edge in machine:pairs() do
    if targets[to] then
      local open = is_open(edge, opts.by)
      it(("%s -> %s by %s is %s"):format(from, to, opts.by, open and "done" or "409"), function()
        local id = opts.put(from)
        local res = opts.move(id, to)
        if open then
          assert.is_true(res.status >= 200 and res.status < 300, res.body)
          assert.equal(to, opts.state(id))
          return
        end
        assert.equal(409, res.status, res.body)
        assert.equal("invalid_transition", res.json.error.code)
        assert.equal(from, res.json.error.details.from)
        assert.equal(to, res.json.error.details.to)
        assert.same(machine:allowed(from), res.json.error.details.allowed)
        assert.equal(from, opts.state(id))
      end)
    end
  end
end

--- The column holds exactly the states of the machine, by a CHECK or as an enum type.
---@param machine neap.Machine
---@param table_name string
function M.has_the_states(machine, table_name)
  local values = check_db.columns(table_name)[machine.column].values
  local states = table.move(machine.states, 1, #machine.states, 1, {})
  table.sort(values)
  table.sort(states)
  assert.same(states, values)
end

return M
