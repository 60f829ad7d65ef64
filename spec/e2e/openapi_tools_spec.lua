--- What three programs that read OpenAPI documents for a living say of ours.
local core_os = require "neap.core.os"
local npm = require "spec.support.npm"
local test = require "neap.test"

local PARSE = [[
const fs = require("fs");
const document = () => JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
(async () => {
  const { Validator } = await import("@seriousme/openapi-schema-validator");
  const verdict = await new Validator().validate(document());
  if (!verdict.valid) throw new Error(JSON.stringify(verdict.errors));
  const parser = require("@apidevtools/swagger-parser");
  await (parser.default ?? parser).validate(document());
})().catch((problem) => { console.error(problem); process.exit(1); });
]]

describe("/openapi.json", function()
  local dir, tools, why

  setup(function()
    tools, why = npm.folder()
    if tools then
      dir = assert(core_os.tempdir "neap-openapi-")
      core_os.write_file(dir .. "/openapi.json", test.get("/openapi.json").body)
    end
  end)

  teardown(function()
    if dir then
      core_os.remove(dir, { recursive = true })
    end
  end)

  it("passes redocly lint without an error", function()
    if tools == nil then
      pending("the tools are not here: " .. why)
      return
    end
    local code, stdout, stderr = npm.run { "node_modules/.bin/redocly", "lint", dir .. "/openapi.json" }
    assert.equal(0, code, stdout and stdout .. stderr)
  end)

  it("is valid to swagger-parser and to openapi-schema-validator", function()
    if tools == nil then
      pending("the tools are not here: " .. why)
      return
    end
    -- Beside the packages, so that they are found.
    core_os.write_file(tools .. "/parse.cjs", PARSE)
    local code, stdout, stderr = npm.run { "node", "parse.cjs", dir .. "/openapi.json" }
    assert.equal(0, code, stdout and stdout .. stderr)
  end)
end)
