--- A private Postgres that runs for commands only, for as long as one of them needs it. Several may at once, in any order:
--- whoever is last stops it. A loan is a file that its command has locked; the kernel lets go of it when the command dies.
--- The file `on-loan` says that a command started the server. One that a person started, or keeps, has none and goes on.
local core = require "neap.core"
local core_os = require "neap.core.os"

local M = {}

-- For Postgres to notice that programs of ours, which were killed, are gone.
local SETTLE_S = 2

local MARK = "on-loan"

---@class neap.PostgresLoan
---@field private server neap.Postgres
---@field private folder string
---@field private path string
---@field private lock table?
local Loan = { __name = "neap.postgres.loan" }
Loan.__index = Loan

---@param server neap.Postgres
---@return neap.PostgresLoan loan  of which nobody knows before start()
function M.of(server)
  local folder = M.folder(server)
  local name = ("%d-%s"):format(core_os.getpid(), core.hex(core.random(4)))
  return setmetatable({ server = server, folder = folder, path = folder .. "/" .. name }, Loan)
end

---@param server neap.Postgres
function M.folder(server)
  return server.base .. ".loans"
end

-- What follows is for who has the server's lock: between a look and what is done about it nobody comes or goes.

--- Whether it runs for commands only.
function M.is_marked(server)
  return core_os.stat(M.folder(server) .. "/" .. MARK) ~= nil
end

--- The last command that needs it is to stop it.
function M.mark(server)
  assert(core_os.mkdir(M.folder(server)))
  assert(core_os.write_file(M.folder(server) .. "/" .. MARK, ""))
end

function M.unmark(server)
  core_os.remove(M.folder(server) .. "/" .. MARK)
end

--- Whether a command lives that has it on loan. What dead ones left goes.
function M.is_lent(server)
  local folder = M.folder(server)
  local lent = false
  for _, entry in ipairs(core_os.list(folder) or {}) do
    if entry.name ~= MARK then
      local lock, problem = core_os.lock(folder .. "/" .. entry.name, 0)
      if lock then
        core_os.remove(folder .. "/" .. entry.name)
        lock:unlock()
      else
        lent = lent or problem ~= nil
      end
    end
  end
  return lent
end

-- Somebody else than a command: a psql, a `neap dev`.
local function is_used(server)
  local deadline = core.monotonic() + SETTLE_S
  while server:is_used() do
    if core.monotonic() > deadline then
      return true
    end
    core.sleep(0.05)
  end
  return false
end

-- What a command of ours is to do.

--- Starts the server when it does not run.
---@return boolean started
function Loan:start()
  return self.server:locked(function()
    assert(core_os.mkdir(self.folder))
    self.lock = assert(core_os.lock(self.path, 0))
    if self.server:is_running() then
      return false
    end
    M.mark(self.server) -- before it runs: the command may be ended over it
    return self.server:start_locked()
  end)
end

--- Gives it back, and stops the server if nobody else needs it. May be called twice.
---@return boolean stopped
function Loan:finish()
  return self.server:locked(function()
    if self.lock then
      core_os.remove(self.path)
      self.lock:unlock()
      self.lock = nil
    end
    if not M.is_marked(self.server) or M.is_lent(self.server) or is_used(self.server) then
      return false
    end
    return self.server:stop_locked()
  end)
end

--- For who kept the server and needs it no more. Commands that have it on loan stop it in the end.
---@param server neap.Postgres
---@return boolean stopped
---@return boolean used  by others, so it goes on
function M.leave(server)
  return server:locked(function()
    if M.is_lent(server) then
      M.mark(server)
      return false, true
    elseif is_used(server) then
      return false, true
    end
    return server:stop_locked(), false
  end)
end

return M
