#include "core/pg/statement.c"
#include "spec/core/test.h"

static struct slice text(int i)
{
    static char sql[32];

    snprintf(sql, sizeof sql, "select %d", i);
    return slice_str(sql);
}

static bool is_worth(struct statement_cache *sc, struct slice sql)
{
    return statement_is_worth(sc, sql, statement_hash(sql));
}

static struct prepared *find(struct statement_cache *sc, struct slice sql)
{
    return statement_find(sc, sql, statement_hash(sql));
}

static struct prepared *add(struct statement_cache *sc, struct slice sql)
{
    return statement_add(sc, sql, statement_hash(sql));
}

TEST("a text is worth preparing at its second use")
{
    struct statement_cache sc;

    statement_cache_init(&sc);
    CHECK(!is_worth(&sc, text(1)));
    CHECK(!is_worth(&sc, text(2)));
    CHECK(is_worth(&sc, text(1)));
    statement_cache_free(&sc);
}

TEST("a text that is very long is never worth it")
{
    struct statement_cache sc;
    static char sql[STATEMENT_SQL_MAX + 1];

    memset(sql, ' ', sizeof sql);
    statement_cache_init(&sc);
    for (int i = 0; i < 3; i++)
        CHECK(!is_worth(&sc, slice_of(sql, sizeof sql)));
    statement_cache_free(&sc);
}

TEST("what is prepared is found by its text, and only by it")
{
    struct statement_cache sc;

    statement_cache_init(&sc);
    CHECK(find(&sc, text(1)) == NULL);
    add(&sc, text(1));
    add(&sc, text(2));
    CHECK_INT(find(&sc, text(1))->number, 1);
    CHECK_INT(find(&sc, text(2))->number, 2);
    CHECK(find(&sc, SLICE_LIT("select 1 ")) == NULL);
    statement_forget(&sc, find(&sc, text(1)));
    CHECK(find(&sc, text(1)) == NULL);
    CHECK_INT(sc.discarded_count, 0);
    statement_cache_free(&sc);
}

TEST("the one that was used least falls out first and is to be deallocated")
{
    struct statement_cache sc;

    statement_cache_init(&sc);
    for (int i = 0; i < STATEMENTS_MAX; i++)
        add(&sc, text(i));
    find(&sc, text(0));
    add(&sc, text(-1));
    CHECK(find(&sc, text(0)) != NULL);
    CHECK(find(&sc, text(1)) == NULL);
    CHECK_INT(sc.count, STATEMENTS_MAX);
    CHECK_STR(sc.discarded.p, sc.discarded.n, "DEALLOCATE s2;");
    statement_cache_free(&sc);
}

TEST("a connection that cannot deallocate prepares no more")
{
    struct statement_cache sc;

    statement_cache_init(&sc);
    for (int i = 0; i < STATEMENTS_MAX + DISCARDED_MAX; i++)
        add(&sc, text(i));
    is_worth(&sc, text(-1));
    CHECK(!is_worth(&sc, text(-1)));
    statement_discarded_done(&sc);
    CHECK(is_worth(&sc, text(-1)));
    statement_cache_free(&sc);
}

TEST("a copy holds everything and ends each value with a NUL")
{
    struct statement_copy copy = {0};
    char sql[] = "select $1, $2, $3", value[] = "abc";
    const char *values[] = {value, NULL, ""};
    int lengths[] = {3, 0, 0};
    struct pg_statement st = {slice_str(sql), 0, 3, values, lengths};

    statement_copy_set(&copy, &st);
    memset(sql, 'x', sizeof sql);
    memset(value, 'x', sizeof value);
    CHECK_STR(copy.st.sql.p, copy.st.sql.n, "select $1, $2, $3");
    CHECK(copy.st.sql.p[copy.st.sql.n] == '\0');
    CHECK(strcmp(copy.st.values[0], "abc") == 0);
    CHECK(copy.st.values[1] == NULL);
    CHECK(strcmp(copy.st.values[2], "") == 0);
    st = (struct pg_statement){SLICE_LIT("begin"), 0, 0, NULL, NULL};
    statement_copy_set(&copy, &st);
    CHECK_INT(copy.st.n, 0);
    statement_copy_free(&copy);
}

TEST("a NUL, or more parameters than the protocol can count, is a fault")
{
    const char *values[] = {"ab", "c\0d"};
    int lengths[] = {2, 3};
    struct pg_statement st = {SLICE_LIT("x"), 0, 1, values, lengths};

    CHECK(statement_fault(&st) == NULL);
    st.n = 2;
    CHECK(strstr(statement_fault(&st), "NUL") != NULL);
    st.n = 65536;
    CHECK(strstr(statement_fault(&st), "65535") != NULL);
    st = (struct pg_statement){slice_of("a\0b", 3), 0, 0, NULL, NULL};
    CHECK(strstr(statement_fault(&st), "NUL") != NULL);
}
