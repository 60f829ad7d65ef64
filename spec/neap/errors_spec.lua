local errors = require "neap.errors"

local function raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

local function db_error(fields)
  return setmetatable(fields, { __name = "neap.db.error" })
end

describe("a raised error", function()
  it("carries status, code and message", function()
    for name, expected in pairs {
      bad_request = { 400, "bad_request" }, unauthorized = { 401, "unauthorized" }, forbidden = { 403, "forbidden" },
      not_found = { 404, "not_found" }, internal = { 500, "internal" },
    } do
      local answer = errors.map(raised(errors[name], "Why"))
      assert.same({ expected[1], expected[2], "Why" }, { answer.status, answer.code, answer.message })
    end
  end)

  it("has no details unless it was given some", function()
    assert.is_nil(errors.map(raised(errors.not_found, "User not found")).details)
  end)

  it("of a conflict says which, and of a validation every field", function()
    local conflict = errors.map(raised(errors.conflict, "agent_busy", "The agent works", { task = 1 }))
    assert.same({ 409, "agent_busy", { task = 1 } }, { conflict.status, conflict.code, conflict.details })
    local details = { { field = "body.title", code = "too_long", message = "must be shorter" } }
    local invalid = errors.map(raised(errors.validation, details))
    assert.same({ 422, "validation_failed", details }, { invalid.status, invalid.code, invalid.details })
  end)

  it("that asks to come back says when", function()
    assert.same({ ["Retry-After"] = "3" }, errors.map(raised(errors.too_many, nil, 2.1)).headers)
    assert.same({ ["Retry-After"] = "1" }, errors.map(raised(errors.unavailable)).headers)
  end)

  it("of one's own has any status from 400", function()
    local answer = errors.map(raised(errors.app, { status = 418, code = "teapot", message = "I am one" }))
    assert.same({ 418, "teapot" }, { answer.status, answer.code })
    assert.matches("status must be", raised(errors.app, { status = 200, code = "x", message = "y" }))
  end)

  it("can be told apart", function()
    local err = raised(errors.not_found)
    assert.is_true(errors.is(err))
    assert.is_true(errors.is(err, "not_found"))
    assert.is_false(errors.is(err, "conflict"))
    assert.is_false(errors.is "not_found")
  end)
end)

describe("a failed statement", function()
  it("is answered by its SQLSTATE", function()
    for sqlstate, status in pairs {
      ["23505"] = 409, ["23503"] = 409, ["23P01"] = 409, ["23514"] = 422, ["23502"] = 422, ["22P02"] = 422, ["22001"] = 422,
      ["22003"] = 422, ["22012"] = 500, ["57014"] = 504, ["53300"] = 503, ["57P01"] = 503, ["40001"] = 503, ["40P01"] = 503,
      ["08006"] = 503, ["08P01"] = 500,
      ["25006"] = 503, ["44000"] = 422, ["23001"] = 409, ["53200"] = 503, ["55P03"] = 503, ["57P03"] = 503,
      ["58030"] = 503, ["28P01"] = 503, ["3D000"] = 503, ["42501"] = 500, ["25P02"] = 500,
      ["0A000"] = 500, ["42P01"] = 500, ["42601"] = 500, ["XX000"] = 500,
    } do
      assert.equal(status, errors.map(db_error { kind = "server", sqlstate = sqlstate }).status, sqlstate)
    end
  end)

  it("is answered by its kind when Postgres never said anything", function()
    for kind, status in pairs {
      unavailable = 503, line_full = 503, waited = 503, lost = 503, timed_out = 504, cancelled = 504, bad_param = 422,
    } do
      assert.equal(status, errors.map(db_error { kind = kind }).status, kind)
    end
  end)

  it("that may be tried again says when", function()
    assert.same({ ["Retry-After"] = "1" }, errors.map(db_error { kind = "line_full" }).headers)
  end)

  it("tells the client nothing of the server's words", function()
    local answer = errors.map(db_error {
      kind = "server", sqlstate = "23505", message = "duplicate key", detail = "Key (email)=(secret@example.com) exists",
      constraint = "users_email_key",
    })
    local json = require "neap.json"
    local text = json.encode { answer.message, answer.details or json.null }
    assert.is_nil(text:find "secret")
    assert.is_nil(text:find "duplicate key")
  end)
end)

describe("any other error value", function()
  it("is a 500 that says nothing", function()
    for _, value in ipairs { "attempt to index nil", 5, true, {}, setmetatable({}, { __name = "other" }), print } do
      local answer = errors.map(value)
      assert.same({ 500, "internal", "Internal server error", true },
        { answer.status, answer.code, answer.message, answer.log })
    end
    assert.equal(500, errors.map(nil).status)
  end)

  it("can be described, also when it cannot describe itself", function()
    local broken = setmetatable({}, { __tostring = function() error "no" end })
    assert.equal("error value of type table", errors.describe(broken))
    assert.equal("error(nil)", errors.describe(nil))
    assert.equal("plain", errors.describe "plain")
  end)
end)

it("only errors of the service are logged", function()
  assert.is_false(errors.map(raised(errors.not_found)).log)
  assert.equal("warn", errors.map(raised(errors.unavailable)).log)
end)

it("a full line for a database connection is a warning, a database that is away an error", function()
  local function level(kind)
    return errors.map(setmetatable({ kind = kind, message = "no" }, { __name = "neap.db.error" })).log
  end
  assert.same({ "warn", "warn", true }, { level "line_full", level "waited", level "unavailable" })
end)
