--- Reads the .env format: KEY=VALUE lines with quotes, `export` and comments.
--- Nothing is interpolated: a `$` in a password is a `$`.
local M = {}

local ESCAPES = { n = "\n", r = "\r", t = "\t", ["\\"] = "\\", ['"'] = '"', ["$"] = "$" }

local function count_lines(text)
  local _, n = text:gsub("\n", "")
  return n
end

-- Each reader takes the text and where the value starts, and gives the value and where the line goes on; or nil and why not.
local function read_double(text, at)
  local parts = {}
  local i = at + 1
  while true do
    local stop = text:find('["\\]', i)
    if stop == nil then
      return nil, "the double quote is not closed"
    end
    parts[#parts + 1] = text:sub(i, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local escaped = text:sub(stop + 1, stop + 1)
    -- An unknown escape stays as it was written.
    parts[#parts + 1] = ESCAPES[escaped] or ("\\" .. escaped)
    i = stop + 2
  end
end

local function read_single(text, at)
  local stop = text:find("'", at + 1, true)
  if stop == nil then
    return nil, "the single quote is not closed"
  end
  return text:sub(at + 1, stop - 1), stop + 1
end

local function read_bare(text, at)
  local stop = text:find("\n", at, true) or #text + 1
  local value = text:sub(at, stop - 1)
  -- A comment needs a blank before it, so that a # inside a password stays.
  value = (" " .. value):gsub("%s#.*$", "")
  return value:match "^%s*(.-)%s*$", stop
end

local function read_value(text, at)
  local first = text:sub(at, at)
  local value, next_at
  if first == '"' then
    value, next_at = read_double(text, at)
  elseif first == "'" then
    value, next_at = read_single(text, at)
  else
    return read_bare(text, at)
  end
  if value == nil then
    return nil, next_at
  end
  local rest = text:match("^[^\n]*", next_at)
  if not rest:find "^%s*$" and not rest:find "^%s+#" then
    return nil, "there is something after the closing quote"
  end
  return value, next_at + #rest
end

local function skip_line(text, at)
  local stop = text:find("\n", at, true)
  return stop and stop + 1 or #text + 1
end

local function read_line(text, at)
  local start = text:match("^[ \t]*export[ \t]+()", at) or text:match("^[ \t]*()", at)
  local name, value_at = text:match("^([%a_][%w_]*)[ \t]*=[ \t]*()", start)
  if name == nil then
    return nil, "is not NAME=VALUE"
  end
  local value, stop = read_value(text, value_at)
  if value == nil then
    return nil, stop
  end
  if value:find("\0", 1, true) then
    return nil, "has a NUL byte"
  end
  return name, value, stop
end

--- Problems name the line and never the value.
---@param text string
---@param file string?  for the problems; ".env"
---@return table<string, string> values
---@return string[] problems  "`.env:3: is not NAME=VALUE`"
---@return table<string, integer> lines  where each name stands
function M.parse(text, file)
  file = file or ".env"
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("\r\n", "\n")
  local values, problems, first_line = {}, {}, {}
  local at, line = 1, 1
  while at <= #text do
    local from = at
    if not text:find("^[ \t]*#", at) and not text:find("^[ \t]*\n", at) and not text:find("^[ \t]*$", at) then
      local name, value, stop = read_line(text, at)
      if name == nil then
        problems[#problems + 1] = ("%s:%d: %s"):format(file, line, value)
      elseif first_line[name] then
        problems[#problems + 1] = ("%s:%d: %s is set again, first in line %d"):format(file, line, name, first_line[name])
        at = stop
      else
        values[name], first_line[name], at = value, line, stop
      end
    end
    at = skip_line(text, at)
    line = line + count_lines(text:sub(from, at - 1))
  end
  return values, problems, first_line
end

return M
