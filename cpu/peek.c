/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See peek.h. */
#include "cpu/peek.h"

#include "cpu/mmu.h"

bool cpu_peek_gpa(struct cpu *cpu, gva_t va, gpa_t *gpa)
{
    if (!cpu_long_mode(cpu))
        va = (uint32_t)va;
    else if (!gva_canonical(cpu, va))
        return false;
    if (cpu->mmu->probe(cpu, va, gpa))
        return false;
    *gpa &= cpu->a20_mask;
    return true;
}

/* Page by page, a slot being made of whole ones. One of `to` and `from` is NULL. */
static size_t copy(struct cpu *cpu, bool physical, uint64_t addr, uint8_t *to, const uint8_t *from,
                   size_t len)
{
    size_t done = 0, n;

    for (; done < len; done += n, addr += n) {
        const uint8_t *p;
        gpa_t gpa = addr;

        n = PAGE_SIZE - (addr & ~PAGE_MASK);
        n = n < len - done ? n : len - done;
        if (!physical && !cpu_peek_gpa(cpu, addr, &gpa))
            break;
        if (from && !memslots_write(cpu->slots, gpa, from + done, n))
            break;
        if (!to)
            continue;
        p = memslots_ptr(cpu->slots, gpa);
        if (!p)
            break;
        memcpy(to + done, p, n);
    }
    return done;
}

size_t cpu_peek(struct cpu *cpu, gva_t va, void *buf, size_t len)
{
    return copy(cpu, false, va, buf, NULL, len);
}

size_t cpu_peek_physical(struct cpu *cpu, gpa_t gpa, void *buf, size_t len)
{
    return copy(cpu, true, gpa, buf, NULL, len);
}

size_t cpu_poke(struct cpu *cpu, gva_t va, const void *buf, size_t len)
{
    return copy(cpu, false, va, NULL, buf, len);
}

size_t cpu_poke_physical(struct cpu *cpu, gpa_t gpa, const void *buf, size_t len)
{
    return copy(cpu, true, gpa, NULL, buf, len);
}
