-- RFC 9457, for who asks for it; everybody else gets the envelope.
local test = require "neap.test"

local PROBLEM = "application/problem+json"

local function ask(path, accept, opts)
  opts = opts or {}
  opts.headers = { Accept = accept, ["Content-Type"] = "application/json" }
  opts.path = path
  return test.request(opts)
end

-- Errors that C finds, that a plan finds, and that a handler raises.
local function each_error(fn)
  local user = test.user()
  fn(404, "not_found", "/nowhere")
  fn(405, "method_not_allowed", "/health", { method = "DELETE" })
  fn(401, "token_missing", "/api/v1/tasks")
  fn(400, "invalid_json", "/api/v1/tasks", { method = "POST", body = "{", as = user })
  fn(422, "validation_failed", "/api/v1/tasks", { method = "POST", body = "{}", as = user })
  fn(404, "not_found", "/api/v1/tasks/00000000-0000-4000-8000-000000000000", { as = user })
end

describe("an error", function()
  it("is told as problem+json to who asks for it, whoever made it", function()
    each_error(function(status, code, path, opts)
      local res = ask(path, "application/json;q=0.5, " .. PROBLEM, opts)
      assert.same({ status, PROBLEM }, { res.status, res.headers["content-type"] }, path)
      assert.same({ status, code }, { res.json.status, res.json.code }, path)
      assert.equal("string", type(res.json.detail))
      assert.is_nil(res.json.error)
      assert.is_true(#res.json.title > 0)
      assert.equal(status == 422, res.json.details ~= nil and res.json.details[1].field == "body.title", path)
    end)
  end)

  it("is the envelope for everybody else", function()
    for _, accept in ipairs { "*/*", "application/json", PROBLEM .. ";q=0, */*" } do
      each_error(function(status, code, path, opts)
        local res = ask(path, accept, opts)
        assert.same({ status, "application/json", code }, { res.status, res.headers["content-type"], res.json.error.code })
      end)
    end
  end)

  it("alone is one: answers stay what they are", function()
    local res = ask("/health", PROBLEM)
    assert.same({ 200, "application/json", '{"status":"ok"}' }, { res.status, res.headers["content-type"], res.body })
  end)

  it("is in the document in both forms, with the members that it has", function()
    local document = test.get("/openapi.json").json
    local function at(ref)
      local found = document
      for name in ref:sub(3):gmatch "[^/]+" do
        found = found[name]
      end
      return found
    end
    local known = { [401] = true, [422] = true }
    each_error(function(status, _, path, opts)
      if not known[status] then
        return
      end
      local method = opts and opts.method or "GET"
      local answer = at(document.paths[path][method:lower()].responses[tostring(status)]["$ref"])
      for _, media_type in ipairs { "application/json", PROBLEM } do
        local body = at(answer.content[media_type].schema["$ref"])
        local res = ask(path, media_type, opts)
        for name in pairs(res.json) do
          assert.is_table(body.properties[name], name)
        end
        for _, name in ipairs(body.required) do
          assert.is_not_nil(res.json[name], name)
        end
      end
    end)
  end)
end)
