local s = require "neap.schema"
local shared = require "app.schemas"

local M = {}

local Name = s.string { min = 1, max = 255, trim = true }
local Software = s.string { min = 1, max = 255, trim = true }

M.RecipeResponse = s.object({
  { "id", s.uuid() },
  { "name", Name },
  { "description", s.string { max = 65536 }:nullable() },
  { "software", Software },
  { "version_constraint", s.string { min = 1, max = 100 }:nullable():describe "Of the software: >=2.4,<2.4.50" },
  { "exploit_family", s.string { min = 1, max = 100 }:nullable() },
  { "is_active", s.boolean():describe "Whether labs may be built from it" },
}):extend(s.Timestamps):named("RecipeResponse"):table("recipes")

M.RecipePage = s.page(M.RecipeResponse)

local writable = M.RecipeResponse:pick {
  "name", "description", "software", "version_constraint", "exploit_family", "is_active",
}

M.RecipeCreate = writable:partial():extend({
  name = Name,
  software = Software,
  is_active = s.boolean():default(true),
}):named("RecipeCreate"):table("recipes")

M.RecipeUpdate = writable:partial():named("RecipeUpdate"):table("recipes")

M.RecipeFilter = shared.list_query({ "name", "software", "created_at", "updated_at" }, "name", {
  software = s.string { max = 255 },
  exploit_family = s.string { max = 100 },
}):extend { is_active = s.boolean():default(true) }

return M
