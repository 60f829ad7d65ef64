#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H
/* A string as JSON: log lines and bodies are written by the same hand. */
#include "base/buf.h"

/* Appends s in quotes. Escapes ", \ and controls; bytes that are not UTF-8 become U+FFFD; the rest goes as it is. */
void quote_json(struct buf *out, struct slice s);
#endif
