#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H
/* The answer to a request. Every answer carries Date, X-Request-ID, Content-Length (or none for 1xx, 204 and 304),
 * the security headers, and Connection where it matters. Each writes one access line. */
#include "http/request.h"

struct response {
    int status;                /* 200..599 */
    struct slice content_type; /* n 0 with a body: application/json */
    struct slice headers;      /* more header lines, each "Name: value\r\n", already checked with response_header_ok */
    struct slice body;         /* borrowed during the call; left out for HEAD, but counted in Content-Length */
    bool close;                /* close the connection after it */
    bool streamed;             /* without a length: what HEAD says of an answer that stream_open() would begin */
};

/* Ends the request: req must not be touched afterwards. */
void response_send(struct request *req, const struct response *res);

/* The envelope {"error":{"code":...,"message":...[,"details":...]}}; details is JSON or empty. headers as above. Who asks
 * for application/problem+json gets that instead. */
void response_error(struct request *req, int status, const char *code, struct slice message, struct slice details,
                    struct slice headers);

/* RFC 9110 5.5: a name is a token, a value has no control bytes (so no CR or LF). Content-Length, Transfer-Encoding,
 * Connection, Date and X-Request-ID are ours and refused too. */
bool response_header_ok(struct slice name, struct slice value);
const char *response_reason(int status); /* "Not Found"; "" for one that we do not know */
#endif
