-- Broken rules of the database become fields of the request, told by a real Postgres.
local constraints = require "neap.db.constraints"
local db = require "neap.db"
local errors = require "neap.errors"
local json = require "neap.json"

local function failure(sql, ...)
  local ok, err = pcall(db.exec, sql, ...)
  assert.is_false(ok)
  return err
end

local function answer(sql, ...)
  local out = errors.map(failure(sql, ...))
  -- What the client sees, as text: nothing of the statement or of a row may be in it.
  local text = json.encode { out.code, out.message, out.details or json.null }
  assert.is_nil(text:find "secret", text)
  assert.is_nil(text:find "insert", text)
  assert.is_nil(text:find "people", text)
  return out
end

before_each(function()
  db.script [[
    create temporary table teams (id int primary key, name text not null);
    create temporary table people (
      id int primary key,
      team_id int references teams (id),
      boss_id int references people (id),
      email text,
      first_name text constraint people_first_name_not_blank check (btrim(first_name) <> ''),
      age int check (age >= 0),
      owner text not null default 'me',
      slug text,
      constraint people_age_iff_email check (age is null or email is not null)
    );
    create unique index people_email_key on people (email);
    create unique index people_first_name_key on people (lower(first_name));
    create unique index people_owner_slug_key on people (owner, slug);
    insert into teams values (1, 'secret team');
    insert into people (id, team_id, email, first_name, slug) values (1, 1, 'secret@x', 'Ann', 'secret')]]
end)

describe("a value that is there already", function()
  it("is 409 taken, on its field", function()
    local out = answer("insert into people (id, email) values (2, 'secret@x')")
    assert.equal(409, out.status)
    assert.equal("conflict", out.code)
    assert.same({ { field = "body.email", code = "taken", message = "is taken already" } }, out.details)
  end)

  it("of an expression is told by the name of the index", function()
    assert.equal("body.first_name", answer("insert into people (id, first_name) values (2, 'ANN')").details[1].field)
  end)

  it("of several columns names them, but not the owner that a store declares", function()
    local sql = "insert into people (id, slug) values (2, 'secret')"
    assert.same({ "body.owner", "body.slug" }, { answer(sql).details[1].field, answer(sql).details[2].field })
    constraints.declare("people", { "owner", "slug", "email", "age", "first_name" }, "owner")
    assert.equal(1, #answer(sql).details)
    assert.equal("body.slug", answer(sql).details[1].field)
  end)
end)

describe("a foreign key", function()
  it("to nothing is 409, on its field", function()
    local out = answer("insert into people (id, team_id) values (2, 99)")
    assert.same({ 409, "conflict" }, { out.status, out.code })
    assert.same({ "body.team_id", "unknown" }, { out.details[1].field, out.details[1].code })
  end)

  it("from elsewhere makes a row 409 in_use, without a field", function()
    local out = answer("delete from teams where id = 1")
    assert.same({ 409, "in_use" }, { out.status, out.code })
    assert.is_nil(out.details)
    db.exec "insert into people (id, boss_id) values (2, 1)"
    assert.equal("in_use", answer("delete from people where id = 1").code)
    assert.equal("body.boss_id", answer("update people set boss_id = 77 where id = 2").details[1].field)
  end)

  it("is told apart also when the server speaks another language", function()
    local function broken(detail)
      return { table = "people", constraint = "people_team_id_fkey", message = "verletzt", detail = detail }
    end
    assert.is_false(constraints.is_in_use(broken "Schlüssel (team_id)=(99) ist nicht in Tabelle »teams« vorhanden."))
    assert.is_true(constraints.is_in_use(broken "Auf Schlüssel (id)=(1) wird noch aus Tabelle »people« verwiesen."))
  end)
end)

describe("a value that breaks a check", function()
  it("is 422 invalid, on its field", function()
    local out = answer("insert into people (id, email, age) values (2, 'secret', -1)")
    assert.same({ 422, "validation_failed" }, { out.status, out.code })
    assert.same({ { field = "body.age", code = "invalid", message = "is not valid" } }, out.details)
    assert.equal("body.first_name", answer("insert into people (id, first_name) values (2, ' ')").details[1].field)
  end)

  it("that is missing is 422 required", function()
    local out = answer("insert into teams values (2, null)")
    assert.same({ 422, "body.name", "required" }, { out.status, out.details[1].field, out.details[1].code })
  end)

  it("whose name fits no column has no field, or the one that a store knows", function()
    local column = constraints.columns
    assert.same({}, column { table = "robots", constraint = "robots_busy_has_task" })
    assert.same({}, column { table = "robots", constraint = "another_name_check" })
    assert.same({}, column {})
    constraints.declare("robots", { "busy", "busy_since" })
    assert.same({ "busy" }, column { table = "robots", constraint = "robots_busy_has_task" })
    assert.same({ "busy_since" }, column { table = "robots", constraint = "robots_busy_since_iff_busy" })
    assert.same({}, column { table = "robots", constraint = "robots_busybody_check" })
  end)
end)

describe("row level security", function()
  it("that refuses a row is 403, a missing GRANT our own fault", function()
    local function status(message)
      return errors.map(setmetatable({ kind = "server", sqlstate = "42501", message = message },
        { __name = "neap.db.error" })).status
    end
    assert.equal(403, status 'new row violates row-level security policy for table "notes"')
    assert.equal(500, status "permission denied for table notes")
  end)
end)

describe("the log", function()
  it("has what the client does not see: the statement, the detail and the Lua line", function()
    local out = answer("insert into people (id, email) values (2, $1)", "secret@x")
    assert.is_true(out.log)
    assert.matches("^spec/neap/db/constraints_spec.lua:%d+$", out.log_details.where)
    assert.equal("insert into people (id, email) values (2, $1)", out.log_details.statement)
    assert.matches("secret@x", out.log_details.detail)
    assert.equal("people_email_key", out.log_details.constraint)
  end)
end)
