--- neap new: an application to begin with.
local args = require "neap.tool.args"
local core = require "neap.core"
local core_os = require "neap.core.os"
local templates = require "neap.tool.new_templates"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "new",
  summary = "an application to begin with, in a folder of its own",
  usage = { "neap new NAME" },
  max = 1,
  help = [[
Makes the folder NAME: settings, one feature with its routes, schemas, rules and store, a migration, its specs,
.env.example and what editors want to know. A folder that has something in it is left alone.]],
}

-- It stands in a URI, in Lua strings and in a title.
local function check_name(name)
  if name == nil then
    command:wrong "what is its name?"
  end
  if not name:find "^[a-z][a-z0-9_-]*$" or #name > 63 then
    command:wrong("%s: a name is small letters, digits, - and _, and begins with a letter", name)
  end
end

local function write(root, name)
  for _, entry in ipairs(templates.files) do
    local path, text = root .. "/" .. entry[1], entry[2]:gsub("{{name}}", name)
    local ok, problem = core_os.mkdir(path:match "^(.*)/")
    if ok then
      ok, problem = core_os.write_file(path, text, tonumber("644", 8))
    end
    if not ok then
      args.fail(("%s: %s"):format(path, tostring(problem)))
    end
    terminal.line(name .. "/" .. entry[1])
  end
end

-- As the reader's shell finds it in the new folder: this very file, unless the PATH leads to one.
local function how_to_call_neap()
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    if core_os.stat(folder .. "/neap") then
      return "neap"
    end
  end
  return core.program
end

function M.main()
  return command:run(function(_, positions)
    local name = positions[1]
    check_name(name)
    local root = core.app_dir .. "/" .. name
    local there = core_os.stat(root) and core_os.list(root)
    if core_os.stat(root) and (there == nil or #there > 0) then
      args.fail(name .. " is there already")
    end
    write(root, name)
    terminal.note(("next:  cd %s && %s dev --as you@example.com"):format(name, how_to_call_neap()))
  end)
end

return M
