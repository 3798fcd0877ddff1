/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzz target draws its choices from: the bytes it was given, and when those have run out, a
 * generator that the same bytes seed. So every input, also an empty one, is a whole case, the same
 * one each time; and a byte that a fuzzer changes changes the choice that it stands for.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fuzz_input {
    const uint8_t *at, *end;
    uint64_t rng; /* never 0 */
};

/* The next number of the generator (xorshift64*). */
static inline uint64_t fuzz_rng(uint64_t *rng)
{
    *rng ^= *rng >> 12;
    *rng ^= *rng << 25;
    *rng ^= *rng >> 27;
    return *rng * UINT64_C(0x2545f4914f6cdd1d);
}

/* The part of an input from `from` on, `len` bytes at most; the first eight bytes of the whole seed
 * what follows its end, differently for each part. */
static inline struct fuzz_input fuzz_part(const uint8_t *data, size_t size, size_t from, size_t len)
{
    uint64_t seed = 0;
    size_t left = size > from ? size - from : 0;

    memcpy(&seed, data, size < sizeof(seed) ? size : sizeof(seed));
    seed = (seed + from + 1) * UINT64_C(0x9e3779b97f4a7c15);
    seed ^= seed >> 32;
    return (struct fuzz_input){data + size - left, data + size - left + (left < len ? left : len),
                               seed ? seed : 1};
}

/* The next eight bits. */
static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
    return in->at < in->end ? *in->at++ : (uint8_t)(fuzz_rng(&in->rng) >> 56);
}

/* `size` bytes (at most 8) as a number. */
static inline uint64_t fuzz_word(struct fuzz_input *in, unsigned size)
{
    uint64_t v = 0;

    while (size--)
        v = v << 8 | fuzz_u8(in);
    return v;
}

/* 0 to n - 1; n at most 65536. */
static inline unsigned fuzz_below(struct fuzz_input *in, unsigned n)
{
    return (unsigned)fuzz_word(in, n > 256 ? 2 : 1) % n;
}

/* True once in `n` times; a choice of 0 is "no". */
static inline bool fuzz_once_in(struct fuzz_input *in, unsigned n)
{
    return fuzz_below(in, n) == n - 1;
}

/* Bytes of the generator alone: what is too much to be in the input. */
static inline void fuzz_fill(struct fuzz_input *in, void *to, size_t n)
{
    uint8_t *at = to;

    for (; n >= 8; n -= 8, at += 8) {
        uint64_t v = fuzz_rng(&in->rng);

        memcpy(at, &v, 8);
    }
    while (n--)
        *at++ = (uint8_t)(fuzz_rng(&in->rng) >> 56);
}

#endif
