#include "base/uuid.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>

static void put_hex16(char out[static 32], const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), low = _mm_set1_epi8(15);
    __m128i halves[2] = {_mm_and_si128(_mm_srli_epi16(v, 4), low), _mm_and_si128(v, low)};

    for (int i = 0; i < 2; i++) { /* from ten on a letter */
        __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(halves[i], _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
        halves[i] = _mm_add_epi8(_mm_add_epi8(halves[i], _mm_set1_epi8('0')), letters);
    }
    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi8(halves[0], halves[1]));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_unpackhi_epi8(halves[0], halves[1]));
}
#else
static void put_hex16(char out[static 32], const char *p)
{
    for (int i = 0; i < UUID_BYTES; i++) {
        out[2 * i] = "0123456789abcdef"[(unsigned char)p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[(unsigned char)p[i] & 15];
    }
}
#endif

void uuid_write(char out[static UUID_TEXT], const void *bytes)
{
    char hex[2 * UUID_BYTES];

    put_hex16(hex, bytes);
    memcpy(out, hex, 8);
    memcpy(out + 9, hex + 8, 4);
    memcpy(out + 14, hex + 12, 4);
    memcpy(out + 19, hex + 16, 4);
    memcpy(out + 24, hex + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}
