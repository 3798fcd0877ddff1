/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers; see random.h. The fixed sequence is SplitMix64 (Steele, Lea, Flood, "Fast
 * splittable pseudorandom number generators", 2014). */
#include "base/random.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static bool from_processor(uint8_t *buf, size_t len)
{
    unsigned a, b, c = 0, d;

    __get_cpuid(1, &a, &b, &c, &d);
    while (len) {
        size_t part = len < sizeof(uint64_t) ? len : sizeof(uint64_t);
        unsigned char got = 0;
        unsigned long long v;

        for (unsigned k = 0; (c & bit_RDRND) && !got && k < 16; k++)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(got) : : "cc");
        if (!got)
            return false;
        memcpy(buf, &v, part);
        buf += part;
        len -= part;
    }
    return true;
}

bool random_host(void *buf, size_t len)
{
    uint8_t *at = buf;

    while (len) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return from_processor(at, len);
        at += n;
        len -= (size_t)n;
    }
    return true;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
