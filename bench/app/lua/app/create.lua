--- A validated insert: the body is checked in C, the row goes from Postgres to the answer without becoming a table.
local db = require "neap.db"
local neap = require "neap"
local s = require "neap.schema"

local WRITER = "00000000-0000-4000-8000-ffffffffffff"

local TaskCreate = s.object("TaskCreate", {
  { "title", s.string { min = 1, max = 500 } },
  { "description", s.string():nullable():optional() },
  { "priority", s.enum { "low", "medium", "high" }:default "medium" },
})

local Task = s.object("Task", {
  { "id", s.uuid() },
  { "user_id", s.uuid() },
  { "title", s.string() },
  { "description", s.string():nullable() },
  { "status", s.string() },
  { "priority", s.string() },
  { "created_at", s.datetime() },
  { "updated_at", s.datetime() },
})

local r = neap.router()

r:post("/tasks", { body = TaskCreate, response = { [201] = Task } }, function(req)
  local t = req.body
  return 201, db.query([[
    insert into tasks (user_id, title, description, priority) values ($1, $2, $3, $4)
    returning id, user_id, title, description, status, priority, created_at, updated_at]],
    WRITER, t.title, t.description, t.priority)
end)

return r
