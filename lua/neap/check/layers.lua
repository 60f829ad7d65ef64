--- The layers of an application: SQL only in stores, and rules that never see the database. Checked by reading the strings
--- of the source, so that it needs nothing to run.
local M = {}

local LONG_BRACKET = "^%[(=*)%["

-- One string literal or comment; the end is where reading goes on.
local function read_quoted(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while true do
    local stop = text:find("[\\\n" .. quote .. "]", i)
    if stop == nil or text:sub(stop, stop) == "\n" then
      return text:sub(at + 1, (stop or #text + 1) - 1), (stop or #text) + 1
    end
    if text:sub(stop, stop) == quote then
      return text:sub(at + 1, stop - 1), stop + 1
    end
    i = stop + 2
  end
end

local function read_long(text, at)
  local level = text:match(LONG_BRACKET, at)
  local from = at + #level + 2
  local close = "]" .. level .. "]"
  local stop = text:find(close, from, true) or #text + 1
  return text:sub(from, stop - 1), stop + #close
end

local function skip_comment(text, at)
  if text:find(LONG_BRACKET, at + 2) then
    local _, stop = read_long(text, at + 2)
    return stop
  end
  return text:find("\n", at, true) or #text + 1
end

--- The string literals of a Lua source.
---@param text string
---@return { text: string, line: integer, before: string }[]  before: the word in front of it
function M.strings(text)
  local found = {}
  local at, line, line_at = 1, 1, 1
  while true do
    local start = text:find("[%-\"'%[]", at)
    if start == nil then
      return found
    end
    local _, breaks = text:sub(line_at, start - 1):gsub("\n", "")
    line, line_at = line + breaks, start
    local char = text:sub(start, start)
    if text:sub(start, start + 1) == "--" then
      at = skip_comment(text, start)
    elseif char == "-" or (char == "[" and not text:find(LONG_BRACKET, start)) then
      at = start + 1
    else
      local read = char == "[" and read_long or read_quoted
      local before = text:sub(math.max(1, start - 40), start - 1):match "([%w_.:]+)%s*%(?%s*$"
      local content, stop = read(text, start)
      found[#found + 1] = { text = content, line = line, before = before or "" }
      at = stop
    end
  end
end

-- What a statement begins with. Words of one case only, so that "Select a task from the list" is no SQL.
local STATEMENTS = {
  "^select%s.*%sfrom%s", "^insert%s+into%s", "^update%s+[%w_.\"]+%s+set%s", "^delete%s+from%s",
  "^with%s+[%w_]+%s+as%s", "^create%s+[%l%s]-table%s", "^create%s+[%l%s]-index%s", "^alter%s+table%s",
  "^drop%s+table%s", "^truncate%s", "^lock%s+table%s", "^select%s+pg_", "^listen%s+[%w_]+$", "^notify%s+[%w_]+",
}

--- Whether a string looks like SQL.
function M.is_sql(text)
  local trimmed = text:match "^%s*(.*)$"
  local word = trimmed:match "^%a+"
  if word == nil or (word ~= word:lower() and word ~= word:upper()) then
    return false
  end
  trimmed = trimmed:lower()
  for _, pattern in ipairs(STATEMENTS) do
    if trimmed:find(pattern) then
      return true
    end
  end
  return false
end

local function is_store(path)
  return path:find "store%.lua$" ~= nil or path:find "/seed%.lua$" ~= nil
end

local DATABASE_MODULES = { ["neap.db"] = true, ["neap.core.db"] = true }

-- A store is a way to the database as well.
local function is_database(literal)
  return literal.before:find "require$" and (DATABASE_MODULES[literal.text] or literal.text:find "^app%..*store$")
end

--- What is wrong with one file: "file:line: ...".
---@param path string  for the messages
---@param text string
---@return string[]
function M.check(path, text)
  local problems = {}
  local is_rules = path:find "rules%.lua$" ~= nil
  for _, literal in ipairs(M.strings(text)) do
    if is_rules and is_database(literal) then
      problems[#problems + 1] = ("%s:%d: rules must not see the database: take the store as a parameter")
        :format(path, literal.line)
    elseif not is_store(path) and M.is_sql(literal.text) then
      problems[#problems + 1] = ("%s:%d: SQL belongs in a store.lua"):format(path, literal.line)
    end
  end
  return problems
end

return M
