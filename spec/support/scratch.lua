--- Folders that a spec may fill and break: applications made of pieces of others.
local core = require "neap.core"
local sys = require "neap.core.os"

local M = {}

--- An empty folder of its own.
---@return string path
function M.folder()
  local path = ("/tmp/neap-spec-%s"):format(core.hex(core.random(6)))
  sys.mkdir(path)
  -- Postgres runs as another user when the specs run as root, and has to reach what is inside.
  sys.chmod(path, 493)
  return path
end

--- An application of its own with files from `files` (path to text) and links to `links` (path to a path of this project).
---@param opts {files: table<string, string>?, links: table<string, string>?}
---@return string path
function M.app(opts)
  local path = M.folder()
  for name, target in pairs(opts.links or {}) do
    local folder = (path .. "/" .. name):match "^(.*)/"
    sys.mkdir(folder)
    sys.symlink(core.app_dir .. "/" .. target, path .. "/" .. name)
  end
  for name, text in pairs(opts.files or {}) do
    M.write(path .. "/" .. name, text)
  end
  return path
end

--- Writes a file as editors do: beside it first, then in its place.
function M.write(path, text)
  sys.mkdir(path:match "^(.*)/")
  sys.write_file(path, text)
end

function M.remove(path)
  assert(path:find "^/tmp/neap%-spec%-%x+$", path)
  sys.remove(path, { recursive = true })
end

return M
