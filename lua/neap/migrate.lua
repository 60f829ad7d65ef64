--- Migrations: numbered SQL files, applied in order, each once, recorded in schema_migrations with its checksum.
---
--- NNNN_name.up.sql and NNNN_name.down.sql are sent whole, each in one transaction, unless the first line of the file is
--- `-- no-transaction` (CREATE INDEX CONCURRENTLY and the like). An advisory lock lets one process migrate at a time;
--- the others wait and then find nothing left to do.
local core = require "neap.core"
local core_os = require "neap.core.os"
local db = require "neap.db"

local M = {}

-- Any number will do, as long as nobody else in the database uses it: "neap" in ASCII.
local LOCK_KEY = 0x6e656170
local LOCK_POLL_S = 0.2
local LOCK_WAIT_S = 300

local Refused = { __name = "neap.migrate.refused" }

function Refused:__tostring()
  return self.message
end

local function refuse(message, ...)
  error(setmetatable({ message = message:format(...) }, Refused), 0)
end

---@class neap.Migration
---@field version integer
---@field name string
---@field label string        "0001_initial"
---@field up string           path
---@field down string?        path
---@field checksum string     SHA-256 of the up file, hexadecimal

-- "TEMPLATE.sql" is what `neap migrate new` starts from.
local function classify(file)
  local version, name, direction = file:match "^(%d%d%d%d)_([a-z0-9_]+)%.(%l+)%.sql$"
  if direction == "up" or direction == "down" then
    return math.tointeger(tonumber(version)), name, direction
  end
  if file:find "%.sql$" and file ~= "TEMPLATE.sql" then
    refuse("%s: a migration is named NNNN_name.up.sql or NNNN_name.down.sql", file)
  end
end

local function collect(dir)
  local by_version = {}
  local highest = 0
  local entries = core_os.list(dir)
  table.sort(entries, function(a, b)
    return a.name < b.name
  end)
  for _, entry in ipairs(entries) do
    local version, name, direction = classify(entry.name)
    if version then
      local found = by_version[version]
      if found and found.name ~= name then
        refuse("%04d is the number of two migrations: %s and %s", version, found.name, name)
      end
      found = found or { version = version, name = name, label = ("%04d_%s"):format(version, name) }
      found[direction] = dir .. "/" .. entry.name
      by_version[version] = found
      highest = math.max(highest, version)
    end
  end
  return by_version, highest
end

--- The migrations of a folder, in order. Raises when a number is missing or there twice, or a file has another name.
---@param dir string
---@return neap.Migration[]
function M.files(dir)
  if core_os.stat(dir) == nil then
    return {}
  end
  local by_version, highest = collect(dir)
  local list = {}
  for version = 1, highest do
    local found = by_version[version]
    if found == nil then
      refuse("there is no migration %04d, but there is a later one", version)
    elseif found.up == nil then
      refuse("%s.up.sql is missing, but its .down.sql is there", found.label)
    end
    found.checksum = core.hex(core.sha256(assert(core_os.read_file(found.up))))
    list[version] = found
  end
  return list
end

local function lock(report)
  local deadline = core.monotonic() + LOCK_WAIT_S
  local told = false
  while not db.one("select pg_try_advisory_lock($1::bigint) as locked", LOCK_KEY).locked do
    if not told then
      report("waiting")
      told = true
    end
    if core.monotonic() > deadline then
      refuse("another process has been migrating for %d seconds; gave up waiting for it", LOCK_WAIT_S)
    end
    core.sleep(LOCK_POLL_S)
  end
end

local function with_lock(report, fn)
  return db.session(function()
    lock(report)
    -- Dropping the session drops its locks, so an error needs no unlock of its own.
    local result = fn()
    db.one("select pg_advisory_unlock($1::bigint) as unlocked", LOCK_KEY)
    return result
  end)
end

local function make_table()
  db.script [[
    create table if not exists schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now(),
      execution_ms integer not null
    )]]
end

local function has_table()
  return db.one("select to_regclass('schema_migrations') is not null as there").there
end

local function applied_rows()
  local by_version = {}
  local last = 0
  local rows = db.query "select version, name, checksum, applied_at, execution_ms from schema_migrations order by version"
  for _, row in ipairs(rows) do
    by_version[row.version] = row
    last = row.version
  end
  return by_version, last
end

-- History is what was applied. When the files tell another one, nothing is done until a person has looked.
local function verify(files, applied, last)
  for version = 1, last do
    local row, file = applied[version], files[version]
    if row == nil and file then
      refuse("%s is not applied, but the later %04d_%s is: give it the next number", file.label, last, applied[last].name)
    elseif row and (file == nil or file.name ~= row.name) then
      refuse("%04d_%s was applied, but its file is missing", version, row.name)
    elseif row and file.checksum ~= row.checksum then
      refuse("%s.up.sql was changed after it was applied; undo the change and write a new migration", file.label)
    end
  end
end

local ENDS_TRANSACTION = { begin = true, commit = true, rollback = true }

local function without_bodies(sql)
  sql = sql:gsub("%-%-[^\n]*", ""):gsub("/%*.-%*/", "")
  return (sql:gsub("(%$[%w_]*%$).-%1", "''"):gsub("'[^']*'", "''"))
end

-- Such a word would end our transaction in the middle of the file.
local function transaction_word(sql)
  for word in (";" .. without_bodies(sql)):lower():gmatch ";%s*(%l+)%s*%f[;]" do
    if ENDS_TRANSACTION[word] then
      return word:upper()
    end
  end
end

local function read_sql(path)
  local sql = assert(core_os.read_file(path))
  local in_transaction = not sql:find "^%-%-[ \t]*no%-transaction[ \t]*\r?\n"
  local word = in_transaction and transaction_word(sql)
  if word then
    refuse("%s: the file runs in one transaction and must not say %s", path:match "[^/]+$", word)
  end
  return sql, in_transaction
end

local function line_of(sql, position)
  -- Postgres counts characters from 1.
  local offset = utf8.offset(sql, position) or position
  local _, breaks = sql:sub(1, offset - 1):gsub("\n", "")
  return breaks + 1
end

local function explain(path, sql, err)
  local mt = type(err) == "table" and getmetatable(err)
  if type(mt) ~= "table" or mt.__name ~= "neap.db.error" then
    return err
  end
  local file = path:match "[^/]+$"
  local where = err.position and ("%s:%d"):format(file, line_of(sql, err.position)) or file
  local text = ("%s: %s%s"):format(where, err.message, err.sqlstate and (" (SQLSTATE %s)"):format(err.sqlstate) or "")
  for _, more in ipairs { "detail", "hint" } do
    text = text .. (err[more] and ("\n  %s: %s"):format(more, err[more]) or "")
  end
  return setmetatable({ message = text, cause = err }, Refused)
end

local function run(path, record)
  local sql, in_transaction = read_sql(path)
  local started = core.monotonic()
  local function work()
    local ok, err = pcall(db.script, sql)
    if not ok then
      error(explain(path, sql, err), 0)
    end
    record(math.floor((core.monotonic() - started) * 1000 + 0.5))
  end
  if in_transaction then
    db.tx(work)
  else
    work()
  end
end

local function apply(migration)
  local ms
  run(migration.up, function(execution_ms)
    ms = execution_ms
    db.exec("insert into schema_migrations (version, name, checksum, execution_ms) values ($1, $2, $3, $4)",
      migration.version, migration.name, migration.checksum, execution_ms)
  end)
  return ms
end

local function silent() end

---@alias neap.MigrateReport fun(event: "waiting"|"applied"|"reverted", migration: neap.Migration?, ms: integer?)

--- Applies what is not applied yet.
---@param dir string
---@param report neap.MigrateReport?
---@return integer count  how many were applied
function M.up(dir, report)
  report = report or silent
  local files = M.files(dir)
  return with_lock(report, function()
    make_table()
    local applied, last = applied_rows()
    verify(files, applied, last)
    for version = last + 1, #files do
      report("applied", files[version], apply(files[version]))
    end
    return #files - last
  end)
end

local function revert(migration)
  local ms
  if migration.down == nil then
    refuse("%s has no .down.sql: it cannot be undone", migration.label)
  end
  run(migration.down, function(execution_ms)
    ms = execution_ms
    db.exec("delete from schema_migrations where version = $1", migration.version)
  end)
  return ms
end

--- Undoes the last n, the newest first.
---@param dir string
---@param n integer
---@param report neap.MigrateReport?
---@return integer count
function M.down(dir, n, report)
  report = report or silent
  local files = M.files(dir)
  return with_lock(report, function()
    make_table()
    local applied, last = applied_rows()
    verify(files, applied, last)
    local stop = math.max(last - n + 1, 1)
    for version = last, stop, -1 do
      report("reverted", files[version], revert(files[version]))
    end
    return last - stop + 1
  end)
end

--- What is applied and what is not; changes nothing.
---@param dir string
---@return { migration: neap.Migration, row: table? }[]
function M.status(dir)
  local files = M.files(dir)
  local applied, last = {}, 0
  if has_table() then
    applied, last = applied_rows()
  end
  verify(files, applied, last)
  local list = {}
  for version, migration in ipairs(files) do
    list[version] = { migration = migration, row = applied[version] }
  end
  return list
end

--- Writes an empty pair of files with the next number.
---@param dir string
---@param name string
---@return string up
---@return string down
function M.create(dir, name)
  local slug = name:lower():gsub("[^a-z0-9]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  if slug == "" then
    refuse("%q is no name for a migration: use letters and digits", name)
  end
  local base = ("%s/%04d_%s"):format(dir, #M.files(dir) + 1, slug)
  local template = core_os.stat(dir .. "/TEMPLATE.sql") and core_os.read_file(dir .. "/TEMPLATE.sql")
  assert(core_os.mkdir(dir))
  assert(core_os.write_file(base .. ".up.sql", template or "-- What changes.\n"))
  assert(core_os.write_file(base .. ".down.sql", "-- Undoes the .up.sql.\n"))
  return base .. ".up.sql", base .. ".down.sql"
end

return M
