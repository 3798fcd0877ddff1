/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads of vectors: ChaCha's rounds in 16 and in 32 bytes at a time, bytes moved and searched
 * as a C library does it, AES and SHA by their instructions, sums of products by FMA. Those that
 * need an extension say so; the others run on every 64-bit processor.
 */
#ifndef TESTS_BENCH_SIMD_H
#define TESTS_BENCH_SIMD_H

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>

#include <immintrin.h>

#define TARGET(list) __attribute__((target(list), noinline))

/* What the processor and the system offer, by CPUID; YMM registers need the system's consent. */
static struct {
    bool aes, sha, avx2, fma;
} offers;

static void find_offers(void)
{
    unsigned a, b, c = 0, d, low = 0, high;

    __get_cpuid(1, &a, &b, &c, &d);
    offers.aes = c >> 25 & 1;
    if (c >> 27 & 1)
        asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    offers.fma = (c >> 12 & 1) && (low & 6) == 6;
    b = 0;
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    offers.avx2 = (b >> 5 & 1) && (low & 6) == 6;
    offers.sha = b >> 29 & 1;
}

#define ROTATE(v, n) (((v) << (n)) | ((v) >> (32 - (n))))
/* Ten double rounds over four rows, each a vector; what is left of a row is turned in place. */
#define CHACHA(V, TURN, ROUNDS)                                                                    \
    V a = start, b = start + 1, c = start * 3, d = start ^ 5;                                      \
    for (uint32_t i = 0; i < (ROUNDS); i++) {                                                      \
        a += b, d ^= a, d = ROTATE(d, 16), c += d, b ^= c, b = ROTATE(b, 12);                      \
        a += b, d ^= a, d = ROTATE(d, 8), c += d, b ^= c, b = ROTATE(b, 7);                        \
        b = TURN(b, 0x39), c = TURN(c, 0x4e), d = TURN(d, 0x93);                                   \
    }                                                                                              \
    a ^= b + c - d;

typedef uint32_t v4 __attribute__((vector_size(16)));
typedef uint32_t v8 __attribute__((vector_size(32)));
#define TURN4(v, order) ((v4)_mm_shuffle_epi32((__m128i)(v), order))
#define TURN8(v, order) ((v8)_mm256_shuffle_epi32((__m256i)(v), order))

static uint32_t work_chacha(void)
{
    const v4 start = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    CHACHA(v4, TURN4, 2000000)

    return a[0] ^ a[1] ^ a[2] ^ a[3];
}

TARGET("avx2") static uint32_t work_chacha256(void)
{
    const v8 start = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 1, 2, 3, 4};
    CHACHA(v8, TURN8, 2000000)
    uint32_t s = 0;

    for (int k = 0; k < 8; k++)
        s ^= a[k];
    return s;
}

/* Unaligned copies and a search for a byte, 16 bytes at a time. */
static uint32_t work_bytes(void)
{
    static uint8_t from[8192 + 64], to[8192 + 64];
    uint32_t found = 0;

    for (uint32_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)(i * 7 % 251);
    for (uint32_t round = 0; round < 40000; round++) {
        const __m128i wanted = _mm_set1_epi8((char)(round % 256));

        for (uint32_t i = 0; i < 8192; i += 32) {
            __m128i x = _mm_loadu_si128((const __m128i *)(from + i + (round & 15)));
            __m128i y = _mm_loadu_si128((const __m128i *)(from + i + 16 + (round & 15)));

            _mm_storeu_si128((__m128i *)(to + i), x);
            _mm_storeu_si128((__m128i *)(to + i + 16), y);
            found += (uint32_t)_mm_movemask_epi8(
                _mm_or_si128(_mm_cmpeq_epi8(x, wanted), _mm_cmpeq_epi8(y, wanted)));
        }
        from[round % 8192] ^= to[round % 8000];
    }
    return found;
}

TARGET("avx2") static uint32_t work_bytes256(void)
{
    static uint8_t from[8192 + 64], to[8192 + 64];
    uint32_t found = 0;

    for (uint32_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)(i * 7 % 251);
    for (uint32_t round = 0; round < 40000; round++) {
        const __m256i wanted = _mm256_set1_epi8((char)(round % 256));

        for (uint32_t i = 0; i < 8192; i += 32) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(from + i + (round & 15)));

            _mm256_storeu_si256((__m256i *)(to + i), x);
            found += (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, wanted));
        }
        from[round % 8192] ^= to[round % 8000];
    }
    return found;
}

/* AES-128 in counter mode, four blocks at a time, as OpenSSL does. */
TARGET("aes,sse4.1") static uint32_t work_aes(void)
{
    __m128i key[11], counter = _mm_setzero_si128(), sum = _mm_setzero_si128();
    const __m128i one = _mm_set_epi32(0, 0, 0, 1);

    for (int k = 0; k < 11; k++)
        key[k] = _mm_set_epi32(k * 0x01234567, k ^ 0x89ab, k + 77, k * k);
    for (uint32_t i = 0; i < 2000000; i++) {
        __m128i b[4];

        for (int k = 0; k < 4; k++) {
            counter = _mm_add_epi32(counter, one);
            b[k] = _mm_xor_si128(counter, key[0]);
        }
        for (int r = 1; r < 10; r++)
            for (int k = 0; k < 4; k++)
                b[k] = _mm_aesenc_si128(b[k], key[r]);
        for (int k = 0; k < 4; k++)
            sum = _mm_xor_si128(sum, _mm_aesenclast_si128(b[k], key[10]));
    }
    return (uint32_t)_mm_extract_epi32(sum, 0) ^ (uint32_t)_mm_extract_epi32(sum, 3);
}

TARGET("sha,sse4.1") static uint32_t work_sha(void)
{
    __m128i a = _mm_set_epi32(1, 2, 3, 4), b = _mm_set_epi32(5, 6, 7, 8), m = a;

    for (uint32_t i = 0; i < 6000000; i++) {
        __m128i t = _mm_sha256rnds2_epu32(a, b, m);

        a = b;
        b = t;
        m = _mm_sha256msg2_epu32(_mm_sha256msg1_epu32(m, t), a);
    }
    a = _mm_xor_si128(a, _mm_xor_si128(b, m));
    return (uint32_t)_mm_extract_epi32(a, 0) ^ (uint32_t)_mm_extract_epi32(a, 3);
}

TARGET("avx2,fma") static uint32_t work_fma(void)
{
    static double x[1024], y[1024];
    double sum = 0;

    for (int i = 0; i < 1024; i++) {
        x[i] = (double)(i % 17) / 8;
        y[i] = (double)(i % 23) / 16;
    }
    for (uint32_t round = 0; round < 60000; round++) {
        const __m256d f = _mm256_set1_pd(0.25 / (double)(round % 64 + 1));
        __m256d s = _mm256_setzero_pd();

        for (int i = 0; i < 1024; i += 4) {
            __m256d v = _mm256_fmadd_pd(f, _mm256_loadu_pd(x + i), _mm256_loadu_pd(y + i));

            s = _mm256_fmadd_pd(v, v, s);
            _mm256_storeu_pd(y + i, _mm256_mul_pd(v, _mm256_set1_pd(0.75)));
        }
        sum += s[0] + s[1] + s[2] + s[3];
    }
    return (uint32_t)(int32_t)(sum * 1000);
}

#endif
