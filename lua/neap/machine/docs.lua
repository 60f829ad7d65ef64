--- Machines as a page of the documentation: a Mermaid state diagram and a table of the edges for each.
local json = require "neap.json"

local M = {}

local function by_text(edge)
  return table.concat(edge.by, ", ")
end

--- https://mermaid.js.org/syntax/stateDiagram.html
---@param machine neap.Machine
---@return string
function M.mermaid(machine)
  local lines = { "stateDiagram-v2", ("  [*] --> %s"):format(machine.initial) }
  for _, edge in ipairs(machine.edges) do
    local by = by_text(edge)
    lines[#lines + 1] = ("  %s --> %s%s"):format(edge.from, edge.to, by ~= "" and " : " .. by or "")
  end
  for _, state in ipairs(machine.states) do
    if machine:is_final(state) then
      lines[#lines + 1] = ("  %s --> [*]"):format(state)
    end
  end
  return table.concat(lines, "\n")
end

local function condition(edge)
  local list = {}
  for column, value in pairs(edge.when or {}) do
    list[#list + 1] = ("`%s` is %s"):format(column, value == json.null and "null" or tostring(value))
  end
  table.sort(list)
  if edge.note then
    list[#list + 1] = edge.note
  end
  return table.concat(list, "; ")
end

local function stamps(machine)
  local list = {}
  for column, states in pairs(machine.stamps) do
    list[#list + 1] = ("`%s` is the time at which it became %s, and null otherwise."):format(column,
      table.concat(states, " or "))
  end
  table.sort(list)
  return list
end

local function section(machine)
  local lines = { "## " .. machine.name, "", "```mermaid", M.mermaid(machine), "```", "", "| from | to | by | only |",
    "|---|---|---|---|" }
  for _, edge in ipairs(machine.edges) do
    lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(edge.from, edge.to, by_text(edge), condition(edge))
  end
  for _, text in ipairs(stamps(machine)) do
    lines[#lines + 1] = ""
    lines[#lines + 1] = text
  end
  return table.concat(lines, "\n")
end

--- The whole page.
---@param machines neap.Machine[]
---@return string
function M.page(machines)
  local parts = {
    "# State machines\n\n`neap machines > docs/machines.md` writes this page from the machines in `lua/app/*/rules.lua`."
      .. "\nAny other change of state is answered with 409 `invalid_transition`, with `from`, `to` and `allowed` in its"
      .. " details.",
  }
  for _, machine in ipairs(machines) do
    parts[#parts + 1] = section(machine)
  end
  return table.concat(parts, "\n\n") .. "\n"
end

return M
