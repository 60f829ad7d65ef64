--- Passwords as handlers use them: hashed beside the loop, by a line that has an end.
local core = require "neap.core"
local errors = require "neap.errors"
local password = require "neap.password"

--- What fn raised as an answer: its status, and the first field that it names.
local function refused(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  local answer = errors.map(err)
  return answer.status, answer.details and answer.details[1].field, answer.details and answer.details[1].code
end

describe("a password", function()
  it("is verified by its hash", function()
    local hash = password.hash "correct horse"
    assert.matches("^%$2b%$12%$", hash)
    assert.equal(60, #hash)
    assert.same({ true, false }, { password.verify("correct horse", hash) })
    assert.same({ false, false }, { password.verify("wrong horse", hash) })
  end)

  it("is to be hashed anew when its hash is of an old cost, and only when it is right", function()
    local old = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    assert.same({ true, true }, { password.verify("U*U", old) })
    assert.same({ false, false }, { password.verify("U*V", old) })
  end)

  it("over 72 bytes or with NUL is a mistake of the client", function()
    assert.same({ 422, "body.password", "too_long" }, { refused(password.hash, ("a"):rep(73)) })
    assert.same({ 422, "body.password", "too_long" }, { refused(password.dummy, ("a"):rep(73)) })
    assert.same({ 422, "body.password", "invalid" }, { refused(password.verify, "a\0b", password.hash "a") })
    assert.equal(60, #password.hash(("a"):rep(72)))
  end)

  it("never fits the hash of nobody", function()
    assert.is_false(password.dummy "correct horse")
  end)

  it("is not compared with what is no hash", function()
    assert.equal(500, (refused(password.verify, "a", "plain text")))
  end)
end)

describe("the line of passwords", function()
  it("is bounded, tells when to come again, and works on", function()
    local done, full, retry = 0, 0, nil
    local waiting = 0
    for _ = 1, 40 do
      core.spawn(function()
        waiting = waiting + 1
        local hash, why, seconds = core.password_hash("x", 4)
        waiting = waiting - 1
        if hash then
          done = done + 1
        else
          assert(why == "full")
          full, retry = full + 1, seconds
        end
      end, "hash")
    end
    repeat
      core.sleep(0.01)
    until done + full == 40
    assert.equal(0, waiting)
    assert.is_true(full > 0 and done >= 32)
    assert.is_true(math.type(retry) == "integer" and retry >= 1)
    assert.equal(60, #core.password_hash("x", 4))
  end)

  it("lets those go who give up, the one that is being hashed when it is done", function()
    local before, ids, finished = core.counts().tasks, {}, 0
    for i = 1, 6 do
      ids[i] = core.spawn(function()
        core.password_hash("x", 8)
        finished = finished + 1
      end, "hash")
    end
    core.sleep(0.005)
    for _, id in ipairs(ids) do
      core.cancel(id)
    end
    while core.counts().tasks > before do
      core.sleep(0.01)
    end
    assert.is_true(finished < 6)
    assert.equal(60, #core.password_hash("x", 4))
  end)
end)
