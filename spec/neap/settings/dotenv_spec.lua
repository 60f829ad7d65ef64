local dotenv = require "neap.settings.dotenv"

local function values(text)
  local got, problems = dotenv.parse(text)
  assert.same({}, problems)
  return got
end

local function problem(text)
  local _, problems = dotenv.parse(text)
  assert.equal(1, #problems)
  return problems[1]
end

describe("a .env file", function()
  it("is lines of NAME=VALUE, with comments, blank lines and export", function()
    assert.same({ A = "1", B = "two words", C = "" }, values "# comment\n\nA=1\n  export B = two words  \nC=\n")
  end)

  it("may come from Windows, and need not end with a line break", function()
    assert.same({ A = "1", B = "2" }, values "\xEF\xBB\xBFA=1\r\nB=2")
  end)

  it("keeps a # inside a value, and takes one after a blank for a comment", function()
    assert.same({ A = "pass#word", B = "1", C = "" }, values "A=pass#word\nB=1 # one\nC= # nothing\n")
  end)

  it("knows escapes in double quotes and none in single quotes", function()
    assert.same({ A = "x\ny\t\"q\" \\", B = "x\\n", C = "\\d" }, values [[
A="x\ny\t\"q\" \\"
B='x\n'
C="\d"
]])
  end)

  it("may have line breaks inside quotes", function()
    assert.same({ KEY = "-----BEGIN-----\nabc\n-----END-----", NEXT = "1" },
      values "KEY=\"-----BEGIN-----\nabc\n-----END-----\"\nNEXT=1\n")
  end)

  it("interpolates nothing", function()
    assert.same({ A = "$HOME", B = "${A}", C = "`id`", D = "$(id)" }, values 'A=$HOME\nB="${A}"\nC=`id`\nD="$(id)"\n')
  end)
end)

describe("a mistake in a .env file", function()
  it("is told with its line and without the value", function()
    assert.equal(".env:2: is not NAME=VALUE", problem "A=1\nhunter2\nB=2\n")
    assert.equal(".env:1: is not NAME=VALUE", problem "1A=hunter2\n")
    assert.equal(".env:3: the double quote is not closed", problem 'A="x\ny"\nB="hunter2\n')
    assert.equal(".env:1: the single quote is not closed", problem "A='hunter2\n")
    assert.equal(".env:1: there is something after the closing quote", problem 'A="x"hunter2\n')
    assert.equal(".env:1: has a NUL byte", problem "A=x\0y\n")
  end)

  it("does not hide the lines after it", function()
    local got, problems = dotenv.parse "oops\nA=1\nA=2\nB=3\n"
    assert.same({ A = "1", B = "3" }, got)
    assert.same({ ".env:1: is not NAME=VALUE", ".env:3: A is set again, first in line 2" }, problems)
  end)
end)
