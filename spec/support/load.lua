--- Load from one process: a set of keep-alive connections, one request on each of them at a time.
local wire = require "spec.support.wire"

local M = {}

---@param server table
---@param n integer
---@return spec.Wire[]
function M.connect(server, n)
  local conns = {}
  for i = 1, n do
    conns[i] = wire.open(server)
  end
  return conns
end

--- Sends a request on each connection, then reads an answer from each.
---@param conns spec.Wire[]
---@param request fun(i: integer): string
---@return table[] answers, false where the connection was lost
function M.round(conns, request)
  for i, conn in ipairs(conns) do
    conn:write(request(i))
  end
  local answers = {}
  for i, conn in ipairs(conns) do
    answers[i] = conn:answer() or false
  end
  return answers
end

function M.close(conns)
  for _, conn in ipairs(conns) do
    conn:close()
  end
end

return M
