#include "http/body.h"

#include <assert.h>

enum {
    CHUNK_LINE_BYTES_MAX = 256, /* 16 digits of size are enough for anybody; the rest is room for an extension */
    /* All extensions and trailers of one body together. Nobody reads them here, so they only need to be small enough
     * that sending them is no way to keep a server busy for nothing. */
    EXTRA_BYTES_MAX = 8 * 1024,
};

static const char priming_head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

void body_begin_sized(struct body_reader *r, uint64_t length, size_t bytes_max, struct buf *out)
{
    r->left = length;
    r->bytes_max = bytes_max;
    r->taken = 0;
    r->chunked = false;
    r->why = NULL;
    r->out = out;
    r->done = false;
}

static enum body_status fail_with(struct body_reader *r, enum body_status status, const char *why)
{
    if (r->failed == BODY_OK) {
        r->failed = status;
        r->why = why;
    }
    return r->failed;
}

static const char *line_fault(struct body_reader *r, char c)
{
    if (c == '\n' && r->last != '\r')
        return "a bare LF in a chunked body";
    if (c != '\n' && r->last == '\r')
        return "a CR without LF in a chunked body";
    if ((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n')
        return "a control byte in a chunked body";
    if (r->in_trailers) {
        if (r->line_bytes == 1 && (c == ' ' || c == '\t'))
            return "a folded trailer line";
        if (r->line_bytes == 1 && c == ':')
            return "a trailer line without a name";
    } else if (!r->in_extension && c != '\r' && c != '\n' &&
               !((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))) {
        return "a malformed chunk size";
    }
    return NULL;
}

/* llhttp in strict mode still takes a bare LF after the trailers, blanks after a chunk's size, and lines of any length.
 * So everything between the data is looked at here first. */
static void check_framing(struct body_reader *r, const char *end)
{
    for (; r->seen < end && r->failed == BODY_OK; r->seen++) {
        char c = *r->seen;
        r->line_bytes++;
        if (c == ';' && !r->in_trailers)
            r->in_extension = true;
        const char *why = line_fault(r, c);
        if (why != NULL)
            fail_with(r, BODY_BAD, why);
        if (r->in_trailers || r->in_extension)
            r->extra_bytes++;
        else if (r->line_bytes > CHUNK_LINE_BYTES_MAX)
            fail_with(r, BODY_BAD, "a chunk line is too long");
        if (r->extra_bytes > EXTRA_BYTES_MAX || (r->in_extension && r->line_bytes > CHUNK_LINE_BYTES_MAX))
            fail_with(r, BODY_BAD, "chunk extensions or trailers are too large");
        r->last = c;
        if (c == '\n') {
            r->line_bytes = 0;
            r->in_extension = false;
        }
    }
}

static int on_chunk_header(llhttp_t *parser)
{
    struct body_reader *r = parser->data;
    if (parser->content_length > r->bytes_max - r->taken) {
        fail_with(r, BODY_TOO_LARGE, "the body is too large");
        return -1;
    }
    r->in_trailers = parser->content_length == 0;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct body_reader *r = parser->data;
    check_framing(r, at);
    if (r->failed != BODY_OK)
        return -1;
    assert(n <= r->bytes_max - r->taken); /* on_chunk_header has seen to it */
    buf_append(r->out, at, n);
    r->taken += n;
    r->seen = at + n;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct body_reader *r = parser->data;
    r->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static llhttp_settings_t once;
    if (once.on_body == NULL) {
        llhttp_settings_init(&once);
        once.on_chunk_header = on_chunk_header;
        once.on_body = on_body;
        once.on_message_complete = on_message_complete;
    }
    return &once;
}

void body_begin_chunked(struct body_reader *r, size_t bytes_max, struct buf *out)
{
    *r = (struct body_reader){.bytes_max = bytes_max, .chunked = true, .out = out};
    llhttp_init(&r->parser, HTTP_REQUEST, settings());
    r->parser.data = r;
    enum llhttp_errno err = llhttp_execute(&r->parser, priming_head, sizeof priming_head - 1);
    assert(err == HPE_OK);
    (void)err;
}

static enum body_status read_sized(struct body_reader *r, const char *p, size_t n, size_t *used)
{
    *used = n < r->left ? n : (size_t)r->left;
    if (*used > r->bytes_max - r->taken) {
        r->why = "the body is too large";
        return BODY_TOO_LARGE;
    }
    buf_append(r->out, p, *used);
    r->taken += *used;
    r->left -= *used;
    r->done = r->left == 0;
    return r->done ? BODY_DONE : BODY_OK;
}

static enum body_status read_chunked(struct body_reader *r, const char *p, size_t n, size_t *used)
{
    r->seen = p;
    enum llhttp_errno err = llhttp_execute(&r->parser, p, n);
    *used = err == HPE_OK ? n : (size_t)(llhttp_get_error_pos(&r->parser) - p);
    if (r->failed != BODY_OK)
        return r->failed;
    check_framing(r, p + *used);
    if (r->failed != BODY_OK)
        return r->failed;
    if (r->done)
        return BODY_DONE;
    return err == HPE_OK ? BODY_OK : fail_with(r, BODY_BAD, "a malformed chunked body");
}

enum body_status body_read(struct body_reader *r, const char *p, size_t n, size_t *used)
{
    return r->chunked ? read_chunked(r, p, n, used) : read_sized(r, p, n, used);
}
