#ifndef SCRIPT_REQUEST_INTAKE_FORM_H
#define SCRIPT_REQUEST_INTAKE_FORM_H
/* Forms, urlencoded or multipart, on their way to the plan of the body and behind it. Between the two a file is a string
 * node that nobody may read: its pointer is a struct upload_part, its length that of the file. */
#include "plan/plan.h"
#include "script/request/text_doc.h"

enum { INTAKE_MESSAGE_BYTES = 256 };

/* False: there is a body, and it is no form. An empty file input of a browser is left out. */
bool intake_form_read(struct request *req, struct text_pairs *pairs) __attribute__((warn_unused_result));
/* What is wrong with a pair that the plan cannot see: a file for a text, a text for a file, a file of another type. A code
 * and its message, or NULL. */
const char *intake_form_fault(const struct plan *plan, const struct text_pair *pair,
                              char message[static INTAKE_MESSAGE_BYTES]) __attribute__((warn_unused_result));
/* Makes each file of a checked document {filename, content_type, size, data or path}. */
void intake_form_expand(struct request *req, struct json_doc *doc);
#endif
