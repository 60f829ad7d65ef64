--- What a new Workbench begins with: recipes everywhere, and in development somebody to sign in as, with a few things of
--- theirs. May run any number of times; what is there already stays as it is.
local core = require "neap.core"
local db = require "neap.db"
local password = require "neap.password"

local RECIPES = {
  { "Apache path traversal", "apache", ">=2.4.49,<2.4.51", "path-traversal", "A web server that follows encoded dots." },
  { "Log4Shell", "log4j", ">=2.0,<2.15", "deserialization", "A Java service that logs what it is told." },
  { "Heartbleed", "openssl", ">=1.0.1,<1.0.1g", "memory-disclosure", "TLS that answers with more than it was sent." },
  { "Shellshock", "bash", "<4.3.25", "command-injection", "CGI scripts that hand their environment on." },
  { "Forged tokens", "jwt", nil, "authentication", "A service that believes the algorithm that a token names." },
}

local EMAIL = "demo@example.com"
-- 90 bits, in 24 characters.
local PASSWORD_BYTES = 12

local AGENTS = { { "Ada", "coder" }, { "Grace", "reviewer" } }
local TASKS = {
  { "Fix the flaky login test", "high" }, { "Write the release notes", "medium" }, { "Tidy up the README", "low" },
}

local function add_recipes()
  local added = 0
  for _, recipe in ipairs(RECIPES) do
    added = added + db.exec([[insert into recipes (name, software, version_constraint, exploit_family, description)
      values ($1, $2, $3, $4, $5) on conflict (lower(name)) do nothing]], table.unpack(recipe, 1, 5))
  end
  return added
end

local function add_demo_user()
  if db.one("select 1 as there from users where email = $1", EMAIL) then
    return nil
  end
  local secret = core.hex(core.random(PASSWORD_BYTES))
  local user = db.one([[insert into users (email, password_hash, display_name) values ($1, $2, 'Demo')
    on conflict (email) where email is not null do nothing returning id]], EMAIL, password.hash(secret))
  return user and user.id, secret
end

local function add_things(user_id)
  for _, agent in ipairs(AGENTS) do
    db.exec("insert into agents (owner_id, name, role) values ($1, $2, $3)", user_id, agent[1], agent[2])
  end
  for _, task in ipairs(TASKS) do
    db.exec("insert into tasks (user_id, title, priority) values ($1, $2, $3)", user_id, task[1], task[2])
  end
end

---@param config table
---@param say fun(text: string)  what was done, a line each
return function(config, say)
  db.tx(function()
    local recipes = add_recipes()
    if recipes > 0 then
      say(("added %d recipes"):format(recipes))
    end
    if config.ENVIRONMENT ~= "development" then
      return
    end
    local id, secret = add_demo_user()
    if id then
      add_things(id)
      say(("made the user %s with the password %s"):format(EMAIL, secret))
    end
  end)
end
