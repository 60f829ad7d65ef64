local args = require "neap.tool.args"

local function command(more)
  local spec = {
    name = "thing",
    summary = "does a thing",
    usage = { "neap thing [--name NAME] [PATH]" },
    flags = {
      name = { value = "NAME", help = "what it is called" },
      loud = { help = "say more" },
      tag = { value = "TAG", help = "may be given again", many = true },
    },
  }
  for key, value in pairs(more or {}) do
    spec[key] = value
  end
  return args.command(spec)
end

local function wrong(cmd, ...)
  local argv = { ... }
  local ok, err = pcall(function() cmd:parse(argv) end)
  assert.is_false(ok)
  assert.equal(64, err.code)
  return err.message:match "^[^\n]*"
end

describe("a command line", function()
  it("has flags with and without values, and positions", function()
    local flags, positions = command():parse { "a", "--name", "x", "--loud", "b", "--tag=1", "--tag", "2" }
    assert.same({ name = "x", loud = true, tag = { "1", "2" } }, flags)
    assert.same({ "a", "b" }, positions)
  end)

  it("keeps what looks like a flag after --, and - as it is", function()
    local flags, positions = command():parse { "-", "--", "--loud" }
    assert.same({}, flags)
    assert.same({ "-", "--loud" }, positions)
  end)

  it("takes a value with = in it, also an empty one", function()
    assert.equal("a=b", command():parse({ "--name=a=b" }).name)
    assert.equal("", command():parse({ "--name=" }).name)
  end)

  it("that is wrong ends with 64 and says what is", function()
    assert.equal("unknown option --nmae", wrong(command(), "--nmae", "x"))
    assert.equal("unknown option -x", wrong(command(), "-x"))
    assert.equal("--name wants NAME", wrong(command(), "--name"))
    assert.equal("--loud takes no value", wrong(command(), "--loud=1"))
    assert.equal("too many arguments: b", wrong(command { max = 1 }, "a", "b"))
  end)

  it("hands on what it does not know when it is told to", function()
    local flags, positions = command { rest = true }:parse { "spec/a", "--filter=x", "--loud" }
    assert.same({ loud = true }, flags)
    assert.same({ "spec/a", "--filter=x" }, positions)
  end)
end)

describe("--help", function()
  it("tells the usage and every flag", function()
    assert.is_true(command():parse({ "-h" }).help)
    local text = command():help_text()
    for _, part in ipairs { "neap thing: does a thing", "usage: neap thing", "--name NAME", "say more" } do
      assert.matches(part, text, 1, true)
    end
  end)
end)

describe("an error", function()
  it("of the configuration is 78 and has every problem on a line", function()
    local problems = { problems = { "A: is required", "B: is required" } }
    setmetatable(problems, { __name = "neap.settings.problems" })
    local text, code = args.explain(problems)
    assert.equal(78, code)
    assert.equal("the configuration is not complete:\n  A: is required\n  B: is required", text)
  end)

  it("of the command itself has the code that it was given", function()
    local _, err = pcall(args.fail, "no", 3)
    local text, code = args.explain(err)
    assert.same({ "no", 3 }, { text, code })
  end)
end)
