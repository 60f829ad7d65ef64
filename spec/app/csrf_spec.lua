--- Changes that a browser signs in by cookie: a page of ours made them, or they are refused.
local sign_in = require "spec.support.sign_in"
local test = require "neap.test"

local TASKS = "/api/v1/tasks"

local function signed_in()
  local client = sign_in.client(test)
  local email = client:register().email
  local res = client:sign_in(email)
  assert.equal(200, res.status)
  return client, res.json.access_token
end

local function code(res)
  return res.status .. (res.json and res.json.error and " " .. res.json.error.code or "")
end

describe("a change that a cookie signs in", function()
  it("is made for a page that may call us and repeats the token", function()
    local client = signed_in()
    assert.equal("201", code(client:request("POST", TASKS, { title = "a" })))
    local headers = { Origin = "http://evil.example", ["Sec-Fetch-Site"] = "same-origin" }
    assert.equal("201", code(client:request("POST", TASKS, { title = "a" }, headers)))
  end)

  it("is refused for a page of another site, and for one that does not repeat the token", function()
    local client = signed_in()
    for _, headers in ipairs {
      { Origin = "http://evil.example" }, { Origin = "null" }, { Origin = "http://localhost:3001" },
      { ["X-CSRF-Token"] = "0123456789abcdef0123456789abcdef" }, { ["X-CSRF-Token"] = "" },
    } do
      assert.equal("403 csrf", code(client:request("POST", TASKS, { title = "a" }, headers)))
    end
    for _, method in ipairs { "PATCH", "DELETE" } do
      local path = TASKS .. "/00000000-0000-4000-8000-000000000000"
      assert.equal("403 csrf", code(client:request(method, path, {}, { Origin = "http://evil.example" })))
    end
  end)

  it("is refused before the 422 of its body, and reading is not", function()
    local client = signed_in()
    assert.equal("403 csrf", code(client:request("POST", TASKS, { nonsense = 1 }, { Origin = "http://evil.example" })))
    assert.equal("200", code(client:request("GET", TASKS, nil, { Origin = "http://evil.example" })))
  end)

  it("needs none of it with a bearer token, which no browser sends on its own", function()
    local client, token = signed_in()
    local headers = { Authorization = "Bearer " .. token }
    assert.equal("201", code(test.post(TASKS, { title = "a" }, { headers = headers })))
    headers.Origin = "http://evil.example"
    assert.equal("201", code(client:request("POST", TASKS, { title = "a" }, headers)))
  end)
end)
