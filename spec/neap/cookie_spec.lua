local cookie = require "neap.cookie"

describe("a cookie", function()
  it("is kept from script and from other sites unless told otherwise", function()
    assert.equal("a=b; Path=/; HttpOnly; SameSite=Lax", cookie("a", "b"))
    assert.equal("a=; Path=/x; Domain=example.com; Max-Age=0; Secure; SameSite=None",
      cookie("a", "", {
        path = "/x", domain = "example.com", max_age = 0, secure = true, http_only = false, same_site = "None",
      }))
  end)

  it("that could not be read back, or would say more than it should, is refused", function()
    local function refused(...)
      local ok, said = pcall(cookie, ...)
      assert.is_false(ok)
      return said
    end
    for _, name in ipairs { "", "a b", "a=b", "a;b", "\u{e9}" } do
      assert.matches("the name is not a token", refused(name, "x"))
    end
    for _, value in ipairs { "a b", "a;b", "a,b", 'a"b', "a\\b", "a\r\nSet-Cookie: x=y", "\u{e9}", "a\0" } do
      assert.matches("the value of a has a character", refused("a", value))
    end
    assert.matches("path has a character", refused("a", "b", { path = "/; Secure" }))
    assert.matches("domain has a character", refused("a", "b", { domain = "a\nb" }))
    assert.matches('no option "httponly"', refused("a", "b", { httponly = true }))
    assert.matches("max_age must be an integer", refused("a", "b", { max_age = 1.5 }))
    assert.matches("same_site must be", refused("a", "b", { same_site = "lax" }))
    assert.matches("needs secure", refused("a", "b", { same_site = "None" }))
  end)
end)
