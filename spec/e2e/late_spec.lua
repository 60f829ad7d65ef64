--- A handler may look at its request whenever it likes: what came with others since does not show in it.
local core = require "neap.core"
local edges = require "spec.support.edges"
local wire = require "spec.support.wire"

local server

setup(function()
  server = edges.start()
end)

teardown(function()
  edges.finish(server)
end)

local function late(word)
  local body = ('{"text":"%s","list":["%s","%s"]}'):format(word, word, word)
  return wire.request(("POST /late/%s?q=%s"):format(word, word),
    { "X-Note: " .. word, "Cookie: crumb=" .. word, "Content-Type: application/json" }, body)
end

local function form(word)
  return wire.request("POST /late-form", { "Content-Type: application/x-www-form-urlencoded" }, "text=" .. word)
end

-- Requests of one length, so that each would lie where the one before it lay.
local function together(make)
  local conns, answers = {}, {}
  for i = 1, 8 do
    conns[i] = wire.open(server)
    conns[i]:write(make(("word%d"):format(i)))
    core.sleep(0.01)
  end
  for i, conn in ipairs(conns) do
    answers[i] = conn:answer()
    conn:close()
  end
  return answers
end

describe("what a handler reads after a wait", function()
  it("is its own: path, query, headers, cookies and body", function()
    for i, res in ipairs(together(late)) do
      local word = "word" .. i
      assert.equal(200, res.status, res.body)
      assert.same({ name = word, q = word, note = word, crumb = word, text = word, list = { word, word } }, res.json)
    end
  end)

  it("is its own in a form, too", function()
    for i, res in ipairs(together(form)) do
      assert.same({ 200, "word" .. i }, { res.status, res.json.text })
    end
  end)
end)
