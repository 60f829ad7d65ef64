#ifndef BASE_SCAN_H
#define BASE_SCAN_H
/* The inner loop of reading and writing JSON strings: skips what needs no attention, many bytes at a time. */
#include "base/slice.h"
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline uint64_t scan_load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline bool scan_is_special(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0x80;
}

#define SCAN_EACH(byte) (0x0101010101010101u * (byte))

/* Bit 7 of each byte that is zero. A borrow can set it in bytes above such a one too, never below. */
static inline uint64_t scan_zero_bytes(uint64_t v)
{
    return (v - SCAN_EACH(0x01)) & ~v & SCAN_EACH(0x80);
}

static inline uint64_t scan_special8(uint64_t v)
{
    uint64_t below_space = (v - SCAN_EACH(0x20)) & ~v;
    return ((below_space | v) & SCAN_EACH(0x80)) | scan_zero_bytes(v ^ SCAN_EACH('"')) | scan_zero_bytes(v ^ SCAN_EACH('\\'));
}

/* The first control, quote, backslash or byte outside ASCII; end when there is none. Reads nothing at or past end. */
static inline const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: bytes from 0x80 are negative, so one comparison finds them and the controls. */
        __m128i hit = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#endif
    while (end - p >= 8 && scan_special8(scan_load8(p)) == 0)
        p += 8;
    while (p < end && !scan_is_special((unsigned char)*p))
        p++;
    return p;
}
#endif
