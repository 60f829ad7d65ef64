-- The recipe of docs/postgres.md: who asks is a setting of the transaction, and policies read it.
local core = require "neap.core"
local db = require "neap.db"
local test = require "neap.test"

test.no_transaction()

local ANN, BOB = core.uuid(), core.uuid()

local function as(user_id, fn)
  return db.tx(function(tx)
    tx.one("select set_config('app.user_id', $1, true)", user_id)
    tx.exec "set local role spec_app"
    return fn(tx)
  end)
end

setup(function()
  db.script [[
    create role spec_app nologin;
    create table spec_notes (
      user_id uuid not null default nullif(current_setting('app.user_id', true), '')::uuid,
      body text not null
    );
    alter table spec_notes enable row level security;
    create policy spec_notes_own on spec_notes
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
    grant select, insert, update, delete on spec_notes to spec_app]]
end)

teardown(function()
  db.script "drop table spec_notes; drop role spec_app"
end)

local function bodies(tx)
  return tx.one("select coalesce(string_agg(body, ',' order by body), '') as all from spec_notes").all
end

it("everybody sees and writes their own rows only, whatever the statement says", function()
  as(ANN, function(tx) tx.exec "insert into spec_notes (body) values ('of Ann')" end)
  as(BOB, function(tx) tx.exec "insert into spec_notes (body) values ('of Bob')" end)
  assert.equal("of Ann", as(ANN, bodies))
  assert.equal("of Bob", as(BOB, bodies))
  assert.equal(0, as(BOB, function(tx) return tx.exec "delete from spec_notes where body = 'of Ann'" end))
  local ok, err = pcall(as, BOB, function(tx)
    tx.exec("insert into spec_notes (user_id, body) values ($1, 'forged')", ANN)
  end)
  assert.is_false(ok)
  assert.equal("42501", err.sqlstate)
  assert.equal(403, require("neap.errors").map(err).status)
end)

it("nobody is anybody once the transaction is over, however it ended", function()
  local me = db.one("select current_user as me").me
  local function leftovers()
    for _ = 1, 3 do
      local row = db.one "select current_user as me, coalesce(current_setting('app.user_id', true), '') as id"
      assert.same({ me, "" }, { row.me, row.id })
    end
  end
  as(ANN, bodies)
  leftovers()
  pcall(as, ANN, function() error "no" end)
  leftovers()
  assert.equal("", db.tx(function(tx)
    tx.exec "set local role spec_app"
    return bodies(tx)
  end))
end)

it("it costs no connection: the same one serves on, with its prepared statements", function()
  local pid = db.one("select pg_backend_pid() as pid").pid
  for _ = 1, 3 do
    assert.equal(pid, as(ANN, function(tx) return tx.one("select pg_backend_pid() as pid").pid end))
  end
  assert.is_true(db.one("select count(*) as n from pg_prepared_statements").n > 0)
end)
