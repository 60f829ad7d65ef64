--- What a worker runs after a reload, when the new code has taken over: the application's on_load hooks.
local M = {}

function M.main()
  return require("neap.boot").take_over() and 0 or 1
end

return M
