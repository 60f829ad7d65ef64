--- Two users and every route of the application: what is the one's does not exist for the other. The routes are those that
--- are there, so a new one is held against this on the day that it is written; spec/support/ownership.lua has what it needs.
local boot = require "neap.boot"
local config = require "config"
local core = require "neap.core"
local known = require "spec.support.ownership"
local route_schemas = require "neap.route.schemas"
local sample = require "spec.support.sample"
local test = require "neap.test"

local routes = {}

-- "METHOD /path" below the API's prefix; other routes are nobody's.
local function name_of(method, path)
  local below = path:sub(1, #config.API_V1_PREFIX + 1) == config.API_V1_PREFIX .. "/" and path:sub(#config.API_V1_PREFIX + 1)
  return method .. " " .. (below or path)
end

for _, route in ipairs(boot.load("tool"):routes()) do
  if route.opts.auth then
    local body = route_schemas.body_of(route.opts)
    routes[#routes + 1] = {
      name = name_of(route.method, route.path),
      method = route.method,
      path = route.path,
      auth = route.opts.auth,
      body = body and body:node(),
    }
  end
end

local function below_prefix(route)
  return route.name:match "^%S+ /(.-)/{"
end

-- Makes a row of the kind that a path is about.
local function row_for(route, user)
  local kind = below_prefix(route)
  if kind == nil then
    return nil
  end
  local make = known.rows[kind] or known.shared[kind]
    or error(("spec/support/ownership.lua: rows has no %q, for %s"):format(kind, route.name), 0)
  return make(user)
end

local function path_with(route, params)
  return (route.path:gsub("{([%w_]+)}", function(name)
    return params[name] or error(("spec/support/ownership.lua: the row gives no %s, for %s"):format(name, route.name), 0)
  end))
end

local function body_for(route, user)
  if known.bodies[route.name] then
    return known.bodies[route.name](user)
  end
  return route.body and sample.of(route.body)
end

local function ask(route, params, body, user)
  return test.request { method = route.method, path = path_with(route, params or {}), json = body, as = user }
end

local function show(route, res)
  return ("%s answered %d %s"):format(route.name, res.status, res.body)
end

-- Fields of the body that name rows, with the kind of each.
local function references(route)
  local list = {}
  for _, field in ipairs(route.body and route.body.fields or {}) do
    if field.node.kind == "uuid" or field.name:find "_id$" then
      local kind = known.fields[field.name]
        or error(("spec/support/ownership.lua: fields has no %q, for %s"):format(field.name, route.name), 0)
      list[#list + 1] = { name = field.name, kind = kind }
    end
  end
  return list
end

describe("of two users", function()
  local ann, ben

  before_each(function()
    ann, ben = test.user(), test.user()
  end)

  it("every route that wants one is looked at", function()
    local seen = {}
    for _, route in ipairs(routes) do
      seen[route.method .. " " .. route.path] = true
    end
    for _, route in ipairs(core.routes()) do
      assert(not route.auth or seen[route.method .. " " .. route.pattern], route.pattern)
    end
    assert.is_true(#routes > 3)
  end)

  for _, route in ipairs(routes) do
    if known.elsewhere[route.name] then
      goto continue
    elseif route.auth ~= "user" then
      it(("neither may use %s"):format(route.name), function()
        local res = ask(route, row_for(route, ann), body_for(route, ben), ben)
        assert.equal(403, res.status, show(route, res))
      end)
    elseif below_prefix(route) and not known.shared[below_prefix(route)] then
      it(("%s is 404 with the other's row, and not with one's own"):format(route.name), function()
        local params = row_for(route, ann)
        local res = ask(route, params, body_for(route, ben), ben)
        assert.equal(404, res.status, show(route, res))
        res = ask(route, params, body_for(route, ann), ann)
        assert.is_true(res.status < 300 or res.status == 409, show(route, res))
      end)
    elseif route.method == "GET" then
      it(("%s has nothing of the other's"):format(route.name), function()
        local values = {}
        for _, make in pairs(known.rows) do
          for _, value in pairs(make(ann)) do
            values[#values + 1] = value
          end
        end
        local res = ask(route, row_for(route, ann), nil, ben)
        assert.equal(200, res.status, show(route, res))
        for _, value in ipairs(values) do
          assert.is_nil(res.body:find(value, 1, true), show(route, res))
        end
        assert.is_nil(res.body:find(ann.id, 1, true), show(route, res))
      end)
    end
    for _, field in ipairs(route.auth == "user" and references(route) or {}) do
      if not known.shared[field.kind] then
        it(("%s is 404 when %s is the other's"):format(route.name, field.name), function()
          local params = row_for(route, ben)
          local body = body_for(route, ben)
          body[field.name] = known.rows[field.kind](ann).id
          local res = ask(route, params, body, ben)
          assert.equal(404, res.status, show(route, res))
        end)
      end
    end
    ::continue::
  end
end)
