local outbox = require "neap.sse.outbox"
local sse = require "neap.sse"

describe("an event as bytes", function()
  it("is its fields, a line each, and a blank line", function()
    assert.equal("id: 7-8\nevent: task.started\ndata: {\"a\":1}\n\n",
      sse.format { id = "7-8", event = "task.started", data = { a = 1 } })
    assert.equal("retry: 3000\n\n", sse.format { retry = 3000 })
    assert.equal("\n", sse.format {})
  end)

  it("has a data line for each line of its text, whatever ends them", function()
    assert.equal("data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n", sse.format { data = "a\nb\r\nc\r\rd" })
    assert.equal("data: \n\n", sse.format { data = "" })
    assert.equal("data: a\ndata: \n\n", sse.format { data = "a\n" })
  end)

  it("may be a comment, which can end nothing", function()
    assert.equal(": a\n: id: 9\n\n", sse.format { comment = "a\nid: 9" })
  end)

  it("has no id and no name that would be another line", function()
    for _, event in ipairs { { id = "1\n2" }, { id = "1\0" }, { id = "1\r" }, { event = "a\nb" } } do
      assert.has_error(function() sse.format(event) end)
    end
  end)

  it("keeps a leading blank of its data", function()
    -- One blank after the colon is the field's, the second is the text's.
    assert.equal("data:  a\n\n", sse.format { data = " a" })
  end)
end)

describe("an outbox", function()
  it("takes the name of a table and nothing else", function()
    outbox.new "events"
    outbox.new "app.events"
    for _, name in ipairs { "events; drop table users", "a b", "", "1a", 'x"y', "a.b.c" } do
      assert.has_error(function() outbox.new(name) end)
    end
  end)
end)
