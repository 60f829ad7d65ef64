local core_os = require "neap.core.os"
local migrate = require "neap.migrate"

-- Each test is in a transaction, so the tables that it makes are gone after it; but a session of its own is not.
local dir

before_each(function()
  dir = assert(core_os.tempdir "neap-migrate-")
end)

after_each(function()
  core_os.remove(dir, { recursive = true })
end)

local function write(name, text)
  assert(core_os.write_file(dir .. "/" .. name, text or "select 1;\n"))
end

local function refusal(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(err)
end

describe("the files of a folder", function()
  it("are read in order, with checksums", function()
    write "0002_second.up.sql"
    write("0001_first.up.sql", "")
    write "0001_first.down.sql"
    local files = migrate.files(dir)
    assert.equal("0001_first", files[1].label)
    assert.equal("0002_second", files[2].label)
    assert.is_nil(files[2].down)
    -- The SHA-256 of nothing.
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", files[1].checksum)
  end)

  it("may be none", function()
    assert.same({}, migrate.files(dir))
    assert.same({}, migrate.files(dir .. "/not-there"))
  end)

  it("may not leave out a number", function()
    write "0001_first.up.sql"
    write "0003_third.up.sql"
    assert.equal("there is no migration 0002, but there is a later one", refusal(migrate.files, dir))
  end)

  it("may not have a number twice", function()
    write "0001_first.up.sql"
    write "0001_other.up.sql"
    assert.equal("0001 is the number of two migrations: first and other", refusal(migrate.files, dir))
  end)

  it("may not have a .down.sql alone, or another name", function()
    write "0001_first.down.sql"
    assert.equal("0001_first.up.sql is missing, but its .down.sql is there", refusal(migrate.files, dir))
    write "1_first.up.sql"
    assert.matches("^1_first%.up%.sql: a migration is named", refusal(migrate.files, dir))
  end)
end)

describe("a word that ends a transaction", function()
  local function read(text)
    write("0001_x.up.sql", text)
    local sql, in_transaction = require("neap.migrate.files").read(dir .. "/0001_x.up.sql")
    assert.equal(text, sql)
    return in_transaction
  end

  it("is refused as a statement of the file", function()
    for _, text in ipairs { "commit;", "select 1;\nROLLBACK ;", "begin; select 1; end;", "select 'a''b'; commit;",
      "select '\\'; commit; select ''", "select e'\\\\'; commit;", "/* /* */ */ commit;", "select 1 - 1; commit;",
      "select $1$; commit; select $1$" } do
      assert.matches("must not say", refusal(read, text), 1)
    end
  end)

  it("may stand in strings, names, bodies and comments", function()
    for _, text in ipairs { "select '; commit; '", "select 'it''s; commit; '", "select E'\\'; commit; --'",
      [[select "; commit;"]], "select $$; commit; $$", "select $a_1$; $$ commit; $a_1$", "-- ; commit;\nselect 1",
      "/* ; /* x */ ; commit; */ select 1", "select '--'; select '; commit; '", "do $x$ begin commit; end $x$;",
      "create function f() returns int begin atomic select 1; end;",
      "select $1; -- $2; commit;", "select U&'; commit; '" } do
      assert.is_true(read(text), text)
    end
  end)

  it("is the author's own business where the file says no-transaction", function()
    assert.is_false(read "-- no-transaction\nbegin; commit;")
    assert.is_false(read "--no-transaction\r\ncommit;")
  end)
end)

describe("a new migration", function()
  it("has the next number and a name for files", function()
    write "0001_first.up.sql"
    local up, down = migrate.create(dir, "Add labels, to tasks!")
    assert.equal(dir .. "/0002_add_labels_to_tasks.up.sql", up)
    assert.equal(dir .. "/0002_add_labels_to_tasks.down.sql", down)
    assert.equal(2, #migrate.files(dir))
  end)

  it("begins with TEMPLATE.sql where there is one", function()
    write("TEMPLATE.sql", "-- ours\n")
    assert.equal("-- ours\n", core_os.read_file((migrate.create(dir, "x"))))
  end)

  it("needs a letter", function()
    assert.matches("is no name", refusal(migrate.create, dir, "!!"))
  end)
end)
