--- What is in a database, how large it is, and who is connected: `neap db stats`. It asks the server's own statistics, so
--- the counts of rows are estimates, and it is quick on tables of any size.
local db = require "neap.db"

local M = {}

---@class neap.DbTableStats
---@field name string     with its schema, unless that is in the search path
---@field rows integer    an estimate
---@field dead integer    rows that vacuum has yet to remove, an estimate
---@field bytes integer   of the table
---@field index_bytes integer
---@field seq_scans integer
---@field index_scans integer

--- The largest first.
---@return neap.DbTableStats[]
function M.tables()
  return db.query [[
    select c.oid::regclass::text as name,
      -- reltuples is -1 until the table was analyzed for the first time.
      coalesce(nullif(greatest(s.n_live_tup, c.reltuples::bigint), -1), 0) as rows,
      coalesce(s.n_dead_tup, 0) as dead,
      pg_table_size(c.oid) as bytes,
      pg_indexes_size(c.oid) as index_bytes,
      coalesce(s.seq_scan, 0) as seq_scans,
      coalesce(s.idx_scan, 0) as index_scans
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_stat_all_tables s on s.relid = c.oid
    where c.relkind in ('r', 'm') and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
    order by pg_total_relation_size(c.oid) desc, 1]]
end

--- Of this database, ours left out.
---@return { application: string, state: string, connections: integer, longest: number }[]  longest: seconds in this state
function M.connections()
  return db.query [[
    select coalesce(nullif(application_name, ''), '?') as application, coalesce(state, backend_type) as state,
      count(*) as connections, coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float8 as longest
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
    group by 1, 2 order by 1, 2]]
end

---@return { name: string, version: string, bytes: integer, used: integer, max: integer, hit_ratio: number?,
---   deadlocks: integer, rolled_back: integer }  used, max: connections of the server; hit_ratio: blocks found in memory
function M.database()
  return db.one [[
    select d.datname as name, current_setting('server_version') as version, pg_database_size(d.oid) as bytes,
      (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
      current_setting('max_connections')::int as max, d.deadlocks, d.xact_rollback as rolled_back,
      (d.blks_hit / nullif(d.blks_hit + d.blks_read, 0)::float8) as hit_ratio
    from (select s.*, b.oid from pg_stat_database s join pg_database b on b.oid = s.datid) d
    where d.datname = current_database()]]
end

return M
