#include "http/head_scan.h"

static enum head_status scan_length(struct scan *s, const char *p, const char *end)
{
    uint64_t length = 0;
    if (p == end || end - p > 18)
        return bad(s, "Content-Length is malformed");
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return bad(s, "Content-Length is malformed");
        length = length * 10 + (uint64_t)(*p - '0');
    }
    s->h->has_length = true;
    s->h->content_length = length;
    return HEAD_OK;
}

static unsigned connection_options(const char *p, const char *end)
{
    unsigned says = 0;
    while (p < end) {
        while (p < end && (is_blank(*p) || *p == ','))
            p++;
        const char *from = p;
        while (p < end && *p != ',' && !is_blank(*p))
            p++;
        struct slice option = {from, (size_t)(p - from)};
        if (slice_eq_nocase(option, SLICE_LIT("close")))
            says |= SAYS_CLOSE;
        else if (slice_eq_nocase(option, SLICE_LIT("keep-alive")))
            says |= SAYS_KEEP_ALIVE;
    }
    return says;
}

static const char *twice_fault(enum header_id id)
{
    switch (id) {
    case HEADER_HOST:
        return "two Host headers";
    case HEADER_CONTENT_LENGTH:
        return "two Content-Length headers";
    case HEADER_TRANSFER_ENCODING:
        return "two Transfer-Encoding headers";
    case HEADER_CONTENT_TYPE:
        return "two Content-Type headers";
    case HEADER_AUTHORIZATION:
        return "two Authorization headers";
    case HEADER_ORIGIN: /* RFC 6454 7.3 */
        return "two Origin headers";
    default:
        return NULL;
    }
}

/* Judged when the head is whole: until then a second line, or the version, could change what it means. */
enum head_status scan_known(struct scan *s, enum header_id id, const char *p, const char *end)
{
    struct head *h = s->h;
    if (h->known[id] != 0 && twice_fault(id) != NULL)
        return bad(s, twice_fault(id));
    h->known[id] = (uint8_t)h->header_count;
    switch (id) {
    case HEADER_HOST:
        return head_is_authority(p, end) ? HEAD_OK : bad(s, "the Host header is malformed");
    case HEADER_CONTENT_LENGTH:
        return scan_length(s, p, end);
    case HEADER_CONNECTION:
        s->says |= connection_options(p, end);
        return HEAD_OK;
    default:
        return HEAD_OK;
    }
}

/* RFC 9112 6.1 and 6.3: two lengths, or a coding that we do not undo, leave the end of the message open to opinion, and
 * that is how request smuggling starts. */
static enum head_status judge_framing(struct scan *s)
{
    struct head *h = s->h;
    if (h->known[HEADER_TRANSFER_ENCODING] == 0)
        return HEAD_OK;
    struct slice coding = span_slice(s->base, h->headers[h->known[HEADER_TRANSFER_ENCODING] - 1].value);
    if (h->has_length)
        return bad(s, "both Content-Length and Transfer-Encoding");
    if (h->http10)
        return bad(s, "Transfer-Encoding in HTTP/1.0");
    if (coding.n == 0)
        return bad(s, "Transfer-Encoding is empty");
    if (!slice_eq_nocase(coding, SLICE_LIT("chunked")))
        return refuse(s, HEAD_CODING, "the only transfer coding here is chunked");
    h->chunked = true;
    return HEAD_OK;
}

static enum head_status judge_expect(struct scan *s)
{
    struct head *h = s->h;
    if (h->known[HEADER_EXPECT] == 0 || h->http10) /* RFC 9110 10.1.1: ignored in HTTP/1.0 */
        return HEAD_OK;
    struct slice expect = span_slice(s->base, h->headers[h->known[HEADER_EXPECT] - 1].value);
    if (!slice_eq_nocase(expect, SLICE_LIT("100-continue")))
        return refuse(s, HEAD_EXPECTATION, "the only expectation met here is 100-continue");
    h->expect_continue = true;
    return HEAD_OK;
}

enum head_status scan_judge(struct scan *s)
{
    struct head *h = s->h;
    if (h->known[HEADER_HOST] == 0 && !h->http10)
        return bad(s, "no Host header");
    /* RFC 9112 3.2.2: the host of an absolute target replaces the header's. */
    if (h->known[HEADER_HOST] != 0 && s->authority.n > 0)
        h->headers[h->known[HEADER_HOST] - 1].value = s->authority;
    h->keep_alive = (s->says & SAYS_CLOSE) == 0 && (!h->http10 || (s->says & SAYS_KEEP_ALIVE) != 0);
    enum head_status status = judge_framing(s);
    return status != HEAD_OK ? status : judge_expect(s);
}
