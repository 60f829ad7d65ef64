--- What a worker runs when its requests are done and the database is still there: the application's on_stop hooks.
local M = {}

function M.main()
  require("neap.boot").stop()
end

return M
