#include "auth/jws.h"

#include "auth/base64url.h"
#include "auth/member.h"

enum { HEADER_DEPTH_MAX = 8, WORD_BYTES_MAX = 128 };

static bool next_part(struct slice *rest, struct slice *part)
{
    const char *dot = rest->n > 0 ? (const char *)memchr(rest->p, '.', rest->n) : NULL;
    if (dot == NULL)
        return false;
    *part = slice_of(rest->p, (size_t)(dot - rest->p));
    *rest = slice_of(dot + 1, rest->n - part->n - 1);
    return true;
}

static bool read_header(struct jws *out, struct slice text, struct arena *a)
{
    struct json_doc doc;
    struct json_error err;
    if (json_read(text, HEADER_DEPTH_MAX, a, &doc, &err) != JSON_OK || doc.nodes->type != JSON_OBJECT)
        return false;
    if (member_of(&doc, doc.nodes, SLICE_LIT("crit")) != NULL || member_of(&doc, doc.nodes, SLICE_LIT("b64")) != NULL)
        return false;
    return member_text(&doc, doc.nodes, "alg", WORD_BYTES_MAX, &out->alg) == MEMBER_OK &&
           member_text(&doc, doc.nodes, "typ", WORD_BYTES_MAX, &out->type) != MEMBER_WRONG &&
           member_text(&doc, doc.nodes, "kid", KEY_ID_MAX, &out->key_id) != MEMBER_WRONG;
}

bool jws_read(struct jws *out, struct slice text, struct arena *a)
{
    struct slice header, payload, rest = text;
    *out = (struct jws){0};
    if (text.n > JWS_BYTES_MAX || !next_part(&rest, &header) || !next_part(&rest, &payload))
        return false;
    out->input = slice_of(text.p, header.n + 1 + payload.n);
    return base64url_decode(header, a, &header) && base64url_decode(payload, a, &out->payload) &&
           base64url_decode(rest, a, &out->signature) && out->signature.n > 0 && read_header(out, header, a);
}

bool jws_is_for(const struct jws *jws, const struct key *key)
{
    return slice_eq(jws->alg, slice_str(key_alg_name(key->alg))) &&
           (jws->key_id.n == 0 || slice_eq(jws->key_id, slice_of(key->id, key->id_n)));
}

bool jws_verify(const struct jws *jws, const struct key *key)
{
    return jws_is_for(jws, key) && key_verify(key, jws->input, jws->signature);
}
