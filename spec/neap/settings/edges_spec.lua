local edges = require "neap.settings.edges"

describe("an origin", function()
  it("is a scheme, a host, and a port that is not the usual one", function()
    for _, origin in ipairs {
      "http://localhost:3000", "https://app.example.com", "https://app.example.com:8443", "http://127.0.0.1:5173",
      "http://[::1]:3000", "http://[::1]", "chrome-extension://abcdefgh", "http://xn--bcher-kva.example",
    } do
      assert.is_nil(edges.origin_problem(origin), origin)
    end
  end)

  it("is nothing else", function()
    for _, origin in ipairs {
      "*", "null", "", "localhost", "https://", "https://app.example.com/", "https://app.example.com/x",
      "https://APP.example.com",
      "https://app.example.com:443", "http://app.example.com:80", "http://app.example.com:", "https://a b",
      "https://u@app.example.com", "https://*.example.com", "https://" .. ("a"):rep(250),
    } do
      assert.is_string(edges.origin_problem(origin), origin)
    end
  end)
end)

describe("a network", function()
  it("is an address or a prefix without bits behind it", function()
    assert.is_nil(edges.network_problem "10.0.0.0/8")
    assert.is_nil(edges.network_problem "::1")
    assert.is_string(edges.network_problem "10.0.0.1/8")
    assert.is_string(edges.network_problem "proxy.internal")
  end)
end)
