#ifndef SCRIPT_REQUEST_TEXT_DOC_H
#define SCRIPT_REQUEST_TEXT_DOC_H
/* Params, queries, headers, cookies and forms as documents for plans: one object of strings; a name given twice has an array
 * of strings. */
#include "base/arena.h"
#include "plan/json.h"

struct request;

enum { TEXT_PAIRS_MAX = 256 };

struct text_pair {
    struct slice name, value; /* decoded; in the arena, or in the request's bytes */
    bool is_file;             /* value.p is a struct upload_part, and value.n its length */
};

struct text_pairs {
    struct text_pair list[TEXT_PAIRS_MAX];
    unsigned n;
    bool more; /* there were more than the list holds */
};

void text_doc_params(const struct request *r, struct arena *a, struct text_pairs *out);
void text_doc_headers(const struct request *r, struct arena *a, struct text_pairs *out); /* lower-case names */
void text_doc_cookies(const struct request *r, struct text_pairs *out);                  /* RFC 6265 5.4, as they are */
void text_doc_urlencoded(struct slice s, struct arena *a, struct text_pairs *out);       /* queries and forms */
/* The document; NULL, or the pair that is not UTF-8 or holds NUL. */
const struct text_pair *text_doc_build(const struct text_pairs *pairs, struct arena *a, struct json_doc *doc);
#endif
