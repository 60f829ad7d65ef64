--- What the spec of ownership needs to know of the application: how a row of each kind is made, and what no schema says.
--- A new kind of row wants a line here; the spec says which.
local config = require "config"
local db = require "neap.db"
local test = require "neap.test"

local M = {}

local API = config.API_V1_PREFIX

local function post(path, body, user)
  local res = test.post(API .. path, body, { as = user })
  assert(res.status >= 200 and res.status < 300, ("POST %s as %s: %d %s"):format(path, user.email, res.status, res.body))
  return res.json
end

--- One that runs.
function M.sandbox(user)
  local body = { agent_id = M.rows.agents(user).id, task_id = M.rows.tasks(user).id }
  local id = post("/sandboxes", body, user).id
  db.exec("update sandboxes set status = 'running' where id = $1", id)
  return id
end

--- By the words of the path in front of its first parameter: function(user) that makes a row and gives the values of the
--- path's parameters.
M.rows = {
  agents = function(user)
    return { id = post("/agents", { name = "An agent", role = "builder" }, user).id }
  end,
  tasks = function(user)
    return { id = post("/tasks", { title = "A task" }, user).id }
  end,
  sandboxes = function(user)
    return { id = M.sandbox(user) }
  end,
  ["git-operations"] = function(user)
    return { id = post(("/sandboxes/%s/git-operations"):format(M.sandbox(user)), { operation_type = "clone" }, user).id }
  end,
  labs = function(user)
    return { id = post("/labs", { recipe_id = M.shared.recipes().id }, user).id }
  end,
  conversations = function(user)
    return { id = post("/conversations", { title = "A conversation" }, user).id }
  end,
  ["auth/sessions"] = function(user)
    return { family_id = require "neap.sessions" { ttl = 60, grace = 0 }.open(user.id).family_id }
  end,
}

--- Kinds that belong to nobody: everybody may see them, or only who has a role. function(user), as above.
M.shared = {
  recipes = function()
    return db.one("insert into recipes (name, software) values (gen_random_uuid()::text, 'bash') returning id")
  end,
  users = function(user)
    return { id = user.id }
  end,
}

--- By the name of a field of a body: the kind of row that it names.
M.fields = { agent_id = "agents", assigned_agent_id = "agents", task_id = "tasks", sandbox_id = "sandboxes",
  recipe_id = "recipes" }

--- Bodies that a schema cannot tell, by "METHOD /path": function(user).
M.bodies = {
  ["POST /labs"] = function()
    return { recipe_id = M.shared.recipes().id }
  end,
  ["POST /sandboxes"] = function(user)
    return { agent_id = M.rows.agents(user).id, task_id = M.rows.tasks(user).id }
  end,
  ["POST /agents/{id}/start-task"] = function(user)
    return { task_id = M.rows.tasks(user).id }
  end,
  ["POST /tasks/{id}/assign"] = function(user)
    return { agent_id = M.rows.agents(user).id }
  end,
  ["PATCH /auth/me"] = function()
    return { display_name = "Ann" }
  end,
}

--- Routes whose answer is no JSON that ends, and the spec that shows them.
M.elsewhere = { ["GET /sse"] = "spec/e2e/sse_spec.lua" }

return M
