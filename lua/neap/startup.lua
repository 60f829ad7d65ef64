--- What a worker runs once when its database can be asked: the application's on_start hooks.
local M = {}

function M.main()
  require("neap.boot").start()
end

return M
