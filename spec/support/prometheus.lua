--- Reads the text exposition format 0.0.4 as strictly as its description allows, and complains about what linters would.
local M = {}

local function labels_of(text)
  local labels, rest = {}, text
  while rest ~= "" do
    local name, tail = rest:match '^([%a_][%w_]*)="(.*)$'
    assert(name, "not a label: " .. rest)
    local value, at = {}, 1
    while tail:sub(at, at) ~= '"' do
      local c = tail:sub(at, at)
      assert(c ~= "" and c ~= "\n", "a label without an end: " .. text)
      if c == "\\" then
        at = at + 1
        assert(tail:sub(at, at):find '[\\"n]', "not an escape: " .. text)
      end
      value[#value + 1] = tail:sub(at, at)
      at = at + 1
    end
    assert(labels[name] == nil, "a label twice: " .. text)
    labels[name] = table.concat(value)
    rest = tail:sub(at + 1)
    assert(rest == "" or rest:sub(1, 1) == ",", "no comma: " .. text)
    rest = rest:sub(2)
  end
  return labels
end

local SUFFIXES = { _bucket = true, _sum = true, _count = true }

local function family_of(name, families)
  local base, suffix = name:match "^(.*)(_%a+)$"
  if base and SUFFIXES[suffix] and families[base] and families[base].type == "histogram" then
    return families[base], suffix
  end
  return families[name], ""
end

local function key_of(labels, leave_out)
  local list = {}
  for name, value in pairs(labels) do
    if name ~= leave_out then
      list[#list + 1] = name .. "=" .. value
    end
  end
  table.sort(list)
  return table.concat(list, ",")
end

local function check_histogram(family)
  local seen = {}
  for _, sample in ipairs(family.samples) do
    local key = key_of(sample.labels, "le")
    local one = seen[key] or { last = -1, bound = -math.huge }
    seen[key] = one
    if sample.suffix == "_bucket" then
      local bound = sample.labels.le == "+Inf" and math.huge or tonumber(sample.labels.le)
      assert(bound > one.bound and sample.value >= one.last, "buckets out of order: " .. key)
      one.bound, one.last = bound, sample.value
    else
      one[sample.suffix] = sample.value
    end
  end
  for key, one in pairs(seen) do
    assert(one.bound == math.huge, "no last bucket: " .. key)
    assert(one._count == one.last, "count and last bucket differ: " .. key)
    assert(one._sum, "no sum: " .. key)
  end
end

local function check(family)
  assert(#family.samples > 0 or family.type == "counter" or family.type == "histogram", family.name .. " has no samples")
  if family.type == "counter" then
    assert(family.name:find "_total$", family.name .. " does not end in _total")
  elseif family.type == "histogram" then
    check_histogram(family)
  end
end

---@class spec.Metrics
---@field families table<string, table>
local Metrics = {}
Metrics.__index = Metrics

--- The sum of the samples of that name which have these labels.
---@param name string
---@param labels table<string, string>?
function Metrics:get(name, labels)
  local family, suffix = family_of(name, self.families)
  assert(family, "no metric " .. name)
  local sum = 0
  for _, sample in ipairs(family.samples) do
    local fits = sample.suffix == suffix
    for label, value in pairs(labels or {}) do
      fits = fits and sample.labels[label] == value
    end
    sum = sum + (fits and sample.value or 0)
  end
  return sum
end

--- How many samples there are.
function Metrics:size()
  return self.count
end

---@param text string
---@return spec.Metrics
function M.parse(text)
  local self = setmetatable({ families = {}, count = 0 }, Metrics)
  local families, present, seen = self.families, nil, {}
  assert(text:sub(-1) == "\n", "the last line has no end")
  for line in text:gmatch "([^\n]*)\n" do
    local kind, name, rest = line:match "^# (%u+) ([%a_:][%w_:]*) (.+)$"
    if kind == "HELP" then
      assert(families[name] == nil, name .. " is described twice")
      families[name] = { name = name, samples = {} }
      present = name
    elseif kind == "TYPE" then
      assert(present == name and families[name].type == nil, "a type out of place: " .. line)
      assert(rest == "counter" or rest == "gauge" or rest == "histogram", line)
      families[name].type = rest
    else
      local metric, labels, value = line:match "^([%a_:][%w_:]*)(%b{}) (%-?[%d.e+]+)$"
      if metric == nil then
        metric, value = line:match "^([%a_:][%w_:]*) (%-?[%d.e+]+)$"
      end
      assert(metric, "not a sample: " .. line)
      local family, suffix = family_of(metric, families)
      assert(family and family.name == present and family.type, "a sample out of place: " .. line)
      local parsed = labels_of((labels or "{}"):sub(2, -2))
      local key = metric .. "{" .. key_of(parsed)
      assert(seen[key] == nil, "twice: " .. line)
      seen[key] = true
      family.samples[#family.samples + 1] = { suffix = suffix, labels = parsed, value = assert(tonumber(value), line) }
      self.count = self.count + 1
    end
  end
  for _, family in pairs(families) do
    check(family)
  end
  return self
end

return M
