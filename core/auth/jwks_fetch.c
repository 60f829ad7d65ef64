#include "auth/jwks_fetch.h"

#include "auth/jwk.h"
#include <curl/curl.h>
#include <string.h>

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends_host(const char *p)
{
    return *p == 0 || *p == ':' || *p == '/' || *p == '?';
}

static bool is_allowed(const char *url)
{
    static const char *const here[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};
    if (starts(url, "https://"))
        return url[8] != 0;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        if (starts(url, here[i]) && ends_host(url + strlen(here[i])))
            return true;
    return false;
}

static size_t on_bytes(char *p, size_t size, size_t count, void *arg)
{
    struct buf *out = arg;
    size_t n = size * count;
    if (n > JWKS_BYTES_MAX || out->n + n > JWKS_BYTES_MAX)
        return 0; /* ends it with CURLE_WRITE_ERROR */
    buf_append(out, p, n);
    return n;
}

static int get(CURL *curl, const char *url, struct buf *out, char err[static ERR_MAX])
{
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)JWKS_FETCH_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* not the only thread */
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "neap");
    CURLcode rc = curl_easy_perform(curl);
    if (rc != CURLE_OK)
        return fail(err, "%s", rc == CURLE_WRITE_ERROR ? "the document is too large" : curl_easy_strerror(rc));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? 0 : fail(err, "it answered %ld", status);
}

int jwks_fetch(const char *url, struct buf *out, char err[static ERR_MAX])
{
    if (!is_allowed(url))
        return fail(err, "keys are fetched by https only");
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return fail(err, "libcurl cannot start");
    int rc = get(curl, url, out, err);
    curl_easy_cleanup(curl);
    return rc;
}
