local core_os = require "neap.core.os"
local neap = require "neap"
local npm = require "spec.support.npm"
local s = require "neap.schema"
local types_lua = require "neap.types.lua"
local types_ts = require "neap.types.ts"

local function nothing() end

-- One of each kind, and what is hard about names and comments.
local Everything = s.object("Everything", {
  { "text", s.string():describe "Ends */ early" },
  { "whole", s.integer() },
  { "half", s.number() },
  { "money", s.decimal() },
  { "flag", s.boolean():optional() },
  { "id", s.uuid():nullable() },
  { "kind", s.enum { "a", 'quo"te' }:default "a" },
  { "five", s.literal(5) },
  { "list", s.array(s.enum { "x", "y" }) },
  { "map", s.map(s.integer()) },
  { "by_kind", s.map(s.boolean(), { keys = s.enum { "a", "b" } }) },
  { "any", s.any():nullable() },
  { "x-trace", s.object { at = s.datetime() } },
  { "loose", s.object({ a = s.date() }):extra "keep" },
  { "empty", s.object {} },
  { "a_b_c", s.string() },
})

local Pet = s.union("type", {
  s.object("Cat", { type = s.literal "cat" }),
  s.object("Dog", { type = s.literal "dog" }),
}):named "Pet"

local function routes()
  local app = neap.app {}
  app:post("/all/{id}", {
    summary = "Everything at once",
    params = s.id_uuid,
    query = s.object { page = s.integer():default(1) },
    body = Everything,
    response = { [201] = s.page(Everything), [204] = false },
  }, nothing)
  app:post("/upload", { form = s.object { file = s.file() }, response = Pet }, nothing)
  app:get("/plain/{key}", nothing)
  app:get("/csv", { response = { [200] = "text/csv", [202] = false } }, nothing)
  app:get("/hidden", { hidden = true }, nothing)
  return app:routes()
end

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), part)
end

describe("the types of TypeScript", function()
  local module = types_ts.module(routes())

  it("say that an answer is bytes, or nothing", function()
    has(module, "      200: string;\n      202: undefined;\n")
  end)

  it("have one for each schema with a name", function()
    has(module, "export interface Everything {\n")
    has(module, "export type Pet = Cat | Dog;\n")
    has(module, "export interface PaginatedEverything {\n  items: Array<Everything>;\n")
    has(module, "export interface ErrorResponse {\n")
  end)

  it("tell absent, null and values apart", function()
    has(module, "  flag?: boolean;\n")
    has(module, "  id: string | null;\n")
    has(module, '  kind?: "a" | "quo\\"te";\n')
    has(module, '  list: Array<"x" | "y">;\n')
    has(module, "  map: Record<string, number>;\n")
    has(module, '  by_kind: Partial<Record<"a" | "b", boolean>>;\n')
    has(module, '  "x-trace": {\n    at: string;\n  };\n')
    has(module, "  any: unknown;\n")
    has(module, "/** Ends * / early */")
  end)

  it("have what each operation takes and answers, but for hidden ones", function()
    has(module, '  "POST /all/{id}": {\n    params: {\n      id: string;\n    };\n'
      .. "    query?: {\n      page?: number;\n    };\n"
      .. "    body: Everything;\n    responses: {\n      201: PaginatedEverything;\n      204: undefined;\n")
    has(module, "    body: {\n      file: Blob;\n    };\n")
    has(module, '  "GET /plain/{key}": {\n    params: { key: string };\n    responses: {\n      200: unknown;\n')
    assert.is_nil(module:find("/hidden", 1, true))
  end)

  it("have fields in camelCase when asked, for clients that rename them", function()
    local camel = types_ts.module(routes(), true)
    has(camel, "  byKind: Partial<")
    has(camel, "  aBC: string;\n")
    has(camel, "  pageSize: number;\n")
    has(camel, '  "x-trace": {\n')
    has(types_ts.module(routes()), "  by_kind: Partial<")
  end)

  it("compile under tsc --strict", function()
    local tools, why = npm.folder()
    if tools == nil then
      pending("no tsc: " .. why)
      return
    end
    local dir = assert(core_os.tempdir "neap-types-")
    core_os.write_file(dir .. "/api.ts", module .. [[
const made: Operations["POST /all/{id}"]["responses"][204] = undefined;
const pet: Pet = { type: "cat" };
// @ts-expect-error: no such pet
const cow: Pet = { type: "cow" };
export { made, pet, cow };
]])
    local code, stdout = npm.run { "node_modules/.bin/tsc", "--strict", "--noEmit", dir .. "/api.ts" }
    core_os.remove(dir, { recursive = true })
    assert.equal(0, code, stdout)
  end)
end)

describe("the types of Lua", function()
  local module = types_lua.module(routes())

  it("are classes, with what a handler has after the check", function()
    has(module, "---@meta\n")
    has(module, "---@class Everything\n---@field text string # Ends */ early\n---@field whole integer\n")
    has(module, "---@field flag? boolean\n")
    has(module, "---@field id string|neap.Null\n")
    -- A default is there when the handler looks.
    has(module, '---@field kind "a"|"quo\\"te"\n')
    has(module, '---@field list ("x"|"y")[]\n')
    has(module, "---@field map table<string, integer>\n")
    has(module, '---@field ["x-trace"] { at: string }\n')
    has(module, "---@alias Pet Cat|Dog\n")
    has(module, "---@class PaginatedEverything\n---@field items Everything[]\n")
  end)

  it("have what an upload is", function()
    local app = neap.app {}
    app:post("/a", { form = s.object("Upload", { file = s.file() }) }, nothing)
    has(types_lua.module(app:routes()),
      "---@field file { filename: string, content_type: string, size: integer, data?: string, path?: string }\n")
  end)

  it("are Lua that loads", function()
    assert.is_function(load(module, "=types", "t"))
  end)
end)
