--- Migrations: numbered SQL files, applied in order, each once, recorded in schema_migrations with its checksum.
---
--- NNNN_name.up.sql and NNNN_name.down.sql are sent whole, each in one transaction, unless the first line of the file is
--- `-- no-transaction` (CREATE INDEX CONCURRENTLY and the like). An advisory lock lets one process migrate at a time;
--- the others wait and then find nothing left to do.
local core = require "neap.core"
local db = require "neap.db"
local files = require "neap.migrate.files"

local M = { files = files.list, create = files.create }

local refuse = files.refuse

-- Any number will do, as long as nobody else in the database uses it: "neap" in ASCII.
local LOCK_KEY = 0x6e656170
local LOCK_POLL_S = 0.2
local LOCK_WAIT_S = 300

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

local function has_table()
  return db.one("select to_regclass('schema_migrations') is not null as there").there
end

local function make_table()
  if has_table() then
    -- One that an older version made: without the question it would be a notice in the server's log each time.
    local has_dirty = db.one [[select count(*) > 0 as yes from pg_attribute
      where attrelid = 'schema_migrations'::regclass and attname = 'dirty']].yes
    if not has_dirty then
      db.script "alter table schema_migrations add column dirty boolean not null default false"
    end
    return
  end
  db.script [[
    create table schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now(),
      execution_ms integer not null,
      dirty boolean not null default false
    )]]
end

local function applied_rows()
  local by_version = {}
  local last = 0
  local rows = db.query [[select version, name, checksum, applied_at, execution_ms,
      coalesce((to_jsonb(m) ->> 'dirty')::boolean, false) as dirty
    from schema_migrations m order by version]]
  for _, row in ipairs(rows) do
    by_version[row.version] = row
    last = row.version
  end
  return by_version, last
end

local ANEW = "(while you develop, `neap db reset` makes the database anew)"

-- History is what was applied. When the files tell another one, nothing is done until a person has looked.
local function check_history(list, applied, last)
  for version = 1, last do
    local row, file = applied[version], list[version]
    if row == nil and file then
      refuse("%s is not applied, but the later %04d_%s is: give it the next number", file.label, last, applied[last].name)
    elseif row and (file == nil or file.name ~= row.name) then
      refuse("%04d_%s was applied, but its file is missing: bring it back %s", version, row.name, ANEW)
    elseif row and file.checksum ~= row.checksum and not row.dirty then
      refuse("%s.up.sql was changed after it was applied: undo the change and write a new migration %s", file.label, ANEW)
    end
  end
end

-- Whatever such a file did before it failed is still there: running it again could do harm, going on could do more.
local function refuse_dirty(applied)
  for version, row in pairs(applied) do
    if row.dirty then
      refuse("%04d_%s failed in the middle, outside of a transaction: see what it has done, then say "
        .. "`neap migrate resolve %d applied` or `neap migrate resolve %d pending`", version, row.name, version, version)
    end
  end
end

local function line_of(sql, position)
  -- Postgres counts characters from 1.
  local offset = utf8.offset(sql, position) or position
  local _, breaks = sql:sub(1, offset - 1):gsub("\n", "")
  return breaks + 1
end

local function is_db_error(err)
  local mt = type(err) == "table" and getmetatable(err)
  return type(mt) == "table" and mt.__name == "neap.db.error"
end

local function raise_explained(path, sql, err, lock_timeout)
  if not is_db_error(err) then
    error(err, 0)
  end
  local file = path:match "[^/]+$"
  local where = err.position and ("%s:%d"):format(file, line_of(sql, err.position)) or file
  local text = ("%s: %s%s"):format(where, err.message, err.sqlstate and (" (SQLSTATE %s)"):format(err.sqlstate) or "")
  for _, more in ipairs { "detail", "hint" } do
    text = text .. (err[more] and ("\n  %s: %s"):format(more, err[more]) or "")
  end
  if err.sqlstate == "55P03" and lock_timeout > 0 then
    text = text .. ("\n  hint: it waited %g s for a lock, MIGRATE_LOCK_TIMEOUT; try again when less is going on"):format(
      lock_timeout)
  end
  files.refuse_for(err, text)
end

local function run_script(path, sql, lock_timeout)
  local started = core.monotonic()
  local ok, err = pcall(db.script, sql)
  if not ok then
    raise_explained(path, sql, err, lock_timeout)
  end
  return math.floor((core.monotonic() - started) * 1000 + 0.5)
end

-- A statement that waits for a lock on a busy table holds up everybody who comes after it: better to give up soon.
local function run_in_transaction(path, sql, record)
  local lock_timeout = require("neap.boot").config("tool").MIGRATE_LOCK_TIMEOUT
  return db.tx(function()
    db.one("select set_config('lock_timeout', $1, true)", ("%dms"):format(math.floor(lock_timeout * 1000)))
    local ms = run_script(path, sql, lock_timeout)
    record(ms)
    return ms
  end)
end

-- The row is there, and dirty, before the file runs: whatever ends this process, somebody will see it.
local function run_plainly(path, sql, mark, record)
  mark()
  local ms = run_script(path, sql, 0)
  record(ms)
  return ms
end

local function insert(migration, ms, dirty)
  db.exec([[insert into schema_migrations (version, name, checksum, execution_ms, dirty) values ($1, $2, $3, $4, $5)]],
    migration.version, migration.name, migration.checksum, ms, dirty)
end

local function apply(migration)
  local sql, in_transaction = files.read(migration.up)
  if in_transaction then
    return run_in_transaction(migration.up, sql, function(ms)
      insert(migration, ms, false)
    end)
  end
  return run_plainly(migration.up, sql, function()
    insert(migration, 0, true)
  end, function(ms)
    db.exec("update schema_migrations set dirty = false, execution_ms = $2, applied_at = now() where version = $1",
      migration.version, ms)
  end)
end

local function revert(migration)
  if migration.down == nil then
    refuse("%s has no .down.sql: it cannot be undone", migration.label)
  end
  local sql, in_transaction = files.read(migration.down)
  local function forget()
    db.exec("delete from schema_migrations where version = $1", migration.version)
  end
  if in_transaction then
    return run_in_transaction(migration.down, sql, forget)
  end
  return run_plainly(migration.down, sql, function()
    db.exec("update schema_migrations set dirty = true where version = $1", migration.version)
  end, forget)
end

local function silent() end

---@alias neap.MigrateReport fun(event: "waiting"|"applied"|"reverted", migration: neap.Migration?, ms: integer?)

-- fn(list, applied, last) when history is what the files say, under the lock.
local function with_history(dir, report, fn)
  local list = files.list(dir)
  return with_lock(report, function()
    make_table()
    local applied, last = applied_rows()
    check_history(list, applied, last)
    return fn(list, applied, last)
  end)
end

--- Applies what is not applied yet.
---@param dir string
---@param report neap.MigrateReport?
---@param upto integer?  the last one; all
---@return integer count  how many were applied
function M.up(dir, report, upto)
  report = report or silent
  return with_history(dir, report, function(list, applied, last)
    refuse_dirty(applied)
    local stop = math.min(upto or #list, #list)
    for version = last + 1, stop do
      report("applied", list[version], apply(list[version]))
    end
    return math.max(stop - last, 0)
  end)
end

--- Undoes the last n, the newest first.
---@param dir string
---@param n integer
---@param report neap.MigrateReport?
---@return integer count
function M.down(dir, n, report)
  report = report or silent
  return with_history(dir, report, function(list, applied, last)
    refuse_dirty(applied)
    local stop = math.max(last - n + 1, 1)
    for version = last, stop, -1 do
      report("reverted", list[version], revert(list[version]))
    end
    return last - stop + 1
  end)
end

--- Writes down 1 to n as applied without running them: for a database that has their tables already.
---@param dir string
---@param n integer
---@return integer count  how many were not written down before
function M.baseline(dir, n)
  return with_history(dir, silent, function(list, applied, last)
    refuse_dirty(applied)
    if list[n] == nil then
      refuse("there is no migration %04d", n)
    elseif last > n then
      refuse("%04d_%s is applied already", last, applied[last].name)
    end
    db.tx(function()
      for version = last + 1, n do
        insert(list[version], 0, false)
      end
    end)
    return n - last
  end)
end

--- A person has looked at one that failed in the middle, and says what it is.
---@param dir string
---@param version integer
---@param state "applied"|"pending"
function M.resolve(dir, version, state)
  return with_history(dir, silent, function(list, applied)
    local row = applied[version]
    if row == nil or not row.dirty then
      refuse("%04d did not fail in the middle: there is nothing to resolve", version)
    elseif state == "pending" then
      db.exec("delete from schema_migrations where version = $1", version)
    else
      -- The file may have been mended since; what counts from now on is what it says now.
      db.exec("update schema_migrations set dirty = false, checksum = $2 where version = $1", version,
        list[version].checksum)
    end
  end)
end

--- What is applied and what is not; changes nothing.
---@param dir string
---@return { migration: neap.Migration, row: table? }[]
function M.status(dir)
  local list = files.list(dir)
  local applied, last = {}, 0
  if has_table() then
    applied, last = applied_rows()
  end
  check_history(list, applied, last)
  local states = {}
  for version, migration in ipairs(list) do
    states[version] = { migration = migration, row = applied[version] }
  end
  return states
end

return M
