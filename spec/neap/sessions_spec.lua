--- Refresh tokens against the real table: one use each, families, the grace, and who is told what.
local core = require "neap.core"
local db = require "neap.db"
local neap_sessions = require "neap.sessions"
local test = require "neap.test"

local sessions = neap_sessions { ttl = 3600, grace = 10 }
local strict = neap_sessions { ttl = 3600, grace = 0 }

local user

before_each(function()
  user = test.user().id
end)

local function row_of(token)
  return db.one("select * from refresh_tokens where token_hash = $1", db.bytes(core.sha256(token)))
end

-- Lets time pass for a token that was used.
local function age(token, seconds)
  db.exec("update refresh_tokens set used_at = used_at - make_interval(secs => $2) where token_hash = $1",
    db.bytes(core.sha256(token)), seconds)
end

local function expire(opened)
  db.exec([[update refresh_tokens set issued_at = now() - interval '2 s', expires_at = now() - interval '1 s'
    where family_id = $1]], opened.family_id)
end

describe("a session", function()
  it("is a token that only its client has; the table has its SHA-256 and what the client looked like", function()
    local opened = sessions.open(user, { user_agent = "Browser/1", ip = "2001:db8::1" })
    assert.matches("^%x+$", opened.token)
    assert.equal(64, #opened.token)
    local row = row_of(opened.token)
    assert.equal(opened.family_id, row.family_id)
    assert.same({ "Browser/1", "2001:db8::1" }, { row.user_agent, row.ip })
    assert.equal(0, #db.query("select 1 from refresh_tokens r where r::text like '%' || $1 || '%'", opened.token))
  end)

  it("bears any name of a client, cut to what the column takes", function()
    local names = { ("\u{e9}"):rep(600), "a\xffb", ("x"):rep(600), "a\0b" }
    local kept = { ("\u{e9}"):rep(512), "a?b", ("x"):rep(512), "a?b" }
    for i, name in ipairs(names) do
      assert.equal(kept[i], row_of(sessions.open(user, { user_agent = name }).token).user_agent)
    end
  end)
end)

describe("a token", function()
  it("is good for one use, which gives the next one of the same family", function()
    local first = sessions.open(user)
    local second = sessions.rotate(first.token)
    assert.equal(first.family_id, second.family_id)
    assert.equal(user, second.owner)
    assert.is_false(second.repeated)
    assert.not_equal(first.token, second.token)
    assert.equal(row_of(first.token).id, row_of(second.token).parent_id)
    assert.is_truthy(sessions.rotate(second.token))
  end)

  it("that comes again within the grace gets a sibling, and both go on", function()
    local first = sessions.open(user)
    local second, sibling = sessions.rotate(first.token), sessions.rotate(first.token)
    assert.is_true(sibling.repeated)
    assert.equal(row_of(first.token).id, row_of(sibling.token).parent_id)
    assert.is_truthy(sessions.rotate(second.token))
    assert.is_truthy(sessions.rotate(sibling.token))
  end)

  it("that comes again after the grace revokes its family, and that one only", function()
    local other = sessions.open(user)
    local first = sessions.open(user)
    local second = sessions.rotate(first.token)
    age(first.token, 10.5)
    assert.same({ nil, "reused", user }, { sessions.rotate(first.token) })
    assert.same({ nil, "revoked", user }, { sessions.rotate(second.token) })
    assert.same({ nil, "revoked", user }, { sessions.rotate(first.token) })
    assert.is_truthy(sessions.rotate(other.token))
  end)

  it("that comes again at all revokes its family when the grace is 0", function()
    local first = strict.open(user)
    local second = strict.rotate(first.token)
    assert.same({ nil, "reused", user }, { strict.rotate(first.token) })
    assert.same({ nil, "revoked", user }, { strict.rotate(second.token) })
  end)

  it("that nobody gave out is unknown, and one whose time is over has expired and revokes nothing", function()
    assert.same({ nil, "unknown" }, { sessions.rotate(("0"):rep(64)) })
    assert.same({ nil, "unknown" }, { sessions.rotate "" })
    local opened = sessions.open(user)
    expire(opened)
    assert.same({ nil, "expired", user }, { sessions.rotate(opened.token) })
    assert.is_nil(row_of(opened.token).revoked_at)
  end)
end)

describe("the owner", function()
  it("sees a line for each family that lives, the last used first", function()
    sessions.close(user, sessions.open(user).family_id)
    local old = sessions.open(user, { user_agent = "first", ip = "192.0.2.1" })
    local new = sessions.open(user, { user_agent = "other" })
    sessions.rotate(old.token, { user_agent = "later", ip = "192.0.2.2" })
    sessions.open(test.user().id)
    local page = sessions.list(user, { page = 1, page_size = 1 })
    assert.same({ 2, 1, 1 }, { page.total, page.page, page.page_size })
    assert.same({ old.family_id, "later", "192.0.2.2" },
      { page.items[1].family_id, page.items[1].user_agent, page.items[1].ip })
    assert.equal(new.family_id, sessions.list(user, { page = 2, page_size = 1 }).items[1].family_id)
    local beyond = sessions.list(user, { page = 3, page_size = 1 })
    assert.same({ 0, 2 }, { #beyond.items, beyond.total })
  end)

  it("closes one, all, or all but one, and nobody else's", function()
    local a, b, c = sessions.open(user), sessions.open(user), sessions.open(user)
    local ben = test.user().id
    local theirs = sessions.open(ben)
    assert.is_false(sessions.close(user, theirs.family_id))
    assert.is_true(sessions.close(user, a.family_id))
    assert.is_false(sessions.close(user, a.family_id))
    assert.same({ nil, "revoked", user }, { sessions.rotate(a.token) })
    assert.equal(1, sessions.close_all(user, c.family_id))
    assert.same({ nil, "revoked", user }, { sessions.rotate(b.token) })
    local next = sessions.rotate(c.token)
    assert.is_truthy(next)
    assert.equal(1, sessions.close_all(user))
    assert.same({ nil, "revoked", user }, { sessions.rotate(next.token) })
    assert.is_truthy(sessions.rotate(theirs.token))
  end)
end)

describe("tokens whose time is over", function()
  it("are swept, the others stay", function()
    local old, new = sessions.open(user), sessions.open(user)
    expire(old)
    assert.equal(1, sessions.sweep())
    assert.is_nil(row_of(old.token))
    assert.is_truthy(row_of(new.token))
  end)
end)

describe("a declaration", function()
  it("that cannot be right is refused where it stands", function()
    for problem, spec in pairs {
      ["ttl must be seconds"] = { grace = 0 },
      ["grace must be seconds"] = { ttl = 1, grace = -1 },
      ["table must be the name of a table"] = { ttl = 1, grace = 0, table = 'a"b' },
      ["owner must be the name of a column"] = { ttl = 1, grace = 0, owner = "user id" },
    } do
      local ok, said = pcall(function() neap_sessions(spec) end)
      assert.is_false(ok)
      assert.matches("^spec/neap/sessions_spec%.lua:%d+: neap%.sessions: " .. problem, said)
    end
  end)
end)
