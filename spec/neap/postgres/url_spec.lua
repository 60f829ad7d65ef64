local database_url = require "neap.postgres.url"

describe("a database URL", function()
  it("can name another database of the same server", function()
    for url, expected in pairs {
      ["postgresql://me:pw@host:5432/app"] = "postgresql://me:pw@host:5432/other",
      ["postgres://host/app?sslmode=require"] = "postgres://host/other?sslmode=require",
      ["postgresql://me@/app?host=%2Frun"] = "postgresql://me@/other?host=%2Frun",
      ["postgresql:///?dbname=app&host=%2Frun"] = "postgresql:///other?host=%2Frun",
      ["postgresql://host"] = "postgresql://host/other",
    } do
      assert.equal(expected, database_url.with_database(url, "other"))
    end
  end)

  it("tells its database", function()
    assert.equal("my db", database_url.database "postgresql://host/my%20db?x=1")
    assert.equal("app", database_url.database "postgresql://host/?x=1&dbname=app")
    assert.is_nil(database_url.database "postgresql://host/")
  end)

  it("can be shown without its password", function()
    assert.same({ "postgresql://me@host/app", "p@ss" },
      { database_url.without_password "postgresql://me:p%40ss@host/app" })
    assert.same({ "postgresql://me@host/app" }, { database_url.without_password "postgresql://me@host/app" })
  end)
end)
