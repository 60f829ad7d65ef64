#include "core/pg/session.c"
#include "spec/core/test.h"

static bool touches(const char *sql)
{
    return session_is_touched_by(slice_str(sql));
}

TEST("statements that everybody sends touch nothing")
{
    CHECK(!touches(""));
    CHECK(!touches(";;"));
    CHECK(!touches("select * from tasks where id = $1"));
    CHECK(!touches("update tasks set title = $1, temperature = 3 where id = $2"));
    CHECK(!touches("insert into resets (listen) values ($1) on conflict (listen) do update set listen = 'x'"));
    CHECK(!touches("BEGIN ISOLATION LEVEL SERIALIZABLE"));
    CHECK(!touches("select pg_advisory_xact_lock($1)"));
}

TEST("a setting of the session does, one of the transaction does not")
{
    CHECK(touches("set search_path = x"));
    CHECK(touches("  SET ROLE somebody"));
    CHECK(touches("set session authorization somebody"));
    CHECK(touches("reset all"));
    CHECK(!touches("set local role somebody"));
    CHECK(!touches("SET TRANSACTION READ ONLY"));
    CHECK(!touches("set constraints all deferred"));
    CHECK(touches("set local a.b = 1; set a.b = 2"));
    CHECK(!touches("begin; SET LOCAL statement_timeout = 5"));
}

TEST("comments hide no command, and are none")
{
    CHECK(touches("-- a word\nset role x"));
    CHECK(touches("/* a word; */ set /* local */ role x"));
    CHECK(!touches("select 1 -- temp\n"));
    CHECK(!touches("select 1 /* ; set role x */"));
    CHECK(!touches("select 1 /* ; set role x"));
    CHECK(!touches("select 1 /*"));
}

TEST("set_config counts unless its last argument is true")
{
    CHECK(!touches("select set_config('app.user_id', $1, true)"));
    CHECK(!touches("select set_config('a.b', format('(%s)', $1)::text, TRUE ), 1"));
    CHECK(touches("select set_config('app.user_id', $1, false)"));
    CHECK(touches("select set_config('app.user_id', 'true', $1)"));
    CHECK(touches("select set_config('a.b', true, not true or true is null)"));
    CHECK(touches("select set_config('a.b', 'c', $1 = true)"));
    CHECK(touches("select set_config('a.b', 'c', not true)"));
    CHECK(touches("select set_config("));
}

TEST("locks, temporary tables and what lives in a session do")
{
    CHECK(touches("select pg_advisory_lock(1)"));
    CHECK(touches("select pg_try_advisory_lock_shared(1, 2)"));
    CHECK(touches("create temp table x (a int)"));
    CHECK(touches("select 1 into TEMPORARY x"));
    CHECK(touches("create table pg_temp.x (a int)"));
    CHECK(touches("listen news"));
    CHECK(touches("declare c cursor with hold for select 1"));
    CHECK(touches("prepare p as select 1"));
    CHECK(touches("do $$ begin perform 1; end $$"));
    CHECK(touches("call anything()"));
}

TEST("the rows of a cursor and of a statement that the session prepared have columns that are lent")
{
    CHECK(session_lends_columns(slice_str("fetch 10 from c")));
    CHECK(session_lends_columns(slice_str("/* a page */\n-- of it\n FETCH c")));
    CHECK(session_lends_columns(slice_str("Execute p(1)")));
    CHECK(!session_lends_columns(slice_str("select fetch from execute")));
    CHECK(!session_lends_columns(slice_str("")));
}
