--- What /docs and /redoc show in a build that has neither of the packages behind them: every operation in a line, in plain
--- HTML, and what to do for the whole pages.
local access = require "neap.route.access"

local M = {}

M.TEMPLATE = [[
<link rel="stylesheet" href="{assets}/pages.css">
</head>
<body>
<main class="notice">
<h1>{title}</h1>
<p>Every operation in a line; <a href="{openapi}">{openapi}</a> has what goes in and out of each.</p>
{operations}<p>Swagger UI and Redoc, which show all of it here and try it out, are not in this build: {missing}.
They are npm packages that the build fetches: run <code>make pages</code> and start the server again.</p>
</main>
</body>
</html>
]]

local SECTION = [[
<h2>%s</h2>
<table>
<tr><th scope="col">method</th><th scope="col">path</th><th scope="col">who may call</th><th scope="col">does</th></tr>
%s</table>
]]

local ROW = "<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td>%s</td></tr>\n"

--- The routes that are in the document by their first tag, tags and routes in the order of their declaration.
local function by_tag(routes)
  local sections = {}
  for _, route in ipairs(routes) do
    if not route.opts.hidden then
      local tag = route.opts.tags and route.opts.tags[1] or "other"
      if sections[tag] == nil then
        sections[tag] = {}
        sections[#sections + 1] = tag
      end
      table.insert(sections[tag], route)
    end
  end
  return sections
end

local function row(route, escape)
  local who = route.opts.auth and access.describe(route.opts) or "everybody"
  return ROW:format(route.method, escape(route.path), escape(who), escape(route.opts.summary or ""))
end

--- The operations as tables, one for each tag.
---@param routes table[]  as app:routes() gives them
---@param escape fun(text: string): string
---@return string[] html
function M.operations(routes, escape)
  local out = {}
  local sections = by_tag(routes)
  for i, tag in ipairs(sections) do
    local rows = {}
    for j, route in ipairs(sections[tag]) do
      rows[j] = row(route, escape)
    end
    out[i] = SECTION:format(escape(tag), table.concat(rows))
  end
  return out
end

return M
