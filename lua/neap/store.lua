--- The statements that every feature needs, from a declaration. No ORM: rows are rows, and whatever is not here is SQL of
--- your own beside it.
---
---     local agents = store {
---       table = "agents", key = "id", owner = "owner_id",
---       columns = { "id", "owner_id", "name", "role", "status", "created_at" },
---       write = { "name", "role" },
---       filters = { "status", q = { column = "name", op = "contains" } },
---       sort = { "created_at", "name" }, default_sort = "-created_at",
---     }
---     agents.create(user.id, { name = "Ann" })        -- the row
---     agents.get(user.id, id)                         -- the row or nil
---     agents.update(user.id, id, { role = "coder" })  -- the row or nil
---     agents.delete(user.id, id)                      -- whether it was there
---     agents.list(user.id, req.query)                 -- { items, total, page, page_size }
---     agents.after(user.id, { sort = "-created_at", limit = 50, cursor = cursor })  -- { items, next_cursor }
---     agents.move(user.id, id, machine:move "paused")  -- the row or nil; see neap.machine
---     agents.lock(user.id, id)                        -- the row or nil, locked until the transaction ends
---
--- Every method takes the owner first, and it is in every WHERE: another's row is no row. `agents.any` has the same methods
--- but create, without an owner, for services and administrators: a grep for `.any.` shows every privileged statement.
local keys = require "neap.base.keys"
local core = require "neap.core"
local db = require "neap.db"
local errors = require "neap.errors"
local json = require "neap.json"
local sql = require "neap.store.sql"

local PAGE_SIZE, PAGE_SIZE_MAX = 20, 100
-- 10,000,000 pages of 100 stay far inside a bigint offset.
local PAGE_MAX = 10000000
local CURSOR_BYTES_MAX = 4096

---@class neap.Store
---@field create fun(owner: any, fields: table): neap.DbRow
---@field get fun(owner: any, key: any): neap.DbRow?
---@field update fun(owner: any, key: any, fields: table, when: table?): neap.DbRow?  when: only if these columns are
---   equal to these values, or one of a list of them
---@field delete fun(owner: any, key: any): boolean
---@field list fun(owner: any, query: table): { items: neap.DbRows, total: integer, page: integer, page_size: integer }
---@field after fun(owner: any, query: table): { items: neap.DbRows, next_cursor: string }  json.null at the end
---@field move fun(owner: any, key: any, move: neap.Move): neap.DbRow?
---@field move_all fun(owner: any, move: neap.Move): neap.DbRows  every row for which move.when holds
---@field lock fun(owner: any, key: any): neap.DbRow?
---@field any table  the same methods without the owner, but create

local function refuse(field, code, message)
  errors.validation { { field = field, code = code, message = message } }
end

local function where_owned(plan, args, owner)
  if plan.owned == nil or owner == nil then
    return {}
  end
  return { plan.owned(args:add(owner)) }
end

local function where_key(plan, args, owner, key)
  local all = where_owned(plan, args, owner)
  all[#all + 1] = plan.key .. " = " .. args:add(key)
  return all
end

local function where_text(all)
  return #all > 0 and " where " .. table.concat(all, " and ") or ""
end

local function check_fields(plan, fields)
  for name in pairs(fields) do
    if plan.writable[name] == nil then
      refuse("body." .. tostring(name), "unknown_field", "is not known here")
    end
  end
end

local function create(plan, owner, fields)
  check_fields(plan, fields)
  local args, names, values = sql.args(), {}, {}
  if plan.owned and plan.owner == nil then
    error(plan.name .. ": a row whose owner is another table's takes an insert of its own", 3)
  elseif plan.owner and owner ~= nil then
    names[1], values[1] = plan.owner, args:add(owner)
  end
  for _, name in ipairs(plan.write) do
    if fields[name] ~= nil then
      names[#names + 1] = plan.writable[name]
      values[#values + 1] = args:add(fields[name])
    end
  end
  local what = #names > 0 and ("(%s) values (%s)"):format(table.concat(names, ", "), table.concat(values, ", "))
    or "default values"
  return db.one(("insert into %s %s returning %s"):format(plan.from, what, plan.selected), table.unpack(args, 1, args.n))
end

local function get(plan, owner, key)
  local args = sql.args()
  local where = where_text(where_key(plan, args, owner, key))
  return db.one(("select %s from %s%s"):format(plan.selected, plan.from, where), table.unpack(args, 1, args.n))
end

local function lock(plan, owner, key)
  local args = sql.args()
  local where = where_text(where_key(plan, args, owner, key))
  return db.one(("select %s from %s%s for update"):format(plan.selected, plan.from, where), table.unpack(args, 1, args.n))
end

local function add_conditions(plan, all, args, when)
  for _, name in ipairs(keys.sorted(when)) do
    -- The caller's own columns, not a client's; still, only those that are declared.
    local column = plan.writable[name] or error(("%s: %s is not in write"):format(plan.name, name), 3)
    local value = when[name]
    local is_list = type(value) == "table"
    all[#all + 1] = ("%s = %s"):format(column, is_list and ("any(%s)"):format(args:add(db.array(value))) or args:add(value))
  end
end

local function update(plan, owner, key, fields, when)
  check_fields(plan, fields)
  local args, sets = sql.args(), {}
  for _, name in ipairs(plan.write) do
    if fields[name] ~= nil then
      sets[#sets + 1] = ("%s = %s"):format(plan.writable[name], args:add(fields[name]))
    end
  end
  local all = where_key(plan, args, owner, key)
  add_conditions(plan, all, args, when)
  local text
  if #sets == 0 then
    text = ("select %s from %s%s"):format(plan.selected, plan.from, where_text(all))
  else
    text = ("update %s set %s%s returning %s"):format(plan.from, table.concat(sets, ", "), where_text(all), plan.selected)
  end
  return db.one(text, table.unpack(args, 1, args.n))
end

local function column_of(plan, columns, name)
  return columns[name] or error(("%s: a move cannot use the column %s"):format(plan.name, tostring(name)), 0)
end

local function add_whens(plan, all, args, when)
  for _, name in ipairs(keys.sorted(when)) do
    local column, value = column_of(plan, plan.columns, name), when[name]
    all[#all + 1] = value == json.null and column .. " is null" or ("%s = %s"):format(column, args:add(value))
  end
  return all
end

-- One condition for all the edges that ask for nothing else, and one for each that does.
local function moved_from(plan, args, move)
  local column, plain, any = column_of(plan, plan.columns, move.column), {}, {}
  for _, from in ipairs(move.from) do
    if from.when == nil then
      plain[#plain + 1] = from.state
    else
      any[#any + 1] = table.concat(add_whens(plan, { ("%s = %s"):format(column, args:add(from.state)) }, args, from.when),
        " and ")
    end
  end
  -- Also when no edge leads there: then no row is found.
  if #plain > 0 or #any == 0 then
    any[#any + 1] = ("%s = any(%s)"):format(column, args:add(db.array(plain)))
  end
  return "(" .. table.concat(any, " or ") .. ")"
end

local function moved_sets(plan, args, move)
  local sets = { ("%s = %s"):format(column_of(plan, plan.columns, move.column), args:add(move.to)) }
  for _, name in ipairs(keys.sorted(move.fields)) do
    sets[#sets + 1] = ("%s = %s"):format(column_of(plan, plan.movable, name), args:add(move.fields[name]))
  end
  for _, name in ipairs(keys.sorted(move.stamps)) do
    sets[#sets + 1] = ("%s = %s"):format(column_of(plan, plan.columns, name), move.stamps[name] and "now()" or "null")
  end
  return table.concat(sets, ", ")
end

local function move_row(plan, owner, key, move)
  local args = sql.args()
  local sets = moved_sets(plan, args, move)
  local all = where_key(plan, args, owner, key)
  all[#all + 1] = moved_from(plan, args, move)
  add_whens(plan, all, args, move.when)
  local text = ("update %s set %s%s returning %s"):format(plan.from, sets, where_text(all), plan.selected)
  return db.one(text, table.unpack(args, 1, args.n))
end

-- Every row that fulfils the move's own conditions: those that belong to something else that changed.
local function move_all(plan, owner, move)
  if next(move.when or {}) == nil then
    error(plan.name .. ": move_all wants conditions", 3)
  end
  local args = sql.args()
  local sets = moved_sets(plan, args, move)
  local all = where_owned(plan, args, owner)
  all[#all + 1] = moved_from(plan, args, move)
  add_whens(plan, all, args, move.when)
  local text = ("update %s set %s%s returning %s"):format(plan.from, sets, where_text(all), plan.selected)
  return db.query(text, table.unpack(args, 1, args.n))
end

local function delete(plan, owner, key)
  local args = sql.args()
  local where = where_text(where_key(plan, args, owner, key))
  return db.exec(("delete from %s%s"):format(plan.from, where), table.unpack(args, 1, args.n)) > 0
end

-- What the client typed means itself, not a pattern.
local function pattern(op, value)
  local text = tostring(value):gsub("[\\%%_]", "\\%0")
  return op == "contains" and "%" .. text .. "%" or text .. "%"
end

local function add_filter(all, args, name, filter, value)
  if value == json.null then
    all[#all + 1] = filter.column .. " is null"
    return
  elseif type(value) == "table" and filter.op ~= "in" then
    refuse("query." .. name, "type", "must be one value")
  elseif sql.is_search(filter) then
    value = pattern(filter.op, value)
  elseif filter.op == "in" then
    value = db.array(type(value) == "table" and value or { value })
  end
  all[#all + 1] = filter.text:format(filter.column, args:add(value))
end

local PAGING = { page = true, page_size = true, sort = true, limit = true, cursor = true }

local function where_filtered(plan, args, owner, query)
  for name in pairs(query) do
    if not PAGING[name] and plan.filters[name] == nil then
      refuse("query." .. tostring(name), "unknown_field", "is not known here")
    end
  end
  local all = where_owned(plan, args, owner)
  for _, name in ipairs(plan.filter_names) do
    if query[name] ~= nil then
      add_filter(all, args, name, plan.filters[name], query[name])
    end
  end
  return all
end

local function read_integer(query, name, default, max)
  local value = query[name]
  if value == nil then
    return default
  end
  local n = math.tointeger(tonumber(value))
  if n == nil then
    refuse("query." .. name, "type", "must be an integer")
  elseif n < 1 then
    refuse("query." .. name, "minimum", "must be at least 1")
  elseif n > max then
    refuse("query." .. name, "maximum", ("must be at most %d"):format(max))
  end
  return n
end

local function read_sort(plan, query)
  local asked = query.sort or plan.default_sort
  local minus, name = tostring(asked):match "^(%-?)(.*)$"
  local sort = plan.sorts[name]
  if sort == nil then
    refuse("query.sort", "enum", "is not something to sort by")
  end
  return sort, minus == "-"
end

local function order_text(plan, sort, is_descending)
  local way = is_descending and " desc" or ""
  if sort.expression == plan.key then
    return " order by " .. plan.key .. way
  end
  return (" order by %s%s, %s%s"):format(sort.expression, way, plan.key, way)
end

-- What a list asks for: the condition, the order and the page of it, and the values of their parameters.
local function read_list(plan, owner, query)
  local size, page = read_integer(query, "page_size", PAGE_SIZE, PAGE_SIZE_MAX), read_integer(query, "page", 1, PAGE_MAX)
  local order = order_text(plan, read_sort(plan, query))
  local args = sql.args()
  local where = where_text(where_filtered(plan, args, owner, query))
  local count = { ("select count(*) as total from %s%s"):format(plan.from, where), table.unpack(args, 1, args.n) }
  local skipped = (page - 1) * size
  return {
    -- Who asks is the first parameter of every condition.
    owned = plan.owned and owner ~= nil and " and " .. plan.owned "$1" or "",
    where = where, order = order, page = page, size = size, skipped = skipped, count = count, args = args,
    limit = (" limit %s offset %s"):format(args:add(size), args:add(skipped)),
  }
end

local function list_plainly(plan, asked)
  local text = ("select %s from %s%s%s%s"):format(plan.selected, plan.from, asked.where, asked.order, asked.limit)
  local found = db.all { { text, table.unpack(asked.args, 1, asked.args.n) }, asked.count }
  return found[1], found[2][1].total
end

-- No index has the rows that contain a text side by side: each of those that the other filters leave is compared.
local function is_search(plan, query)
  for name, filter in pairs(plan.filters) do
    if sql.is_search(filter) and query[name] ~= nil and query[name] ~= json.null then
      return true
    end
  end
  return false
end

-- The keys of the page come first, so that an index that has what is compared spares a search the rows that it passes over.
-- A page that is not full tells the total: only one that was soon found costs another look at all of them. Another's row may
-- have the same key, where keys are each owner's.
local function search(plan, asked)
  local found = ("select %s from %s%s%s%s"):format(plan.key, plan.from, asked.where, asked.order, asked.limit)
  local text = ("select %s from %s where %s in (%s)%s%s"):format(plan.selected, plan.from, plan.key, found, asked.owned,
    asked.order)
  local items = db.read(text, table.unpack(asked.args, 1, asked.args.n))
  if #items < asked.size and (#items > 0 or asked.skipped == 0) then
    return items, asked.skipped + #items
  end
  return items, db.read(table.unpack(asked.count))[1].total
end

local function list(plan, owner, query)
  local asked = read_list(plan, owner, query)
  local items, total = (is_search(plan, query) and search or list_plainly)(plan, asked)
  if #items > 0 then
    -- Rows may be deleted between the page and the count: those that are shown were there.
    total = math.max(total, asked.skipped + #items)
  end
  return { items = items, total = total, page = asked.page, page_size = asked.size }
end

-- ---- by cursor: the sort's value and the key of the last row

local function encode_cursor(asked, value, key)
  return core.hex(json.encode(json.array { asked, value == nil and json.null or value, key }))
end

local function decode_cursor(text, asked)
  local ok = type(text) == "string" and #text <= CURSOR_BYTES_MAX and #text % 2 == 0 and not text:find "%X"
  local cursor = ok and json.decode((text:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)))
  if type(cursor) ~= "table" or #cursor ~= 3 or cursor[1] ~= asked then
    refuse("query.cursor", "invalid", "is not a cursor of this list")
  end
  for i = 2, 3 do
    -- json.null is the only one that is neither a table nor a plain value.
    if type(cursor[i]) == "table" then
      refuse("query.cursor", "invalid", "is not a cursor of this list")
    end
  end
  return cursor[2], cursor[3]
end

-- NULL sorts last, and first when descending: what comes after a value that is not NULL may be NULL only when ascending.
local function beyond(plan, args, sort, is_descending, value, key)
  local op = is_descending and "<" or ">"
  if sort.expression == plan.key then
    return ("%s %s %s"):format(plan.key, op, args:add(key))
  elseif value == json.null then
    local same = ("(%s is null and %s %s %s)"):format(sort.expression, plan.key, op, args:add(key))
    return is_descending and ("(%s or %s is not null)"):format(same, sort.expression) or same
  end
  local row = ("(%s, %s) %s (%s, %s)"):format(sort.expression, plan.key, op, args:add(value), args:add(key))
  if is_descending or sort.is_never_null then
    return row
  end
  return ("(%s or %s is null)"):format(row, sort.expression)
end

-- "or x is null" would keep Postgres from starting in the middle of an index, so it is asked once whether it is needed.
local function learn_nulls(plan, sort)
  if sort.is_never_null == nil then
    local row = db.one("select attnotnull as yes from pg_attribute where attrelid = $1::text::regclass and attname = $2",
      plan.from, sort.column)
    sort.is_never_null = row ~= nil and row.yes
  end
end

local function after(plan, owner, query)
  local size = read_integer(query, "limit", PAGE_SIZE, PAGE_SIZE_MAX)
  local sort, is_descending = read_sort(plan, query)
  local asked = query.sort or plan.default_sort
  if sort.column == nil or plan.selected:find(plan.key, 1, true) == nil then
    refuse("query.sort", "enum", "cannot be paged through by a cursor")
  end
  local args = sql.args()
  local all = where_filtered(plan, args, owner, query)
  if query.cursor ~= nil then
    learn_nulls(plan, sort)
    all[#all + 1] = beyond(plan, args, sort, is_descending, decode_cursor(query.cursor, asked))
  end
  local text = ("select %s from %s%s%s limit %s"):format(plan.selected, plan.from, where_text(all),
    order_text(plan, sort, is_descending), args:add(size))
  local items = db.query(text, table.unpack(args, 1, args.n))
  local last = #items == size and items[size]
  return { items = items, next_cursor = last and encode_cursor(asked, last[sort.column], last[plan.key_name]) or json.null }
end

-- ---- the methods

local METHODS = {
  create = create, get = get, update = update, delete = delete, list = list, after = after, move = move_row,
  move_all = move_all, lock = lock,
}

local function owned(plan, method)
  return function(owner, ...)
    -- A store that forgot who asks must not answer with everybody's rows.
    if owner == nil or owner == json.null then
      error(("%s: the owner is missing"):format(plan.name), 2)
    end
    return method(plan, owner, ...)
  end
end

local function unowned(plan, method)
  return function(...)
    return method(plan, nil, ...)
  end
end

--- Declares a store. Mistakes in the declaration are errors with the line that made it.
---@param spec neap.StoreSpec
---@return neap.Store
local function new(spec)
  local ok, plan = pcall(sql.plan, spec)
  if not ok then
    error(plan, 2)
  end
  local store, any = {}, {}
  for name, method in pairs(METHODS) do
    store[name] = plan.owned and owned(plan, method) or unowned(plan, method)
    any[name] = unowned(plan, method)
  end
  -- A row is always somebody's: create is not for nobody.
  any.create = nil
  store.any = plan.owned and any or nil
  return store
end

return new
