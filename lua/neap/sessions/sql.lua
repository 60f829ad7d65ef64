--- The statements of neap.sessions, for one table.
local M = {}

-- clock_timestamp() and not now(): who waited for the lock must see the time at which it was given, not that of its BEGIN.
local STATEMENTS = {
  lock = "select pg_advisory_xact_lock(hashtextextended({name} || $1::text, 0))::text as locked",

  find = [[select id, {owner}::text as owner, family_id,
    pg_advisory_xact_lock(hashtextextended({name} || {owner}::text, 0))::text as locked
    from {table} where token_hash = $1]],

  use = [[update {table} set used_at = clock_timestamp()
    where id = $1 and used_at is null and revoked_at is null and expires_at > clock_timestamp() returning id]],

  state = [[select revoked_at is not null as revoked, used_at is not null as used,
    coalesce(revoked_at is null and $2::float8 > 0
      and used_at > clock_timestamp() - make_interval(secs => $2::float8), false) as repeated
    from {table} where id = $1]],

  insert = [[insert into {table} ({owner}, family_id, parent_id, token_hash, issued_at, expires_at, user_agent, ip)
    values ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + make_interval(secs => $5::float8), $6, $7::text::inet)
    returning expires_at]],

  revoke_family = [[update {table} set revoked_at = clock_timestamp()
    where {owner} = $1 and family_id = $2 and revoked_at is null]],

  revoke_all = [[with revoked as (update {table} set revoked_at = clock_timestamp()
    where {owner} = $1 and revoked_at is null and ($2::uuid is null or family_id <> $2::uuid) returning family_id)
    select count(distinct family_id) as families from revoked]],

  list = [[select family_id, min(issued_at) as created_at, max(issued_at) as last_used_at,
    max(expires_at) filter (where {live}) as expires_at,
    (array_agg(user_agent order by issued_at desc))[1] as user_agent,
    host((array_agg(ip order by issued_at desc))[1]) as ip
    from {table} where {owner} = $1 group by family_id having bool_or({live})
    order by last_used_at desc, family_id limit $2 offset $3]],

  count = "select count(distinct family_id) as total from {table} where {owner} = $1 and {live}",

  sweep = [[delete from {table} where id in (select id from {table} where expires_at < now() limit $1)]],
}

local LIVE = "(used_at is null and revoked_at is null and expires_at > clock_timestamp())"

-- These come from the application's source, never from a client; the narrow rule keeps quotes out.
local function identifier(what, name)
  if type(name) ~= "string" or not name:find "^[%a_][%w_.]*$" then
    error(("neap.sessions: %s must be the name of a %s"):format(what, what == "owner" and "column" or "table"), 0)
  end
  return (name:gsub("[^.]+", '"%0"'))
end

---@param name string   of the table, maybe with its schema
---@param owner string  of the column
---@return table<string, string>
function M.plan(name, owner)
  local words = {
    table = identifier("table", name),
    owner = identifier("owner", owner),
    name = "'" .. name .. ":'",
    live = LIVE,
  }
  local plan = {}
  for key, text in pairs(STATEMENTS) do
    plan[key] = text:gsub("{(%l+)}", words)
  end
  return plan
end

return M
