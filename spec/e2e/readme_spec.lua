-- The README's first requests, as it tells to make them: each block of commands, and the block behind it, which is what
-- comes back. What differs each time (ids, times, lengths) may differ.
local core = require "neap.core"
local core_os = require "neap.core.os"
local json = require "neap.json"
local test = require "neap.test"

local server

local function section(title)
  local text = core_os.read_file(core.app_dir .. "/README.md")
  return assert(text:match("\n## " .. title .. "\n(.-)\n## "), title)
end

local function run(command)
  local line = command:gsub("127%.0%.0%.1:8000", "127.0.0.1:" .. server.port):gsub("build/neap", core.program)
    :gsub("curl ", "curl -s ")
  local code, out, err = core_os.exec {
    "/bin/sh", "-c", line, cwd = core.app_dir, env = { PATH = os.getenv "PATH", DATABASE_URL = server.database.url },
  }
  assert.equal(0, code, line .. "\n" .. tostring(err))
  return (out:gsub("\r", ""):gsub("\n+$", ""))
end

-- A value without what differs each time: its fields, in their order, and those values that are words of ours.
local function shape(text)
  return (text:gsub("%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x", "<id>")
    :gsub("%d%d%d%d%-%d%d%-%d%dT[%d:.]+Z", "<time>"):gsub("\nDate: [^\n]*", "\nDate: <date>")
    :gsub("\nContent%-Length: %d+", "\nContent-Length: <n>"):gsub(" +", " "):gsub(" \n", "\n")
    -- psql's table is as wide as the name of who owns it.
    :gsub("%-%-+", "--"):gsub("| table | %S+", "| table | <owner>"))
end

setup(function()
  server = test.spawn_server {
    command = "dev", args = { "--as", "you@example.com", "--no-watch" }, database = true,
    -- As it is without a word about it; specs turn it off.
    env = { RATE_LIMIT_DEFAULT = "100/min/user" },
  }
end)

teardown(function()
  server:stop()
end)

describe("the README", function()
  it("answers the commands of the first requests as it says", function()
    local count = 0
    for command, answer in section("The first request"):gmatch "```sh\n(.-)\n```\n```%l*\n(.-)\n```" do
      assert.equal(shape(answer), shape(run(command)), command)
      count = count + 1
    end
    assert.is_true(count >= 4, count)
    assert.equal(1, json.decode(run "curl http://127.0.0.1:8000/api/v1/tasks").total)
  end)
end)
