#include "script/request/intake_form.h"

#include "http/request.h"
#include "http/upload.h"
#include <stdio.h>

/* ---- in ---- */

/* The media type without its parameters. */
static struct slice media_type(struct slice type)
{
    const char *semi = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;
    if (semi != NULL)
        type.n = (size_t)(semi - type.p);
    while (type.n > 0 && (type.p[type.n - 1] == ' ' || type.p[type.n - 1] == '\t'))
        type.n--;
    return type;
}

static void add_parts(const struct upload *u, struct text_pairs *pairs)
{
    for (unsigned i = 0; i < u->n; i++) {
        const struct upload_part *part = &u->parts[i];
        if (part->is_file && part->filename.n == 0 && part->n == 0)
            continue;
        if (pairs->n == TEXT_PAIRS_MAX) {
            pairs->more = true;
            return;
        }
        struct text_pair *pair = &pairs->list[pairs->n++];
        *pair = (struct text_pair){.name = part->name, .is_file = part->is_file};
        pair->value = part->is_file ? slice_of((const char *)part, part->n) : buf_view(&part->data);
    }
}

bool intake_form_read(struct request *req, struct text_pairs *pairs)
{
    struct slice type = media_type(request_header(req, HEADER_CONTENT_TYPE));
    if (req->upload != NULL)
        add_parts(req->upload, pairs);
    else if (req->body.n > 0 && !slice_eq_nocase(type, SLICE_LIT("application/x-www-form-urlencoded")))
        return false;
    else
        text_doc_urlencoded(req->body, &req->arena, pairs);
    return true;
}

/* ---- what only a form can get wrong ---- */

/* What is declared for a name, the items of a list in place of the list; NULL: nothing is. */
static const struct plan_node *declared(const struct plan_node *root, struct slice name)
{
    int at = root->kind == PLAN_OBJECT ? plan_lookup_find(root->object.lookup, name, 0) : -1;
    if (at < 0)
        return NULL;
    const struct plan_node *node = root->object.fields[at].node;
    return node->kind == PLAN_ARRAY ? node->array.items : node;
}

static bool is_taken(const struct plan_node *node, struct slice type)
{
    for (uint32_t i = 0; i < node->file.n_types; i++) {
        if (slice_eq_nocase(node->file.types[i], type))
            return true;
    }
    return node->file.n_types == 0;
}

static void say_types(const struct plan_node *node, char message[static INTAKE_MESSAGE_BYTES])
{
    size_t n = (size_t)snprintf(message, INTAKE_MESSAGE_BYTES, "must be a file of type");
    for (uint32_t i = 0; i < node->file.n_types && n < INTAKE_MESSAGE_BYTES; i++) {
        const char *before = i == 0 ? " " : i + 1 == node->file.n_types ? " or " : ", ";
        n += (size_t)snprintf(message + n, INTAKE_MESSAGE_BYTES - n, "%s%.*s", before, (int)node->file.types[i].n,
                              node->file.types[i].p);
    }
}

const char *intake_form_fault(const struct plan *plan, const struct text_pair *pair,
                              char message[static INTAKE_MESSAGE_BYTES])
{
    const struct plan_node *node = declared(plan->root, pair->name);
    if (node == NULL) /* the plan says what becomes of it */
        return NULL;
    const char *code = "type";
    if (pair->is_file && node->kind != PLAN_FILE) {
        snprintf(message, INTAKE_MESSAGE_BYTES, "must be a text, not a file");
    } else if (!pair->is_file && node->kind == PLAN_FILE) {
        snprintf(message, INTAKE_MESSAGE_BYTES, "must be a file, sent as multipart/form-data");
    } else if (pair->is_file &&
               !is_taken(node, media_type(((const struct upload_part *)(const void *)pair->value.p)->content_type))) {
        code = "media_type";
        say_types(node, message);
    } else {
        return NULL;
    }
    if (node->message.n > 0)
        snprintf(message, INTAKE_MESSAGE_BYTES, "%.*s", (int)node->message.n, node->message.p);
    return code;
}

/* ---- out ---- */

struct expand {
    const struct upload *upload;
    const struct json_node *in;
    struct json_node *out;
    uint32_t n;
};

enum { FILE_NODES = 9 }; /* an object of four pairs */

static const struct upload_part *file_of(const struct upload *u, const struct json_node *node)
{
    uintptr_t p = (uintptr_t)node->s.p, first = (uintptr_t)u->parts;
    bool is_one = node->type == JSON_STRING && p >= first && p < (uintptr_t)(u->parts + u->n);
    return is_one ? (const struct upload_part *)(const void *)node->s.p : NULL;
}

static struct json_node *push(struct expand *e, enum json_type type)
{
    struct json_node *node = &e->out[e->n++];
    *node = (struct json_node){.type = type, .next = e->n};
    return node;
}

static void push_pair(struct expand *e, struct slice name, struct slice value)
{
    push(e, JSON_STRING)->s = name;
    push(e, JSON_STRING)->s = value;
}

static void push_file(struct expand *e, const struct upload_part *part)
{
    struct json_node *object = push(e, JSON_OBJECT);
    object->count = 4;
    push_pair(e, SLICE_LIT("filename"), part->filename);
    push_pair(e, SLICE_LIT("content_type"),
              part->content_type.n > 0 ? part->content_type : SLICE_LIT("application/octet-stream"));
    push(e, JSON_STRING)->s = SLICE_LIT("size");
    push(e, JSON_INT)->i = (int64_t)part->n;
    if (part->path != NULL)
        push_pair(e, SLICE_LIT("path"), slice_str(part->path));
    else
        push_pair(e, SLICE_LIT("data"), buf_view(&part->data));
    object->next = e->n;
}

/* Returns where the next value of the input is. */
static uint32_t copy(struct expand *e, uint32_t at)
{
    const struct json_node *node = &e->in[at];
    bool is_container = node->type == JSON_OBJECT || node->type == JSON_ARRAY;
    uint32_t own = e->n, end = is_container ? node->next : at + 1;
    const struct upload_part *file = file_of(e->upload, node);
    if (file != NULL) {
        push_file(e, file);
        return end;
    }
    e->out[e->n++] = *node;
    for (at++; at < end;)
        at = copy(e, at);
    e->out[own].next = e->n;
    return end;
}

void intake_form_expand(struct request *req, struct json_doc *doc)
{
    struct expand e = {.upload = req->upload, .in = doc->nodes};
    uint32_t files = 0;
    for (uint32_t i = 0; i < doc->n; i++)
        files += file_of(req->upload, &doc->nodes[i]) != NULL;
    if (files == 0)
        return;
    e.out = arena_alloc(&req->arena, ((size_t)doc->n + (size_t)files * FILE_NODES) * sizeof *e.out);
    copy(&e, 0);
    *doc = (struct json_doc){e.out, e.n};
}
