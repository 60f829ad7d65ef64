--- The files of migrations: which there are, in which order, and what is in them.
local core = require "neap.core"
local core_os = require "neap.core.os"

local M = {}

local Refused = { __name = "neap.migrate.refused" }

function Refused:__tostring()
  return self.message
end

--- Ends what is going on with a text for people.
function M.refuse(message, ...)
  error(setmetatable({ message = message:format(...) }, Refused), 0)
end

local refuse = M.refuse

--- Likewise, with the error that it is about.
function M.refuse_for(cause, message)
  error(setmetatable({ message = message, cause = cause }, Refused), 0)
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
function M.list(dir)
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

local ENDS_TRANSACTION = { begin = true, commit = true, rollback = true }

-- PostgreSQL 15, 4.1: in E'' a backslash escapes, in the other quotes only the quote itself, doubled.
local function end_of_quoted(sql, at, quote, has_escapes)
  local i = at + 1
  while i <= #sql do
    local char = sql:sub(i, i)
    if has_escapes and char == "\\" then
      i = i + 1
    elseif char == quote then
      if sql:sub(i + 1, i + 1) ~= quote then
        return i + 1
      end
      i = i + 1
    end
    i = i + 1
  end
  return i
end

-- Comments in comments, too.
local function end_of_comment(sql, at)
  local depth, i = 0, at
  repeat
    local start = sql:find("[/*][*/]", i)
    if start == nil then
      return #sql + 1
    end
    local pair = sql:sub(start, start + 1)
    depth = depth + (pair == "/*" and 1 or pair == "*/" and -1 or 0)
    i = start + ((pair == "/*" or pair == "*/") and 2 or 1)
  until depth == 0
  return i
end

-- Where the thing that begins here ends, when it is none of Postgres' own words; nil when it is nothing of the kind.
local function end_of_body(sql, at)
  local char, two = sql:sub(at, at), sql:sub(at, at + 1)
  if two == "--" then
    return sql:find("\n", at, true) or #sql + 1
  elseif two == "/*" then
    return end_of_comment(sql, at)
  elseif char == "'" or char == '"' then
    return end_of_quoted(sql, at, char, char == "'" and sql:find("^[eE]'", at - 1) and not sql:find("^[%w_][eE]", at - 2))
  elseif char == "$" and not sql:find("^[%w_]", at - 1) then
    -- A tag is an identifier: $1$ is none.
    local tag = sql:match("^%$[%a_\128-\255][%w_\128-\255]*%$", at) or sql:match("^%$%$", at)
    local _, stop = sql:find(tag or "", at + #(tag or ""), true)
    return tag and (stop or #sql) + 1
  end
end

local function without_bodies(sql)
  local parts, from, at = {}, 1, 1
  while true do
    at = sql:find("[-/'\"$]", at)
    if at == nil then
      parts[#parts + 1] = sql:sub(from)
      return table.concat(parts, " ")
    end
    local stop = end_of_body(sql, at)
    if stop then
      parts[#parts + 1] = sql:sub(from, at - 1)
      from = stop
    end
    at = stop or at + 1
  end
end

-- Such a word would end our transaction in the middle of the file.
local function transaction_word(sql)
  for word in (";" .. without_bodies(sql)):lower():gmatch ";%s*(%l+)%s*%f[;]" do
    if ENDS_TRANSACTION[word] then
      return word:upper()
    end
  end
end

--- The whole text of a file, and whether it runs in a transaction. It is sent as it is: Postgres itself finds the ends of
--- its statements, so strings and dollar quotes may hold anything.
---@param path string
---@return string sql
---@return boolean in_transaction
function M.read(path)
  local sql = assert(core_os.read_file(path))
  local in_transaction = not sql:find "^%-%-[ \t]*no%-transaction[ \t]*\r?\n"
  local word = in_transaction and transaction_word(sql)
  if word then
    refuse("%s: the file runs in one transaction and must not say %s", path:match "[^/]+$", word)
  end
  return sql, in_transaction
end

--- Writes an empty pair of files with the next number.
---@param dir string
---@param name string
---@param part { up: string, down: string }?  what is in them; see neap.migrate.templates
---@return string up
---@return string down
function M.create(dir, name, part)
  local slug = name:lower():gsub("[^a-z0-9]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  if slug == "" then
    refuse("%q is no name for a migration: use letters and digits", name)
  end
  local base = ("%s/%04d_%s"):format(dir, #M.list(dir) + 1, slug)
  local template = core_os.stat(dir .. "/TEMPLATE.sql") and core_os.read_file(dir .. "/TEMPLATE.sql")
  assert(core_os.mkdir(dir))
  assert(core_os.write_file(base .. ".up.sql", part and part.up or template or "-- What changes.\n"))
  assert(core_os.write_file(base .. ".down.sql", part and part.down or "-- Undoes the .up.sql.\n"))
  return base .. ".up.sql", base .. ".down.sql"
end

return M
