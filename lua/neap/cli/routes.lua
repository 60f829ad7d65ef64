--- neap routes: what the application declares.
local access = require "neap.route.access"
local args = require "neap.tool.args"
local boot = require "neap.boot"
local json = require "neap.json"
local terminal = require "neap.tool.terminal"

local M = {}

local command = args.command {
  name = "routes",
  summary = "what the application answers, who may call it, and where it is declared",
  usage = { "neap routes [--json]" },
  flags = { json = { help = "as a JSON array" } },
  max = 0,
}

local function print_json(routes)
  local list = json.array {}
  for i, route in ipairs(routes) do
    list[i] = {
      method = route.method,
      path = route.path,
      auth = route.opts.auth or "-",
      scopes = route.opts.scopes and json.array(route.opts.scopes),
      guards = route.opts.guards and #route.opts.guards,
      summary = route.opts.summary,
      tags = json.array(route.opts.tags or {}),
      where = route.where,
    }
  end
  terminal.line(json.encode(list))
end

function M.main()
  return command:run(function(flags)
    local routes = boot.load("tool"):routes()
    if flags.json then
      print_json(routes)
      return
    end
    local rows = {}
    for i, route in ipairs(routes) do
      rows[i] = {
        terminal.colour("bold", route.method),
        route.path,
        access.describe(route.opts),
        route.opts.summary or "",
        terminal.colour("dim", route.where),
      }
    end
    terminal.table({ "method", "path", "who may call", "summary", "declared at" }, rows)
  end)
end

return M
