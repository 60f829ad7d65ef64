--- Output for people: colour and tables on a terminal, plain lines in a pipe.
local core_os = require "neap.core.os"

local M = {}

local CODES = { bold = 1, dim = 2, red = 31, green = 32, yellow = 33, cyan = 36 }

-- https://no-color.org: any value that is not empty turns colour off.
local function wants_colour(fd)
  local off = os.getenv "NO_COLOR"
  return core_os.isatty(fd) and (off == nil or off == "") and os.getenv "TERM" ~= "dumb"
end

local colour_of_stdout

--- Whether stdout is a terminal.
function M.is_terminal()
  return core_os.isatty(1)
end

--- The text in a colour, or as it is where there is none.
---@param name "bold"|"dim"|"red"|"green"|"yellow"|"cyan"
---@param text string
function M.colour(name, text)
  if colour_of_stdout == nil then
    colour_of_stdout = wants_colour(1)
  end
  if not colour_of_stdout then
    return text
  end
  return ("\27[%dm%s\27[0m"):format(CODES[name], text)
end

--- A line on stdout, at once.
function M.line(...)
  io.stdout:write(table.concat { ... }, "\n")
  io.stdout:flush()
end

--- A line that is not the result of the command, on stderr.
function M.note(...)
  io.stdout:flush()
  io.stderr:write(table.concat { ... }, "\n")
end

-- What a person sees of it: colours take no room.
local function width(text)
  text = text:gsub("\27%[%d*m", "")
  return utf8.len(text) or #text
end

local function widths(rows)
  local out = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      out[i] = math.max(out[i] or 0, width(cell))
    end
  end
  return out
end

local function padded(row, columns)
  local cells = {}
  for i, cell in ipairs(row) do
    cells[i] = i < #row and cell .. (" "):rep(columns[i] - width(cell)) or cell
  end
  return table.concat(cells, "  ")
end

--- Rows of strings in aligned columns under a header on a terminal; with a tab between cells in a pipe.
---@param header string[]
---@param rows string[][]
function M.table(header, rows)
  if not M.is_terminal() then
    for _, row in ipairs(rows) do
      M.line(table.concat(row, "\t"))
    end
    return
  end
  local all = table.move(rows, 1, #rows, 2, { header })
  local columns = widths(all)
  M.line(M.colour("dim", padded(header, columns)))
  for _, row in ipairs(rows) do
    M.line(padded(row, columns))
  end
end

return M
