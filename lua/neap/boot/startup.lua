--- What a worker runs once as it begins to serve: the application's on_start hooks, then those of on_load.
local M = {}

function M.main()
  return require("neap.boot").start() and 0 or 1
end

return M
