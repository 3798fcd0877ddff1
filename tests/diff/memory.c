/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See memory.h. */
#define _GNU_SOURCE /* memfd_create */
#include "tests/diff/memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/types.h"

enum diff_page diff_page_kind(uint64_t linear)
{
    static const uint8_t kinds[16] = {
        [1] = DIFF_PAGE_CODE, [2] = DIFF_PAGE_CODE, [4] = DIFF_PAGE_DATA, [5] = DIFF_PAGE_DATA,
        [7] = DIFF_PAGE_ROM,  [9] = DIFF_PAGE_DATA, [10] = DIFF_PAGE_DATA};
    uint64_t off = linear - DIFF_BASE;

    return off < DIFF_SIZE ? (enum diff_page)kinds[off >> PAGE_SHIFT] : DIFF_PAGE_HOLE;
}

/* The two runs of pages that can be written, from DIFF_BASE. */
static const unsigned data_at[] = {DIFF_DATA - DIFF_BASE, DIFF_STACK - DIFF_BASE};
#define DATA_SIZE (2 * PAGE_SIZE)

static bool map_at(uint64_t at, size_t size, int prot)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

    return mmap((void *)(uintptr_t)at, size, prot, flags, -1, 0) == (void *)(uintptr_t)at;
}

/* The region a second time, where its code can be written. */
static bool map_region(struct diff_memory *m)
{
    const int rw = PROT_READ | PROT_WRITE;
    int fd = memfd_create("region", 0);

    if (fd < 0 || ftruncate(fd, DIFF_SIZE) != 0)
        return false;
    m->host =
        mmap((void *)(uintptr_t)DIFF_BASE, DIFF_SIZE, rw, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    m->host_rw = mmap(NULL, DIFF_SIZE, rw, MAP_SHARED, fd, 0);
    close(fd);
    return m->host == (uint8_t *)(uintptr_t)DIFF_BASE && m->host_rw != MAP_FAILED;
}

bool diff_memory_init(struct diff_memory *m, uint8_t *guest)
{
    static const int prot[] = {[DIFF_PAGE_HOLE] = PROT_NONE,
                               [DIFF_PAGE_CODE] = PROT_READ | PROT_EXEC,
                               [DIFF_PAGE_DATA] = PROT_READ | PROT_WRITE,
                               [DIFF_PAGE_ROM] = PROT_READ};

    m->guest = guest;
    if (!map_region(m) || !map_at(DIFF_FRAME_PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE) ||
        !map_at(DIFF_TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    for (unsigned off = 0; off < DIFF_SIZE; off++)
        m->pattern[off] = diff_page_kind(DIFF_BASE + off) == DIFF_PAGE_CODE
                              ? 0xcc
                              : (uint8_t)(off * 167 + (off >> 8));
    memcpy(m->host, m->pattern, DIFF_SIZE);
    memcpy(m->guest, m->pattern, DIFF_SIZE);
    for (unsigned off = 0; off < DIFF_SIZE; off += (unsigned)PAGE_SIZE)
        mprotect(m->host + off, PAGE_SIZE, prot[diff_page_kind(DIFF_BASE + off)]);
    return true;
}

void diff_memory_free(struct diff_memory *m)
{
    munmap(m->host, DIFF_SIZE);
    munmap(m->host_rw, DIFF_SIZE);
    munmap((void *)(uintptr_t)DIFF_FRAME_PAGE, PAGE_SIZE);
    munmap((void *)(uintptr_t)DIFF_TRAMPOLINE, PAGE_SIZE);
}

void diff_memory_poke(struct diff_memory *m, const struct diff_case *c)
{
    for (unsigned n = 0; n < c->pokes; n++) {
        const struct diff_poke *p = &c->poke[n];

        memcpy(m->host + (p->at - DIFF_BASE), p->bytes, p->len);
        memcpy(m->guest + (p->at - DIFF_BASE), p->bytes, p->len);
    }
}

uint64_t diff_memory_differs(const struct diff_memory *m)
{
    for (unsigned k = 0; k < 2; k++) {
        const uint8_t *h = m->host + data_at[k], *g = m->guest + data_at[k];
        unsigned n = 0;

        if (memcmp(h, g, DATA_SIZE) == 0)
            continue;
        while (h[n] == g[n])
            n++;
        return DIFF_BASE + data_at[k] + n;
    }
    return 0;
}

void diff_memory_restore(struct diff_memory *m)
{
    for (unsigned k = 0; k < 2; k++) {
        const uint8_t *p = m->pattern + data_at[k];

        if (memcmp(m->host + data_at[k], p, DATA_SIZE) != 0)
            memcpy(m->host + data_at[k], p, DATA_SIZE);
        if (memcmp(m->guest + data_at[k], p, DATA_SIZE) != 0)
            memcpy(m->guest + data_at[k], p, DATA_SIZE);
    }
}

uint64_t diff_memory_before(const struct diff_memory *m, const struct diff_case *c, uint64_t linear,
                            unsigned size)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < size; k++) {
        uint64_t at = linear + k;
        uint8_t b = diff_page_kind(at) == DIFF_PAGE_HOLE ? 0 : m->pattern[at - DIFF_BASE];

        for (unsigned n = 0; n < c->pokes; n++) {
            if (at - c->poke[n].at < c->poke[n].len)
                b = c->poke[n].bytes[at - c->poke[n].at];
        }
        v |= (uint64_t)b << (8 * k);
    }
    return v;
}
