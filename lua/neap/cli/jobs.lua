--- neap jobs: what is in the line, and what to do about the dead.
local args = require "neap.tool.args"
local boot = require "neap.boot"
local terminal = require "neap.tool.terminal"
local tool_database = require "neap.tool.database"

local M = {}

local LIMIT, LIMIT_MAX = 50, 10000
local STATES = { queued = "cyan", running = "yellow", succeeded = "green", dead = "red" }

local command = args.command {
  name = "jobs",
  summary = "work that outlives its request",
  usage = {
    "neap jobs list [--state STATE] [--kind KIND] [--limit N]", "neap jobs show ID", "neap jobs stats",
    "neap jobs retry ID... | --all [--kind KIND]", "neap jobs drain [--kind KIND] [--early]", "neap jobs delete ID...",
  },
  flags = {
    state = { value = "STATE", help = "list: queued, running, succeeded or dead" },
    kind = { value = "KIND", help = "of this kind alone" },
    limit = { value = "N", help = ("list: the newest %d unless this says otherwise"):format(LIMIT) },
    all = { help = "retry: all that are dead" },
    early = { help = "drain: also what waits for its time, but no schedules" },
  },
  help = [[
list    the newest first
show    all that is known of one
stats   how many of each kind are in which state, and for how long the oldest due one waits
retry   puts dead jobs back into the line, with all their attempts
drain   runs what is due here and now, one after the other; exit code 1 when any of it failed
delete  removes jobs that are not running]],
}

local function id_of(word)
  local id = math.tointeger(tonumber(word))
  if id == nil or id < 1 then
    command:wrong("%s is not the number of a job", tostring(word))
  end
  return id
end

local function ids_of(words)
  local ids = {}
  for i = 2, #words do
    ids[#ids + 1] = id_of(words[i])
  end
  return ids
end

-- The instant without its microseconds: "2026-01-31 12:00:00".
local function time(stamp)
  return stamp and (stamp:gsub("T", " "):gsub("%.?%d*Z$", "")) or ""
end

local function one_line(text)
  return text and (text:gsub("%s+", " ")) or ""
end

local function shorten(text, max)
  if (utf8.len(text) or 0) <= max then
    return text
  end
  return text:sub(1, utf8.offset(text, max) - 1) .. "…"
end

local actions = {}

function actions.list(store, flags)
  if flags.state and STATES[flags.state] == nil then
    command:wrong("--state %s: there is queued, running, succeeded and dead", flags.state)
  end
  local limit = flags.limit and math.tointeger(tonumber(flags.limit)) or LIMIT
  if (flags.limit and not math.tointeger(tonumber(flags.limit))) or limit < 1 or limit > LIMIT_MAX then
    command:wrong("--limit %s: a number from 1 to %d", flags.limit, LIMIT_MAX)
  end
  local rows = {}
  for i, job in ipairs(store.list { state = flags.state, kind = flags.kind, limit = limit }) do
    local problem = one_line(job.last_error)
    rows[i] = {
      tostring(job.id), job.kind, job.queue, terminal.colour(STATES[job.state], job.state),
      ("%d/%s"):format(job.attempts, job.dedupe_key == "schedule" and "-" or job.max_attempts), time(job.run_at),
      job.dedupe_key or "", terminal.is_terminal() and shorten(problem, 60) or problem,
    }
  end
  terminal.table({ "id", "kind", "queue", "state", "attempts", "run at (UTC)", "key", "last error" }, rows)
end

local SHOWN = {
  "id", "kind", "queue", "state", "attempts", "max_attempts", "dedupe_key", "run_at", "locked_by", "locked_until",
  "created_at", "finished_at", "payload", "last_error",
}

function actions.show(store, _, words)
  local job = store.list({ id = id_of(words[2]), limit = 1 })[1]
  if job == nil then
    args.fail(("there is no job %s"):format(words[2]))
  end
  local rows = {}
  for _, name in ipairs(SHOWN) do
    rows[#rows + 1] = job[name] ~= nil and { name, tostring(job[name]) } or nil
  end
  terminal.table({ "", "" }, rows)
end

function actions.stats(store)
  local rows = {}
  for i, row in ipairs(store.counts()) do
    rows[i] = {
      row.kind, row.queue, tostring(row.queued), tostring(row.running), tostring(row.succeeded), tostring(row.dead),
      ("%.0f s"):format(row.waits),
    }
  end
  terminal.table({ "kind", "queue", "queued", "running", "succeeded", "dead", "oldest waits" }, rows)
end

function actions.retry(store, flags, words)
  local count = 0
  if flags.all then
    count = store.revive(nil, flags.kind)
  else
    for _, id in ipairs(ids_of(words)) do
      count = count + store.revive(id, flags.kind)
    end
  end
  terminal.line(("%d back in the line"):format(count))
  if not flags.all and count < #words - 1 then
    args.fail "the others are not dead, or one with their key is live again"
  end
end

function actions.delete(store, _, words)
  local count = 0
  for _, id in ipairs(ids_of(words)) do
    count = count + (store.delete(id) and 1 or 0)
  end
  terminal.line(("%d removed"):format(count))
  if count < #words - 1 then
    args.fail "the others are running, or are not there"
  end
end

function actions.drain(_, flags)
  boot.load "tool"
  local counts = require("neap.jobs").work_off { kinds = flags.kind and { flags.kind }, early = flags.early }
  terminal.line(("%d succeeded, %d failed, %d dead"):format(counts.succeeded, counts.failed, counts.dead))
  return counts.failed + counts.dead > 0 and args.FAILED or 0
end

-- How many words may follow.
local TAKES = {
  list = { 0, 0 }, stats = { 0, 0 }, drain = { 0, 0 }, show = { 1, 1 }, retry = { 0, 1000 }, delete = { 1, 1000 },
}

local function find_table(db)
  local name = boot.config("tool").JOBS_TABLE
  if not db.one("select to_regclass($1) is not null as yes", name).yes then
    args.fail(("there is no table %s: `neap migrate new jobs --with jobs` makes its migration"):format(name))
  end
end

function M.main()
  return command:run(function(flags, words)
    local name = words[1]
    local action, takes = actions[name], TAKES[name]
    if action == nil then
      command:wrong(name and "%s is not list, show, stats, retry, drain or delete" or "what to do?", name)
    elseif #words - 1 < takes[1] or #words - 1 > takes[2] then
      command:wrong(#words - 1 > takes[2] and "too many arguments" or "%s: which one?", name)
    elseif name == "retry" and (#words == 1) == (flags.all == nil) then
      command:wrong "retry: the numbers of jobs, or --all"
    end
    return tool_database.with(function()
      find_table(require "neap.db")
      return action(require "neap.jobs.store", flags, words)
    end)
  end)
end

return M
