local answers = require "spec.support.answers"
local db = require "neap.db"
local json = require "neap.json"
local test = require "neap.test"
local wb = require "spec.support.workbench"

local CONVERSATIONS = wb.V1 .. "/conversations"
local ann, ben, service

before_each(function()
  ann, ben, service = test.user(), test.user(), test.user { role = "service" }
end)

local function create(user, fields)
  return wb.made(test.post(CONVERSATIONS, fields or json.object {}, { as = user or ann }))
end

local function path(id, rest)
  return ("%s/%s%s"):format(CONVERSATIONS, id, rest or "")
end

local function say(id, content, user, role)
  return test.post(path(id, "/messages"), { content = content, role = role }, { as = user or ann })
end

local function heard(id, query, user)
  local res = test.get(path(id, "/messages" .. (query or "")), { as = user or ann })
  local list = {}
  for i, message in ipairs(wb.made(res).items) do
    list[i] = message.content
  end
  return list, res.json
end

describe("conversations", function()
  it("begin with 201 and a Location, with a title or without", function()
    local res = test.post(CONVERSATIONS, { title = " Plans " }, { as = ann })
    assert.same({ 201, "Plans", ann.id }, { res.status, res.json.title, res.json.user_id })
    assert.equal(CONVERSATIONS .. "/" .. res.json.id, res.headers["location"])
    assert.same(res.json, test.get(res.headers["location"], { as = ann }).json)
    assert.equal(json.null, create().title)
    res = test.post(CONVERSATIONS, { title = ("x"):rep(256) }, { as = ann })
    assert.same({ "body.title too_long" }, answers.problems(res))
    assert.same({ "conversation.created", "conversation.created" }, wb.events(ann))
  end)

  it("are listed with the one where something was said last in front", function()
    local first, second = create(ann, { title = "first" }), create(ann, { title = "second" })
    create(ben)
    local function titles(query)
      local list = {}
      for i, item in ipairs(wb.made(test.get(CONVERSATIONS .. (query or ""), { as = ann })).items) do
        list[i] = item.title
      end
      return list
    end
    wb.made(say(second.id, "hello"))
    assert.same({ "second", "first" }, titles())
    wb.made(say(first.id, "hello"))
    assert.same({ "first", "second" }, titles())
    wb.made(test.patch(path(second.id), { title = "2" }, { as = ann }))
    assert.same({ "2", "first" }, titles())
    assert.same({ "2", "first" }, titles "?sort=title")
  end)

  it("take another title, or none", function()
    local id = create(ann, { title = "one" }).id
    assert.equal("two", wb.made(test.patch(path(id), { title = "two" }, { as = ann })).title)
    assert.equal("two", wb.made(test.patch(path(id), json.object {}, { as = ann })).title)
    assert.equal(json.null, wb.made(test.patch(path(id), { title = json.null }, { as = ann })).title)
    assert.same({ "body.updated_at unknown_field" },
      answers.problems(test.patch(path(id), { updated_at = "2026-01-01T00:00:00Z" }, { as = ann })))
  end)

  it("go with their messages", function()
    local id = create().id
    wb.made(say(id, "gone"))
    assert.equal(204, test.delete(path(id), { as = ann }).status)
    assert.equal(404, test.get(path(id, "/messages"), { as = ann }).status)
    assert.equal(0, wb.value("select count(*) as value from messages where conversation_id = $1", id))
    assert.equal("conversation.deleted", wb.events(ann, "conversations")[3])
  end)

  it("are 404 for somebody else, whatever is asked", function()
    local id = create(ben).id
    for _, res in ipairs {
      test.get(path(id), { as = ann }), test.patch(path(id), { title = "x" }, { as = ann }),
      test.patch(path(id), json.object {}, { as = ann }), test.delete(path(id), { as = ann }),
      test.get(path(id, "/messages"), { as = ann }), test.get(path(id, "/messages/count"), { as = ann }),
      say(id, "psst"), say(id, "psst", ann, "assistant"),
    } do
      assert.equal('404 {"error":{"code":"not_found","message":"Conversation not found"}}', res.status .. " " .. res.body)
    end
    assert.equal(0, wb.value("select count(*) as value from messages where conversation_id = $1", id))
  end)
end)

describe("a message", function()
  it("is posted as the user, bumps its conversation and is told", function()
    local conversation = create()
    local res = say(conversation.id, " as it is \n")
    assert.equal(201, res.status)
    assert.same({ " as it is \n", "user", ann.id, conversation.id },
      { res.json.content, res.json.role, res.json.user_id, res.json.conversation_id })
    assert.is_true(test.get(path(conversation.id), { as = ann }).json.updated_at > conversation.updated_at)
    assert.same({ "message.created" }, wb.events(ann, "messages"))
    assert.same({ "conversation.created", "conversation.updated" }, wb.events(ann, "conversations"))
  end)

  it("is the assistant's only from a service, which may answer anybody", function()
    local id = create().id
    local res = say(id, "I am the assistant", ann, "assistant")
    assert.same({ 403, "forbidden" }, { res.status, res.json.error.code })
    res = say(id, "How can I help?", service, "assistant")
    assert.same({ 201, "assistant", ann.id }, { res.status, res.json.role, res.json.user_id })
    assert.same({ "How can I help?" }, (heard(id)))
    assert.equal(404, say(wb.UNKNOWN, "x", service, "assistant").status)
    assert.equal(404, say(id, "as a user", service).status)
    assert.same({ "message.created" }, wb.events(ann, "messages"))
  end)

  it("has 1 to 65,536 bytes", function()
    local id = create().id
    assert.equal(201, say(id, ("x"):rep(65536)).status)
    assert.equal(201, say(id, ("\u{1F30A}"):rep(16384)).status)
    assert.same({ "body.content too_short" }, answers.problems(say(id, "")))
    assert.same({ "body.content too_long" }, answers.problems(say(id, ("x"):rep(65537))))
    assert.same({ "body.content invalid" }, answers.problems(say(id, ("\u{1F30A}"):rep(16385))))
    assert.equal(2, wb.value("select count(*) as value from messages where conversation_id = $1", id))
  end)

  it("has nothing else that a client could set", function()
    local body = { content = "x", role = "system", created_at = "2026-01-01T00:00:00Z", user_id = ben.id }
    local list = answers.problems(test.post(path(create().id, "/messages"), body, { as = ann }))
    table.sort(list)
    assert.same({ "body.created_at unknown_field", "body.role enum", "body.user_id unknown_field" }, list)
  end)

  it("cannot be changed or taken back", function()
    local id = create().id
    local message = wb.made(say(id, "said")).id
    for _, method in ipairs { "PATCH", "PUT", "DELETE" } do
      assert.equal(404, test.request { method = method, path = path(id, "/messages/" .. message), as = ann }.status)
      local res = test.request { method = method, path = path(id, "/messages"), as = ann }
      assert.same({ 405, "GET, POST" }, { res.status, res.headers["allow"]:gsub(", HEAD", ""):gsub(", OPTIONS", "") .. "" })
    end
  end)

  it("of one user in another one's conversation is refused by the database itself", function()
    local ok, err = pcall(db.exec, [[insert into messages (user_id, conversation_id, role, content)
      values ($1, $2, 'user', 'x')]], ann.id, create(ben).id)
    assert.is_false(ok)
    assert.equal("messages_conversation_owner_fkey", err.constraint)
  end)
end)

describe("the messages of a conversation", function()
  local id, ids

  before_each(function()
    id, ids = create().id, {}
    for i = 1, 5 do
      ids[i] = wb.made(say(id, "m" .. i)).id
    end
    wb.made(say(create().id, "elsewhere"))
  end)

  it("come by pages, the oldest first", function()
    assert.same({ "m1", "m2", "m3", "m4", "m5" }, (heard(id)))
    local list, page = heard(id, "?page=2&page_size=2")
    assert.same({ "m3", "m4" }, list)
    assert.same({ 5, 2, 2 }, { page.total, page.page, page.page_size })
    assert.same({ "m5", "m4" }, (heard(id, "?sort=-created_at&page_size=2")))
    assert.same({}, (heard(id, "?role=assistant")))
  end)

  it("come after one that is known, and before it", function()
    local list, page = heard(id, "?after=" .. ids[2] .. "&page_size=2")
    assert.same({ "m3", "m4" }, list)
    assert.same({ 5, 1, 2 }, { page.total, page.page, page.page_size })
    assert.same({ "m5" }, (heard(id, "?after=" .. ids[4])))
    assert.same({}, (heard(id, "?after=" .. ids[5])))
    assert.same({ "m2", "m3" }, (heard(id, "?before=" .. ids[4] .. "&page_size=2")))
    assert.same({}, (heard(id, "?before=" .. ids[1])))
    assert.same({ "m5", "m4", "m3" }, (heard(id, "?sort=-created_at&after=" .. ids[2])))
    wb.made(say(id, "m6", service, "assistant"))
    list, page = heard(id, "?role=assistant&after=" .. ids[1])
    assert.same({ "m6", 1 }, { list[1], page.total })
  end)

  it("with the same time are told apart by their ids", function()
    db.exec("update messages set created_at = now() where conversation_id = $1", id)
    local all, seen, last = heard(id), {}, nil
    repeat
      local list, page = heard(id, "?page_size=2" .. (last and "&after=" .. last or ""))
      table.move(list, 1, #list, #seen + 1, seen)
      last = page.items[#page.items] and page.items[#page.items].id
    until #list < 2
    assert.same(all, seen)
  end)

  it("want a cursor of this conversation, and one only", function()
    local other = wb.made(say(create().id, "x")).id
    local theirs = wb.made(say(create(ben).id, "x", ben)).id
    for query, problem in pairs {
      ["after=" .. other] = "query.after invalid",
      ["before=" .. theirs] = "query.before invalid",
      ["after=" .. wb.UNKNOWN] = "query.after invalid",
      ["after=1"] = "query.after uuid",
      ["after=" .. ids[1] .. "&before=" .. ids[2]] = "query.before invalid",
      ["after=" .. ids[1] .. "&page=2"] = "query.page invalid",
      ["page_size=101"] = "query.page_size maximum",
    } do
      assert.same({ problem }, answers.problems(test.get(path(id, "/messages?" .. query), { as = ann })), query)
    end
  end)

  it("are counted", function()
    local res = test.get(path(id, "/messages/count"), { as = ann })
    assert.equal('200 {"count":5}', res.status .. " " .. res.body)
    assert.equal('{"count":0}', test.get(path(create().id, "/messages/count"), { as = ann }).body)
  end)
end)
