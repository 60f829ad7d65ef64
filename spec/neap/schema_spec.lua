local json = require "neap.json"
local s = require "neap.schema"

-- Runs fn, which must fail with the line of this file on which the declaration stands; gives the message alone.
local function refused(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.matches("^spec/neap/schema_spec%.lua:%d+: ", err)
  return (err:gsub("^[^ ]* ", ""))
end

local function names(schema)
  local list = {}
  for i, field in ipairs(schema:node().fields) do
    list[i] = field.name
  end
  return list
end

local function field(schema, name)
  for _, item in ipairs(schema:node().fields) do
    if item.name == name then
      return item.node
    end
  end
end

-- "code" of what is wrong with a value, or the checked value.
local function checked(schema, value)
  local out, problems = s.plan(schema):check(value)
  if problems then
    return problems[1].field .. " " .. problems[1].code
  end
  return out
end

describe("a declaration that cannot be right", function()
  it("is refused with its file and line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local _, err = pcall(function() s.string { min = 3, max = 1 } end)
    assert.equal(("spec/neap/schema_spec.lua:%d: s.string: min 3 is above max 1"):format(line), err)
  end)

  it("says what is wrong with an option", function()
    assert.equal('s.string: unknown option "maximum" (known: lower, max, min, pattern, trim)',
      refused(function() s.string { maximum = 1 } end))
    assert.equal('s.string: option "max" must be an integer, 0 or more', refused(function() s.string { max = "5" } end))
    assert.equal('s.integer: option "min" must be an integer', refused(function() s.integer { min = 1.5 } end))
    assert.equal('s.boolean: unknown option "min" (it takes none)', refused(function() s.boolean { min = 1 } end))
    assert.equal("s.uuid: wants a table of options, not a string", refused(function() s.uuid "x" end))
    assert.equal("s.integer: exclusive_min says nothing without min",
      refused(function() s.integer { exclusive_min = true } end))
    assert.equal("s.number: nothing is between min 1 and max 1",
      refused(function() s.number { min = 1, max = 1, exclusive_max = true } end))
    assert.equal("s.decimal: scale 5 is above precision 4",
      refused(function() s.decimal { precision = 4, scale = 5 } end))
  end)

  it("says what is wrong with a pattern", function()
    assert.matches("^s%.string: .*at byte", refused(function() s.string { pattern = "a(" } end))
  end)

  it("says what is wrong with values, fields and variants", function()
    assert.equal("s.enum wants a list of strings", refused(function() s.enum {} end))
    assert.equal('s.enum: "a" is there twice', refused(function() s.enum { "a", "b", "a" } end))
    assert.equal("s.enum: value 2 is a number, not a string", refused(function() s.enum { "a", 1 } end))
    assert.equal("s.literal wants a string, an integer or a boolean, not a float",
      refused(function() s.literal(1.5) end))
    assert.equal("s.array wants a schema, not a table", refused(function() s.array {} end))
    assert.equal('s.object("T"): field "a" is no schema but a string',
      refused(function() s.object("T", { a = "string" }) end))
    assert.equal('s.object: item 1 must be { "name", schema }', refused(function() s.object { s.string() } end))
    assert.equal('s.object: field "a" is declared twice',
      refused(function() s.object { { "a", s.string() }, { "a", s.string() } } end))
    assert.equal("s.object: fields come as a list or by name, not as both (b)",
      refused(function() s.object { { "a", s.string() }, b = s.string() } end))
    assert.equal("a-b is no name for a schema: letters, digits and _, a letter first",
      refused(function() s.object("a-b", {}) end))
    assert.equal('s.union: variant 1 must be an object whose field "type" is s.literal of a string',
      refused(function() s.union("type", { s.object { a = s.string() } }) end))
    local Cat = s.object { type = s.literal "cat" }
    assert.equal('s.union: two variants have "type" = "cat"', refused(function() s.union("type", { Cat, Cat }) end))
    assert.equal("s.map: keys must be a schema of strings, not of kind integer",
      refused(function() s.map(s.any(), { keys = s.integer() }) end))
    assert.equal("s.page wants a schema that has a name", refused(function() s.page(s.object { a = s.any() }) end))
  end)

  it("says what is wrong in a method", function()
    local T = s.object { a = s.string() }
    assert.equal(':pick: there is no field "b"', refused(function() T:pick { "b" } end))
    assert.equal(':omit: there is no field "b"', refused(function() T:omit { "b" } end))
    assert.equal(":partial is for objects, not for a schema of kind string", refused(function() s.string():partial() end))
    assert.equal(":refine wants a function(value)", refused(function() T:refine "x" end))
    assert.equal(':extra wants "refuse", "drop" or "keep"', refused(function() T:extra "some" end))
    assert.equal('a schema is never changed: use its methods (set of "name")', refused(function() T.name = "x" end))
    assert.equal(":default wants a value; a field that may be absent is :optional()",
      refused(function() s.string():default(nil) end))
  end)

  it("refuses a default and an example that its own schema refuses", function()
    assert.equal(":default does not fit the schema: must be at most 3 characters",
      refused(function() s.string { max = 3 }:default "four" end))
    assert.matches("^:example does not fit the schema: ", refused(function() s.uuid():example "x" end))
    assert.equal(json.null, s.string():nullable():default(json.null):node().default)
    assert.is_false(s.boolean():default(false):node().default)
  end)
end)

describe("a schema", function()
  it("is never changed by its methods", function()
    local plain = s.string { max = 5 }
    local other = plain:nullable():optional():default("a"):describe("d"):message("m"):example("e"):named "Short"
    assert.same({ kind = "string", max = 5 }, plain:node())
    assert.same({
      kind = "string", max = 5, nullable = true, optional = true, default = "a", description = "d", message = "m",
      example = "e", name = "Short",
    }, other:node())
  end)

  it("keeps the order of fields that come as a list, and sorts those that come by name", function()
    assert.same({ "z", "a", "m" }, names(s.object { { "z", s.any() }, { "a", s.any() }, { "m", s.any() } }))
    assert.same({ "a", "m", "z" }, names(s.object { z = s.any(), a = s.any(), m = s.any() }))
  end)

  it("compiles once", function()
    local T = s.object { a = s.string() }
    assert.equal(s.plan(T), s.plan(T))
  end)

  it("of an error says what the service answers", function()
    local answer = { error = { code = "x", message = "y" } }
    assert.same(answer, checked(s.ErrorResponse, answer))
  end)
end)

describe("an object made of another", function()
  local Task = s.object("Task", {
    { "id", s.uuid() },
    { "title", s.string { min = 1 } },
    { "priority", s.enum { "low", "high" }:default "low" },
  }):table "tasks"

  it("by pick, omit, partial or extend has no name and no table of its own", function()
    for _, made in ipairs { Task:pick { "id" }, Task:omit { "id" }, Task:partial(), Task:extend { a = s.any() } } do
      assert.is_nil(made:node().name)
      assert.is_nil(made:node().table_name)
    end
  end)

  it("has the fields that were picked, in the first one's order", function()
    assert.same({ "id", "priority" }, names(Task:pick { "priority", "id" }))
    assert.same({ "title" }, names(Task:omit { "priority", "id" }))
  end)

  it("by partial has no default: what is absent stays absent", function()
    local Update = Task:partial()
    assert.same({}, checked(Update, json.object {}))
    assert.equal("low", checked(Task:omit { "id" }, { title = "a" }).priority)
    assert.is_true(field(Update, "title").optional)
    assert.is_nil(field(Task, "title").optional)
  end)

  it("by extend has more fields behind, and replaces those that are there", function()
    local More = Task:extend { title = s.integer(), due = s.date() }
    assert.same({ "id", "title", "priority", "due" }, names(More))
    assert.equal("integer", field(More, "title").kind)
    assert.same({ "id", "title", "priority", "created_at", "updated_at" }, names(Task:extend(s.Timestamps)))
  end)

  it("keeps what becomes of fields that are not declared", function()
    local Loose = s.object { a = s.any() }:extra "drop"
    assert.same({ a = 1 }, checked(Loose:pick { "a" }, { a = 1, b = 2 }))
    assert.equal("value.b unknown_field", checked(Loose:extra "refuse", { a = 1, b = 2 }))
    assert.same({ a = 1, b = 2 }, checked(Loose:extra "keep", { a = 1, b = 2 }))
  end)

  it("as a page has items, total, page and page_size, and is named after what it lists", function()
    local Page = s.page(Task)
    assert.equal("PaginatedTask", Page:node().name)
    assert.same({ "items", "total", "page", "page_size" }, names(Page))
  end)
end)

describe("the check", function()
  it("knows each kind", function()
    for i, case in ipairs {
      { s.string { trim = true, lower = true }, "  AbC ", "abc" },
      { s.string { pattern = "^a+$" }, "ab", "value pattern" },
      { s.integer { multiple_of = 5 }, 7, "value multiple_of" },
      { s.integer(), 9007199254740993, 9007199254740993 },
      { s.number { min = 0, exclusive_min = true }, 0, "value minimum" },
      { s.decimal { precision = 4, scale = 2 }, "12.34", "12.34" },
      { s.decimal { precision = 4, scale = 2 }, "123.4", "value decimal" },
      { s.decimal { precision = 4 }, "1.5", "value decimal" },
      { s.boolean(), true, true },
      { s.uuid(), "00000000-0000-4000-8000-00000000000A", "00000000-0000-4000-8000-00000000000a" },
      { s.email(), "a@b", "a@b" },
      { s.url { schemes = { "ssh" } }, "https://a.example", "value url" },
      { s.date(), "2026-02-29", "value date" },
      { s.datetime(), "2026-02-28T18:30:00", "value datetime" },
      { s.enum { "a" }, "b", "value enum" },
      { s.literal(5), 6, "value literal" },
      { s.array(s.integer(), { unique = true }), { 1, 1 }, "value[1] not_unique" },
      { s.array(s.integer(), { max = 1 }), { 1, 2 }, "value too_many" },
      { s.map(s.integer(), { keys = s.string { max = 1 } }), { ab = 1 }, "value.ab too_long" },
      { s.any(), { a = { 1 } }, { a = { 1 } } },
      { s.string():nullable(), json.null, json.null },
      { s.string(), json.null, "value null_not_allowed" },
    } do
      assert.same(case[3], checked(case[1], case[2]), i)
    end
  end)

  it("of a union goes by the tag", function()
    local Pet = s.union("type", {
      s.object { type = s.literal "cat", lives = s.integer() },
      s.object { type = s.literal "dog", barks = s.boolean() },
    })
    assert.same({ type = "cat", lives = 9 }, checked(Pet, { type = "cat", lives = 9 }))
    assert.equal("value.lives unknown_field", checked(Pet, { type = "dog", lives = 9 }))
    assert.equal("value.type unknown_tag", checked(Pet, { type = "cow" }))
  end)

  it("tells the message of the declaration in place of its own", function()
    local _, problems = s.plan(s.object { a = s.integer():message "a whole number, please" }):check { a = "x" }
    assert.equal("a whole number, please", problems[1].message)
    assert.equal("type", problems[1].code)
  end)
end)
