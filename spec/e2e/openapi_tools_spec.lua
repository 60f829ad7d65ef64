--- What three programs that read OpenAPI documents for a living say of ours.
local config = require "config"
local core_os = require "neap.core.os"
local json = require "neap.json"
local npm = require "spec.support.npm"
local test = require "neap.test"

local V1 = config.API_V1_PREFIX

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

-- Each line of the file is an answer: path of its operation, method, status, body. All of them must be as the document says.
local ANSWERS = [[
const fs = require("fs");
const Ajv = require("ajv/dist/2020").default;
const document = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
require("ajv-formats").default(ajv);
ajv.addSchema(document, "doc");
const pointer = (parts) => parts.map((p) => encodeURIComponent(p.replace(/~/g, "~0").replace(/\//g, "~1"))).join("/");
for (const line of fs.readFileSync(process.argv[3], "utf8").trim().split("\n")) {
  const { path, method, status, body } = JSON.parse(line);
  let at = ["paths", path, method, "responses", status];
  const answer = document.paths[path][method].responses[status];
  if (!answer) throw new Error(`${method} ${path} does not tell of ${status}`);
  if (answer.$ref) at = answer.$ref.slice(2).split("/");
  const check = ajv.compile({ $ref: `doc#/${pointer([...at, "content", "application/json", "schema"])}` });
  if (!check(body)) throw new Error(`${method} ${path} ${status}: ${ajv.errorsText(check.errors)}`);
}
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

  it("describes the answers that are given", function()
    if tools == nil then
      pending("the tools are not here: " .. why)
      return
    end
    local user, lines = test.user(), {}
    local function answer(method, path, res)
      lines[#lines + 1] = json.encode { method = method, path = path, status = tostring(res.status), body = res.json }
      return res.json
    end
    local tasks, agents = V1 .. "/tasks", V1 .. "/agents"
    local task = answer("post", tasks, test.post(tasks, { title = "a" }, { as = user }))
    answer("post", agents, test.post(agents, { name = "a", role = "b" }, { as = user }))
    answer("post", tasks, test.post(tasks, { title = 5, more = true }, { as = user }))
    answer("post", tasks, test.post(tasks, { title = "a" }, { as = false }))
    answer("get", tasks, test.get(tasks, { as = user }))
    answer("get", agents, test.get(agents, { as = user }))
    answer("get", tasks .. "/{id}", test.get(tasks .. "/" .. task.id, { as = user }))
    answer("get", tasks .. "/{id}", test.get(tasks .. "/00000000-0000-4000-8000-000000000000", { as = user }))
    answer("get", "/", test.get "/")
    answer("get", "/version", test.get "/version")
    answer("get", "/health", test.get "/health?check=db")
    answer("get", "/health/ready", test.get "/health/ready")
    core_os.write_file(dir .. "/answers", table.concat(lines, "\n"))
    core_os.write_file(tools .. "/answers.cjs", ANSWERS)
    local code, stdout, stderr = npm.run { "node", "answers.cjs", dir .. "/openapi.json", dir .. "/answers" }
    assert.equal(0, code, stdout and stdout .. stderr)
  end)
end)
