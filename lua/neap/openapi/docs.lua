--- /docs (Swagger UI) and /redoc, of what the binary carries: no page asks another host for anything. Every application has
--- them unless it says `docs = false`, and a path that it answers itself is its own.
local core = require "neap.core"
local errors = require "neap.errors"
local options = require "neap.route.options"
local plain_page = require "neap.openapi.plain_page"
local static = require "neap.static"

local M = {}

-- A file's path has the version of all of them in it, so what was fetched once is right for ever (RFC 8246).
local FOREVER = "public, max-age=31536000, immutable"

-- What both pages may do: run our scripts, ask this origin. %s is what only one of them needs.
local POLICY = "default-src 'none'; script-src 'self'; style-src 'self'%s; img-src 'self' data:; font-src 'self' data:; "
  .. "connect-src 'self'; worker-src %s; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

local HEAD = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}/icon.svg" type="image/svg+xml">
]]

local PAGE = HEAD .. [[
<link rel="license" href="{assets}/licences.txt">
{head}</head>
<body data-openapi="{openapi}">
<main id="{id}"></main>
<noscript><p class="notice">This page needs JavaScript. The document that it shows is
<a href="{openapi}">{openapi}</a>.</p></noscript>
{scripts}</body>
</html>
]]

local PLAIN = HEAD .. plain_page.TEMPLATE

-- What is told apart between the two.
local DOCS = {
  id = "docs",
  title = "%s",
  policy = { "", "'none'" },
  styles = { "swagger-ui.css", "pages.css" },
  scripts = { "swagger-ui-bundle.js", "docs.js" },
}
local REDOC = {
  id = "redoc",
  title = "%s: reference",
  -- It makes two style elements while it runs, one of them empty and filled by the DOM, and builds its search index in a
  -- worker that the bundle makes of itself.
  policy = {
    " 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
    "blob:",
  },
  styles = { "pages.css" },
  scripts = { "redoc.standalone.js", "redoc.js" },
}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escape(text)
  return (text:gsub("[&<>\"']", ESCAPES))
end

--- {name} by values[name]: escaped, unless the value is a list of lines of ours.
local function fill(template, values)
  return (template:gsub("{(%l+)}", function(name)
    local value = values[name]
    return type(value) == "table" and table.concat(value) or escape(value)
  end))
end

local function lines(format, names, assets)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = format:format(escape(assets .. "/" .. name))
  end
  return out
end

local function html_of(page, place)
  local values = {
    id = page.id,
    title = page.title:format(place.title),
    assets = place.assets,
    openapi = place.openapi,
    missing = core.pages_missing,
    operations = core.pages_missing and plain_page.operations(place.routes, escape),
    head = lines('<link rel="stylesheet" href="%s">\n', page.styles, place.assets),
    scripts = lines('<script src="%s"></script>\n', page.scripts, place.assets),
  }
  return fill(core.pages_missing and PLAIN or PAGE, values)
end

--- Whether an Accept-Encoding takes gzip (RFC 9110 12.5.3). No such header would allow it too, but who says nothing often
--- understands nothing.
local function takes_gzip(header)
  local any = false
  for coding, params in (header or ""):lower():gmatch "([^,;%s]+)([^,]*)" do
    local wanted = not params:find ";%s*q%s*=%s*0%.?0*%s*$"
    if coding == "gzip" or coding == "x-gzip" then
      return wanted
    elseif coding == "*" then
      any = wanted
    end
  end
  return any
end

local function page_handler(page, place)
  return static.handler(static.file("page.html", html_of(page, place)), {
    ["Content-Security-Policy"] = POLICY:format(table.unpack(page.policy)),
    ["Cache-Control"] = "no-cache",
  })
end

local function answer_asset(req)
  local name = req.params.file
  local gzip = takes_gzip(req:header "accept-encoding")
  local bytes = req.params.version == core.pages_version and core.page(name, not gzip)
  if not bytes then
    errors.not_found "There is no such file"
  end
  -- One tag for each form of it (RFC 9110 8.8.3.3).
  local etag = ('"%s%s"'):format(core.pages_version, gzip and "-gzip" or "")
  return static.send(req, static.file(name, bytes, etag), {
    ["Cache-Control"] = FOREVER,
    ["Content-Encoding"] = gzip and "gzip" or nil,
    Vary = "Accept-Encoding",
  })
end

local function url_of(opts, name, default)
  local url = opts[name]
  if url == nil then
    return default
  elseif url == false then
    return nil
  end
  local problem = type(url) ~= "string" and "must be a path or false" or options.path_problem(url)
  if problem or url == "/" then
    error(("app: %s %s"):format(name, problem or "cannot be the root"), 0)
  end
  return url
end

--- Both pages and their files; none when the application wants none.
---@param opts table  of the application: docs, docs_url, redoc_url, openapi_url
---@param title string
---@param routes table[]  the application's own
---@return { path: string, handler: neap.Handler, summary: string, is_page: boolean }[]
function M.routes(opts, title, routes)
  local docs_url = url_of(opts, "docs_url", "/docs")
  local redoc_url = url_of(opts, "redoc_url", "/redoc")
  local openapi_url = url_of(opts, "openapi_url", "/openapi.json")
  if opts.docs == false or openapi_url == nil or not (docs_url or redoc_url) then
    return {}
  end
  local files = (docs_url or redoc_url) .. "/assets"
  local assets = files .. "/" .. core.pages_version
  local place = { title = title, openapi = openapi_url, assets = assets, routes = routes }
  local list = {}
  local function add(path, handler, summary, is_page)
    list[#list + 1] = path and { path = path, handler = handler, summary = summary, is_page = is_page }
  end
  add(docs_url, page_handler(DOCS, place), "Swagger UI", true)
  add(redoc_url, page_handler(REDOC, place), "Redoc", true)
  add(files .. "/{version}/{file}", answer_asset, "What the pages are made of", false)
  return list
end

return M
