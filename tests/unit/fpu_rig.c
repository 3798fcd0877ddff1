/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fpu_rig.h. */
#include "tests/unit/fpu_rig.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "cpu/blocks.h"
#include "cpu/mmu.h"
#include "cpu/mmu_shadow/memslots.h"

#define RAM_SIZE (2u << 20)
#define PML4     0x1000u
#define PDPT     0x2000u
#define PD       0x3000u
#define GDT      0x4000u
#define IDT      0x5000u
#define HANDLERS 0x6000u /* 16 bytes a vector; in real mode the IVT is at 0 */
#define VECTORS  32

/* ---- the machine ---- */

static uint64_t no_port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque, (void)port, (void)size;
    return ~UINT64_C(0);
}

static void no_port_write(void *opaque, uint16_t port, uint64_t val, unsigned size)
{
    (void)opaque, (void)port, (void)val, (void)size;
}

static uint64_t no_mmio_read(void *opaque, gpa_t gpa, unsigned size)
{
    (void)opaque, (void)gpa, (void)size;
    return ~UINT64_C(0);
}

static void no_mmio_write(void *opaque, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)opaque, (void)gpa, (void)val, (void)size;
}

static int64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

/* A HLT ends the run. */
static void stop_at_hlt(void *opaque)
{
    struct rig *r = opaque;

    cpu_set_event(r->cpu, EV_STOP);
}

static void note_map(void *opaque, const struct memslots *was, const struct memslots *now)
{
    struct rig *r = opaque;

    (void)was, (void)now;
    cpu_set_event(r->cpu, EV_FLUSH);
}

static void note_code(void *opaque, gpa_t gpa, size_t len)
{
    struct rig *r = opaque;

    blocks_note_write(r->cpu, gpa, len);
}

static void note_ferr(void *opaque, bool level)
{
    struct rig *r = opaque;

    r->ferr_level = level;
    r->ferr_calls++;
}

/* Which addresses are canonical for a register depends on it. */
static bool host_has_la57(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 16 & 1);
}

struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct cpu_config cfg = {.model = host_has_la57() ? "max,+la57" : "max,-la57",
                             .mmu = &mmu_walk_ops,
                             .tsc_khz = 1000000};
    struct memslots_change ram = {.op = MEMSLOTS_CREATE, .size = RAM_SIZE};

    r->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r->slots = memslots_new();
    ram.hva = r->ram;
    invariant(memslots_change(r->slots, &ram) == MEMSLOTS_OK);
    cfg.slots = r->slots;
    cfg.hooks = (struct cpu_hooks){.opaque = r,
                                   .port_read = no_port_read,
                                   .port_write = no_port_write,
                                   .mmio_read = no_mmio_read,
                                   .mmio_write = no_mmio_write,
                                   .now = no_time,
                                   .wait_for_event = stop_at_hlt,
                                   .ferr = note_ferr};
    r->cpu = cpu_new(&cfg);
    memslots_set_hooks(r->slots, r, note_map, note_code);
    cpu_reset(r->cpu, true, false);
    return r;
}

void rig_free(struct rig *r)
{
    cpu_free(r->cpu);
    memslots_free(r->slots);
    munmap(r->ram, RAM_SIZE);
    free(r);
}

static void make_tables(struct rig *r)
{
    bool wide = r->mode == RIG_LONG;

    st_le64(r->ram + PML4, PDPT | 7);
    st_le64(r->ram + PDPT, PD | 7);
    st_le64(r->ram + PD, 0x87);
    st_le64(r->ram + GDT + 8, wide ? UINT64_C(0x00af9b000000ffff) : UINT64_C(0x00cf9b000000ffff));
    st_le64(r->ram + GDT + 16, UINT64_C(0x00cf93000000ffff));
    for (unsigned v = 0; v < VECTORS; v++) {
        uint32_t to = HANDLERS + 16 * v;
        uint64_t gate = (to & 0xffff) | UINT64_C(8) << 16 | UINT64_C(0x8e00) << 32;

        if (r->mode == RIG_REAL) {
            st_le32(r->ram + 4 * v, to);
        } else if (wide) {
            st_le64(r->ram + IDT + 16 * v, gate);
            st_le64(r->ram + IDT + 16 * v + 8, 0);
        } else {
            st_le64(r->ram + IDT + 8 * v, gate);
        }
    }
}

static void set_segment(struct cpu *cpu, unsigned n, uint16_t sel, uint32_t limit, unsigned attr)
{
    cpu->seg[n] = (struct segment){.sel = sel, .limit = limit, .attr = (uint16_t)attr};
    cpu_derive_segment(cpu, n, true);
}

void rig_mode(struct rig *r, enum rig_mode mode)
{
    struct cpu *cpu = r->cpu;
    unsigned big = mode == RIG_REAL ? 0 : SEG_G | SEG_DB;
    unsigned code = mode == RIG_LONG ? SEG_G | SEG_L : big;
    uint16_t sel = mode == RIG_REAL ? 0 : 8;
    uint32_t limit = ~0u;

    r->mode = mode;
    make_tables(r);
    cpu->cr0 = CR0_ET | CR0_NE | (mode != RIG_REAL ? CR0_PE : 0) | (mode == RIG_LONG ? CR0_PG : 0);
    cpu->cr3 = PML4;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | (mode == RIG_LONG ? CR4_PAE : 0);
    cpu->efer = mode == RIG_LONG ? EFER_LME | EFER_LMA : 0;
    cpu->rflags = FL_1;
    cpu->gdtr = (struct table_reg){.base = GDT, .limit = 23};
    cpu->idtr = mode == RIG_REAL ? (struct table_reg){.base = 0, .limit = 0x3ff}
                                 : (struct table_reg){.base = IDT, .limit = 0xfff};
    set_segment(cpu, SEG_CS, sel, limit,
                SEG_P | SEG_S | SEG_T_CODE | SEG_T_READ | SEG_T_ACCESSED | code);
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        if (n != SEG_CS)
            set_segment(cpu, n, mode == RIG_REAL ? 0 : 16, limit,
                        SEG_P | SEG_S | SEG_T_WRITE | SEG_T_ACCESSED | big);
    }
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
}

int rig_run(struct rig *r, const uint8_t *code, size_t len, unsigned n)
{
    struct cpu *cpu = r->cpu;
    uint32_t start = r->mode == RIG_REAL ? RIG_CODE - 0x8000 : RIG_CODE;
    uint64_t rip;

    memslots_write(r->slots, start, code, len);
    cpu->gpr[REG_RIP] = start;
    cpu->gpr[REG_RSP] = RIG_STACK - 0x1000;
    cpu_run(cpu, n);
    rip = cpu->gpr[REG_RIP];
    if (rip >= HANDLERS && rip < HANDLERS + 16 * VECTORS)
        return (int)(rip - HANDLERS) / 16;
    return -1;
}
