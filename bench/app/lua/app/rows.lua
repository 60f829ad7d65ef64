--- Reads: a row by its key, twenty of them in one request, a page of rows that goes to the answer as it is.
local db = require "neap.db"
local neap = require "neap"
local s = require "neap.schema"

local OWNER = "00000000-0000-4000-8000-000000000001"
local WORLD = 'select id, randomnumber as "randomNumber" from world where id = $1'
local TASKS = [[
  select id, user_id, title, description, status, priority, created_at, updated_at
  from tasks where user_id = $1 order by created_at desc limit $2]]

local Count = s.object("QueryCount", { { "n", s.integer { min = 1, max = 500 } } })
local Page = s.object("TaskQuery", { { "limit", s.integer { min = 1, max = 500 } } })

local r = neap.router()

r:get("/db", function()
  return db.one(WORLD, math.random(10000))
end)

r:get("/queries", { query = Count }, function(req)
  local ids = {}
  for i = 1, req.query.n do
    ids[i] = math.random(10000)
  end
  return db.many(WORLD, ids)
end)

-- Each waits for the one before.
r:get("/queries_seq", { query = Count }, function(req)
  local rows = {}
  for i = 1, req.query.n do
    rows[i] = db.one(WORLD, math.random(10000))
  end
  return rows
end)

r:get("/tasks", { query = Page }, function(req)
  local rows = db.query(TASKS, OWNER, req.query.limit)
  return { items = rows, total = #rows }
end)

return r
