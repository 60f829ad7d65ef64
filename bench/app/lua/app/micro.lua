--- What one step of a request costs: pairs of routes that differ in that step alone. `make bench` counts instructions.
local cjson = require "cjson"
local db = require "neap.db"
local neap = require "neap"
local s = require "neap.schema"

local ROWS = [[
  select i as id, 'user-' || i as owner, 'Task number ' || i as title, 'Some words about it, "quoted" once.' as description,
         i % 2 = 0 as completed, i * 1.5 as hours, timestamptz '2024-01-01 00:00:00Z' as created_at, null::text as note
  from generate_series(1, 100) i]]

local Row = s.object("MicroRow", {
  { "id", s.integer() },
  { "owner", s.string() },
  { "title", s.string() },
  { "description", s.string() },
  { "completed", s.boolean() },
  { "hours", s.decimal() },
  { "created_at", s.datetime() },
  { "note", s.string():nullable() },
})

local Body = s.object("MicroBody", {
  { "title", s.string { min = 1, max = 500 } },
  { "description", s.string { max = 5000 }:nullable() },
  { "priority", s.enum { "low", "medium", "high" } },
  { "estimate", s.integer { min = 0, max = 1000 } },
  { "done", s.boolean() },
  { "owner", s.uuid() },
})

local r = neap.router { prefix = "/micro" }

-- The query alone, and the query with its rows written in two ways.
r:get("/rows", function()
  return { n = #db.query(ROWS) }
end)

r:get("/rows/json", function()
  return db.json(Row, ROWS)
end)

r:get("/rows/tables", function()
  local out = {}
  for i, row in ipairs(db.query(ROWS)) do
    out[i] = row
  end
  return neap.response.bytes(cjson.encode(out), "application/json")
end)

-- A body that nobody looks at, one that is checked, and one that lua-cjson decodes.
r:post("/body", { body = false }, function() end)

r:post("/body/check", { body = Body }, function() end)

r:post("/body/cjson", { body = false }, function(req)
  cjson.decode(req.text)
end)

return r
