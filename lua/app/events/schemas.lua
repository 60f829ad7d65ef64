local events = require "app.events"
local s = require "neap.schema"

local M = {}

M.Topics = s.object {
  { "topics", s.string { pattern = "^[a-z_]+(,[a-z_]+)*$", max = 200 }:optional()
    :describe("Comma separated, of " .. table.concat(events.TOPICS, ", ") .. "; all when it is left out") },
}

return M
