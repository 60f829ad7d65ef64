--- A real redis-server on a Unix socket of its own, to be started, killed, stopped for a while, and started again.
local core = require "neap.core"
local run = require "neap.test.scratch"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"

local M = {}

local START_S = 20

--- Whether there is one to start; specs skip themselves where there is none.
function M.find()
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    if sys.stat(folder .. "/redis-server") then
      return folder .. "/redis-server"
    end
  end
end

---@class spec.Redis
---@field url string
---@field password string
local Redis = {}
Redis.__index = Redis

--- Sends one command and reads what comes (RESP2), as text.
function Redis:ask(...)
  local sock, problem = sys.unix(self.path)
  if sock == nil then
    return nil, problem
  end
  local asked = { ... }
  local function command(words)
    local out = { ("*%d\r\n"):format(#words) }
    for _, word in ipairs(words) do
      out[#out + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
    end
    return table.concat(out)
  end
  sock:write(command { "AUTH", self.password })
  local ok, answer = pcall(function()
    assert(sock:read_until "\r\n")
    sock:write(command(asked))
    return sock:read()
  end)
  sock:close()
  return ok and answer or nil, answer
end

function Redis:start()
  self.proc = assert(sys.spawn {
    M.find(), "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--save", "", "--appendonly", "no",
    "--requirepass", self.password, "--daemonize", "no", stdin = "null", stdout = "null", stderr = "null",
  })
  local deadline = core.monotonic() + START_S
  while self:ask "PING" == nil do
    assert(core.monotonic() < deadline, "redis-server does not start")
    core.sleep(0.02)
  end
end

--- As a machine that dies: no goodbye.
function Redis:kill()
  self.proc:kill "KILL"
  self.proc:wait(10)
  sys.remove(self.path)
end

--- It stays connected and says nothing, until it is woken.
function Redis:freeze()
  self.proc:kill "STOP"
end

function Redis:thaw()
  self.proc:kill "CONT"
end

function Redis:discard()
  self.proc:kill "CONT"
  self:kill()
  run.forget(self)
  scratch.remove(self.folder)
end

---@return spec.Redis
function M.start()
  local folder = scratch.folder()
  local path = folder .. "/redis.sock"
  local self = setmetatable({ folder = folder, path = path, password = "sesame open" }, Redis)
  self.url = ("unix://:sesame%%20open@%s?db=3"):format(path)
  self:start()
  run.keep(self)
  return self
end

return M
