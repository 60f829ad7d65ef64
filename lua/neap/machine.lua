--- State machines as data: which state may follow which, by whom, and what else that needs. The same table moves rows, says
--- what is allowed when a move is refused, draws itself for the documentation and names every forbidden edge for the specs.
---
---     M.machine = machine {
---       name = "door", states = { "closed", "open", "locked" },
---       edges = {
---         { from = "closed", to = "open", by = "open" },
---         { from = "open", to = "closed", by = "close" },
---         { from = "closed", to = "locked", by = "lock", when = { keeper_id = json.null }, note = "nobody inside" },
---       },
---       stamps = { locked_at = { "locked" } },
---     }
---     M.machine:transition(store, user.id, id, "open")     -- the row, or 404, or 409 invalid_transition
local errors = require "neap.errors"
local json = require "neap.json"

local M = {}

---@class neap.Edge
---@field from string
---@field to string
---@field by string|string[]|nil       the actions that take it
---@field when table<string, any>?     only if these columns have these values; json.null: only if they have none
---@field note string?                 for people: why, or under which condition

---@class neap.MachineSpec
---@field name string                  "git operation": what a row is called in messages
---@field states string[]              the first is where a row begins
---@field edges (neap.Edge|{ from: string|string[] })[]   from may be a list
---@field column string?               "status"
---@field stamps table<string, string[]>?  a column that is the time while in one of these states, and NULL in all others

---@class neap.Machine
---@field name string
---@field states string[]
---@field initial string
---@field column string
---@field edges neap.Edge[]            one for each pair
local Machine = { __name = "neap.machine" }
Machine.__index = Machine

---@class neap.Move  what a store needs to know of a transition
---@field column string
---@field to string
---@field from { state: string, when: table<string, any>? }[]
---@field fields table<string, any>    what else changes; a column that is in no body
---@field when table<string, any>?     what else must be so
---@field stamps table<string, boolean> true: now; false: NULL

local function fail(name, message, ...)
  error(("machine %s: %s"):format(tostring(name), message:format(...)), 0)
end

local function list_of(value)
  return type(value) == "table" and value or { value }
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

local function check_state(self, state, what)
  if self.index[state] == nil then
    fail(self.name, "%s: %q is not one of its states", what, tostring(state))
  end
end

local function add_edge(self, from, spec)
  check_state(self, from, "edges")
  check_state(self, spec.to, "edges")
  self.by_from[from] = self.by_from[from] or {}
  if self.by_from[from][spec.to] then
    fail(self.name, "the edge from %s to %s is there twice", from, spec.to)
  end
  local edge = { from = from, to = spec.to, by = list_of(spec.by), when = spec.when, note = spec.note }
  self.by_from[from][spec.to] = edge
  self.edges[#self.edges + 1] = edge
end

local function read_states(self, states)
  for i, state in ipairs(states) do
    if self.index[state] then
      fail(self.name, "the state %s is there twice", state)
    end
    self.index[state] = i
  end
  if #states == 0 then
    fail(self.name, "has no states")
  end
end

local function read_stamps(self, stamps)
  for column, states in pairs(stamps) do
    for _, state in ipairs(states) do
      check_state(self, state, "stamps." .. column)
    end
  end
  return stamps
end

local EDGE_KEYS = { from = true, to = true, by = true, when = true, note = true }
local KEYS = { name = true, states = true, edges = true, column = true, stamps = true }

local function check_keys(name, what, given, known)
  for key in pairs(given) do
    if not known[key] then
      fail(name, "%s has no option %q", what, tostring(key))
    end
  end
end

local function build(spec)
  check_keys(spec.name, "a machine", spec, KEYS)
  if type(spec.name) ~= "string" or type(spec.states) ~= "table" or type(spec.edges) ~= "table" then
    fail(spec.name, "wants name, states and edges")
  end
  local self = setmetatable({
    name = spec.name, states = spec.states, initial = spec.states[1], column = spec.column or "status",
    edges = {}, index = {}, by_from = {},
  }, Machine)
  read_states(self, spec.states)
  self.stamps = read_stamps(self, spec.stamps or {})
  for _, edge in ipairs(spec.edges) do
    check_keys(spec.name, "an edge", edge, EDGE_KEYS)
    for _, from in ipairs(list_of(edge.from)) do
      add_edge(self, from, edge)
    end
  end
  return self
end

-- By name, for the drawing. A file that is loaded again declares its machine again: the last one counts.
local declared = {}

--- Declares a machine; what cannot be right raises with the line that made it.
---@param spec neap.MachineSpec
---@return neap.Machine
function M.new(spec)
  local ok, made = pcall(build, spec)
  if not ok then
    error(made, 2)
  end
  declared[made.name] = made
  return made
end

--- Every machine that the loaded modules declare, by name.
---@return neap.Machine[]
function M.all()
  local list = {}
  for _, made in pairs(declared) do
    list[#list + 1] = made
  end
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

local function matches(edge, row)
  for column, value in pairs(edge.when or {}) do
    local has = row[column]
    if (has == nil and json.null or has) ~= value then
      return false
    end
  end
  return true
end

local function is_by(edge, by)
  return by == nil or contains(edge.by, by)
end

--- The edge between two states, or nil.
---@param from string
---@param to string
---@return neap.Edge?
function Machine:edge(from, to)
  return self.by_from[from] and self.by_from[from][to]
end

--- Where a row may go from here, in the order of the states.
---@param from string
---@param by string?  only by this action
---@param row table?  only if this row fulfils the conditions
---@return string[]
function Machine:allowed(from, by, row)
  local list = json.array {}
  for _, to in ipairs(self.states) do
    local edge = self:edge(from, to)
    if edge and is_by(edge, by) and (row == nil or matches(edge, row)) then
      list[#list + 1] = to
    end
  end
  return list
end

--- From where a row may come to a state, in the order of the states.
---@param to string
---@param by string?  only by this action
---@return string[]
function Machine:sources(to, by)
  local list = {}
  for _, from in ipairs(self.states) do
    local edge = self:edge(from, to)
    if edge and is_by(edge, by) then
      list[#list + 1] = from
    end
  end
  return list
end

---@param state string
---@return boolean  nothing follows it
function Machine:is_final(state)
  return self.by_from[state] == nil
end

--- Every pair of states, with its edge or nil: `for from, to, edge in machine:pairs() do`.
---@return fun(): string?, string?, neap.Edge?
function Machine:pairs()
  local n, i = #self.states, -1
  return function()
    i = i + 1
    if i < n * n then
      local from, to = self.states[i // n + 1], self.states[i % n + 1]
      return from, to, self:edge(from, to)
    end
  end
end

---@class neap.MoveOptions
---@field by string?                 the action: only its edges are taken
---@field fields table<string, any>? what else changes
---@field when table<string, any>?   only if these columns have these values, too

--- A transition as a store's `move` takes it.
---@param to string
---@param opts neap.MoveOptions?
---@return neap.Move
function Machine:move(to, opts)
  opts = opts or {}
  check_state(self, to, "move")
  local from, stamps = {}, {}
  for _, state in ipairs(self:sources(to, opts.by)) do
    from[#from + 1] = { state = state, when = self:edge(state, to).when }
  end
  for column, states in pairs(self.stamps) do
    stamps[column] = contains(states, to)
  end
  return { column = self.column, to = to, from = from, fields = opts.fields or {}, when = opts.when, stamps = stamps }
end

--- Ends the request: 409 with from, to and the states that may follow the present one, or 404 when there is no row.
---@param row table?
---@param to string
function Machine:refuse(row, to)
  if row == nil then
    local name = self.name:sub(1, 1):upper() .. self.name:sub(2)
    errors.not_found(name .. " not found")
  end
  local from = row[self.column]
  local allowed = self:allowed(from, nil, row)
  local message = ("The %s cannot go from %s to %s"):format(self.name, from, to)
  errors.conflict("invalid_transition", contains(allowed, to) and message .. " in this way" or message,
    { from = from, to = to, allowed = allowed })
end

--- Moves one row in one statement, so that of many at the same time exactly one finds it in its old state; when there is
--- none, one more read decides between 404 and 409. `store` has move(owner, id, move) and read(owner, id).
---@param store table
---@param owner any
---@param id any
---@param to string
---@param opts neap.MoveOptions?
---@return table row
function Machine:transition(store, owner, id, to, opts)
  return store.move(owner, id, self:move(to, opts)) or self:refuse(store.read(owner, id), to)
end

--- The same without an owner, for services: `store` has move_any(id, move) and read_any(id).
---@param store table
---@param id any
---@param to string
---@param opts neap.MoveOptions?
---@return table row
function Machine:transition_any(store, id, to, opts)
  return store.move_any(id, self:move(to, opts)) or self:refuse(store.read_any(id), to)
end

--- Whether a value is a machine.
function M.is(value)
  return getmetatable(value) == Machine
end

return setmetatable(M, {
  __call = function(_, spec)
    return M.new(spec)
  end,
})
