#include "core/auth/jwks_fetch.c"
#include "spec/core/test.h"

TEST("keys come by https, or from this machine")
{
    static const char *const right[] = {"https://issuer.example/jwks", "https://127.0.0.1",  "http://localhost/jwks",
                                        "http://localhost:8080/jwks",  "http://127.0.0.1:1", "http://[::1]:8080/jwks"};
    static const char *const wrong[] = {"",
                                        "https://",
                                        "http://issuer.example/jwks",
                                        "http://localhost.example/jwks",
                                        "http://127.0.0.1.example/",
                                        "http://localhost@issuer.example/",
                                        "file:///etc/passwd",
                                        "ftp://issuer.example/",
                                        "HTTPS//x",
                                        "issuer.example"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK(is_allowed(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!is_allowed(wrong[i]));
}

TEST("what is not there is told")
{
    struct buf out = BUF_INIT;
    char err[ERR_MAX] = "";
    CHECK_INT(jwks_fetch("http://127.0.0.1:1/jwks", &out, err), -1);
    CHECK(err[0] != 0);
    CHECK_INT(jwks_fetch("file:///etc/passwd", &out, err), -1);
    CHECK(strstr(err, "https") != NULL && out.n == 0);
    buf_free(&out);
}

TEST("a document that is too large ends its fetch")
{
    struct buf out = BUF_INIT;
    static char piece[100 * 1024];
    CHECK_INT(on_bytes(piece, 1, sizeof piece, &out), sizeof piece);
    CHECK_INT(on_bytes(piece, 1, sizeof piece, &out), sizeof piece);
    CHECK_INT(on_bytes(piece, 1, sizeof piece, &out), 0);
    CHECK_INT(out.n, 2 * sizeof piece);
    buf_free(&out);
}
