local neap = require "neap"
local rules = require "app.recipes.rules"
local s = require "neap.schema"
local S = require "app.recipes.schemas"
local shared = require "app.routes"
local work = require "app.work"

local r = neap.router { prefix = "/recipes", tags = { "recipes" }, auth = "user" }

r:get("/", {
  summary = "List the recipes; those that are active unless is_active is false",
  query = S.RecipeFilter,
  response = S.RecipePage,
}, function(req)
  return rules.list(work, req.query)
end)

r:get("/{id}", {
  summary = "One recipe",
  params = s.id_uuid,
  response = S.RecipeResponse,
}, function(req)
  return rules.read(work, req.params.id)
end)

r:post("/", {
  summary = "Create a recipe",
  auth = "admin",
  body = S.RecipeCreate,
  response = { [201] = S.RecipeResponse },
  errors = { [409] = "The name is taken, in whatever case" },
}, function(req)
  return shared.made(201, "/recipes", rules.create_any(work, req.body))
end)

r:patch("/{id}", {
  summary = "Change a recipe, or deactivate it",
  auth = "admin",
  params = s.id_uuid,
  body = S.RecipeUpdate,
  response = S.RecipeResponse,
  errors = { [409] = "The name is taken, in whatever case" },
}, function(req)
  return rules.update_any(work, req.params.id, req.body)
end)

r:delete("/{id}", {
  summary = "Delete a recipe of which there are no labs",
  auth = "admin",
  params = s.id_uuid,
  response = { [204] = false },
  errors = { [409] = "`in_use`: there are labs of it; deactivate it instead" },
}, function(req)
  rules.delete_any(work, req.params.id)
end)

return r
