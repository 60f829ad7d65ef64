#ifndef BASE_UUID_H
#define BASE_UUID_H
/* RFC 9562: sixteen bytes, and their text. */

enum { UUID_BYTES = 16, UUID_TEXT = 36 };

/* 8-4-4-4-12 digits, lower case, no NUL. */
void uuid_write(char out[static UUID_TEXT], const void *bytes);
#endif
