--- neap routes: what the application declares.
local args = require "neap.args"
local boot = require "neap.boot"
local json = require "neap.json"
local terminal = require "neap.terminal"

local M = {}

local command = args.command {
  name = "routes",
  summary = "what the application answers, who may call it, and where it is declared",
  usage = { "neap routes [--json]" },
  flags = { json = { help = "as a JSON array" } },
  max = 0,
}

local function auth_text(auth)
  if auth == nil or auth == false then
    return "-"
  end
  return auth == true and "user" or auth
end

local function print_json(routes)
  local list = json.array {}
  for i, route in ipairs(routes) do
    list[i] = {
      method = route.method,
      path = route.path,
      auth = auth_text(route.opts.auth),
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
        auth_text(route.opts.auth),
        route.opts.summary or "",
        terminal.colour("dim", route.where),
      }
    end
    terminal.table({ "method", "path", "auth", "summary", "declared at" }, rows)
  end)
end

return M
