--- Where Postgres' programs are. Debian keeps the server's out of PATH, one folder for each major version.
local args = require "neap.tool.args"
local core_os = require "neap.core.os"

local M = {}

local function subfolders(path)
  local list = {}
  if core_os.stat(path) then
    for _, entry in ipairs(core_os.list(path)) do
      local version = entry.name:match "^(%d+)$" or entry.name:match "^pgsql%-(%d+)$"
      if version then
        list[#list + 1] = { version = version, bin = ("%s/%s/bin"):format(path, entry.name) }
      end
    end
  end
  table.sort(list, function(a, b)
    return tonumber(a.version) > tonumber(b.version)
  end)
  return list
end

local function candidates()
  local list = {}
  local chosen = os.getenv "PGBIN"
  if chosen and chosen ~= "" then
    return { { bin = chosen } }
  end
  -- Debian, then the RPMs of postgresql.org, then whatever is in PATH.
  for _, parent in ipairs { "/usr/lib/postgresql", "/usr" } do
    for _, found in ipairs(subfolders(parent)) do
      list[#list + 1] = found
    end
  end
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    list[#list + 1] = { bin = folder }
  end
  return list
end

local function version_of(data)
  local path = data and data .. "/PG_VERSION"
  if path and core_os.stat(path) then
    return core_os.read_file(path):match "^%d+"
  end
end

local function missing(name, version)
  if version then
    args.fail(("the data are of PostgreSQL %s, whose %s is not installed: install the Debian package postgresql-%s, "
      .. "or set DATABASE_URL"):format(version, name, version))
  end
  args.fail(("PostgreSQL's %s is not installed: install the Debian package postgresql, or set DATABASE_URL, or PGBIN "
    .. "to the folder that has it"):format(name))
end

--- The path of a program of the server, of the major version that wrote `data` when there is such.
---@param name "initdb"|"pg_ctl"|"postgres"|"psql"|"pg_dump"
---@param data string?
---@return string
function M.find(name, data)
  local version = version_of(data)
  for _, candidate in ipairs(candidates()) do
    local path = candidate.bin .. "/" .. name
    if (version == nil or candidate.version == nil or candidate.version == version) and core_os.stat(path) then
      return path
    end
  end
  missing(name, version)
end

return M
