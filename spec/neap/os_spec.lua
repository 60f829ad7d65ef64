--- What commands and specs may ask of the machine, from Lua. The corners are in spec/core/script.
local core = require "neap.core"
local sys = require "neap.core.os"

local folder

before_each(function()
  folder = assert(sys.tempdir "neap-os-")
end)

after_each(function()
  assert(sys.remove(folder, { recursive = true }))
end)

local function took(fn, ...)
  local start = core.monotonic()
  fn(...)
  return core.monotonic() - start
end

describe("files", function()
  it("are written whole or not at all, and read back", function()
    local path = folder .. "/file"
    assert(sys.write_file(path, "text\0more", tonumber("600", 8)))
    assert.equal("text\0more", sys.read_file(path))
    assert.equal(tonumber("600", 8), sys.stat(path).mode)
    assert.equal(1, #sys.list(folder))
  end)

  it("that are not there give nil, a reason and the errno", function()
    local text, why, code = sys.read_file(folder .. "/none")
    assert.is_nil(text)
    assert.equal(folder .. "/none: No such file or directory", why)
    assert.equal(2, code)
    assert.is_nil(sys.stat(folder .. "/none"))
  end)

  it("of a whole tree go at once when told to", function()
    assert(sys.mkdir(folder .. "/a/b/c"))
    assert.is_nil((sys.remove(folder .. "/a")))
    assert(sys.remove(folder .. "/a", { recursive = true }))
    assert.same({}, sys.list(folder))
  end)
end)

describe("processes", function()
  it("run to their end, with what they said", function()
    local code, out, err = sys.exec { "sh", "-c", "cat; echo problem >&2; exit 4", stdin_data = "in" }
    assert.same({ 4, "in", "problem\n" }, { code, out, err })
  end)

  it("are talked to while they run", function()
    local proc <close> = sys.spawn { "cat", stdin = "pipe" }
    for _, word in ipairs { "one\n", "two\n" } do
      proc:write(word)
      assert.equal(word, proc:read_until "\n")
    end
    proc:close_stdin()
    assert.equal(0, (proc:wait(5)))
  end)

  it("are given up on in time", function()
    local proc <close> = sys.spawn { "sleep", "60" }
    assert.is_true(took(function()
      assert.same({ nil, "timeout" }, { proc:wait(0.1) })
    end) < 2)
    proc:kill "KILL"
    assert.same({ 137, 9 }, { proc:wait(5) })
  end)

  it("that cannot start are an error with their name", function()
    assert.has_error(function()
      sys.exec { "neap-has-no-such-program" }
    end, "neap-has-no-such-program: no such file or directory")
  end)

  it("run beside each other", function()
    local elapsed = took(function()
      local procs = {}
      for i = 1, 5 do
        procs[i] = sys.spawn { "sleep", "0.3" }
      end
      for _, proc in ipairs(procs) do
        assert.equal(0, (proc:wait(5)))
      end
    end)
    assert.is_true(elapsed < 1.2, elapsed)
  end)
end)

describe("sockets", function()
  it("are connected, read by length and by text, and closed", function()
    local listener <close> = sys.listen(0)
    local client <close> = assert(sys.tcp("127.0.0.1", listener.port))
    local server <close> = assert(listener:accept())
    client:write "GET / HTTP/1.1\r\n\r\nbody"
    assert.equal("GET / HTTP/1.1\r\n\r\n", server:read_until "\r\n\r\n")
    assert.equal("bo", server:read(2))
    client:shutdown()
    assert.same({ nil, "eof", "dy" }, { server:read(3) })
  end)

  it("give up after their timeout", function()
    local listener <close> = sys.listen(folder .. "/socket")
    local client <close> = assert(sys.unix(folder .. "/socket"))
    local server <close> = assert(listener:accept())
    client.timeout, server.timeout = 0.1, 0.1
    assert.same({ nil, "timeout" }, { client:read() })
    assert.same({ nil, "timeout" }, { server:read() })
  end)

  it("leave no handle behind", function()
    local before = core.counts().handles
    for _ = 1, 10 do
      local listener <close> = sys.listen(0)
      local client <close> = assert(sys.tcp("127.0.0.1", listener.port))
      listener:accept():reset()
      assert.equal("connection reset by peer", select(2, client:read()))
      sys.exec { "true" }
    end
    core.sleep(0.1)
    assert.equal(before, core.counts().handles)
  end)
end)

describe("a lock", function()
  it("is held by one at a time, and let go with its block", function()
    local path = folder .. "/lock"
    do
      local lock <close> = assert(sys.lock(path))
      assert.is_not_nil(lock)
      assert.same({ nil, "timeout" }, { sys.lock(path, 0.1) })
    end
    assert(sys.lock(path, 0)):unlock()
  end)
end)
