-- Waits pass through everything that Lua code is written with; where they can't, the error says what is in the way.
local core = require "neap.core"
local test = require "neap.test"

test.no_transaction()

describe("a wait", function()
  it("passes a coroutine of the handler's own", function()
    local seen = {}
    local next_number = coroutine.wrap(function()
      for i = 1, 3 do
        core.sleep(0.001)
        coroutine.yield(i)
      end
      return "end"
    end)
    for _ = 1, 4 do seen[#seen + 1] = next_number() end
    assert.same({ 1, 2, 3, "end" }, seen)
  end)

  it("passes coroutines inside each other and coroutine.resume", function()
    local outer = coroutine.create(function(a)
      local inner = coroutine.create(function(b)
        core.sleep(0.001)
        local c = coroutine.yield(b + 1)
        core.sleep(0.001)
        return c * 2
      end)
      local _, first = coroutine.resume(inner, a)
      local _, second = coroutine.resume(inner, first)
      return second
    end)
    assert.same({ true, 4 }, { coroutine.resume(outer, 1) })
    assert.equal("dead", coroutine.status(outer))
  end)

  it("passes pcall, xpcall, metamethods, iterators and close variables", function()
    local order = {}
    local value = setmetatable({}, {
      __index = function(_, k) core.sleep(0.001) return k end,
      __add = function() core.sleep(0.001) return "sum" end,
      __close = function() core.sleep(0.001) order[#order + 1] = "closed" end,
    })
    assert.same({ true, "field" }, { pcall(function() return value.field end) })
    assert.same({ true, "sum" }, { xpcall(function() return value + 1 end, debug.traceback) })
    do local _ <close> = value end
    assert.same({ "closed" }, order)
    for i in function(_, last) core.sleep(0.001) return (last or 0) < 2 and (last or 0) + 1 or nil end do
      order[#order + 1] = i
    end
    assert.same({ "closed", 1, 2 }, order)
  end)

  it("carries an error through pcall with its value", function()
    local boom = { code = 7 }
    local ok, err = pcall(function() core.sleep(0.001) error(boom) end)
    assert.is_false(ok)
    assert.equal(boom, err)
  end)

  it("hands xpcall's handler the error and its level", function()
    local ok, trace = xpcall(function() core.sleep(0.001) error("boom") end, debug.traceback)
    assert.is_false(ok)
    assert.truthy(trace:find("waiting_spec.lua:%d+: boom"))
  end)

  it("names the function and the line where it is impossible", function()
    local function inside(f)
      local ok, err = pcall(f)
      assert.is_false(ok)
      return tostring(err)
    end
    local err = inside(function()
      table.sort({ 2, 1 }, function(a, b) core.sleep(0) return a < b end)
    end)
    assert.truthy(err:find("'sleep' cannot wait inside 'sort'", 1, true), err)
    assert.truthy(err:find("waiting_spec.lua:%d+:"), err)
    err = inside(function() return (("x"):gsub("x", function() core.sleep(0) end)) end)
    assert.truthy(err:find("inside 'gsub'", 1, true), err)
    err = inside(function()
      table.sort({ 2, 1 }, function(a, b) coroutine.wrap(function() core.sleep(0) end)() return a < b end)
    end)
    assert.truthy(err:find("cannot wait inside", 1, true), err)
  end)
end)

describe("coroutines stay as Lua has them", function()
  it("resume reports errors and dead coroutines", function()
    local co = coroutine.create(function() error("x", 0) end)
    assert.same({ false, "x" }, { coroutine.resume(co) })
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end)

  it("wrap raises with the position added and closes the coroutine", function()
    local closed = false
    local f = coroutine.wrap(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      error("inner")
    end)
    local ok, err = pcall(f)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("inner"))
    assert.is_true(closed)
  end)

  it("resuming the running one or a parent is refused", function()
    local me = coroutine.running()
    assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(me) })
    local answer
    coroutine.wrap(function() answer = { coroutine.resume(me) } end)()
    assert.same({ false, "cannot resume non-suspended coroutine" }, answer)
  end)
end)

describe("the memory of a command", function()
  it("is that of the process, not of a handler: what it gathers over many waits counts from the last one", function()
    local kept, each, bytes = {}, 20 << 20, 0
    for i = 1, 6 do -- 120 MiB, which is more than HANDLER_HEAP
      kept[i] = ("x"):rep(each)
      bytes = bytes + #kept[i]
      core.sleep(0.001)
    end
    assert.equal(6 * each, bytes)
  end)
end)
