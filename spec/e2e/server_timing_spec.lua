-- Server-Timing, which is a setting and off.
local core = require "neap.core"
local test = require "neap.test"

local function start(timing)
  return test.spawn_server {
    dir = core.app_dir .. "/spec/fixtures/limits",
    env = { WORKERS = "1", SERVER_TIMING = timing },
  }
end

local function timing_of(server, line)
  local method, path = line:match "^(%u+) (.*)$"
  return server:request({ method = method, path = path }).headers["server-timing"]
end

describe("Server-Timing", function()
  it("is on every answer when it is asked for, and on none otherwise", function()
    local server = start "on"
    for _, line in ipairs { "GET /free", "GET /nowhere", "DELETE /free", "GET /mine", "OPTIONS /free", "HEAD /free" } do
      local ms = tonumber((timing_of(server, line) or ""):match "^total;dur=([%d.]+)$")
      assert.is_true(ms ~= nil and ms > 0 and ms < 35000, line)
    end
    server:stop()
    server = start "off"
    assert.is_nil(timing_of(server, "GET /free"))
    assert.is_nil(timing_of(server, "GET /nowhere"))
    server:stop()
  end)
end)
