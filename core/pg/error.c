#include "pg/error.h"
#include "base/mem.h"
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pg_error_kind_name(enum pg_error_kind kind)
{
    switch (kind) {
    case PG_OK:
        return "ok";
    case PG_SERVER:
        return "server";
    case PG_UNAVAILABLE:
        return "unavailable";
    case PG_LINE_FULL:
        return "line_full";
    case PG_WAITED:
        return "waited";
    case PG_LOST:
        return "lost";
    case PG_TIMED_OUT:
        return "timed_out";
    case PG_CANCELLED:
        return "cancelled";
    case PG_BAD_PARAM:
        return "bad_param";
    }
    return "unknown";
}

void pg_error_set(struct pg_error *err, enum pg_error_kind kind, const char *fmt, ...)
{
    va_list ap;

    memset(err, 0, sizeof *err);
    err->kind = kind;
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    pg_error_trim(err->message);
}

struct pg_error *pg_error_copy(const struct pg_error *err)
{
    struct pg_error *copy = mem_alloc(sizeof *copy);

    *copy = *err;
    return copy;
}

/* libpq explains itself over several lines, with tabs. */
void pg_error_trim(char *text)
{
    size_t n = 0;

    for (const char *p = text; *p; p++) {
        bool is_blank = *p == '\n' || *p == '\t' || *p == ' ';
        if (!is_blank)
            text[n++] = *p;
        else if (n > 0 && text[n - 1] != ' ')
            text[n++] = ' ';
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
}

/* A text that is cut must not be cut inside a UTF-8 sequence: the log would show it as damaged. */
static void copy_cut(char *out, size_t size, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

static void field(char *out, size_t size, const PGresult *res, int code)
{
    copy_cut(out, size, PQresultErrorField(res, code));
}

/* Postgres tells it in this text alone. */
static int line_of_copy(const char *context)
{
    const char *line = strncmp(context, "COPY ", 5) == 0 ? strstr(context, ", line ") : NULL;

    return line ? atoi(line + strlen(", line ")) : 0;
}

void pg_error_from_result(struct pg_error *err, const PGresult *res)
{
    const char *position;

    memset(err, 0, sizeof *err);
    err->kind = PG_SERVER;
    field(err->sqlstate, sizeof err->sqlstate, res, PG_DIAG_SQLSTATE);
    field(err->message, sizeof err->message, res, PG_DIAG_MESSAGE_PRIMARY);
    field(err->detail, sizeof err->detail, res, PG_DIAG_MESSAGE_DETAIL);
    field(err->hint, sizeof err->hint, res, PG_DIAG_MESSAGE_HINT);
    field(err->constraint, sizeof err->constraint, res, PG_DIAG_CONSTRAINT_NAME);
    field(err->table, sizeof err->table, res, PG_DIAG_TABLE_NAME);
    field(err->column, sizeof err->column, res, PG_DIAG_COLUMN_NAME);
    field(err->context, sizeof err->context, res, PG_DIAG_CONTEXT);
    err->line = line_of_copy(err->context);
    position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
    err->position = position ? atoi(position) : 0;
    if (err->message[0] == '\0') { /* made by libpq, not by the server */
        copy_cut(err->message, sizeof err->message, PQresultErrorMessage(res));
        pg_error_trim(err->message);
    }
}

/* The state is that of every feature which is not supported; only the function in Postgres' source tells them apart,
 * where it is told. */
bool pg_result_is_stale(const PGresult *res)
{
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);

    return sqlstate && strcmp(sqlstate, "0A000") == 0 &&
           (function == NULL || strcmp(function, "RevalidateCachedQuery") == 0);
}

static bool comes_from(const PGresult *res, const char *const *files)
{
    const char *file = PQresultErrorField(res, PG_DIAG_SOURCE_FILE);

    for (; file && *files; files++)
        if (strcmp(file, *files) == 0)
            return true;
    return false;
}

/* The server plans a statement anew when a table in it changes, but does not watch those that a function in it returns the
 * rows of: for ever after the steps of the old plan refuse what the function gives. */
bool pg_result_wants_preparing(const PGresult *res)
{
    static const char *const steps[] = {"execExprInterp.c", "execSRF.c", NULL};

    if (pg_result_has_sqlstate(res, "42804") || pg_result_has_sqlstate(res, "42703"))
        return comes_from(res, steps);
    return pg_result_has_sqlstate(res, "26000");
}

bool pg_result_is_error(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

bool pg_result_has_sqlstate(const PGresult *res, const char *sqlstate)
{
    const char *is = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return is && strcmp(is, sqlstate) == 0;
}

bool pg_result_is_copy(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

bool pg_result_is_fatal(const PGresult *res)
{
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

PGresult *pg_result_of_both(PGresult *earlier, PGresult *later)
{
    bool stays = earlier && pg_result_is_error(earlier);

    PQclear(stays ? later : earlier);
    return stays ? earlier : later;
}
