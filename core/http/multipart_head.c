#include "http/multipart.h"

#include "base/utf8.h"

static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = slice_of(s.p + 1, s.n - 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* ---- parameters: ; name=token ; name="quoted" ---- */

struct param {
    struct slice name;
    struct slice value; /* a quoted one without its quotes, still escaped */
    bool quoted;
};

/* Takes one from *s; false: malformed. */
static bool next_param(struct slice *s, struct param *out)
{
    const char *p = s->p + 1, *end = s->p + s->n; /* behind the ";" */
    while (p < end && is_blank(*p))
        p++;
    out->name.p = p;
    while (p < end && is_token(*p))
        p++;
    out->name.n = (size_t)(p - out->name.p);
    if (out->name.n == 0 || p == end || *p++ != '=')
        return false;
    out->quoted = p < end && *p == '"';
    if (out->quoted) {
        out->value.p = ++p;
        while (p < end && *p != '"')
            p += *p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\') ? 2 : 1;
        if (p >= end)
            return false;
        out->value.n = (size_t)(p++ - out->value.p);
    } else {
        out->value.p = p;
        while (p < end && is_token(*p))
            p++;
        out->value.n = (size_t)(p - out->value.p);
        if (out->value.n == 0)
            return false;
    }
    while (p < end && is_blank(*p))
        p++;
    *s = slice_of(p, (size_t)(end - p));
    return p == end || *p == ';';
}

/* Browsers do not escape a backslash, others do: it escapes only a quote or another one. */
static bool unquote(const struct param *param, char *room, size_t max, struct slice *out)
{
    size_t n = 0;
    for (size_t i = 0; i < param->value.n; i++) {
        const char *p = param->value.p + i;
        bool escape = param->quoted && *p == '\\' && i + 1 < param->value.n && (p[1] == '"' || p[1] == '\\');
        if (n == max)
            return false;
        room[n++] = escape ? p[1] : *p;
        i += escape;
    }
    *out = slice_of(room, n);
    return true;
}

int multipart_param(struct slice value, struct slice name, char *room, size_t max, struct slice *out)
{
    int found = 0;
    while (value.n > 0 && *value.p != ';')
        value = slice_of(value.p + 1, value.n - 1);
    while (value.n > 0) {
        struct param param;
        if (!next_param(&value, &param))
            return -1;
        if (!slice_eq_nocase(param.name, name))
            continue;
        if (found || !unquote(&param, room, max, out))
            return -1;
        found = 1;
    }
    return found;
}

/* ---- lines ---- */

/* RFC 7578 4.2: what a file is called on the client says nothing about folders here. */
static struct slice without_folders(struct slice s)
{
    for (size_t i = s.n; i > 0; i--) {
        if (s.p[i - 1] == '/' || s.p[i - 1] == '\\') {
            s = slice_of(s.p + i, s.n - i);
            break;
        }
    }
    return slice_eq(s, SLICE_LIT(".")) || slice_eq(s, SLICE_LIT("..")) ? SLICE_LIT("") : s;
}

static const char *read_disposition(struct slice value, char *room, struct multipart_part *part)
{
    static const struct slice form_data = SLICE_LIT("form-data");
    struct slice kind = value;
    const char *semicolon = memchr(value.p, ';', value.n);
    if (semicolon != NULL)
        kind.n = (size_t)(semicolon - value.p);
    if (!slice_eq_nocase(trim(kind), form_data))
        return "a part is not form-data";
    if (multipart_param(value, SLICE_LIT("name"), room, MULTIPART_NAME_BYTES_MAX, &part->name) != 1 || part->name.n == 0)
        return "a part needs one name, of at most 256 bytes";
    room += MULTIPART_NAME_BYTES_MAX;
    int has = multipart_param(value, SLICE_LIT("filename"), room, MULTIPART_FILENAME_BYTES_MAX, &part->filename);
    if (has < 0)
        return "a filename is malformed, there twice, or longer than 1024 bytes";
    part->is_file = has == 1;
    part->filename = part->is_file ? without_folders(part->filename) : SLICE_LIT("");
    if (!utf8_is_valid(part->name) || !utf8_is_valid(part->filename))
        return "a name is not UTF-8";
    return NULL;
}

/* RFC 7578 4.7 did away with transfer encodings; these three change nothing. */
static bool changes_nothing(struct slice encoding)
{
    return slice_eq_nocase(encoding, SLICE_LIT("binary")) || slice_eq_nocase(encoding, SLICE_LIT("8bit")) ||
           slice_eq_nocase(encoding, SLICE_LIT("7bit"));
}

static const char *read_line(struct slice line, char *room, struct multipart_part *part, bool seen[static 2])
{
    const char *colon = memchr(line.p, ':', line.n);
    struct slice name = slice_of(line.p, colon ? (size_t)(colon - line.p) : 0);
    for (size_t i = 0; i < name.n; i++) {
        if (!is_token(name.p[i]))
            name.n = 0;
    }
    if (name.n == 0)
        return "a header line of a part is malformed";
    struct slice value = trim(slice_of(colon + 1, line.n - name.n - 1));
    if (slice_eq_nocase(name, SLICE_LIT("Content-Disposition"))) {
        if (seen[0])
            return "a part has two Content-Disposition lines";
        seen[0] = true;
        return read_disposition(value, room, part);
    }
    if (slice_eq_nocase(name, SLICE_LIT("Content-Type"))) {
        if (seen[1] || value.n > MULTIPART_TYPE_BYTES_MAX)
            return "a part has two types, or a long one";
        seen[1] = true;
        part->content_type = value;
    }
    if (slice_eq_nocase(name, SLICE_LIT("Content-Transfer-Encoding")) && !changes_nothing(value))
        return "a part has a transfer encoding";
    return NULL;
}

const char *multipart_head_read(const char *lines, size_t n, struct multipart_part *part)
{
    static _Thread_local char room[MULTIPART_NAME_BYTES_MAX + MULTIPART_FILENAME_BYTES_MAX];
    bool seen[2] = {false, false};
    *part = (struct multipart_part){.content_type = SLICE_LIT("")};
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)lines[i];
        if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
            return "a control byte in the headers of a part";
    }
    while (n > 0) {
        const char *lf = memchr(lines, '\n', n); /* each line has its CRLF */
        size_t line_n = (size_t)(lf - lines) + 1;
        const char *why = read_line(slice_of(lines, line_n - 2), room, part, seen);
        if (why != NULL)
            return why;
        lines += line_n;
        n -= line_n;
    }
    return seen[0] ? NULL : "a part has no Content-Disposition";
}
