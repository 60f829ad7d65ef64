--- docs/lua-api.md names what is there, and all of it.
local core = require "neap.core"
local core_os = require "neap.core.os"

-- What modules show to each other, not to applications.
local INTERNAL = {
  ["neap.errors"] = { "map", "describe" },
  ["neap.settings"] = { "describe", "is_definition", "resolve" },
  ["neap.log"] = { "setup" },
  ["neap.token"] = { "configure" },
  ["neap.rate_limit"] = { "of_route", "problem" },
  ["neap.idempotency"] = { "applies", "wrap", "HEADER", "KEY_MAX", "KEY_PATTERN", "REPLAY" },
  ["neap.test"] = { "internal" },
}

-- Most of neap.core is for the framework: only what the page names has to be there.
local PARTLY = { ["neap.core"] = true }

-- The members that the first cells of each section's table name, by module.
local function sections()
  local page = assert(core_os.read_file(core.app_dir .. "/docs/lua-api.md"))
  local found, name = {}, nil
  for line in (page .. "\n"):gmatch "(.-)\n" do
    if line:find "^## " then
      name = line:match "^## `(neap[%w_.]*)`"
      if name then
        found[name] = {}
      end
    elseif name then
      local cell = line:match "^| (.-) |"
      for prefix, member in (cell or ""):gmatch "`([%l_]+)%.([%w_]+)" do
        if prefix == name:match "[^.]+$" then
          found[name][member] = true
        end
      end
    end
  end
  return found
end

local function exported(name)
  local module, names = require(name), {}
  if type(module) == "table" then
    for member in pairs(module) do
      names[member] = true
    end
  end
  for _, member in ipairs(INTERNAL[name] or {}) do
    assert.is_true(names[member], name .. " has no " .. member)
    names[member] = nil
  end
  return names
end

local function without(all, others)
  local left = {}
  for name in pairs(all) do
    if not others[name] then
      left[#left + 1] = name
    end
  end
  table.sort(left)
  return left
end

describe("docs/lua-api.md", function()
  it("names every function of each module, and none that is not there", function()
    local count = 0
    for name, told in pairs(sections()) do
      local there = exported(name)
      assert.same({}, without(told, there), name .. " has none of these")
      if not PARTLY[name] then
        assert.same({}, without(there, told), "not told of " .. name)
      end
      count = count + 1
    end
    assert.is_true(count >= 20)
  end)

  it("has a section for every module that the application requires", function()
    local found = sections()
    local function look(dir)
      for _, entry in ipairs(assert(core_os.list(dir))) do
        local path = dir .. "/" .. entry.name
        local text = path:find "%.lua$" and core_os.read_file(path)
        if text then
          for module in text:gmatch 'require "(neap[%w_.]*)"' do
            assert.truthy(found[module], module .. ", required by " .. path)
          end
        elseif entry.type == "directory" then
          look(path)
        end
      end
    end
    look(core.app_dir .. "/lua/app")
  end)
end)
