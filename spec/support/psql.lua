--- A statement as somebody beside the service sends it, outside of the spec's transaction.
local sys = require "neap.core.os"

---@param url string  of the database
---@param text string
---@return string  the values with | between them, a line a row
return function(url, text)
  local code, out, problem = sys.exec { "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text }
  assert.equal(0, code, problem)
  return (out:gsub("%s+$", ""))
end
