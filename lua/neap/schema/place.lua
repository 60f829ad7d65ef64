--- Where the user of neap.schema stands: the first frame of the stack that is not one of the schema module's own files.
local M = {}

local own = { [debug.getinfo(1, "S").source] = true }

--- Called once by each file of the schema module: its frames are not the user's.
function M.own_file()
  own[debug.getinfo(2, "S").source] = true
end

---@return string "file:line"
function M.where()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if info == nil then
      return "?"
    end
    if info.currentline > 0 and not own[info.source] then
      return ("%s:%d"):format((info.source:gsub("^[@=]", "")), info.currentline)
    end
    level = level + 1
  end
end

--- Raises "file:line: message" with the line of the declaration.
---@param message string
---@param ... any
function M.fail(message, ...)
  error(M.where() .. ": " .. message:format(...), 0)
end

return M
