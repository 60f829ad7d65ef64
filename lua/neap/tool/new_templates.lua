--- The files of a new application, as `neap new NAME` writes them: one feature in its four layers, a table, a spec.
--- `{{name}}` becomes the name of the application.
local M = {}

---@type { [1]: string, [2]: string }[] path and text, in the order they are told
M.files = {}

local function file(path, text)
  M.files[#M.files + 1] = { path, text }
end

file("README.md", [[
# {{name}}

```sh
neap dev --as you@example.com    # http://127.0.0.1:8000, a saved file is live; /docs shows the API
neap test                        # the specs, each in a transaction that is rolled back
neap check --db                  # everything loads, layers are kept, schemas are like their tables
```

    curl http://127.0.0.1:8000/api/v1/notes -H 'Content-Type: application/json' -d '{"text":"Try Neap"}'

One folder a feature, `lua/app/<feature>/`: routes -> schemas -> rules -> store. `neap types --lua > .neap/types.lua`
tells an editor what handlers get.
]])

file("config.lua", [[
--- The settings of {{name}}, from the environment and `.env`. The server's own are declared by the framework.
local settings = require "neap.settings"

return settings.define {
  APP_VERSION = settings.string { default = "0.1.0", help = "the version that the API tells" },
  DATABASE_URL = settings.required,
}
]])

file("lua/app/init.lua", [[
local neap = require "neap"

---@param config table the frozen settings
return function(config)
  local app = neap.app { title = "{{name}}", version = config.APP_VERSION }

  app:get("/health", { summary = "Is the process alive?", auth = false, rate_limit = false }, function()
    return { status = "ok" }
  end)

  local v1 = app:group "/api/v1"
  v1:mount(require "app.notes.routes")

  return app
end
]])

file("lua/app/notes/routes.lua", [[
--- Paths, who may call, what goes in and out.
local neap = require "neap"
local rules = require "app.notes.rules"
local s = require "neap.schema"
local S = require "app.notes.schemas"
local store = require "app.notes.store"

local r = neap.router { prefix = "/notes", tags = { "notes" }, auth = "user" }

r:get("/", { summary = "List my notes", query = S.NoteQuery, response = S.NotePage }, function(req)
  return rules.list(store, req.user, req.query)
end)

r:post("/", { summary = "Write a note", body = S.NoteWrite, response = { [201] = S.Note } }, function(req)
  local note = rules.create(store, req.user, req.body)
  return neap.response(201, note, { Location = "/api/v1/notes/" .. note.id })
end)

r:get("/{id}", { summary = "One of my notes", params = s.id_uuid, response = S.Note }, function(req)
  return rules.read(store, req.user, req.params.id)
end)

r:delete("/{id}", { summary = "Delete a note", params = s.id_uuid, response = { [204] = false } }, function(req)
  rules.delete(store, req.user, req.params.id)
end)

return r
]])

file("lua/app/notes/schemas.lua", [[
--- What goes in and out. `neap check --db` compares what has a table with the table.
local s = require "neap.schema"

local M = {}

M.Note = s.object("Note", {
  { "id", s.uuid() },
  { "text", s.string { min = 1, max = 2000, trim = true } },
  { "created_at", s.datetime() },
}):table "notes"

M.NoteWrite = M.Note:pick({ "text" }):named "NoteWrite"
M.NotePage = s.page(M.Note)

M.NoteQuery = s.object {
  page = s.integer { min = 1, max = 10000000 }:default(1),
  page_size = s.integer { min = 1, max = 100 }:default(20),
}

return M
]])

file("lua/app/notes/rules.lua", [[
--- What is decided, with plain values: no HTTP and no SQL. What a rule raises is the answer.
local errors = require "neap.errors"

local M = {}

function M.list(store, user, query)
  return store.list(user.id, query)
end

function M.create(store, user, fields)
  return store.create(user.id, fields)
end

function M.read(store, user, id)
  return store.get(user.id, id) or errors.not_found "Note not found"
end

function M.delete(store, user, id)
  if not store.delete(user.id, id) then
    errors.not_found "Note not found"
  end
end

return M
]])

file("lua/app/notes/store.lua", [[
--- All SQL about notes. The owner is the first parameter of every function and in every WHERE: another's rows do not exist.
local neap = require "neap"

return neap.store {
  table = "notes",
  owner = "user_id",
  columns = { "id", "text", "created_at" },
  write = { "text" },
  sort = { "created_at" },
  default_sort = "-created_at",
}
]])

file("migrations/0001_initial.up.sql", [[
-- `neap dev --as`, `neap user` and specs find users in this table.
CREATE TABLE users (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email         text CONSTRAINT users_email_format CHECK (email = lower(email) AND position('@' in email) > 1),
  password_hash text,
  external_id   text,
  role          text NOT NULL DEFAULT 'user' CONSTRAINT users_role_valid CHECK (role IN ('user', 'service', 'admin')),
  is_active     boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE UNIQUE INDEX users_external_id_key ON users (external_id);

CREATE TABLE notes (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  text       varchar(2000) NOT NULL CONSTRAINT notes_text_not_blank CHECK (btrim(text) <> ''),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notes_user_id_idx ON notes (user_id, created_at);
]])

file("migrations/0001_initial.down.sql", [[
DROP TABLE notes;
DROP TABLE users;
]])

file("spec/notes_spec.lua", [[
local test = require "neap.test"

local NOTES = "/api/v1/notes"
local ann, ben

before_each(function()
  ann, ben = test.user(), test.user()
end)

describe("notes", function()
  it("are written and listed by their owner", function()
    local made = test.post(NOTES, { text = " Try Neap " }, { as = ann })
    assert.equal(201, made.status)
    assert.equal("Try Neap", made.json.text)
    assert.same(made.json, test.get(made.headers.location, { as = ann }).json)
    assert.equal(1, test.get(NOTES, { as = ann }).json.total)
  end)

  it("are not there for others, nor for nobody", function()
    local made = test.post(NOTES, { text = "mine" }, { as = ann }).json
    assert.equal(404, test.get(NOTES .. "/" .. made.id, { as = ben }).status)
    assert.equal(404, test.delete(NOTES .. "/" .. made.id, { as = ben }).status)
    assert.equal(401, test.get(NOTES, { as = false }).status)
  end)

  it("need a text", function()
    local res = test.post(NOTES, { text = "  " }, { as = ann })
    assert.equal(422, res.status)
    assert.equal("body.text", res.json.error.details[1].field)
  end)

  it("are deleted by their owner", function()
    local made = test.post(NOTES, { text = "mine" }, { as = ann }).json
    assert.equal(204, test.delete(NOTES .. "/" .. made.id, { as = ann }).status)
    assert.equal(404, test.get(NOTES .. "/" .. made.id, { as = ann }).status)
  end)
end)
]])

file(".env.example", [[
# Copy it to .env and change what you want; without either `neap dev` makes a database and a secret of its own.
# The version that the API tells.
APP_VERSION=0.1.0
# Where the service listens.
HOST=127.0.0.1
PORT=8000
# A libpq URI. Required by `neap serve`.
# DATABASE_URL=postgresql://{{name}}@127.0.0.1:5432/{{name}}
# Signs the tokens: `neap secret` prints a good one. Required by `neap serve`.
# SECRET_KEY=
]])

file(".gitignore", [[
/.env
/.neap/
]])

file(".editorconfig", [[
root = true

[*]
charset = utf-8
end_of_line = lf
insert_final_newline = true
trim_trailing_whitespace = true
indent_style = space
indent_size = 2
]])

file(".luarc.json", [[
{
  "runtime.version": "Lua 5.4",
  "runtime.path": ["lua/?.lua", "lua/?/init.lua", "?.lua"],
  "workspace.library": [".neap/types.lua"],
  "diagnostics.globals": ["describe", "it", "before_each", "after_each", "setup", "teardown", "pending", "finally"]
}
]])

file(".luacheckrc", [[
std = "lua54"
-- A handler takes its request whether it looks at it or not.
ignore = { "212" }
files["spec"] = { std = "+busted" }
]])

return M
