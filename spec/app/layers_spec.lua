-- No feature reaches into another one's store: whose it is, the rules say.
local core = require "neap.core"
local core_os = require "neap.core.os"

-- A store whose name is not its feature's.
local OF = { messages = "conversations" }

local function lua_files(dir, fn)
  for _, entry in ipairs(core_os.list(dir)) do
    local path = dir .. "/" .. entry.name
    if entry.type == "directory" then
      lua_files(path, fn)
    elseif entry.name:find "%.lua$" then
      fn(path)
    end
  end
end

describe("the features of Workbench", function()
  it("ask the rules of each other and never the stores", function()
    local root, looked_at = core.app_dir .. "/lua/app/", 0
    lua_files(root:sub(1, -2), function(path)
      local feature = path:sub(#root + 1):match "^([%w_]+)/"
      local text = feature and core_os.read_file(path) or ""
      for store in text:gmatch "%f[%w]work%.([%l_]+)[.,)]" do
        assert.equal(feature, OF[store] or store, path)
        looked_at = looked_at + 1
      end
    end)
    assert.is_true(looked_at > 50, looked_at)
  end)
end)
