--- The page that a browser gets at `/`: sign-in and the boards of tasks and agents, which move as the events come. Its
--- scripts know nothing but the API.
local accept = require "neap.accept"
local config = require "config"
local static = require "neap.static"

local M = {}

local DIR = "lua/app/page"
local POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
  .. "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local values = { title = config.PROJECT_NAME, api = config.API_V1_PREFIX }
local page = static.file("index.html", (static.read(DIR .. "/index.html").bytes:gsub("{(%l+)}", function(name)
  return values[name] and values[name]:gsub('[&<>"]', ESCAPES)
end)))

--- Its scripts and styles, below /page.
M.router = static.router(DIR .. "/files", { prefix = "/page" })

--- Whether the client is one that shows pages.
---@param req neap.Request
---@return boolean
function M.is_wanted(req)
  return accept.best(req:header "accept", { "application/json", "text/html" }) == "text/html"
end

---@param req neap.Request
---@return neap.Response
function M.answer(req)
  return static.send(req, page, { ["Content-Security-Policy"] = POLICY, Vary = "Accept" })
end

return M
