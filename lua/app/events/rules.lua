--- Who hears of what.
local errors = require "neap.errors"
local events = require "app.events"

local M = {}

--- "agents,tasks" as a list; nil is nil, for all of them.
---@param text string?
---@return string[]?
function M.topics(text)
  if text == nil then
    return nil
  end
  local topics = {}
  for topic in text:gmatch "[^,]+" do
    if not events.is_topic(topic) then
      errors.validation { {
        field = "query.topics",
        code = "enum",
        message = "must be some of: " .. table.concat(events.TOPICS, ", "),
      } }
    end
    topics[#topics + 1] = topic
  end
  return topics
end

return M
