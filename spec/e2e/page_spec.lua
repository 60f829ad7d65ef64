--- The page at / in a real browser: what a second session changes moves on it, without a reload.
local browser = require "spec.support.browser"
local config = require "config"
local core = require "neap.core"
local sys = require "neap.core.os"
local test = require "neap.test"

if browser.find() == nil then
  describe("the page", function()
    it("moves", function()
      io.stderr:write "page_spec: skipped, no Chromium is installed (tools/deps.sh browser)\n"
      pending "no Chromium"
    end)
  end)
  return
end

local V1 = config.API_V1_PREFIX
local EMAIL, PASSWORD = "ann@example.com", "correct horse battery"

local server, page

setup(function()
  server = test.spawn_server { database = true, env = { BCRYPT_COST = "6", ACCESS_TOKEN_TTL = "5" } }
  page = browser.open()
end)

teardown(function()
  page:close()
  server:stop()
end)

local function fill(form, values)
  for name, value in pairs(values) do
    page:eval(("document.querySelector('#%s [name=%s]').value = %q"):format(form, name, value))
  end
end

local function submit(form, value)
  local button = value and ("[value=%s]"):format(value) or ":not([type=button])"
  page:eval(("document.querySelector('#%s button%s').click()"):format(form, button))
end

--- The title of the column that a card is in, as an expression.
local function column_of(title)
  local card = ([[Array.from(document.querySelectorAll('.card')).find(function (card) {
    return card.querySelector('h4').textContent === %q; })]]):format(title)
  return ("(%s?.closest('.column').querySelector('h3').textContent)"):format(card)
end

local function wait_in(title, column)
  page:wait(("%s === %q"):format(column_of(title), column))
end

--- What a second session of the same account does, with the tokens in its own hands.
local function second_session()
  local login = server:post(V1 .. "/auth/login", { email = EMAIL, password = PASSWORD, transport = "body" }).json
  return function(method, path, body)
    local res = server:request {
      method = method, path = V1 .. path, json = body,
      headers = { Authorization = "Bearer " .. login.access_token },
    }
    assert.is_true(res.status < 300, res.body)
    return res.json
  end
end

describe("the page", function()
  it("makes an account, and shows what is done there and elsewhere", function()
    page:go(server.url .. "/")
    page:wait "!document.querySelector('#entrance').hidden"
    assert.equal("login-email", page:eval "document.activeElement.id")
    fill("sign-in", { email = EMAIL, password = PASSWORD })
    submit("sign-in", "register")
    page:wait "!document.querySelector('#work').hidden"
    page:wait "document.querySelector('#live').textContent === 'live'"

    fill("new-agent", { name = "Robin", role = "developer" })
    submit "new-agent"
    wait_in("Robin", "Idle")
    fill("new-task", { title = "Write <b>the</b> report" })
    submit "new-task"
    wait_in("Write <b>the</b> report", "Pending")
    page:eval "window.stays = true"

    local ask = second_session()
    local task = ask("GET", "/tasks").items[1]
    local agent = ask("GET", "/agents").items[1]
    ask("POST", "/agents/" .. agent.id .. "/start-task", { task_id = task.id })
    wait_in("Write <b>the</b> report", "In progress")
    wait_in("Robin", "At work")
    page:wait "document.querySelector('#agents').textContent.includes('sandbox running')"
    if os.getenv "PAGE_SCREENSHOT" then
      local shot = page:call("Page.captureScreenshot", {
        format = "png", clip = { x = 0, y = 0, width = 1280, height = 960, scale = 0.75 },
      })
      sys.write_file(os.getenv "PAGE_SCREENSHOT", shot.data)
    end

    ask("POST", "/tasks/" .. task.id .. "/complete")
    wait_in("Write <b>the</b> report", "Completed")
    wait_in("Robin", "Idle")
    assert.is_true(page:eval "window.stays", "it was loaded anew")
    assert.equal(0, page:eval "document.querySelectorAll('.card b').length")
  end)

  it("starts a task itself, by its buttons, and goes on when its access token has expired", function()
    fill("new-task", { title = "Second" })
    submit "new-task"
    wait_in("Second", "Pending")
    page:wait "document.querySelector('button[aria-label=\"Start: Second\"]')"
    page:eval "document.querySelector('button[aria-label=\"Start: Second\"]').click()"
    wait_in("Second", "In progress")
    core.sleep(6)
    page:eval "document.querySelector('button[aria-label=\"Complete: Second\"]').click()"
    wait_in("Second", "Completed")
    page:wait "document.querySelector('#live').textContent === 'live'"
    assert.equal("", page:eval "document.querySelector('#problem').textContent")
  end)

  it("tells what was refused, and signs out", function()
    page:eval "document.querySelector('#task-title').removeAttribute('required')"
    fill("new-task", { title = " " })
    submit "new-task"
    page:wait "document.querySelector('#problem').textContent.includes('body.title')"
    page:eval "document.querySelector('#sign-out').click()"
    page:wait "!document.querySelector('#entrance').hidden"
    assert.equal(0, page:eval "document.querySelectorAll('.card').length")
    fill("sign-in", { email = EMAIL, password = "not the password" })
    submit("sign-in", "login")
    page:wait "document.querySelector('#problem').textContent !== ''"
  end)

  it("names all that can be used, and its headings are in order", function()
    local nameless = page:eval [[Array.from(document.querySelectorAll('button, input, select, a')).filter(function (one) {
      return !(one.textContent.trim() || one.getAttribute('aria-label') || (one.labels && one.labels.length));
    }).length]]
    assert.equal(0, nameless)
    assert.equal("en", page:eval "document.documentElement.lang")
    assert.equal(1, page:eval "document.querySelectorAll('h1').length")
    assert.equal(1, page:eval "document.querySelectorAll('main').length")
  end)

  it("asks nobody but this server, and breaks no policy", function()
    for _, url in ipairs(page.requests) do
      assert.equal(server.url, url:sub(1, #server.url))
    end
    for _, problem in ipairs(page.problems) do
      -- The browser notes each answer of 401, 422 and the like.
      assert.matches("Failed to load resource", problem, 1, true)
    end
  end)
end)
