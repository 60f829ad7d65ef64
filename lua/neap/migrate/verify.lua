--- Do the .down.sql files undo what the .up.sql files do? Tried on a scratch database of the same server: up, down, up, and
--- `pg_dump -s` says the same each time.
local core = require "neap.core"
local core_os = require "neap.core.os"
local database_url = require "neap.postgres.url"
local db = require "neap.db"
local files = require "neap.migrate.files"
local migrate = require "neap.migrate"
local programs = require "neap.postgres.programs"

local M = {}

local DIFFERENCES_MAX = 20

local function dump(url)
  local plain, password = database_url.without_password(url)
  if password then
    core_os.setenv("PGPASSWORD", password)
  end
  local code, out, problem = core_os.exec {
    programs.find "pg_dump", "--schema-only", "--exclude-table=schema_migrations", "--dbname=" .. plain,
  }
  if code ~= 0 then
    files.refuse("pg_dump failed: %s", code and problem or tostring(out))
  end
  -- Newer ones wrap the dump in \restrict with a random word.
  return (out:gsub("\\%l*restrict [^\n]*", ""))
end

local function count_lines(text, by)
  for line in text:gmatch "[^\n]+" do
    if not line:find "^%-%-" then
      by[line] = (by[line] or 0) + 1
    end
  end
  return by
end

local function lines_beyond(text, other, sign, out)
  local have = count_lines(other, {})
  for line in text:gmatch "[^\n]+" do
    if not line:find "^%-%-" then
      have[line] = (have[line] or 0) - 1
      if have[line] < 0 then
        out[#out + 1] = ("  %s %s"):format(sign, line)
      end
    end
  end
end

-- What a person needs to see which statement is missing; no aligned diff.
local function difference(before, after)
  local out = {}
  lines_beyond(before, after, "-", out)
  lines_beyond(after, before, "+", out)
  if #out == 0 then
    out[1] = "  the same lines in another order"
  elseif #out > DIFFERENCES_MAX then
    out[DIFFERENCES_MAX + 1] = ("  and %d more"):format(#out - DIFFERENCES_MAX)
  end
  return table.concat(out, "\n", 1, math.min(#out, DIFFERENCES_MAX + 1))
end

local function expect(before, after, what, ...)
  if before ~= after then
    files.refuse("%s\n%s", what:format(...), difference(before, after))
  end
end

-- A dump after each step up is what each step down must come back to.
local function walk(dir, list, url, report)
  local at = { [0] = dump(url) }
  for version = 1, #list do
    migrate.up(dir, nil, version)
    at[version] = dump(url)
    report("applied", list[version])
  end
  for version = #list, 1, -1 do
    migrate.down(dir, 1)
    expect(at[version - 1], dump(url), "%s.down.sql does not undo all of its .up.sql:", list[version].label)
    report("reverted", list[version])
  end
  migrate.up(dir)
  expect(at[#list], dump(url), "up, down and up again gives another schema:")
end

local function quoted(name)
  return '"' .. name .. '"'
end

--- Raises with what differs. Leaves db.* connected to nothing.
---@param dir string
---@param url string  of a database on the server to use; it is not touched
---@param report fun(event: "applied"|"reverted", migration: neap.Migration)?
---@return integer count  of the migrations that were tried
function M.run(dir, url, report)
  local list = files.list(dir)
  for _, migration in ipairs(list) do
    if migration.down == nil then
      files.refuse("%s has no .down.sql: it cannot be undone", migration.label)
    end
  end
  local name = ("neap_verify_%d_%s"):format(core_os.getpid(), core.hex(core.random(4)))
  local function admin(sql)
    core.use_database(url, { min = 1, max = 1, statement_timeout = 0 })
    db.exec(sql)
  end
  -- template0: what somebody put into template1 is not of these files.
  admin(("create database %s template template0"):format(quoted(name)))
  local scratch = database_url.with_database(url, name)
  local ok, problem = pcall(function()
    core.use_database(scratch, { min = 1, max = 2, statement_timeout = 0 })
    walk(dir, list, scratch, report or function() end)
  end)
  admin(("drop database if exists %s with (force)"):format(quoted(name)))
  core.use_database(nil)
  if not ok then
    error(problem, 0)
  end
  return #list
end

return M
