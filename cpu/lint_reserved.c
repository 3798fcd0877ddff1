/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules reserved-pte and reserved-bits: what is refused for bits that must be zero, with the bits.
 * All of it is called on the way to the exception. SDM volume 3A: 4.3 to 4.5, table 4-14 and on
 * (paging entries), 2.5 (control registers), 11.11 and volume 4 (MSRs); volume 1, 10.2.3 (MXCSR);
 * 3.4.5 and 3.5 (descriptors).
 */
#include <inttypes.h>

#include "cpu/control.h"
#include "cpu/lint.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadowed.h"
#include "cpu/msr.h"

/* ---- paging entries ---- */

void *lint_walk_entry(void *opaque, gpa_t gpa, bool *writable)
{
    *writable = false; /* a probe sets nothing */
    return memslots_ptr(((struct cpu *)opaque)->slots, gpa);
}

void lint_reserved_pte(struct cpu *cpu, gva_t va, uint32_t err)
{
    const struct walk_memory mem = {.opaque = cpu, .entry = lint_walk_entry};
    unsigned access = WALK_PROBE | (err & PF_W ? WALK_WRITE : 0) | (err & PF_U ? WALK_USER : 0) |
                      (err & PF_I ? WALK_EXEC : 0);
    struct guest_paging p;
    struct guest_walk gw;
    uint64_t e, bad;
    bool leaf;

    mmu_guest_paging(cpu, &p);
    if (guest_walk(&p, &mem, va, access, &gw) || !(gw.error & PF_RSVD))
        return; /* another vCPU has changed it */
    e = gw.gpte[gw.level - 1];
    leaf = guest_entry_is_leaf(p.role, e, gw.level);
    bad = e & p.rsvd[leaf && gw.level > 1][gw.level - 1];
    lint_report_of(LINT_RESERVED_PTE, gw.gpte_gpa[gw.level - 1],
                   "%s entry %0*" PRIx64 " at physical %" PRIx64 ", used for %" PRIx64
                   ", has reserved bits set: %" PRIx64,
                   lint_level_name(gw.level), p.role.levels == 2 ? 8 : 16, e,
                   gw.gpte_gpa[gw.level - 1], va, bad);
}

const char *lint_level_name(unsigned level)
{
    static const char *const names[] = {"?", "PT", "PD", "PDPT", "PML4", "PML5"};

    return names[level < 6 ? level : 0];
}

/* ---- registers ---- */

static uint64_t cr_reserved(const struct cpu *cpu, unsigned n, uint64_t val)
{
    switch (n) {
    case 0: return val & ~control_cr0_valid();
    case 3: return cpu_long_mode(cpu) ? val << 1 >> 1 >> cpu->phys_bits << cpu->phys_bits : 0;
    case 4: return val & ~control_cr4_valid(cpu);
    case 8: return val & ~UINT64_C(15);
    default: return 0;
    }
}

void lint_cr_write(const struct cpu *cpu, unsigned n, uint64_t val, bool done)
{
    uint64_t bad = cr_reserved(cpu, n, val);

    if (n == 0 && done)
        bad &= 0xffffffff; /* ignored, but to be left as they were */
    if (bad)
        lint_report_of(LINT_RESERVED_BITS, n,
                       "CR%u := %" PRIx64 " sets bits that are reserved here: %" PRIx64 "%s", n,
                       val, bad, done ? " (ignored)" : "");
    else if (!done)
        lint_report_of(LINT_RESERVED_BITS, n,
                       "CR%u := %" PRIx64 " asks for what cannot be in this mode (now %" PRIx64 ")",
                       n, val,
                       n == 0   ? cpu->cr0
                       : n == 3 ? cpu->cr3
                                : cpu->cr4);
}

void lint_msr_write(struct cpu *cpu, uint32_t index, uint64_t val)
{
    uint64_t now;

    if (!msr_read(cpu, index, &now)) /* there is none: systems ask that way */
        return;
    if (index == MSR_EFER && (val & ~control_efer_valid(cpu)))
        lint_report_of(LINT_RESERVED_BITS, index,
                       "EFER := %" PRIx64 " sets bits that are reserved here: %" PRIx64, val,
                       val & ~control_efer_valid(cpu));
    else
        lint_report_of(LINT_RESERVED_BITS, index,
                       "MSR %x := %" PRIx64 " is refused (now %" PRIx64 ")", index, val, now);
}

void lint_mxcsr(uint32_t val)
{
    lint_report_of(LINT_RESERVED_BITS, UINT32_MAX,
                   "MXCSR := %" PRIx32 " sets bits that are reserved: %" PRIx32, val,
                   val & ~MXCSR_VALID);
}

void lint_wide_descriptor(uint16_t sel)
{
    lint_report_of(
        LINT_RESERVED_BITS, UINT64_C(1) << 32 | sel,
        "the upper half of descriptor %x has reserved bits set, or lies beyond its table: "
        "bits 12 to 8 of its last doubleword must be zero",
        sel);
}

void lint_code_descriptor(uint16_t sel)
{
    lint_report_of(LINT_RESERVED_BITS, UINT64_C(1) << 32 | sel,
                   "code segment descriptor %x has both L and D set, which is reserved", sel);
}
