#include "core/pg/result/binary.c"
#include "spec/core/test.h"
#include "pg/result/cell.h"
#include "pg/result/shape.h"
#include "spec/core/pg/lane_fixture.h"

/* ---- the server writes a value in both formats: ours must be its text ---- */

static PGresult *ask_in(PGconn *c, const char *sql, int format)
{
    PGresult *res = PQexecParams(c, sql, 0, NULL, NULL, NULL, NULL, format);

    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        printf("%s: %s", sql, PQerrorMessage(c));
    CHECK(PQresultStatus(res) == PGRES_TUPLES_OK);
    return res;
}

static struct slice cell_of(const PGresult *res, int row)
{
    return slice_of(PQgetvalue(res, row, 0), (size_t)PQgetlength(res, row, 0));
}

static void check_text(struct slice is, struct slice want)
{
    CHECK(slice_eq(is, want));
    if (!slice_eq(is, want))
        printf("%.*s is not %.*s\n", (int)is.n, is.p, (int)want.n, want.p);
}

/* Its text, and its JSON, which the text has without us. */
static void check_row(const struct pg_result *text, const PGresult *binary, int row)
{
    char room[BINARY_TEXT_MAX];
    struct buf json = BUF_INIT, want = BUF_INIT;
    struct slice cell = cell_of(binary, row);

    check_text(binary_text(PQftype(binary, 0), cell, room), pg_result_text(text, row, 0));
    binary_write_json(&json, PQftype(binary, 0), cell);
    pg_result_write_cell(text, row, 0, &want);
    check_text(buf_view(&json), buf_view(&want));
    buf_free(&json);
    buf_free(&want);
}

/* The first column of what the query finds. */
static void check_query(PGconn *c, const char *sql)
{
    struct pg_result *text = pg_result_new(ask_in(c, sql, 0), NULL, 0);
    PGresult *binary = ask_in(c, sql, 1);

    CHECK(PQbinaryTuples(binary) == 1 && binary_reads(PQftype(binary, 0)));
    CHECK(pg_result_rows(text) > 0 && pg_result_rows(text) == PQntuples(binary));
    for (int row = 0; row < pg_result_rows(text); row++)
        check_row(text, binary, row);
    pg_result_free(text);
    PQclear(binary);
}

TEST("the text of every type, and its JSON, is the server's own, at the edges and at random")
{
    static const char *const queries[] = {
        "select v::bool from unnest('{t,f}'::text[]) v",
        "select v::int2 from unnest('{0,1,-1,32767,-32768}'::int[]) v",
        "select v::int4 from unnest('{0,1,-1,2147483647,-2147483648}'::bigint[]) v",
        "select v::int8 from unnest('{0,-1,9223372036854775807,-9223372036854775808}'::numeric[]) v",
        "select (i * 48271::bigint * 7919 % 4000000000 - 2000000000)::int from generate_series(1, 500) i",
        "select v from unnest(array['', 'a', E'\\u00e9\\u2028\\n\\\\', repeat('x', 5000)]) v",
        "select v::char(7) from unnest(array['', 'abc']) v",
        "select v::varchar(9) from unnest(array['', 'abc']) v",
        "select '{\"a\" : [1,  2]}'::json",
        "select v::jsonb from unnest(array['{\"b\":1,\"a\":[null]}', 'null', '\"\"', '1.50']) v",
        "select md5(i::text)::uuid from generate_series(1, 500) i",
        "select v::date from unnest('{2000-01-01,1999-12-31,0001-01-01,0001-12-31 BC,4713-11-24 BC,10000-01-01,"
        "5874897-12-31,infinity,-infinity,2024-02-29,1970-01-01}'::text[]) v",
        "select '2000-01-01'::date + (i * 7919) % 2000003 - 700000 from generate_series(1, 3000) i",
        "select v::timestamptz from unnest('{2000-01-01,1999-12-31 23:59:59.999999,2000-01-01 00:00:00.000001,"
        "0001-01-01 00:00:00,0001-12-31 23:59:59.5 BC,4714-11-24 00:00:00 BC,9999-12-31 23:59:59.999999,10000-01-01,"
        "294276-12-31 23:59:59.999999,infinity,-infinity,2024-02-29 12:30:00.1,1970-01-01 00:00:00.12345}'::text[]) v",
        "select v::timestamp from unnest('{2000-01-01,0044-03-15 00:00:00.1 BC,10000-01-01,infinity,-infinity}'::text[]) v",
        "select timestamptz '2000-01-01' + (i * 48271::bigint * 1000003 % 400000000000) * 7 * interval '1 us' - interval '9 "
        "days 300 years' * (i % 9) from generate_series(1, 3000) i",
    };
    PGconn *c = PQconnectdb(scratch_server());

    PQclear(PQexec(c, "set timezone = 'UTC'; set datestyle = 'ISO'"));
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        check_query(c, queries[i]);
    PQfinish(c);
}

TEST("what is not listed is not read")
{
    CHECK(!binary_reads(1700) && !binary_reads(701) && !binary_reads(17) && !binary_reads(16384) && !binary_reads(1009));
}

TEST("a cell of a length that cannot be is no crash")
{
    struct buf out = BUF_INIT;
    char room[BINARY_TEXT_MAX];
    const Oid oids[] = {16, 20, 21, 23, 25, 114, 1042, 1043, 1082, 1114, 1184, 2950, 3802};

    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        for (size_t n = 0; n < 9; n++) {
            CHECK(binary_text(oids[i], slice_of("\x7f\x01\x02\x03\x04\x05\x06\x07\x08", n), room).n <= BINARY_TEXT_MAX);
            binary_write_json(&out, oids[i], slice_of("\x7f\x01\x02\x03\x04\x05\x06\x07\x08", n));
        }
    }
    buf_free(&out);
}

/* ---- statements go over to it ---- */

#define PAGE                                                                                                                \
    "select i, md5(i::text)::uuid as id, 'title \"' || i as title, case when i % 3 = 0 then null else i % 2 = 0 end as "    \
    "done, "                                                                                                                \
    "timestamptz '2024-02-28 23:59:59Z' + i * interval '1.0625 s' as made, timestamp '1999-12-31' + i * interval '1 h' as " \
    "seen, date '0001-01-02' - i as day, jsonb_build_object('n', i) as more from generate_series(1, $1::int) i"

/* JSON of all rows, then all texts, so that both ways to read it are seen. */
static void write_all(struct pg_result *res, struct buf *out)
{
    buf_clear(out);
    pg_result_write_rows(res, out);
    CHECK_INT(pg_result_rows(res), 20);
    for (int row = 0; row < pg_result_rows(res); row++) {
        for (int i = 0; i < pg_result_columns(res); i++) {
            buf_slice(out, pg_result_is_null(res, row, i) ? SLICE_LIT("-") : pg_result_text(res, row, i));
            buf_char(out, '|');
        }
    }
}

static struct pg_result *run_on(struct pg_conn *c, const char *sql, const char *value)
{
    const char *values[] = {value};
    int lengths[] = {value ? (int)strlen(value) : 0};
    struct pg_statement st = {slice_str(sql), 0, value != NULL, values, lengths};
    struct answer a = {0};

    pg_conn_query(c, &st, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_OK);
    return a.res;
}

TEST("a prepared statement whose rows are many goes over to binary, and nothing of it shows")
{
    struct buf first = BUF_INIT, now = BUF_INIT;
    struct borrower b;

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    for (int i = 0; i < 5; i++) {
        struct pg_result *res = run_on(b.conn, PAGE, "20");
        CHECK_INT(res->binary, i >= 2); /* first unprepared, then in text to see of which types it is */
        write_all(res, i == 0 ? &first : &now);
        CHECK(!res->binary); /* texts were made */
        CHECK(i == 0 || slice_eq(buf_view(&first), buf_view(&now)));
        pg_result_free(res);
    }
    struct pg_result *few = run_on(b.conn, PAGE, "1");
    CHECK(few->res == NULL && !few->binary);
    CHECK_STR(pg_result_text(few, 0, 1).p, 36, "c4ca4238-a0b9-2382-0dcc-509a6f75849b");
    pg_result_free(few);
    buf_free(&first);
    buf_free(&now);
    pg_conn_release(b.conn, NULL);
    close_all();
}

TEST("in a session of another time zone it is text, and in UTC binary again")
{
    struct borrower b;
    struct answer a = {0};

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    for (int i = 0; i < 3; i++)
        pg_result_free(run_on(b.conn, PAGE, "20"));
    script_on(b.conn, "begin; set local timezone = 'Asia/Kolkata'", &a);
    WAIT_FOR(a.calls == 1);
    struct pg_result *res = run_on(b.conn, PAGE, "20");
    CHECK(!res->binary);
    CHECK_STR(pg_result_text(res, 0, 4).p, pg_result_text(res, 0, 4).n, "2024-02-29 05:30:00.0625+05:30");
    pg_result_free(res);
    script_on(b.conn, "commit", &a);
    WAIT_FOR(a.calls == 2);
    res = run_on(b.conn, PAGE, "20");
    CHECK(res->binary);
    pg_result_free(res);
    answer_free(&a);
    pg_conn_release(b.conn, NULL);
    close_all();
}

static void script_and_wait(struct pg_conn *c, const char *sql)
{
    struct answer a = {0};

    script_on(c, sql, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_OK);
    answer_free(&a);
}

static bool is_binary_in(struct pg_conn *c, const char *zone)
{
    char sql[64];

    snprintf(sql, sizeof sql, "set timezone = '%s'", zone);
    script_and_wait(c, sql);
    struct pg_result *res = run_on(c, PAGE, "20");
    bool is = res->binary;
    pg_result_free(res);
    return is;
}

TEST("a time zone whose name begins as UTC is another one")
{
    struct borrower b;

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    for (int i = 0; i < 3; i++)
        pg_result_free(run_on(b.conn, PAGE, "20"));
    CHECK(is_binary_in(b.conn, "UTC"));
    CHECK(!is_binary_in(b.conn, "UTC+5"));
    CHECK(!is_binary_in(b.conn, "UTC-03:30"));
    CHECK(is_binary_in(b.conn, "utc"));
    pg_conn_release(b.conn, NULL);
    close_all();
}

static void check_lent(struct pg_conn *c, const char *make, const char *use, const char *drop)
{
    static const char *const columns[] = {"md5(i::text)::uuid", "i::numeric"};

    for (int i = 0; i < 2; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "%s select %s as v from generate_series(1, 400) i", make, columns[i]);
        script_and_wait(c, sql);
        for (int k = 0; k < 4; k++) {
            struct pg_result *res = run_on(c, use, NULL);
            CHECK(res && pg_result_text(res, 99, 0).n > 0);
            pg_result_free(res);
        }
        script_and_wait(c, drop);
    }
}

/* The server says nothing when these have other columns than the last time. */
TEST("rows of a cursor or of a statement that the session has prepared are text, for the next may be of other types")
{
    struct borrower b;

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    check_lent(b.conn, "begin; declare lent cursor for", " /* a page */ FETCH 100 from lent", "commit");
    check_lent(b.conn, "prepare lent as", "execute lent", "deallocate lent");
    pg_conn_release(b.conn, NULL);
    close_all();
}

TEST("a column that changes its type is read as what it is now")
{
    static const char *const kinds[] = {"numeric(9,2)", "text", "uuid", "float8", "bigint"};
    struct borrower b;

    open_with(default_opts());
    ask("create table changing (id uuid default md5('a')::uuid, v int)");
    ask("insert into changing (v) select 7 from generate_series(1, 100)");
    borrow(&b);
    WAIT_FOR(b.conn);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char sql[128];
        for (int i = 0; i < 4; i++)
            pg_result_free(run_on(b.conn, "select * from changing", NULL));
        snprintf(sql, sizeof sql, "alter table changing drop v");
        ask(sql);
        snprintf(sql, sizeof sql, "alter table changing add v %s default %s", kinds[k],
                 strcmp(kinds[k], "uuid") == 0 ? "md5('7')::uuid" : "7");
        ask(sql);
        struct pg_result *res = run_on(b.conn, "select * from changing", NULL);
        CHECK(!res->binary);
        CHECK_INT(pg_result_text(res, 99, 1).p[0], kinds[k][0] == 'u' ? '8' : '7');
        pg_result_free(res);
    }
    pg_conn_release(b.conn, NULL);
    ask("drop table changing");
    close_all();
}

TEST("on a shared connection, too")
{
    struct buf first = BUF_INIT, now = BUF_INIT;
    struct answer a[10] = {{0}};

    open_with(shared_opts());
    make_quick(POOL_ANY, PAGE, "20");
    submit(POOL_ANY, PAGE, "20", &a[0]);
    submit(POOL_ANY, PAGE, "20", &a[1]);
    CHECK_INT(pool->lanes[0].depth, 2);
    wait_for_all(a, 2);
    CHECK(a[0].res->binary && a[1].res->binary);
    write_all(a[0].res, &first);
    pg_result_free(a[0].res);
    a[0].res = NULL;
    write_all(a[1].res, &now);
    CHECK(slice_eq(buf_view(&first), buf_view(&now)));
    free_all(a, 10);
    buf_free(&first);
    buf_free(&now);
    close_all();
}

/* The function is written out into the plan, and the server compares only what it is declared to return. */
TEST("rows of a function whose table has other columns by now are asked for again on a shared connection")
{
    static const char rows_of[] = "select * from rows_of_changing()";
    struct answer a[3] = {{0}};

    open_with(shared_opts());
    ask("create table changing (v uuid, id uuid default md5('a')::uuid)");
    ask("create function rows_of_changing() returns setof changing language sql stable as 'select * from changing'");
    ask("insert into changing (v) select md5('7')::uuid from generate_series(1, 100)");
    make_quick(POOL_ANY, rows_of, NULL);
    ask("alter table changing alter v type numeric using 7.5");
    for (int i = 0; i < 3; i++)
        submit(POOL_ANY, rows_of, NULL, &a[i]);
    CHECK_INT(pool->lanes[0].depth, 3);
    wait_for_all(a, 3);
    for (int i = 0; i < 3; i++) {
        const char *v = cell(&a[i]);
        CHECK_STR(v, strlen(v), "7.5");
    }
    free_all(a, 3);
    ask("drop table changing cascade");
    close_all();
}

TEST("rows in a format that is not read are an error, and the statement is prepared anew")
{
    struct borrower b;
    struct answer a = {0};
    struct pg_statement st = statement("select i::numeric, md5('a')::uuid from generate_series(1, 100) i");

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    for (int i = 0; i < 3; i++) {
        struct pg_result *res = run_on(b.conn, st.sql.p, NULL);
        CHECK(!res->binary);
        pg_result_free(res);
    }
    uint64_t hash = statement_hash(st.sql);
    statement_find(&b.conn->cache, st.sql, hash)->binary = true; /* as if a pooler had put another server behind it */
    pg_conn_query(b.conn, &st, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_SERVER);
    CHECK_STR(a.err.sqlstate, 5, "0A000");
    pg_result_free(run_on(b.conn, st.sql.p, NULL));
    pg_conn_release(b.conn, NULL);
    close_all();
}
