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
local function second_session(email)
  local login = server:post(V1 .. "/auth/login", { email = email or EMAIL, password = PASSWORD, transport = "body" }).json
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

  -- What has the focus, and whether one can see that it has; main takes it without a frame.
  local FOCUS = [[(function () {
    var one = document.activeElement, style = getComputedStyle(one);
    return {
      id: one.id, label: one.getAttribute("aria-label") || "", text: one.textContent.trim(),
      card: (one.closest(".card")?.querySelector("h4")?.textContent) || "",
      seen: one.id === "main" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
    };
  })()]]

  local function is_at(focus, wanted)
    return focus.id == wanted or focus.label == wanted or focus.text == wanted
  end

  -- Until it is there; each stop on the way shows that it has the focus.
  local function tab_to(wanted, backwards)
    local stops = {}
    for _ = 1, 60 do
      page:press("Tab", backwards)
      local focus = page:eval(FOCUS)
      assert.is_true(focus.seen, "no frame around " .. (focus.id .. focus.label .. focus.text))
      if is_at(focus, wanted) then
        return
      end
      stops[#stops + 1] = ("%q"):format(focus.id .. focus.label)
    end
    error(("Tab never comes to %s, but to %s"):format(wanted, table.concat(stops, " ")), 2)
  end

  local function wait_said(text)
    page:wait(("document.querySelector('#said').textContent.includes(%q)"):format(text))
  end

  it("can be used by keys alone, and says what happens", function()
    page:go(server.url .. "/")
    page:wait "!document.querySelector('#entrance').hidden"
    for _, id in ipairs { "said", "problem" } do
      assert.equal("block", page:eval(("getComputedStyle(document.querySelector('#%s')).display"):format(id)))
    end
    assert.equal("login-email", page:eval(FOCUS).id)
    page:type "keys@example.com"
    tab_to "login-password"
    page:type(PASSWORD)
    tab_to "Make an account"
    page:press "Enter"
    page:wait "!document.querySelector('#work').hidden"
    wait_said "Signed in"
    assert.equal("main", page:eval(FOCUS).id)
    page:wait "document.querySelector('#live').textContent === 'live'"

    tab_to "task-title"
    page:type "By keys"
    page:press "Enter"
    wait_in("By keys", "Pending")
    wait_said "task By keys is"
    assert.equal("task-title", page:eval(FOCUS).id)
    for _, name in ipairs { "Kim", "Lee" } do
      if page:eval(FOCUS).id ~= "agent-name" then
        tab_to "agent-name"
      end
      page:type(name)
      page:press "Enter"
      wait_in(name, "Idle")
    end

    tab_to("Agent for By keys", true)
    local chosen = "document.querySelector('[aria-label=\"Agent for By keys\"]').selectedOptions[0].textContent"
    local first = page:eval(chosen)
    page:press "ArrowDown"
    local second = page:eval(chosen)
    assert.not_equal(first, second)
    local ask = second_session "keys@example.com"
    ask("POST", "/agents", { name = "Another", role = "developer" })
    wait_in("Another", "Idle")
    assert.same({ second, "Agent for By keys" }, { page:eval(chosen), page:eval(FOCUS).label })

    tab_to "Start: By keys"
    page:press "Enter"
    wait_in("By keys", "In progress")
    wait_in(second, "At work")
    wait_said "is"
    assert.equal("By keys", page:eval(FOCUS).card)
    tab_to "Complete: By keys"
    page:press "Space"
    wait_in("By keys", "Completed")
    assert.equal("By keys", page:eval(FOCUS).card)
    assert.equal("", page:eval "document.querySelector('#problem').textContent")

    tab_to("sign-out", true)
    page:press "Enter"
    page:wait "!document.querySelector('#entrance').hidden"
    wait_said "Signed out"
    assert.equal("login-email", page:eval(FOCUS).id)
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

describe("the page of a server that signs everybody in", function()
  it("says so to who wants to sign out", function()
    local dev = test.spawn_server { command = "dev", args = { "--as", "you@example.com", "--no-watch" }, database = true }
    local own = page:tab()
    own:go(dev.url .. "/")
    own:wait "!document.querySelector('#work').hidden"
    own:eval "document.querySelector('#sign-out').click()"
    own:wait "document.querySelector('#said').textContent.includes('signs everybody in as you@example.com')"
    assert.is_false(own:eval "document.querySelector('#work').hidden")
    assert.equal("", own:eval "document.querySelector('#problem').textContent")
    dev:stop()
  end)
end)
