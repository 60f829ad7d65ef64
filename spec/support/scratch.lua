--- Folders that a spec may fill and break: applications made of pieces of others.
local core = require "neap.core"
local postgres = require "neap.postgres"
local run = require "neap.test.scratch"
local sys = require "neap.core.os"

local M = {}

local kept = {}

--- An empty folder of its own. What a spec does not remove is removed at the end of the run.
---@return string path
function M.folder()
  local path = assert(sys.tempdir "neap-spec-")
  -- 0755: Postgres runs as another user when the specs run as root, and has to reach what is inside.
  assert(sys.chmod(path, 493))
  kept[path] = run.keep {
    discard = function()
      M.remove(path)
    end,
  }
  return path
end

--- An application of its own with files from `files` (path to text) and links to `links` (path to a path of this project).
---@param opts {files: table<string, string>?, links: table<string, string>?}
---@return string path
function M.app(opts)
  local path = M.folder()
  for name, target in pairs(opts.links or {}) do
    local folder = (path .. "/" .. name):match "^(.*)/"
    assert(sys.mkdir(folder))
    assert(sys.symlink(core.app_dir .. "/" .. target, path .. "/" .. name))
  end
  for name, text in pairs(opts.files or {}) do
    M.write(path .. "/" .. name, text)
  end
  return path
end

--- Writes a file as editors do: beside it first, then in its place.
function M.write(path, text)
  assert(sys.mkdir(path:match "^(.*)/"))
  assert(sys.write_file(path, text))
end

--- With its private Postgres, when it has one.
function M.remove(path)
  run.forget(kept[path])
  if postgres.exists(path) then
    postgres.of(path):destroy()
  end
  assert(path:find "/neap%-spec%-%w+$", path)
  assert(sys.remove(path, { recursive = true }))
end

return M
