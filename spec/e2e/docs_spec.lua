--- /docs and /redoc of Workbench in a real browser that reaches nothing but the server.
local browser = require "spec.support.browser"
local core = require "neap.core"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

local server, page

-- What keeps these specs from running, in words.
local function obstacle()
  if core.pages_missing then
    return "this build has no documentation pages: " .. core.pages_missing
  elseif browser.find() == nil then
    return "no Chromium is installed (tools/deps.sh browser)"
  end
end

if obstacle() then
  describe("the documentation in a browser", function()
    it("lists all operations and tries them out", function()
      io.stderr:write("docs_spec: skipped, " .. obstacle() .. "\n")
      pending(obstacle())
    end)
  end)
  return
end

setup(function()
  server = test.spawn_server { database = true, env = { BCRYPT_COST = "4" } }
  page = browser.open()
end)

teardown(function()
  page:close()
  server:stop()
end)

local METHODS = { "get", "put", "post", "delete", "patch" }

--- "GET /health" and so on, sorted, as the document has them.
local function operations()
  local list = {}
  for path, item in pairs(server:get("/openapi.json").json.paths) do
    for _, method in ipairs(METHODS) do
      if item[method] then
        list[#list + 1] = method:upper() .. " " .. path
      end
    end
  end
  table.sort(list)
  assert.is_true(#list > 5)
  return list
end

-- Sections that show an operation, each found by its method and path as they are written there.
local LISTED = [[
Array.from(document.querySelectorAll(%q), function (box) {
  return box.querySelector(%q).textContent.trim().toUpperCase() + " "
    + box.querySelector(%q).textContent.replace(/[\s\u200b]/g, "");
}).sort()]]

local function listed(box, method, path)
  local list, seen = {}, {}
  for _, one in ipairs(page:eval(LISTED:format(box, method, path))) do
    -- One of two tags stands under each of them.
    if not seen[one] then
      seen[one] = true
      list[#list + 1] = one
    end
  end
  table.sort(list)
  return list
end

local function asks_only_the_server()
  for _, url in ipairs(page.requests) do
    local scheme = url:match "^%a+:"
    local own = url:sub(1, #server.url) == server.url or scheme == "data:" or scheme == "blob:"
    -- Redoc asks its maker's server for a mark; the policy stops that before it leaves the browser.
    assert.is_true(own or url:find("/redoc/logo-mini.svg", 1, true) ~= nil, url)
  end
end

--- Runs the first operation of a path on the page: the status and the body that it shows.
local function try_out(path)
  local box = "Array.from(document.querySelectorAll('.opblock')).find(function (one) {"
    .. (" return one.querySelector('.opblock-summary-path').dataset.path === '%s'; })"):format(path)
  page:wait(box)
  page:eval(box .. ".querySelector('.opblock-summary-control').click()")
  page:wait(box .. ".querySelector('.try-out__btn')")
  page:eval(box .. ".querySelector('.try-out__btn').click()")
  page:wait(box .. ".querySelector('.execute')")
  page:eval(box .. ".querySelector('.execute').click()")
  page:wait(box .. ".querySelector('.live-responses-table .response-col_status')")
  local row = box .. ".querySelector('.live-responses-table tbody tr.response')"
  return page:eval(row .. ".querySelector('.response-col_status').textContent"),
    page:eval(row .. ".querySelector('.response-col_description').textContent")
end

describe("/docs", function()
  it("lists all operations, asks nobody else, and breaks no policy", function()
    page:go(server.url .. "/docs")
    page:wait "document.querySelector('.opblock')"
    assert.same(operations(), listed(".opblock", ".opblock-summary-method", ".opblock-summary-path"))
    assert.same({}, page.problems)
    asks_only_the_server()
    assert.equal("en", page:eval "document.documentElement.lang")
  end)

  it("tries out GET /health and shows 200", function()
    page:go(server.url .. "/docs")
    local status, body = try_out "/health"
    assert.matches("^200", status)
    assert.matches('"status": "ok"', body)
    assert.same({}, page.problems)
    asks_only_the_server()
  end)

  it("authorizes with an access token, and then tries out what only a user may call", function()
    local client = sign_in.client(server, true)
    local user = client:register()
    local token = client:sign_in(user.email).json.access_token
    page:go(server.url .. "/docs")
    page:wait "document.querySelector('.auth-wrapper .authorize')"
    page:eval "document.querySelector('.auth-wrapper .authorize').click()"
    page:wait "document.querySelector('#auth-bearer-value')"
    page:eval "document.querySelector('#auth-bearer-value').focus()"
    page:call("Input.insertText", { text = token })
    page:eval "document.querySelector('.auth-container .auth-btn-wrapper .authorize').click()"
    page:wait "document.querySelector('.auth-container .btn-done')"
    page:eval "document.querySelector('.auth-container .btn-done').click()"
    local status, body = try_out(sign_in.AUTH .. "/me")
    assert.matches("^200", status)
    assert.matches(user.email, body, 1, true)
    assert.same({}, page.problems)
  end)

  it("makes changes with the cookies of a session, too", function()
    local user = sign_in.client(server, true):register()
    page:go(server.url .. "/docs")
    assert.equal(200, page:eval(([[fetch("%s/login", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: "%s", password: "%s" }),
    }).then((answer) => answer.status)]]):format(sign_in.AUTH, user.email, sign_in.PASSWORD)))
    assert.matches("^204", (try_out(sign_in.AUTH .. "/logout-all")))
    assert.equal(401, page:eval(("fetch('%s/me').then((answer) => answer.status)"):format(sign_in.AUTH)))
  end)
end)

describe("/redoc", function()
  it("lists all operations and asks nobody else", function()
    page:go(server.url .. "/redoc")
    page:wait "document.querySelector('[data-section-id*=\"operation/\"] .http-verb')"
    -- A section that has its own kind inside it is the frame of that one.
    local box = "[data-section-id*='operation/']:not(:has([data-section-id*='operation/']))"
    assert.same(operations(), listed(box, ".http-verb", ".http-verb + *"))
    for _, problem in ipairs(page.problems) do
      assert.matches("logo%-mini%.svg", problem)
    end
    asks_only_the_server()
  end)

  it("finds an operation by its search, which runs in a worker", function()
    page:go(server.url .. "/redoc")
    page:wait "document.querySelector('input[placeholder^=Search]')"
    page:eval "document.querySelector('input[placeholder^=Search]').focus()"
    page:call("Input.insertText", { text = "health" })
    page:wait "document.querySelector('[data-role=\"search:results\"] li')"
  end)
end)
