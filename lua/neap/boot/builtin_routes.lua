--- Routes that every application has without declaring them: its own document, the pages that show it, and its metrics.
--- They are in no document themselves, and a route of the application at the same place wins.
local core = require "neap.core"
local docs = require "neap.openapi.docs"
local errors = require "neap.errors"
local openapi = require "neap.openapi"
local response = require "neap.response"
local static = require "neap.static"

local M = {}

local function route(path, handler, summary)
  return {
    method = "GET",
    path = path,
    opts = { auth = false, hidden = true, rate_limit = false, summary = summary },
    handler = handler,
    where = "neap",
  }
end

--- "[::1]:8000" and "localhost" are names of this machine; "api.example.com" is not.
local function is_local_name(host)
  local name = (host or ""):gsub(":%d+$", ""):lower()
  return name == "localhost" or name == "[::1]" or name:find "^127%.%d+%.%d+%.%d+$" ~= nil
end

local PROXIED = { "forwarded", "x-forwarded-for", "x-real-ip", "via" }
local LOOPBACK = { "127.0.0.0/8", "::1" }

local function is_in(networks, ip)
  for _, network in ipairs(networks) do
    if core.network_has(network, ip) then
      return true
    end
  end
  return false
end

local function is_proxied(req, config)
  for _, name in ipairs(PROXIED) do
    if (req:header(name) or "") ~= "" then
      return true
    end
  end
  return is_in(config.TRUSTED_PROXIES, req.ip)
end

-- A proxy on this machine speaks from the loopback network too, for whoever asked it, and one that was told nothing else
-- asks for 127.0.0.1 and adds no header: nothing tells it from a program of this machine. So a service in production has
-- to say who may read.
local function may_read(req, config)
  if req.ip == nil or is_proxied(req, config) then
    return false
  end
  local from = config.METRICS_FROM or config.ENVIRONMENT ~= "production" and LOOPBACK or {}
  return is_in(from, req.ip) and (not is_in(LOOPBACK, req.ip) or is_local_name(req:header "host"))
end

--- The numbers of all workers, for Prometheus and for administrators.
function M.metrics(req)
  if not may_read(req, require "config") and not (req.user and req.user.role == "admin") then
    errors.forbidden "metrics are for who METRICS_FROM names and for administrators"
  end
  return response.bytes(core.metrics(), "text/plain; version=0.0.4; charset=utf-8", 200, { ["Cache-Control"] = "no-store" })
end

--- The routes to add to those of the application.
---@param app neap.App
---@param routes table[]  the application's own
---@param config table
---@return table[]
---@return string? docs_path  of the first page that shows the application's document
function M.of(app, routes, config)
  local declared = {}
  for _, one in ipairs(routes) do
    declared[one.method .. " " .. one.path] = true
  end
  local list, docs_path = {}, nil
  local function add(path, handler, summary)
    local is_ours = path and not declared["GET " .. path]
    if is_ours then
      list[#list + 1] = route(path, handler, summary)
    end
    return is_ours
  end
  -- Made in any case: two schemas of one name are an error of the application while it loads.
  local info = openapi.info(app, config)
  local document = openapi.document(routes, info)
  local url = app.opts.openapi_url
  add(url == nil and "/openapi.json" or url, static.handler(static.file("openapi.json", document)), "The OpenAPI document")
  for _, page in ipairs(docs.routes(app.opts, info.title, routes)) do
    if add(page.path, page.handler, page.summary) and page.is_page then
      docs_path = docs_path or page.path
    end
  end
  local metrics_url = app.opts.metrics_url
  add(metrics_url == nil and "/metrics" or metrics_url, M.metrics, "Metrics for Prometheus")
  return list, docs_path
end

return M
