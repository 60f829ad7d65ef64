--- What the features' routes share.
local config = require "config"
local neap = require "neap"

local M = {}

--- What a 409 says of a machine's transition, in the document.
M.INVALID_TRANSITION = "`invalid_transition`: the status cannot follow the present one; `details.allowed` says which can"

--- The answer with a new row, and where it is to be read.
---@param status 201|202  202: it is there, and a job does the rest
---@param collection string  the path below the prefix, "/tasks"
---@param row { id: string }
---@return neap.Response
function M.made(status, collection, row)
  return neap.response(status, row, { Location = ("%s%s/%s"):format(config.API_V1_PREFIX, collection, row.id) })
end

return M
