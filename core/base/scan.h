#ifndef BASE_SCAN_H
#define BASE_SCAN_H
/* Bytes by the word, and the inner loop of reading and writing JSON strings: skips what needs no attention, many bytes at a
 * time. */
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

static inline uint32_t scan_load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#define SCAN_EACH(byte) (0x0101010101010101u * (byte))

/* Not 0 when one of eight bytes is a control, a quote or a backslash; for a byte from 0x80 too, sometimes. */
static inline uint64_t scan_special8(uint64_t v)
{
    uint64_t quote = v ^ SCAN_EACH('"'), backslash = v ^ SCAN_EACH('\\');
    uint64_t hit = (v - SCAN_EACH(0x20)) | (quote - SCAN_EACH(0x01)) | (backslash - SCAN_EACH(0x01));
    return hit & SCAN_EACH(0x80);
}

static inline bool scan_is_plain8(uint64_t v)
{
    return ((scan_special8(v) | v) & SCAN_EACH(0x80)) == 0;
}

/* Copies eight bytes, and says whether none of them is special and all are ASCII. */
static inline bool scan_copy8(char *to, const char *p)
{
    uint64_t v = scan_load8(p);
    memcpy(to, &v, sizeof v);
    return scan_is_plain8(v);
}

static inline bool scan_is_special(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

#ifdef __SSE2__
static inline __m128i scan_hits16(__m128i v)
{
    __m128i hit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    return _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}

/* A bit for each of sixteen bytes that is special. *high gets bits when one is not ASCII. */
static inline unsigned scan_special16(const char *p, unsigned *high)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    *high |= (unsigned)_mm_movemask_epi8(v);
    return (unsigned)_mm_movemask_epi8(scan_hits16(v));
}

/* Copies sixteen bytes. A bit for each that is special or not ASCII. */
static inline unsigned scan_copy16(char *to, const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    _mm_storeu_si128((__m128i *)(void *)to, v);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(scan_hits16(v), v));
}
#endif

/* The first control, quote or backslash; end when there is none. Reads nothing at or past end. *high becomes not 0 when a
 * byte before it (perhaps only one shortly behind it) is not ASCII. */
static inline const char *scan_string(const char *p, const char *end, unsigned *high)
{
#ifdef __SSE2__
    const char *start = p;
    for (; end - p >= 16; p += 16) {
        unsigned mask = scan_special16(p, high);
        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
    if (end - start >= 16) { /* the rest together with what was looked at, which has nothing */
        unsigned mask = scan_special16(end - 16, high);
        return mask != 0 ? end - 16 + __builtin_ctz(mask) : end;
    }
#endif
    for (; end - p >= 8; p += 8) {
        uint64_t v = scan_load8(p);
        if (scan_special8(v) != 0)
            break;
        *high |= (v & SCAN_EACH(0x80)) != 0;
    }
    if (end - p >= 4) {
        uint64_t v = scan_load4(p) | (uint64_t)scan_load4(end - 4) << 32;
        if (end - p < 8 && scan_special8(v) == 0) {
            *high |= (v & SCAN_EACH(0x80)) != 0;
            return end;
        }
    }
    for (; p < end && !scan_is_special((unsigned char)*p); p++)
        *high |= (unsigned char)*p >= 0x80;
    return p;
}

static inline bool scan_is_plain(unsigned char c)
{
    return c < 0x80 && !scan_is_special(c);
}

/* Copies the n bytes at p, of which it returns how many are plain at the front: ASCII, and none that JSON escapes. What it
 * wrote behind these is rubbish. */
static inline size_t scan_copy_plain(char *to, const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 16; i += 16) {
        unsigned mask = scan_copy16(to + i, p + i);
        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
    }
    if (n >= 16) { /* the rest together with what is plain before it */
        unsigned mask = scan_copy16(to + n - 16, p + n - 16);
        return mask != 0 ? n - 16 + (size_t)__builtin_ctz(mask) : n;
    }
#endif
    if (n >= 8) { /* at most fifteen where there is SSE2: the first eight, and the last */
        for (; n - i >= 8 && scan_copy8(to + i, p + i); i += 8)
            ;
        if (n - i < 8 && scan_copy8(to + n - 8, p + n - 8))
            return n;
    } else if (n >= 4) {
        uint32_t first = scan_load4(p), last = scan_load4(p + n - 4);
        memcpy(to, &first, sizeof first);
        memcpy(to + n - 4, &last, sizeof last);
        if (scan_is_plain8(first | (uint64_t)last << 32))
            return n;
    }
    for (; i < n && scan_is_plain((unsigned char)p[i]); i++)
        to[i] = p[i];
    return i;
}
#endif
