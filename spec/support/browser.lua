--- Headless Chromium, driven through a pair of pipes by its own protocol (no driver, no port). It reaches 127.0.0.1 and
--- nothing else, and remembers what a page asked for and complained of.
local core = require "neap.core"
local json = require "neap.json"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"

local M = {}

local NAMES = { "chromium", "chromium-browser", "google-chrome" }

-- Its commands are read from descriptor 3, its answers written to 4, a zero byte after each.
local COMMANDS, ANSWERS = 3, 4

-- The first start on a busy machine takes seconds.
local ANSWER_S = 40

local FLAGS = {
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
  "--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--window-size=1280,1600",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
}

--- The program, or nil.
---@return string?
function M.find()
  for _, name in ipairs(NAMES) do
    for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
      local path = folder .. "/" .. name
      if sys.stat(path) then
        return path
      end
    end
  end
end

---@class spec.Browser
---@field problems string[]  what the console, the network and the policies complained of
---@field requests string[]  every address that was asked for
local Browser = {}
Browser.__index = Browser

local function console_text(params)
  local parts = {}
  for i, arg in ipairs(params.args) do
    parts[i] = tostring(arg.value or arg.description)
  end
  return table.concat(parts, " ")
end

local EVENTS = {
  ["Network.requestWillBeSent"] = function(self, params)
    table.insert(self.requests, params.request.url)
  end,
  ["Log.entryAdded"] = function(self, params)
    if params.entry.level == "error" then
      table.insert(self.problems, params.entry.text)
    end
  end,
  ["Runtime.exceptionThrown"] = function(self, params)
    local details = params.exceptionDetails
    table.insert(self.problems, details.exception and details.exception.description or details.text)
  end,
  ["Runtime.consoleAPICalled"] = function(self, params)
    if params.type == "error" then
      table.insert(self.problems, console_text(params))
    end
  end,
}

local function read_message(self)
  local text = assert(self.proc:read_until("\0", ANSWERS))
  return assert(json.decode(text:sub(1, -2)))
end

--- Sends one command and gives its result. What else arrives meanwhile is taken down, for the tab that it is about.
function Browser:call(method, params)
  local shared = self.shared
  shared.last_id = shared.last_id + 1
  local message = { id = shared.last_id, method = method, params = params, sessionId = self.session }
  assert(self.proc:write(json.encode(message) .. "\0", COMMANDS))
  while true do
    local answer = read_message(self)
    if answer.id == message.id then
      if answer.error then
        error(("%s: %s"):format(method, answer.error.message), 2)
      end
      return answer.result
    elseif EVENTS[answer.method] then
      EVENTS[answer.method](shared.tabs[answer.sessionId] or self, answer.params)
    end
  end
end

--- The value of an expression in the page.
---@param script string
---@return any
function Browser:eval(script)
  local result = self:call("Runtime.evaluate", { expression = script, returnByValue = true, awaitPromise = true })
  if result.exceptionDetails then
    error(("%s: %s"):format(script, result.exceptionDetails.exception.description), 2)
  end
  return result.result.value
end

--- Waits until an expression is true in the page.
---@param script string
function Browser:wait(script)
  local deadline = core.monotonic() + ANSWER_S
  while not self:eval(("Boolean(%s)"):format(script)) do
    if core.monotonic() > deadline then
      error(("this never came true: %s\nwhat was said: %s"):format(script, table.concat(self.problems, "\n")), 2)
    end
    core.sleep(0.05)
  end
end

--- Goes to an address and waits for its load event.
---@param url string
function Browser:go(url)
  self.problems, self.requests = {}, {}
  self:call("Page.navigate", { url = url })
  self:wait(('document.readyState === "complete" && location.href === %s'):format(json.encode(url)))
end

local KEYS = {
  Tab = { code = 9 }, Enter = { code = 13, text = "\r" }, Space = { code = 32, text = " ", key = " " },
  ArrowDown = { code = 40 }, Escape = { code = 27 },
}
local SHIFT = 8

--- Presses a key as a person does: what has the focus gets it.
---@param name "Tab"|"Enter"|"Space"|"ArrowDown"|"Escape"
---@param with_shift boolean?
function Browser:press(name, with_shift)
  local key = KEYS[name]
  local event = {
    key = key.key or name, code = name, windowsVirtualKeyCode = key.code, text = key.text,
    modifiers = with_shift and SHIFT or 0,
  }
  event.type = key.text and "keyDown" or "rawKeyDown"
  self:call("Input.dispatchKeyEvent", event)
  event.type, event.text = "keyUp", nil
  self:call("Input.dispatchKeyEvent", event)
end

--- Types into what has the focus.
---@param text string
function Browser:type(text)
  self:call("Input.insertText", { text = text })
end

function Browser:close()
  pcall(self.proc.write, self.proc, json.encode { id = 0, method = "Browser.close" } .. "\0", COMMANDS)
  if self.proc:wait(10) == nil then
    self.proc:kill "KILL"
    self.proc:wait(5)
  end
  scratch.remove(self.profile)
end

local function attach(self)
  local target = self:call("Target.createTarget", { url = "about:blank" }).targetId
  self.session = self:call("Target.attachToTarget", { targetId = target, flatten = true }).sessionId
  self.shared.tabs[self.session] = self
  for _, domain in ipairs { "Page", "Runtime", "Log", "Network" } do
    self:call(domain .. ".enable")
  end
  return self
end

--- Another page of the same browser, with the same cookies. Closing either closes both.
---@return spec.Browser
function Browser:tab()
  local other = { profile = self.profile, proc = self.proc, shared = self.shared, problems = {}, requests = {} }
  return attach(setmetatable(other, Browser))
end

--- Starts it with one empty page.
---@return spec.Browser
function M.open()
  local profile = scratch.folder()
  local argv = { assert(M.find()), "--user-data-dir=" .. profile, table.unpack(FLAGS) }
  argv.stdin, argv.stdout, argv.stderr = "null", "null", "null"
  argv.fds = { [COMMANDS] = "pipe", [ANSWERS] = "pipe" }
  local shared = { last_id = 0, tabs = {} }
  local self = setmetatable({ profile = profile, shared = shared, problems = {}, requests = {} }, Browser)
  self.proc = assert(sys.spawn(argv))
  self.proc.timeout = ANSWER_S
  return attach(self)
end

return M
