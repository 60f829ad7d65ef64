--- neap user: accounts from the command line. This is how the first administrator comes to be: over HTTP only one who is
--- there already can make another.
local args = require "neap.tool.args"
local core = require "neap.core"
local core_os = require "neap.core.os"
local terminal = require "neap.tool.terminal"
local tool_database = require "neap.tool.database"

local M = {}

local command = args.command {
  name = "user",
  summary = "make accounts, set their passwords and roles, sign for them",
  usage = {
    "neap user create EMAIL [--role user|service|admin] [--password-stdin]",
    "neap user password EMAIL [--password-stdin]",
    "neap user role EMAIL user|service|admin",
    "neap user token EMAIL [--ttl SECONDS]",
    "neap user list [--json]",
  },
  flags = {
    role = { value = "ROLE", help = "create: user, service or admin; user" },
    ["password-stdin"] = { help = "take the password from stdin, one line" },
    ttl = { value = "SECONDS", help = "token: how long it is good for; ACCESS_TOKEN_TTL" },
    json = { help = "list: as a JSON array" },
  },
  max = 3,
  help = [[
Without --password-stdin a password is made up and printed, once. Another password ends all sessions of the account; another
role holds from the next refresh on, within ACCESS_TOKEN_TTL. `token` prints an access token, for a worker or for curl.]],
}

local ROLES = { user = true, service = true, admin = true }

-- What bcrypt takes; the lower end is that of registering.
local PASSWORD_MIN, PASSWORD_BYTES_MAX = 12, 72
-- 120 bits.
local MADE_UP_BYTES = 15

local function check_role(role)
  if not ROLES[role] then
    command:wrong("%s is not user, service or admin", tostring(role))
  end
  return role
end

local function read_password()
  local text = core_os.readline ""
  if text == nil or (utf8.len(text) or #text) < PASSWORD_MIN or #text > PASSWORD_BYTES_MAX then
    args.fail(("a password has at least %d characters and at most %d bytes"):format(PASSWORD_MIN, PASSWORD_BYTES_MAX))
  end
  return text
end

-- The hash, and the password when nobody but us knows it.
local function new_password(flags)
  local password = require "neap.password"
  if flags["password-stdin"] then
    return password.hash(read_password())
  end
  local text = core.hex(core.random(MADE_UP_BYTES))
  return password.hash(text), text
end

local function tell(email, made_up)
  if made_up then
    terminal.note("password of ", email, ", shown this once:")
    terminal.line(made_up)
  end
end

local function find(db, email)
  return db.one("select id, email, role, is_active from users where email = $1", email)
    or args.fail(("there is no user %s"):format(email))
end

local function end_sessions(id)
  -- Nothing is opened or rotated here, so neither duration matters.
  require "neap.sessions" { ttl = 1, grace = 0 }.close_all(id)
end

local actions = {}

function actions.create(db, email, flags)
  local role = check_role(flags.role or "user")
  if db.one("select 1 as yes from users where email = $1", email) then
    args.fail(("there is a user %s already; `neap user role` changes what they may do"):format(email))
  end
  local hash, made_up = new_password(flags)
  local ok, problem = pcall(db.exec, "insert into users (email, password_hash, role) values ($1, $2, $3)", email, hash, role)
  if not ok and problem.constraint == "users_email_format" then
    args.fail(("%s is not an e-mail address"):format(email))
  elseif not ok then
    error(problem, 0)
  end
  terminal.note(("made the %s %s"):format(role, email))
  tell(email, made_up)
end

function actions.password(db, email, flags)
  local user = find(db, email)
  local hash, made_up = new_password(flags)
  db.tx(function()
    db.exec("update users set password_hash = $2 where id = $1", user.id, hash)
    end_sessions(user.id)
  end)
  tell(email, made_up)
end

function actions.role(db, email, _, role)
  check_role(role)
  db.exec("update users set role = $2 where id = $1", find(db, email).id, role)
  terminal.note(("%s is %s now"):format(email, role))
end

-- The key that the service has: SECRET_KEY, or without one that which `neap dev` made for itself.
local function use_signing_key()
  local config = require("neap.boot").config "tool"
  if config.SECRET_KEY then
    return
  end
  local made = core_os.read_file(core.app_dir .. "/.neap/secret")
  if made == nil then
    args.fail("SECRET_KEY is not set: a token that this signed would be refused by the service", args.CONFIG)
  end
  local problem = require("neap.token").configure(setmetatable({ SECRET_KEY = made }, { __index = config }))
  if problem then
    args.fail(problem, args.CONFIG)
  end
end

function actions.token(db, email, flags)
  use_signing_key()
  local ttl = flags.ttl and math.tointeger(tonumber(flags.ttl)) or not flags.ttl and
    math.ceil(require("neap.boot").config("tool").ACCESS_TOKEN_TTL)
  if not ttl or ttl < 1 then
    command:wrong "--ttl wants a number of seconds"
  end
  local user = find(db, email)
  if not user.is_active then
    args.fail(("%s is not active"):format(email))
  end
  terminal.line(require("neap.token").sign {
    sub = user.id, role = user.role, email = user.email, exp = os.time() + ttl,
  })
end

local function list(db, flags)
  local rows = db.query "select id, email, external_id, role, is_active, created_at from users order by created_at, id"
  if flags.json then
    terminal.line(require("neap.json").encode(rows))
    return
  end
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = {
      row.email or row.external_id, row.role, row.is_active and "active" or "not active", row.created_at, row.id,
    }
  end
  terminal.table({ "user", "role", "may sign in", "since", "id" }, lines)
end

local POSITIONS = { create = 2, password = 2, role = 3, token = 2 }

function M.main()
  return command:run(function(flags, positions)
    local name, email, more = table.unpack(positions)
    if name == "list" then
      return tool_database.with(function()
        list(require "neap.db", flags)
      end)
    elseif actions[name] == nil then
      command:wrong(name and "%s is not create, password, role, token or list" or "what to do?", name)
    elseif #positions ~= POSITIONS[name] then
      command:wrong "wrong number of arguments"
    end
    return tool_database.with(function()
      return actions[name](require "neap.db", email:lower(), flags, more)
    end)
  end)
end

return M
