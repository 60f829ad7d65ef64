local rate_limit = require "neap.rate_limit"
local rate_text = require "neap.rate_limit.text"
local settings = require "neap.settings"

describe("the text of a limit", function()
  it("is requests, a unit, and who is counted", function()
    assert.same({ limit = 100, per = 60, key = "user" }, (rate_text.parse "100/min/user"))
    assert.same({ limit = 5, per = 60, key = "ip+email" }, (rate_text.parse "5/minute/ip+email"))
    assert.same({ limit = 1, per = 1 }, (rate_text.parse "1/s"))
    assert.same({ limit = 10, per = 3600 }, (rate_text.parse "10/h"))
    assert.same({ limit = 10, per = 86400 }, (rate_text.parse "10/day"))
    assert.is_false((rate_text.parse "off"))
  end)

  it("is nothing else", function()
    for _, text in ipairs {
      "", "100", "100/", "100/min/", "0/min", "-1/min", "1.5/min", "100/fortnight", "100 / min", "min/100",
      "100/min/user/ip",
      "1000000001/s", "99999999999999999999/s", "OFF", "100/min/user ",
    } do
      local limit, problem = rate_text.parse(text)
      assert.is_nil(limit, text)
      assert.is_string(problem)
    end
  end)

  it("is a setting that is wrong before the service starts", function()
    for name, text in pairs {
      RATE_LIMIT_DEFAULT = "many", RATE_LIMIT_LOGIN = "5/min/user",
    } do
      local ok, err = pcall(settings.resolve, settings.define {}, { environment = { [name] = text } }, "tool")
      assert.is_false(ok)
      assert.matches(name .. ": must ", err.problems[1], 1, true)
    end
    local config = settings.resolve(settings.define {}, { environment = { RATE_LIMIT_DEFAULT = "off" } }, "tool")
    assert.equal("off", config.RATE_LIMIT_DEFAULT)
    assert.equal("5/min/ip+email", config.RATE_LIMIT_LOGIN)
  end)
end)

describe("the limit of a route", function()
  it("is text, a table, a list of both, or false", function()
    for _, spec in ipairs {
      "100/min", "5/h/ip", "off", { limit = 5, per = 60 }, { limit = 5, per = 0.5, key = "ip", burst = 2, name = "mail" },
      { limit = 5, per = 60, key = function() end }, { "5/min/ip", { limit = 5, per = 60 } },
    } do
      assert.is_nil(rate_limit.problem(spec))
    end
    assert.is_nil(rate_limit.problem(false))
  end)

  it("is nothing else", function()
    for _, spec in ipairs {
      true, 5, {}, "5/min/email", { limit = 5 }, { limit = 0, per = 1 }, { limit = 1.5, per = 1 }, { limit = 1, per = 0 },
      { limit = 1, per = 1, key = "email" }, { limit = 1, per = 1, burst = 0 }, { limit = 1, per = 1, window = 1 },
      { limit = 1, per = 1, name = 'a"b' }, { "1/s", "1/s", "1/s", "1/s", "1/s" },
    } do
      assert.is_string(rate_limit.problem(spec), tostring(spec))
    end
  end)
end)

describe("rate_limit.check", function()
  local function attempts(n, ...)
    for _ = 1, n do
      rate_limit.check(...)
    end
  end

  it("raises 429 and says when to come back", function()
    attempts(2, "spec", "ann", "2/h")
    local ok, err = pcall(rate_limit.check, "spec", "ann", "2/h")
    assert.is_false(ok)
    assert.equal(429, err.status)
    assert.equal("too_many_requests", err.code)
    local seconds = tonumber(err.headers["Retry-After"])
    assert.is_true(seconds > 1700 and seconds <= 1800)
  end)

  it("counts names and keys apart", function()
    attempts(2, "spec", "ann", "2/h")
    attempts(2, "spec", "bob", "2/h")
    attempts(2, "other", "ann", "2/h")
    assert.is_false(pcall(rate_limit.check, "other", "ann", "2/h"))
  end)

  it("starts afresh in each spec", function()
    attempts(2, "spec", "ann", "2/h")
  end)

  it("does nothing when the limit is off, and says when it is no limit", function()
    attempts(100, "spec", "ann", "off")
    assert.has_error(function()
      rate_limit.check("spec", "ann", "often")
    end, "rate_limit.check: the limit must be like 100/min/user, 5/h/ip or off")
  end)
end)
