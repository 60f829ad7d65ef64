--- Postgres from handlers, commands and specs. Every call waits without holding up anybody else, values are always bound
--- parameters, and a failure raises a `neap.db.error`.
---
---     local task = db.one("select * from tasks where owner_id = $1 and id = $2", owner, id)
---
---     db.tx(function(tx)
---       tx.exec("update accounts set cents = cents - $2 where id = $1", from, cents)
---       tx.exec("update accounts set cents = cents + $2 where id = $1", to, cents)
---     end)
---
--- Types: smallint, integer and bigint are integers (exact), real and double floats, numeric a string (exact), boolean a
--- boolean; uuid, date and everything that is not listed a string; timestamptz "2024-01-31T12:00:00.000000Z" (RFC 3339);
--- bytea a byte string; an array a marked array, with json.null for NULL; json and jsonb a json.raw. NULL is no field.
local core = require "neap.core"
local raw = require "neap.core.db"

local M = {}

---@alias neap.DbParam nil|string|integer|number|boolean|table|userdata
---   nil and json.null are NULL; a table (or json.raw) is sent as JSON text; see db.array and db.bytes

---@class neap.DbError  metatable "neap.db.error"
---@field kind "server"|"unavailable"|"line_full"|"waited"|"lost"|"timed_out"|"cancelled"|"bad_param"
---@field message string     Postgres' own text: for the log, never for a client
---@field sqlstate string?   five characters (PostgreSQL, Appendix A)
---@field detail string?     may hold values of rows
---@field hint string?
---@field constraint string?
---@field table string?
---@field column string?
---@field context string?    where it happened, as Postgres tells it; may hold values of rows
---@field line integer?      of the data of a COPY
---@field position integer?  in the statement, in characters from 1
---@field outcome "unknown"? the statement, or the commit, may have been done all the same
---@field where string?      "lua/app/tasks/store.lua:12"
---@field statement string?  the SQL, without values

---@class neap.DbRow  metatable "neap.db.row": one field for each column that is not NULL. As JSON it has all columns.

---@class neap.DbRows: neap.DbRow[]  userdata; rows[i] is made when it is looked at, #rows and ipairs work.
---@field affected integer   rows that the command touched
---@field columns string[]
---   Returned from a handler as it is, it goes to the answer without becoming a table.

--- Any statement.
---@param sql string  values are $1, $2 ...
---@param ... neap.DbParam
---@return neap.DbRows
M.query = raw.query

--- A statement that only reads.
---@param sql string
---@param ... neap.DbParam
---@return neap.DbRows
M.read = raw.read

--- A query's rows as they go out: written by the schema of one row (or of a list of them), straight from what Postgres
--- sent. No Lua value is made, columns that the schema doesn't name stay behind, NULL is held against it.
---
---     return db.json(S.Task, "select * from tasks where user_id = $1", owner)
---
---@param schema neap.Schema?  nil: every column as it is
---@param sql string
---@param ... neap.DbParam
---@return userdata  for an answer, a field of an answer, or json.encode
function M.json(schema, sql, ...)
  local rows = raw.query(sql, ...)
  return schema and require "neap.schema".plan(schema):rows(rows) or rows
end

--- The first row, or nil.
---@param sql string
---@param ... neap.DbParam
---@return neap.DbRow?
M.one = raw.one

--- Several statements in one round trip; the rows of each, in their order. When one fails, its error is raised. Outside of
--- a transaction those that only read and are known to be quick are independent of each other; else all of them run on one
--- connection as one transaction, so that either all of them are done or none.
---
---     local found = db.all { { "select * from tasks where id = $1", id }, { "select count(*) as n from tasks" } }
---     return { task = found[1][1], total = found[2][1].n }
---@param statements { [1]: string, [integer]: neap.DbParam }[]  NULL is json.null here: a table cannot hold nil
---@return neap.DbRows[]
function M.all(statements)
  if #statements == 0 then
    return {}
  end
  return raw.all(statements) or M.tx(function() return raw.all(statements) end)
end

--- One statement with several sets of parameters, in one round trip: all their rows together, in the order of the sets. As
--- with db.all they are one transaction, unless they only read.
---
---     local made = db.many("insert into tags (task_id, name) values ($1, $2) returning id", { { id, "a" }, { id, "b" } })
---     return db.many("select * from worlds where id = $1", { 7, 3 })   -- as JSON [{...}, {...}]
---@param sql string
---@param sets (neap.DbParam|neap.DbParam[])[]  1000 at most; one parameter may come without its list; NULL is json.null
---@return neap.DbRows  affected: of all together
function M.many(sql, sets)
  if #sets == 0 then
    return M.query("select where false")
  end
  return raw.many(sql, sets) or M.tx(function() return raw.many(sql, sets) end)
end

-- On the specs' own connection everything is read at once: a loop that held it could do nothing else with the database.
local function each_of_all(each, ...)
  local all = table.pack(...)
  local values, n = {}, 0
  M.tx(function()
    for value in each(table.unpack(all, 1, all.n)) do
      n = n + 1
      values[n] = value
    end
  end)
  local i = 0
  return function()
    i = i + 1
    return values[i]
  end
end

--- The rows of a statement one by one, however many there are: only a few of them are in memory at a time, and Postgres
--- waits while nobody takes the next one. For a generic for, which ends the statement when its loop ends early:
---
---     for row in db.each("select * from events where user_id = $1 order by id", owner) do
---       out:write(json.encode(row) .. "\n")
---     end
---
--- It has a connection of its own, so the loop may use db.* as it likes. Inside a transaction it uses that one's, where
--- nothing else can be done before the loop has ended. DB_STATEMENT_TIMEOUT is for the wait for rows, not for the whole;
--- inside a transaction it is for the whole.
---@param sql string
---@param ... neap.DbParam
---@return fun(): neap.DbRow?
function M.each(sql, ...)
  if raw.is_pinned() then
    return each_of_all(raw.each, sql, ...)
  end
  return raw.each(sql, ...)
end

--- The data of `COPY ... TO STDOUT` in pieces of whole rows, at the pace of whoever takes them; its connection and its
--- limits are those of db.each.
---
---     for piece in db.copy_out "copy (select * from events) to stdout (format csv, header)" do
---       out:write(piece)
---     end
---@param sql string
---@return fun(): string?
function M.copy_out(sql)
  if raw.is_pinned() then
    return each_of_all(raw.copy_out, sql)
  end
  return raw.copy_out(sql)
end

-- Options that change what a row looks like: rows are written in the text format as it is by default.
local function is_plain_copy(sql)
  local words = sql:lower()
  for _, word in ipairs { "csv", "binary", "delimiter", "delimiters", "null" } do
    if words:find("%f[%w_]" .. word .. "%f[^%w_]") then
      return false
    end
  end
  return true
end

-- The source as what a generic for takes.
local function steps_of(source, state, first, closing)
  if type(source) == "string" then
    return ipairs { source }
  elseif type(source) == "table" and not (getmetatable(source) or {}).__call then
    return ipairs(source)
  end
  return function(s, control)
    local value = source(s, control)
    return value, value
  end, state, first, closing
end

local function copy_in(sql, ...)
  local plain = is_plain_copy(sql)
  local copy <close> = raw.copy_in(sql)
  for _, piece in steps_of(...) do
    if type(piece) == "table" and not plain then
      error("db.copy_in: rows go in the text format: leave the options of the COPY out, or give strings", 3)
    end
    copy:write(piece)
  end
  return copy:finish()
end

--- `COPY ... FROM STDIN`: by far the quickest way in for many rows. The source is a string, a list of pieces, or what a
--- generic for takes (a function that gives the next piece, and nil at the end). A piece is a string in the format that
--- the statement says, or a row: a list of values, in the order of the columns, nil and json.null for NULL. What the
--- server does not take in time is not asked of the source.
---
---     db.copy_in("copy points (x, y) from stdin", { { 1, 2 }, { 3, 4 } })
---     db.copy_in("copy points from stdin", db.copy_out "copy old_points to stdout")
---
--- All rows are in, or none. The error of a bad row has its `line`.
---@param sql string
---@param source string|table|fun(): string|table|nil
---@return integer rows
function M.copy_in(sql, source, ...)
  if not raw.is_pinned() then
    return copy_in(sql, source, ...)
  end
  local pieces = {}
  for _, piece in steps_of(source, ...) do
    pieces[#pieces + 1] = piece
  end
  return M.tx(function()
    return copy_in(sql, pieces)
  end)
end

--- How many rows the statement touched.
---@param sql string
---@param ... neap.DbParam
---@return integer
M.exec = raw.exec

--- Several statements in one text, without parameters; outside of a transaction they are one of their own, unless the text
--- says BEGIN itself. For migrations.
---@param sql string
M.script = raw.script

--- `t` as a Postgres array ("{1,2,3}"): for `= any($1)` and array columns. `n` when it ends in nils; json.null is NULL.
---@param t table
---@param n integer?
---@return neap.DbParam
M.array = raw.array

--- A byte string for a bytea.
---@param s string
---@return neap.DbParam
M.bytes = raw.bytes

-- NAMEDATALEN - 1, and NOTIFY_PAYLOAD_MAX_LENGTH - 1 of Postgres.
local CHANNEL_BYTES_MAX, PAYLOAD_BYTES_MAX = 63, 7999

---@class neap.DbListener
---@field close fun(self: neap.DbListener)  nothing more is heard; a call of fn that is under way goes to its end

--- Calls fn(payload, channel) for each message on a channel: each call is a task of its own that may wait and query, one
--- after the other, in the order in which the messages were sent. A payload of nil means that messages may have been
--- missed: the connection was lost and is back, or more came than fn could follow (1024 wait, or 1 MiB). What was missed
--- is in the tables, so look there.
---
--- It waits until the server listens, five seconds at most; later it begins with a nil. It ends with the code that it is
--- in: listen in `app:on_load`, so that a reload listens anew.
---@param channel string  any name of up to 63 bytes
---@param fn fun(payload: string?, channel: string)
---@return neap.DbListener
M.listen = raw.listen

--- Sends a message to all who listen on a channel; inside a transaction, when it commits.
---@param channel string
---@param payload string?  up to 7999 bytes: a key to look up, not the thing itself
function M.notify(channel, payload)
  if type(channel) ~= "string" or #channel == 0 or #channel > CHANNEL_BYTES_MAX then
    error("db.notify: a channel's name is a string of 1 to 63 bytes", 2)
  elseif payload ~= nil and type(payload) ~= "string" then
    error(("db.notify: a payload is a string, not a %s"):format(type(payload)), 2)
  elseif payload and #payload > PAYLOAD_BYTES_MAX then
    error(("db.notify: a payload of %d bytes: Postgres takes %d at most, so send a key and look it up"):format(
      #payload, PAYLOAD_BYTES_MAX), 2)
  end
  raw.exec("select pg_notify($1, $2)", channel, payload or "")
end

--- Does Postgres answer? Waits no longer than `seconds` and raises nothing.
---@param seconds number?  1
---@return true? ok
---@return neap.DbError? err
M.ping = raw.ping

---@class neap.DbPoolStatus
---@field size integer  connections: idle, busy, and those that are being opened
---@field idle integer
---@field busy integer
---@field connecting integer
---@field waiting integer  callers in the line
---@field max integer
---@field available boolean
---@field acquired integer          since the start, like all that follow
---@field line_full integer
---@field waited integer            gave up waiting
---@field leaked integer            transactions that were left open
---@field connects integer
---@field connect_failures integer
---@field lost integer              connections that broke
---@field last_error string?

--- Of this worker.
---@return neap.DbPoolStatus
M.pool_status = raw.pool_status

local ISOLATION = {
  ["read committed"] = "READ COMMITTED",
  ["repeatable read"] = "REPEATABLE READ",
  ["serializable"] = "SERIALIZABLE",
}

local function begin_sql(opts)
  local sql = "BEGIN"
  if opts.isolation then
    local level = ISOLATION[(tostring(opts.isolation):lower():gsub("_", " "))]
    if not level then
      error(('db.tx: isolation must be "read committed", "repeatable read" or "serializable", not "%s"'):format(
        tostring(opts.isolation)), 4)
    end
    sql = sql .. " ISOLATION LEVEL " .. level
  end
  if opts.read_only then
    sql = sql .. " READ ONLY"
  end
  return sql
end

local function timeout_ms(opts)
  return opts.timeout and math.floor(opts.timeout * 1000) or nil
end

---@class neap.DbTx  the functions of db, which insist on this transaction; db.* itself uses it as well
---@field query fun(sql: string, ...: neap.DbParam): neap.DbRows
---@field read fun(sql: string, ...: neap.DbParam): neap.DbRows
---@field one fun(sql: string, ...: neap.DbParam): neap.DbRow?
---@field exec fun(sql: string, ...: neap.DbParam): integer
---@field script fun(sql: string)
---@field tx function
local tx_functions = raw.tx

local function run(sql, timeout, fn)
  local lease <close> = raw.begin(sql, timeout, fn)
  local results = table.pack(fn(tx_functions))
  lease:commit()
  return table.unpack(results, 1, results.n)
end

-- 40001 serialization_failure, 40P01 deadlock_detected: the same transaction may well succeed when it is run again. So may
-- one that met a server which is no primary any more (25006): nothing was written, and the pool makes new connections.
local function is_worth_retrying(err, sql)
  return type(err) == "table" and err.kind == "server" and (err.sqlstate == "40001" or err.sqlstate == "40P01"
    or err.sqlstate == "25006" and not sql:find "READ ONLY")
end

local function run_with_retries(sql, timeout, retries, fn)
  for attempt = 0, retries do
    local results = table.pack(pcall(run, sql, timeout, fn))
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    if attempt == retries or not is_worth_retrying(results[2], sql) then
      error(results[2], 0)
    end
    -- Those who collided must not come back together: up to 10 ms, 20 ms, 40 ms ...
    core.sleep(math.random() * 0.01 * 2 ^ math.min(attempt, 6))
  end
end

---@class neap.DbTxOptions
---@field isolation "read committed"|"repeatable read"|"serializable"|nil
---@field read_only boolean?
---@field retries integer?  how often it is run again after a serialization failure, a deadlock, or on a server that
---  turned out to be read-only; fn must bear that
---@field timeout number?   seconds for each of its statements, in place of DB_STATEMENT_TIMEOUT; 0 is none

--- Runs fn inside a transaction: it commits when fn returns, and rolls back when fn raises or its task is cancelled. All
--- db.* calls of this task use it meanwhile. Inside another one it is a savepoint, and the options do not count.
--- A commit whose answer was lost raises an error with `outcome = "unknown"`.
---@generic T
---@param opts neap.DbTxOptions
---@param fn fun(tx: neap.DbTx): T
---@return T
---@overload fun(fn: fun(tx: neap.DbTx): T): T
function M.tx(opts, fn)
  if fn == nil then
    opts, fn = {}, opts
  end
  local sql, timeout = begin_sql(opts), timeout_ms(opts)
  if (opts.retries or 0) > 0 then
    return run_with_retries(sql, timeout, opts.retries, fn)
  end
  return run(sql, timeout, fn)
end

tx_functions.tx = M.tx

--- Runs fn on one connection, without a transaction: for what belongs to a session, like advisory locks. All db.* calls
--- of this task use it meanwhile. Its statements have no deadline unless one is given, and the connection is closed
--- afterwards, so nothing of the session stays.
---@generic T
---@param opts { timeout: number? }  seconds for each of its statements
---@param fn fun(): T
---@return T
---@overload fun(fn: fun(): T): T
function M.session(opts, fn)
  if fn == nil then
    opts, fn = {}, opts
  end
  return run(nil, timeout_ms(opts), fn)
end

return M
