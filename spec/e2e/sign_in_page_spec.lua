--- Sign-in as a page on another origin sees it: in a real browser, with axios as npm has it.
local browser = require "spec.support.browser"
local core_os = require "neap.core.os"
local config = require "config"
local npm = require "spec.support.npm"
local query = require "spec.support.psql"
local scratch = require "spec.support.scratch"
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

-- What keeps these specs from running, in words.
local function obstacle()
  if browser.find() == nil then
    return "no Chromium is installed (tools/deps.sh browser)"
  end
  local folder, why = npm.folder()
  return folder == nil and why or nil
end

local why_not = obstacle()
if why_not then
  describe("a page on another origin", function()
    it("stays signed in", function()
      io.stderr:write("sign_in_page_spec: skipped, " .. why_not .. "\n")
      pending(why_not)
    end)
  end)
  return
end

local PAGE = [[
local core = require "neap.core"
local neap = require "neap"
local response = require "neap.response"
local function read(name)
  local file <close> = assert(io.open(core.app_dir .. "/" .. name))
  return file:read "a"
end
return function()
  local app = neap.app { auth = false, docs = false }
  local html = '<!doctype html><title>page</title><link rel="icon" href="data:,">'
    .. '<script src="/axios.js"></script><script src="/page.js"></script>'
  app:get("/", function() return response.html(html) end)
  for _, name in ipairs { "axios.js", "page.js" } do
    local text = read(name)
    app:get("/" .. name, function() return response.bytes(text, "text/javascript") end)
  end
  return app
end
]]

local app, page_server, stranger, api, first, second, user

local function page_url(server)
  return ("%s/?api=%s"):format(server.url, api.url)
end

local function psql(text)
  return query(api.database.url, text)
end

setup(function()
  app = scratch.app { files = {
    ["lua/app/init.lua"] = PAGE,
    ["page.js"] = core_os.read_file "spec/fixtures/page.js",
    ["axios.js"] = assert(core_os.read_file(npm.folder() .. "/node_modules/axios/dist/axios.min.js")),
  } }
  page_server = test.spawn_server { dir = app, env = { WORKERS = "1" } }
  stranger = test.spawn_server { dir = app, env = { WORKERS = "1" } }
  api = test.spawn_server { database = true, env = {
    CORS_ORIGINS = page_server.url, BCRYPT_COST = "4", MAX_BODY = "64k",
    -- Ours, so that a spec can sign what the service believes.
    SECRET_KEY = config.SECRET_KEY,
  } }
  user = sign_in.client(api, true):register()
  first = browser.open()
  second = first:tab()
  for _, tab in ipairs { first, second } do
    tab:go(page_url(page_server))
    tab:wait "window.axios && window.counts !== null"
  end
end)

teardown(function()
  first:close()
  api:stop()
  page_server:stop()
  stranger:stop()
  scratch.remove(app)
end)

-- As if the time of the access token were over.
local function let_it_expire()
  local over = require("neap.token").sign { sub = user.id, role = "user", exp = os.time() - 3600 }
  first:call("Network.setCookie", { name = "access_token", value = over, url = api.url, httpOnly = true, sameSite = "Lax" })
end

local function ask(tab, ...)
  local words = {}
  for i, word in ipairs { ... } do
    words[i] = word
  end
  return tab:eval("ask(" .. table.concat(words, ", ") .. ")")
end

describe("a page on another origin", function()
  it("signs in, and another tab is signed in with it", function()
    assert.equal(200, first:eval(("signIn('%s', '%s')"):format(user.email, sign_in.PASSWORD)))
    assert.equal("200", ask(first, "'get'", "'/auth/me'"))
    assert.equal("200", ask(second, "'get'", "'/auth/me'"))
    assert.equal("csrf_token", first:eval "document.cookie.replace(/=[^;]*/g, '')")
  end)

  it("goes on when the access token is over, with three calls at once in two tabs, and nobody is signed out", function()
    for _ = 1, 3 do
      let_it_expire()
      for _, tab in ipairs { first, second } do
        tab:eval "void (counts.expired = counts.refreshed = 0, window.done = open())"
      end
      for _, tab in ipairs { first, second } do
        assert.equal("200 200 200", tab:eval "window.done")
      end
    end
    local expired = first:eval "counts.expired" + second:eval "counts.expired"
    assert.is_true(expired >= 2, "nobody saw a 401")
    assert.equal(0, first:eval "counts.refused" + second:eval "counts.refused")
    assert.same({ "200", "200" }, { ask(first, "'get'", "'/auth/me'"), ask(second, "'get'", "'/auth/me'") })
    assert.equal("0", psql "select count(*) from refresh_tokens where revoked_at is not null")
    assert.equal("1", psql "select count(distinct family_id) from refresh_tokens")
    assert.is_true(tonumber(psql "select count(*) from refresh_tokens") >= 7)
  end)

  it("makes changes with the header that it reads from its cookie, and none without", function()
    assert.equal("201", ask(first, "'post'", "'/tasks'", "{ title: 'from a page' }"))
    assert.equal("403 csrf", ask(first, "'post'", "'/tasks'", "{ title: 'a' }", "{ withXSRFToken: false }"))
  end)

  it("reads every error, whoever gives it", function()
    assert.equal("404 not_found", ask(first, "'get'", "'/tasks/00000000-0000-4000-8000-000000000000'"))
    assert.equal("422 validation_failed", ask(first, "'get'", "'/tasks?page=0'"))
    assert.equal("401 token_missing", ask(first, "'get'", "'/auth/me'", "undefined", "{ withCredentials: false }"))
    assert.equal("404 not_found", ask(first, "'get'", "'/no-such-route'"))
    assert.equal("405 method_not_allowed", ask(first, "'post'", "'/users'", "{}"))
    assert.equal("413 payload_too_large", ask(first, "'post'", "'/tasks'", "{ title: 'x'.repeat(100000) }"))
    assert.equal("403 forbidden", ask(first, "'get'", "'/users'"))
  end)
end)

describe("a page of strangers on the same site", function()
  local tab

  before_each(function()
    tab = first:tab()
    tab:go(page_url(stranger))
    tab:wait "window.axios"
  end)

  it("cannot read what the cookies would give it", function()
    assert.equal("ERR_NETWORK", ask(tab, "'get'", "'/auth/me'"))
  end)

  it("makes no change by a form that is sent with the cookies", function()
    tab:eval(([[
      const form = document.createElement("form");
      form.method = "post";
      form.action = "%s%s/logout-all";
      document.body.append(form);
      form.submit();
    ]]):format(api.url, sign_in.AUTH))
    tab:wait "document.body && document.body.innerText.includes('error')"
    assert.matches('"code":"csrf', tab:eval "document.body.innerText", 1, true)
    assert.equal("200", ask(first, "'get'", "'/auth/me'"))
    assert.equal("0", psql "select count(*) from refresh_tokens where revoked_at is not null")
  end)
end)
