--- The fixture application "edges" in a folder of its own, with a private Postgres that has its table of notes.
local postgres = require "neap.postgres"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local wire = require "spec.support.wire"

local M = {}

--- scratch.remove(dir) ends both.
---@return string dir
---@return neap.Postgres private
function M.app()
  local dir = scratch.app {
    links = { ["config.lua"] = "spec/fixtures/edges/config.lua", ["lua"] = "spec/fixtures/edges/lua" },
  }
  local private = postgres.of(dir)
  private:start()
  query(private:url(), "create table notes (id integer generated always as identity primary key, body text not null unique)")
  return dir, private
end

--- The request that writes one.
---@param body string
---@return string bytes
function M.post(body)
  return wire.request("POST /notes", { "Content-Type: application/json" }, ('{"body":"%s"}'):format(body))
end

return M
