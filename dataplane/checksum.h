/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The Internet checksum's sum (RFC 1071), as wide as the build that it is compiled in may add. Pure.
 *
 * Words are added as they lie in memory, many at a time: 2^16, and so each higher power of it, is 1 modulo
 * 0xffff, and so are both byte orders the same but for a swap of the result.
 */
#ifndef DATAPLANE_CHECKSUM_H
#define DATAPLANE_CHECKSUM_H

#include <stdint.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

/* Adds up len bytes at p, an odd last one as if a zero followed; modulo 0xffff it is the sum. Reads, but does
 * not count, what is within CHECKSUM_BEFORE bytes of the end: that must be there also when len is less. */
static inline uint64_t checksum_add(const uint8_t *p, uint32_t len);

#ifdef __AVX2__
#define CHECKSUM_BEFORE 32u

static inline __m256i checksum_halves(__m256i words)
{
    return _mm256_add_epi64(_mm256_and_si256(words, _mm256_set1_epi64x(UINT32_MAX)),
                            _mm256_srli_epi64(words, 32));
}

static inline uint64_t checksum_add(const uint8_t *p, uint32_t len)
{
    static const uint8_t mask[64] = {[32 ... 63] = 0xff};
    const uint8_t *end = p + len;
    __m256i sum = _mm256_setzero_si256(), rest;
    __m128i half;

    for (; len >= 32; p += 32, len -= 32)
        sum = _mm256_add_epi64(sum, checksum_halves(_mm256_loadu_si256((const void *)p)));
    /* The rest as the last 32 bytes, without those that were added; with an odd end each is in the wrong
     * place of its word. */
    rest = checksum_halves(_mm256_and_si256(_mm256_loadu_si256((const void *)(end - 32)),
                                            _mm256_loadu_si256((const void *)(mask + len))));
    sum = _mm256_add_epi64(sum, _mm256_sll_epi64(rest, _mm_cvtsi32_si128((int)(len & 1) * 8)));
    half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
}
#else
#define CHECKSUM_BEFORE 8u

static inline uint64_t checksum_add(const uint8_t *p, uint32_t len)
{
    const uint8_t *end = p + len;
    uint64_t word, low = 0, high = 0;

    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        low += (uint32_t)word;
        high += word >> 32;
    }
    if (len > 0) { /* the last 8 bytes, without those that were added */
        memcpy(&word, end - 8, 8);
        word >>= 8 * (8 - len);
        low += (uint32_t)word;
        high += word >> 32;
    }
    return low + high;
}
#endif

#endif
