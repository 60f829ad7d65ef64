#include "script/request/intake.h"

#include "http/response.h"
#include "plan/check.h"
#include "script/request/intake_form.h"
#include "script/request/operation.h"
#include "script/request/text_doc.h"
#include "script/runtime/env.h"
#include <stdio.h>

static const char *const part_names[INTAKE_PARTS] = {
    [INTAKE_PARAMS] = "params",   [INTAKE_QUERY] = "query", [INTAKE_HEADERS] = "headers",
    [INTAKE_COOKIES] = "cookies", [INTAKE_BODY] = "body",
};

static bool refuse(struct request *req, int status, const char *code, const char *message)
{
    response_error(req, status, code, slice_str(message), (struct slice){0}, (struct slice){0});
    return false;
}

static bool read_json(const struct script_env *env, struct request *req, struct json_doc *doc)
{
    struct json_error err;
    char message[256];
    enum json_status status = json_read(req->body, env->limits->json_depth_max, &req->arena, doc, &err);
    if (status == JSON_OK)
        return true;
    if (status == JSON_DEPTH) {
        snprintf(message, sizeof message, "The body is nested deeper than %u levels", env->limits->json_depth_max);
        return refuse(req, 400, "json_too_deep", message);
    }
    snprintf(message, sizeof message, "The body is not valid JSON: %s at byte %zu", err.message, err.at);
    return refuse(req, 400, "invalid_json", message);
}

static void add_error(struct plan_errors *errs, struct arena *a, enum intake_part part, struct slice name, const char *code,
                      const char *message)
{
    char field[PLAN_FIELD_BYTES_MAX];
    int n = name.n > 0 ? snprintf(field, sizeof field, "%s.%.*s", part_names[part], (int)name.n, name.p)
                       : snprintf(field, sizeof field, "%s", part_names[part]);
    if (n >= (int)sizeof field)
        n = (int)sizeof field - 1;
    plan_error_add(errs, a, slice_of(arena_dup(a, field, (size_t)n), (size_t)n), code, slice_str(message),
                   (struct slice){0});
}

static void check_doc(const struct plan *plan, const struct json_doc *in, enum plan_source source, enum intake_part part,
                      struct request *req, struct json_doc *out, struct plan_errors *errs)
{
    if (plan_check(plan, in, 0, source, part_names[part], &req->arena, out, errs) != 0)
        *out = (struct json_doc){0};
}

static void check_pairs(const struct plan *plan, const struct text_pairs *pairs, enum intake_part part, struct request *req,
                        struct json_doc *out, struct plan_errors *errs)
{
    struct json_doc doc;
    const struct text_pair *wrong = text_doc_build(pairs, &req->arena, &doc);
    if (wrong != NULL)
        add_error(errs, &req->arena, part, (struct slice){0}, "encoding", "a name or value is not UTF-8, or holds NUL");
    else if (pairs->more)
        add_error(errs, &req->arena, part, (struct slice){0}, "too_many", "has too many values");
    else
        check_doc(plan, &doc, PLAN_TEXT, part, req, out, errs);
}

/* Everything but the body. */
static void check_head(const struct operation *op, struct request *req, struct json_doc *docs, struct plan_errors *errs)
{
    struct text_pairs pairs;
    if (op->params != NULL) {
        pairs.n = 0, pairs.more = false;
        text_doc_params(req, &req->arena, &pairs);
        check_pairs(op->params, &pairs, INTAKE_PARAMS, req, &docs[INTAKE_PARAMS], errs);
    }
    if (op->query != NULL) {
        pairs.n = 0, pairs.more = false;
        text_doc_urlencoded(request_query(req), &req->arena, &pairs);
        check_pairs(op->query, &pairs, INTAKE_QUERY, req, &docs[INTAKE_QUERY], errs);
    }
    if (op->headers != NULL) {
        pairs.n = 0, pairs.more = false;
        text_doc_headers(req, &req->arena, &pairs);
        check_pairs(op->headers, &pairs, INTAKE_HEADERS, req, &docs[INTAKE_HEADERS], errs);
    }
    if (op->cookies != NULL) {
        pairs.n = 0, pairs.more = false;
        text_doc_cookies(req, &pairs);
        check_pairs(op->cookies, &pairs, INTAKE_COOKIES, req, &docs[INTAKE_COOKIES], errs);
    }
}

static bool check_form(const struct operation *op, struct request *req, struct json_doc *docs, struct plan_errors *errs)
{
    struct text_pairs pairs = {.n = 0, .more = false};
    bool wrong = false;
    if (!intake_form_read(req, &pairs))
        return refuse(req, 415, "unsupported_media_type",
                      "The body must be multipart/form-data or application/x-www-form-urlencoded");
    for (unsigned i = 0; i < pairs.n; i++) {
        char message[INTAKE_MESSAGE_BYTES];
        const char *code = intake_form_fault(op->body, &pairs.list[i], message);
        if (code == NULL)
            continue;
        wrong = true;
        add_error(errs, &req->arena, INTAKE_BODY, pairs.list[i].name, code, message);
    }
    if (wrong)
        return true; /* what is a file and what is a text must be right before a plan looks at it */
    check_pairs(op->body, &pairs, INTAKE_BODY, req, &docs[INTAKE_BODY], errs);
    if (req->upload != NULL)
        intake_form_expand(req, &docs[INTAKE_BODY]);
    return true;
}

static bool check_json(const struct script_env *env, const struct operation *op, struct request *req, struct json_doc *docs,
                       struct plan_errors *errs)
{
    struct json_doc doc;
    if (req->body.n == 0 && op->body != NULL && op->body->root->optional)
        return true;
    if (!read_json(env, req, &doc))
        return false;
    if (op->body != NULL)
        check_doc(op->body, &doc, PLAN_JSON, INTAKE_BODY, req, &docs[INTAKE_BODY], errs);
    else
        docs[INTAKE_BODY] = doc;
    return true;
}

static void answer_errors(struct request *req, const struct plan_errors *errs)
{
    struct buf details = BUF_INIT;
    plan_errors_write(errs, &details);
    response_error(req, 422, "validation_failed", SLICE_LIT("The request is not valid"), buf_view(&details),
                   (struct slice){0});
    buf_free(&details);
}

bool intake_read(const struct script_env *env, const struct operation *op, struct request *req,
                 struct json_doc docs[static INTAKE_PARTS])
{
    struct plan_errors errs;
    errs.n = 0;
    errs.more = false;
    check_head(op, req, docs, &errs);
    if (op->form && op->body != NULL && !check_form(op, req, docs, &errs))
        return false;
    if (req->match.route->json_body && !check_json(env, op, req, docs, &errs))
        return false;
    if (errs.n == 0)
        return true;
    answer_errors(req, &errs);
    return false;
}
