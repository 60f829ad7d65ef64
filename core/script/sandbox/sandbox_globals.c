/* The format is that of ldump.c, the instructions are those of lopcodes.h, both of Lua 5.4. A global `x` is compiled to
 * _ENV.x, and _ENV is the first upvalue of the main function; inner functions pass it on as an upvalue of theirs. So it
 * is enough to follow that upvalue down and to look at the instructions that index an upvalue by a constant. */
#include "script/sandbox/sandbox_globals.h"
#include "base/mem.h"
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UPVALUES_MAX = 256, REGISTERS_MAX = 256, DEPTH_MAX = 200 /* LUAI_MAXCCALLS nests no deeper */ };

enum opcode { /* those of the 83 that matter here */
              OP_LOADK = 3,
              OP_LOADKX = 4,
              OP_GETUPVAL = 9,
              OP_GETTABUP = 11,
              OP_GETTABLE = 12,
              OP_SETTABUP = 15,
              OP_SETTABLE = 16,
};

enum constant_type {
    K_NIL = 0x00,
    K_FALSE = 0x01,
    K_TRUE = 0x11,
    K_INT = 0x03,
    K_FLOAT = 0x13,
    K_SHORT = 0x04,
    K_LONG = 0x14
};

enum { LINE_IS_ABSOLUTE = -0x80 };

struct reader {
    const unsigned char *p, *end;
    bool bad;
    struct global_uses *uses;
};

struct upvalues { /* which of a function's are the global _ENV */
    bool is_env[UPVALUES_MAX];
};

struct function {
    const unsigned char *code;
    size_t code_n;
    int first_line;
    struct slice *constants; /* owned; p NULL for what is no string */
    size_t constants_n;
    struct upvalues upvalues;
    const signed char *lines;
    size_t lines_n;
    struct {
        size_t pc;
        int line;
    } * absolute; /* owned; in the order of pc */
    size_t absolute_n;
};

static const unsigned char *take(struct reader *r, size_t n)
{
    const unsigned char *p = r->p;
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return p;
}

static int take_byte(struct reader *r)
{
    const unsigned char *p = take(r, 1);
    return p ? *p : 0;
}

/* Seven bits a byte, the most significant first; the last byte has its top bit set. */
static size_t take_size(struct reader *r)
{
    size_t v = 0;
    for (;;) {
        const unsigned char *p = take(r, 1);
        if (p == NULL || v > SIZE_MAX >> 7) {
            r->bad = true;
            return 0;
        }
        v = v << 7 | (*p & 0x7f);
        if (*p & 0x80)
            return v;
    }
}

/* How many things follow that take at least one byte each: a count that cannot be is not allocated for. */
static size_t take_count(struct reader *r)
{
    size_t n = take_size(r);
    if (n > (size_t)(r->end - r->p))
        r->bad = true;
    return r->bad ? 0 : n;
}

static struct slice take_string(struct reader *r)
{
    size_t n = take_size(r);
    const unsigned char *p = n > 0 ? take(r, n - 1) : NULL;
    return slice_of((const char *)p, p ? n - 1 : 0);
}

static bool take_header(struct reader *r)
{
    static const unsigned char start[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
    const int64_t integer = 0x5678;
    const double number = 370.5;
    const unsigned char *p = take(r, sizeof(start) - 1);
    const unsigned char *i = take(r, sizeof(integer)), *f = take(r, sizeof(number));
    return p && i && f && memcmp(p, start, sizeof(start) - 1) == 0 && memcmp(i, &integer, sizeof(integer)) == 0 &&
           memcmp(f, &number, sizeof(number)) == 0;
}

static void take_constants(struct reader *r, struct function *f)
{
    f->constants_n = take_count(r);
    f->constants = mem_zalloc((f->constants_n + 1) * sizeof(*f->constants));
    for (size_t i = 0; i < f->constants_n && !r->bad; i++) {
        switch (take_byte(r)) {
        case K_NIL:
        case K_FALSE:
        case K_TRUE:
            break;
        case K_INT:
        case K_FLOAT:
            take(r, 8);
            break;
        case K_SHORT:
        case K_LONG:
            f->constants[i] = take_string(r);
            break;
        default:
            r->bad = true;
        }
    }
}

static void take_upvalues(struct reader *r, struct function *f, const struct upvalues *outer)
{
    size_t n = take_count(r);
    if (n > UPVALUES_MAX)
        r->bad = true;
    for (size_t i = 0; i < n && !r->bad; i++) {
        bool in_stack = take_byte(r) != 0;
        int index = take_byte(r);
        take_byte(r); /* its kind */
        /* The main function's _ENV says that it is in the stack of a caller that is not there. */
        f->upvalues.is_env[i] = outer ? !in_stack && outer->is_env[index] : i == 0;
    }
}

static void take_debug(struct reader *r, struct function *f)
{
    f->lines_n = take_count(r);
    f->lines = (const signed char *)take(r, f->lines_n);
    f->absolute_n = take_count(r);
    f->absolute = mem_zalloc((f->absolute_n + 1) * sizeof(*f->absolute));
    for (size_t i = 0; i < f->absolute_n; i++) {
        f->absolute[i].pc = take_size(r);
        f->absolute[i].line = (int)take_size(r);
    }
    for (size_t n = take_count(r); n > 0 && !r->bad; n--) { /* local variables */
        take_string(r);
        take_size(r);
        take_size(r);
    }
    for (size_t n = take_count(r); n > 0 && !r->bad; n--) /* names of upvalues */
        take_string(r);
}

/* ---- instructions: opcode 7 bits, A 8, k 1, B 8, C 8; or A 8, Bx 17; or Ax 25 ---- */

static uint32_t instruction(const struct function *f, size_t pc)
{
    uint32_t i;
    memcpy(&i, f->code + pc * sizeof(i), sizeof(i));
    return i;
}

static unsigned op_of(uint32_t i)
{
    return i & 0x7f;
}

static unsigned a_of(uint32_t i)
{
    return i >> 7 & 0xff;
}

static unsigned b_of(uint32_t i)
{
    return i >> 16 & 0xff;
}

static unsigned c_of(uint32_t i)
{
    return i >> 24;
}

static void add_use(struct reader *r, const struct function *f, size_t constant, int line, bool is_write)
{
    struct global_uses *u = r->uses;
    if (constant >= f->constants_n || f->constants[constant].p == NULL) {
        r->bad = true; /* another meaning of the bits than ours */
        return;
    }
    if (u->n == u->cap) {
        u->cap = u->cap ? u->cap * 2 : 32;
        u->list = mem_realloc(u->list, u->cap * sizeof(*u->list));
    }
    u->list[u->n++] = (struct global_use){f->constants[constant], line, is_write};
}

/* A name that is long, or comes after 255 other constants, does not fit into the one instruction. It is then
 *     GETUPVAL t _ENV; LOADK k "name"; ... GETTABLE x t k  or  SETTABLE t k x
 * where t and k are temporaries of that one use. */
struct far_key {
    size_t constant[REGISTERS_MAX]; /* of the key, by the register that holds _ENV; SIZE_MAX: none */
};

static void see_far_key(const struct function *f, size_t pc, struct far_key *far)
{
    uint32_t i = instruction(f, pc);
    unsigned a = a_of(i);
    far->constant[a] = SIZE_MAX;
    if (b_of(i) >= UPVALUES_MAX || !f->upvalues.is_env[b_of(i)] || pc + 2 >= f->code_n)
        return;
    uint32_t load = instruction(f, pc + 1);
    if (a_of(load) != a + 1)
        return;
    if (op_of(load) == OP_LOADK)
        far->constant[a] = load >> 15;
    else if (op_of(load) == OP_LOADKX)
        far->constant[a] = instruction(f, pc + 2) >> 7;
}

static void add_far_use(struct reader *r, const struct function *f, struct far_key *far, unsigned table, unsigned key,
                        int line, bool is_write)
{
    size_t constant = far->constant[table];
    if (constant == SIZE_MAX || key != table + 1)
        return;
    far->constant[table] = SIZE_MAX;
    if (constant < f->constants_n && f->constants[constant].p)
        add_use(r, f, constant, line, is_write);
}

static int line_at(const struct function *f, size_t pc, int line, size_t *absolute)
{
    if (f->lines[pc] != LINE_IS_ABSOLUTE)
        return line + f->lines[pc];
    while (*absolute < f->absolute_n && f->absolute[*absolute].pc < pc)
        ++*absolute;
    return *absolute < f->absolute_n ? f->absolute[*absolute].line : line;
}

static void scan_code(struct reader *r, const struct function *f)
{
    struct far_key far;
    memset(&far, 0xff, sizeof(far));
    int line = f->first_line;
    size_t absolute = 0;
    for (size_t pc = 0; pc < f->code_n && !r->bad; pc++) {
        uint32_t i = instruction(f, pc);
        line = line_at(f, pc, line, &absolute);
        switch (op_of(i)) {
        case OP_GETTABUP:
            if (f->upvalues.is_env[b_of(i)])
                add_use(r, f, c_of(i), line, false);
            break;
        case OP_SETTABUP:
            if (f->upvalues.is_env[a_of(i)])
                add_use(r, f, b_of(i), line, true);
            break;
        case OP_GETUPVAL:
            see_far_key(f, pc, &far);
            break;
        case OP_GETTABLE:
            add_far_use(r, f, &far, b_of(i), c_of(i), line, false);
            break;
        case OP_SETTABLE:
            add_far_use(r, f, &far, a_of(i), b_of(i), line, true);
            break;
        default:
            break;
        }
    }
}

static void take_function(struct reader *r, const struct upvalues *outer, int depth)
{
    struct function f = {0};
    take_string(r); /* source */
    f.first_line = (int)take_size(r);
    take_size(r); /* last line */
    take(r, 3);   /* parameters, vararg, stack size */
    f.code_n = take_count(r);
    f.code = take(r, f.code_n * sizeof(uint32_t));
    take_constants(r, &f);
    take_upvalues(r, &f, outer);
    if (depth > DEPTH_MAX)
        r->bad = true;
    for (size_t n = take_count(r); n > 0 && !r->bad; n--)
        take_function(r, &f.upvalues, depth + 1);
    take_debug(r, &f);
    if (f.lines_n != f.code_n)
        r->bad = true;
    if (!r->bad)
        scan_code(r, &f);
    free(f.constants);
    free(f.absolute);
}

static int by_line_and_name(const void *a, const void *b)
{
    const struct global_use *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    int order = memcmp(x->name.p, y->name.p, x->name.n < y->name.n ? x->name.n : y->name.n);
    if (order != 0 || x->name.n == y->name.n)
        return order;
    return x->name.n < y->name.n ? -1 : 1;
}

bool global_uses_read(struct slice dump, struct global_uses *out)
{
    struct reader r = {(const unsigned char *)dump.p, (const unsigned char *)dump.p + dump.n, false, out};
    *out = (struct global_uses){0};
    if (!take_header(&r))
        return false;
    take_byte(&r); /* number of upvalues of the main function */
    take_function(&r, NULL, 0);
    if (r.bad || r.p != r.end) {
        global_uses_free(out);
        return false;
    }
    if (out->n > 0)
        qsort(out->list, out->n, sizeof(*out->list), by_line_and_name);
    return true;
}

void global_uses_free(struct global_uses *u)
{
    free(u->list);
    *u = (struct global_uses){0};
}
