/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See peek.h. */
#include "cpu/peek.h"

#include "cpu/mmu.h"

size_t cpu_peek(struct cpu *cpu, gva_t va, void *buf, size_t len)
{
    uint8_t *to = buf;
    size_t done = 0;

    while (done < len) {
        gva_t lin = cpu_code64(cpu) ? va + done : (uint32_t)(va + done);
        size_t n = PAGE_SIZE - (lin & ~PAGE_MASK);
        const uint8_t *p;
        gpa_t gpa;

        if (cpu->mmu->probe(cpu, lin, &gpa) || !(p = memslots_ptr(cpu->slots, gpa)))
            break;
        n = n < len - done ? n : len - done;
        memcpy(to + done, p, n); /* a slot is made of whole pages */
        done += n;
    }
    return done;
}
