--- Files of the application, served as they are: read once when the application loads, so that a request waits for no disk
--- and there is no path to climb out of.
---
---     app:mount(static.router("lua/app/page/files", { prefix = "/assets" }))
---
--- It is for the few files of a page. What is large or comes from users belongs in front of Neap, or in an object store.
local accept = require "neap.accept"
local core = require "neap.core"
local files = require "neap.core.files"
local options = require "neap.route.options"
local response = require "neap.response"
local router = require "neap.router"

local M = {}

-- Of one folder: all of it stays in the memory of each worker.
local BYTES_MAX, DEPTH_MAX = 16 * 1024 * 1024, 8

local TYPES = {
  css = "text/css; charset=utf-8",
  gif = "image/gif",
  html = "text/html; charset=utf-8",
  ico = "image/vnd.microsoft.icon",
  jpeg = "image/jpeg",
  jpg = "image/jpeg",
  js = "text/javascript; charset=utf-8",
  json = "application/json",
  mjs = "text/javascript; charset=utf-8",
  pdf = "application/pdf",
  png = "image/png",
  svg = "image/svg+xml",
  txt = "text/plain; charset=utf-8",
  wasm = "application/wasm",
  webp = "image/webp",
  woff2 = "font/woff2",
  xml = "application/xml",
}

local OPTIONS = { prefix = true, headers = true, cache = true }

---@class neap.StaticFile
---@field bytes string
---@field content_type string
---@field etag string  quoted, as the header has it

--- A file that was made, not read.
---@param name string   its ending says which media type it has
---@param bytes string
---@param etag string?  quoted; without it one is made of the bytes
---@return neap.StaticFile
function M.file(name, bytes, etag)
  return {
    bytes = bytes,
    content_type = TYPES[(name:match "%.(%w+)$" or ""):lower()] or "application/octet-stream",
    etag = etag or ('"%s"'):format(core.hex(core.sha256(bytes)):sub(1, 16)),
  }
end

--- Reads a file below the application's folder. Raises when it is not there.
---@param path string  "lua/app/page/index.html"
---@return neap.StaticFile
function M.read(path)
  local bytes, problem = files.read_file(core.app_dir .. "/" .. path)
  if bytes == nil then
    error(("static: %s"):format(problem), 2)
  end
  return M.file(path, bytes)
end

--- Its answer: 304 when the client has it already (RFC 9110 13.1.2).
---@param req neap.Request
---@param file neap.StaticFile
---@param headers table<string, string>?
---@return neap.Response
function M.send(req, file, headers)
  local all = { ["Cache-Control"] = "no-cache", ETag = file.etag }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  if accept.is_known(req:header "if-none-match", file.etag) then
    return response(304, nil, all)
  end
  return response.bytes(file.bytes, file.content_type, 200, all)
end

--- A route's handler that answers with it.
---@param file neap.StaticFile
---@param headers table<string, string>?
---@return neap.Handler
function M.handler(file, headers)
  return function(req)
    return M.send(req, file, headers)
  end
end

local function gather(dir, below, depth, out)
  local entries, problem = files.list(core.app_dir .. "/" .. dir .. below)
  if entries == nil then
    error(("static: %s"):format(problem), 0)
  elseif depth > DEPTH_MAX then
    error(("static: %s is deeper than %d folders"):format(dir, DEPTH_MAX), 0)
  end
  for _, entry in ipairs(entries) do
    local path = below .. "/" .. entry.name
    if entry.name:sub(1, 1) == "." then
      goto continue -- what an editor left there, .git
    elseif entry.type == "directory" then
      gather(dir, path, depth + 1, out)
    elseif entry.type == "file" then
      out[#out + 1] = path
    end
    ::continue::
  end
  return out
end

local function read_all(dir)
  local paths, total, found = gather(dir, "", 1, {}), 0, {}
  table.sort(paths)
  for _, path in ipairs(paths) do
    local problem = options.path_problem(path)
    if problem then
      error(("static: %s%s: as a path it %s"):format(dir, path, problem), 0)
    end
    local file = M.read(dir .. path)
    total = total + #file.bytes
    if total > BYTES_MAX then
      error(("static: %s holds more than %d MiB"):format(dir, BYTES_MAX >> 20), 0)
    end
    found[#found + 1] = { path = path, file = file }
  end
  return found
end

local function cache_control(seconds)
  return seconds and ("public, max-age=%d"):format(seconds) or "no-cache"
end

--- A router with a GET route for each file of a folder. Files whose name begins with a dot are left out. They are for
--- everybody, are counted by no rate limit, and stand in no documentation.
---@param dir string  below the application's folder
---@param opts { prefix: string?, headers: table<string, string>?, cache: integer? }?  cache: the seconds that a browser need
---  not ask again; without it, it asks each time and is told 304
---@return neap.Router
function M.router(dir, opts)
  opts = opts or {}
  for name in pairs(opts) do
    if not OPTIONS[name] then
      error(("static: unknown option %q (known: cache, headers, prefix)"):format(tostring(name)), 2)
    end
  end
  local ok, found = pcall(read_all, dir)
  if not ok then
    error(found, 2)
  end
  local r = router.new { prefix = opts.prefix, auth = false, rate_limit = false, hidden = true }
  for _, item in ipairs(found) do
    local headers = { ["Cache-Control"] = cache_control(opts.cache) }
    for name, value in pairs(opts.headers or {}) do
      headers[name] = value
    end
    r:get(item.path, { summary = "A file" }, M.handler(item.file, headers))
  end
  return r
end

return M
