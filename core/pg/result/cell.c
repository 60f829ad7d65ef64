#include "pg/result/cell.h"
#include "base/mem.h"
#include "pg/result/binary.h"
#include "pg/result/shape.h"

/* A uuid takes 36 bytes of text for its 16, a time up to 33 for 8. */
static size_t most_text(const struct pg_result *r)
{
    size_t most = 0;

    for (int row = 0; row < r->rows; row++)
        for (int i = 0; i < r->columns; i++)
            most += (size_t)PQgetlength(r->res, row, i) + BINARY_TEXT_MAX + 1;
    return most;
}

void result_make_texts(struct pg_result *r)
{
    size_t cells = (size_t)r->rows * (size_t)r->columns, size = cells * sizeof *r->texts + most_text(r), used = 0;
    struct small_text *t = r->made = mem_alloc(size);
    char *to = (char *)(t + cells), scratch[BINARY_TEXT_MAX];
    struct slice cell;

    r->texts = t;
    r->bytes = to;
    r->size += size;
    for (int row = 0; row < r->rows; row++) {
        for (int i = 0; i < r->columns; i++) {
            bool is_null = !result_raw(r, row, i, &cell);
            struct slice text = is_null ? cell : binary_text(r->shape->column[i].oid, cell, scratch);
            *t++ = (struct small_text){used, (uint32_t)text.n, is_null};
            memcpy(to + used, text.p, text.n);
            to[used + text.n] = '\0';
            used += text.n + 1;
        }
    }
    PQclear(r->res);
    r->res = NULL;
    r->binary = false;
}
