/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of one vCPU and 4 MiB of RAM for unit tests: put bytes somewhere, set the CPU up in a
 * mode, run N instructions, look. Tables stand at fixed addresses (FX_*); the GDT has one of each
 * kind.
 */
#ifndef TESTS_UNIT_CPU_FIXTURE_H
#define TESTS_UNIT_CPU_FIXTURE_H

#include "cpu/cpu.h"
#include "cpu/flags.h"
#include "cpu/mmu.h"
#include "cpu/mmu_shadowed.h"
#include "cpu/segments.h"
#include "tests/unit/slots_rig.h"
#include "tests/unit/unit.h"

/* Built with FX_SHADOW a test runs over mmu=shadow. That is told of each store to the tables that
 * it uses (fx_wr, too), and may forget at once what they said: what nobody has flushed may be gone.
 */
#ifdef FX_SHADOW
#define FX_MAY_FORGET 1
#else
#define FX_MAY_FORGET 0
#endif

#define FX_RAM   (4u << 20)
#define FX_SLOT  0 /* its slot; tests may add others */
#define FX_GDT   0x1000u
#define FX_IDT   0x2000u
#define FX_TSS   0x3000u
#define FX_TSS2  0x3800u
#define FX_CODE  0x8000u  /* where tests put their program */
#define FX_HAND  0x9000u  /* handler of vector v: FX_HAND + v * 4, a HLT each */
#define FX_STACK 0x7000u  /* ring 0 stack, downwards */
#define FX_ESP0  0x6000u  /* the one in the TSS */
#define FX_UST   0x5000u  /* ring 3 stack */
#define FX_PML4  0x10000u /* long mode: identity, 4 MiB, user, 2 MiB pages */

/* Selectors. */
enum {
    FX_CS0 = 0x08,
    FX_DS0 = 0x10,
    FX_CS3 = 0x1b,
    FX_DS3 = 0x23,
    FX_TR = 0x28, /* 16 bytes */
    FX_CS64 = 0x38,
    FX_CS16 = 0x40,
    FX_CS64U = 0x4b,
    FX_CONF = 0x50,
    FX_NP = 0x58,
    FX_GATE = 0x60,
    FX_LDT = 0x68,
    FX_TR2 = 0x70,
    FX_TGATE = 0x78,
    FX_DS16 = 0x80,
    FX_ROM = 0x88,
    FX_GDT_LIMIT = 0xff,
};

struct fx {
    struct memslots_vm *slots;
    uint8_t *ram;
    struct cpu_group *group;
    struct mmu_shadow *shadow; /* NULL: mmu=walk */
    struct cpu *cpu;
    uint16_t port; /* last port written, and what */
    uint64_t port_val;
    unsigned port_size;
    int vector; /* what int_ack gives once */
    int smm_calls;
    bool smm;
    uint8_t cr8;
    uint64_t apic_base;
    int64_t now;
    enum cpu_exit why; /* of the last run */
};

static inline uint64_t fx_port_read(void *o, uint16_t port, unsigned size)
{
    (void)o;
    return zext(UINT64_C(0x1122334400000000) >> 32, size) ^ port;
}

static inline void fx_port_write(void *o, uint16_t port, uint64_t val, unsigned size)
{
    struct fx *fx = (struct fx *)o;

    fx->port = port;
    fx->port_val = val;
    fx->port_size = size;
}

static inline uint64_t fx_mmio_read(void *o, gpa_t gpa, unsigned size)
{
    (void)o, (void)gpa;
    return zext(~UINT64_C(0), size);
}

static inline void fx_mmio_write(void *o, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)o, (void)gpa, (void)val, (void)size;
}

static inline int fx_int_ack(void *o)
{
    struct fx *fx = (struct fx *)o;
    int v = fx->vector;

    fx->vector = -1;
    cpu_clear_event(fx->cpu, EV_INTR);
    return v;
}

static inline void fx_smm_changed(void *o, bool in_smm)
{
    struct fx *fx = (struct fx *)o;

    fx->smm_calls++;
    fx->smm = in_smm;
}

static inline uint8_t fx_get_cr8(void *o)
{
    return ((struct fx *)o)->cr8;
}

static inline void fx_set_cr8(void *o, uint8_t v)
{
    ((struct fx *)o)->cr8 = v;
}

static inline uint64_t fx_get_apic_base(void *o)
{
    return ((struct fx *)o)->apic_base;
}

static inline bool fx_set_apic_base(void *o, uint64_t v)
{
    ((struct fx *)o)->apic_base = v;
    return true;
}

static inline int64_t fx_now(void *o)
{
    return ((struct fx *)o)->now += 1000;
}

static inline void fx_wait(void *o)
{
    cpu_set_event(((struct fx *)o)->cpu, EV_STOP);
}

/* One more vCPU on the memory of `first` (in its group), or, when that is NULL, on its own. */
static inline struct fx *fx_new_with(const char *model, const struct fx *first, unsigned id)
{
    struct fx *fx = (struct fx *)calloc(1, sizeof(*fx));
    struct cpu_config cfg = {
        .model = model,
        .id = id,
        .group = first ? first->group : cpu_group_new(),
        .mmu = &mmu_walk_ops,
        .tsc_khz = 1000000,
        .hooks = {.opaque = fx,
                  .port_read = fx_port_read,
                  .port_write = fx_port_write,
                  .mmio_read = fx_mmio_read,
                  .mmio_write = fx_mmio_write,
                  .int_ack = fx_int_ack,
                  .get_cr8 = fx_get_cr8,
                  .set_cr8 = fx_set_cr8,
                  .get_apic_base = fx_get_apic_base,
                  .set_apic_base = fx_set_apic_base,
                  .smm_changed = fx_smm_changed,
                  .now = fx_now,
                  .wait_for_event = fx_wait},
    };

    fx->vector = -1;
    fx->apic_base = 0xfee00900;
    fx->slots = first ? first->slots : memslots_new();
    fx->ram = first ? first->ram : (uint8_t *)aligned_alloc(4096, FX_RAM);
    if (!first) {
        memset(fx->ram, 0, FX_RAM);
        slots_create(fx->slots, FX_SLOT, 0, FX_RAM, fx->ram, 0);
    }
    cfg.slots = fx->slots;
    fx->group = cfg.group;
    fx->cpu = cpu_new(&cfg);
    assert_non_null(fx->cpu);
    if (FX_MAY_FORGET) {
        fx->shadow = first ? first->shadow : mmu_shadow_new(fx->group, fx->slots);
        mmu_shadow_attach(fx->cpu, fx->shadow);
    }
    return fx;
}

static inline struct fx *fx_new(const char *model)
{
    return fx_new_with(model, NULL, 0);
}

/* Of one made with `first`. */
static inline void fx_free_with(struct fx *fx)
{
    if (fx->shadow)
        mmu_shadow_detach(fx->cpu);
    cpu_free(fx->cpu);
    free(fx);
}

static inline void fx_free(struct fx *fx)
{
    if (fx->shadow) {
        mmu_shadow_audit(fx->shadow);
        mmu_shadow_detach(fx->cpu);
    }
    cpu_free(fx->cpu);
    mmu_shadow_free(fx->shadow);
    cpu_group_free(fx->group);
    memslots_free(fx->slots);
    free(fx->ram);
    free(fx);
}

/* Memory by physical address. */
static inline uint64_t fx_rd(const struct fx *fx, uint32_t a, unsigned size)
{
    return ld_le(fx->ram + a, size);
}

/* The vCPUs stand still. */
static inline void fx_wr(struct fx *fx, uint32_t a, uint64_t v, unsigned size)
{
    st_le(fx->ram + a, v, size);
    if (fx->shadow)
        mmu_shadow_written(fx->shadow, a, size);
}

/* FX_PUT(fx, address, bytes…): a piece of program. */
#define FX_PUT(fx, addr, ...)                                                                      \
    do {                                                                                           \
        static const uint8_t put_[] = {__VA_ARGS__};                                               \
        memcpy((fx)->ram + (addr), put_, sizeof(put_));                                            \
    } while (0)

static inline void fx_run(struct fx *fx, unsigned insns)
{
    fx->why = cpu_run(fx->cpu, insns);
}

static inline uint64_t fx_rip(const struct fx *fx)
{
    return fx->cpu->gpr[REG_RIP];
}

/* A segment descriptor into the GDT: attr as in struct segment. */
static inline void fx_desc(struct fx *fx, unsigned sel, uint32_t base, uint32_t limit,
                           unsigned attr)
{
    uint64_t d = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
                 (uint64_t)(attr & 0xff) << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
                 (uint64_t)(attr >> 12 & 15) << 52 | (uint64_t)(base >> 24) << 56;

    fx_wr(fx, FX_GDT + (sel & ~7u), d, 8);
}

/* A legacy gate at linear address a. */
static inline void fx_gate(struct fx *fx, uint32_t a, unsigned sel, uint32_t off, unsigned type,
                           unsigned dpl, unsigned params)
{
    fx_wr(fx, a, (off & 0xffff) | sel << 16, 4);
    fx_wr(fx, a + 4, (off & 0xffff0000u) | 0x8000 | dpl << 13 | type << 8 | params, 4);
}

static inline void fx_gate64(struct fx *fx, unsigned v, unsigned sel, uint64_t off, unsigned type,
                             unsigned dpl, unsigned ist)
{
    fx_gate(fx, FX_IDT + v * 16, sel, (uint32_t)off, type, dpl, ist);
    fx_wr(fx, FX_IDT + v * 16 + 8, off >> 32, 8);
}

#define FX_ATTR_CODE (SEG_P | SEG_S | 0xau)
#define FX_ATTR_DATA (SEG_P | SEG_S | 0x2u)
#define FX_DPL3      (3u << SEG_DPL_SHIFT)

static inline void fx_build_gdt(struct fx *fx)
{
    const unsigned big = SEG_DB | SEG_G;

    fx_desc(fx, FX_CS0, 0, 0xfffff, FX_ATTR_CODE | big);
    fx_desc(fx, FX_DS0, 0, 0xfffff, FX_ATTR_DATA | big);
    fx_desc(fx, FX_CS3, 0, 0xfffff, FX_ATTR_CODE | big | FX_DPL3);
    fx_desc(fx, FX_DS3, 0, 0xfffff, FX_ATTR_DATA | big | FX_DPL3);
    fx_desc(fx, FX_TR, FX_TSS, 0x1ff, SEG_P | SYS_TSS32);
    fx_desc(fx, FX_CS64, 0, 0xfffff, FX_ATTR_CODE | SEG_L | SEG_G);
    fx_desc(fx, FX_CS16, 0, 0xffff, FX_ATTR_CODE);
    fx_desc(fx, FX_CS64U, 0, 0xfffff, FX_ATTR_CODE | SEG_L | SEG_G | FX_DPL3);
    fx_desc(fx, FX_CONF, 0, 0xfffff, FX_ATTR_CODE | SEG_T_CONFORM | big);
    fx_desc(fx, FX_NP, 0, 0xfffff, (FX_ATTR_DATA | big) & ~SEG_P);
    fx_desc(fx, FX_LDT, FX_GDT + 0x200, 0x1f, SEG_P | SYS_LDT);
    fx_desc(fx, FX_TR2, FX_TSS2, 0x67, SEG_P | SYS_TSS32);
    fx_desc(fx, FX_DS16, 0, 0xffff, FX_ATTR_DATA);
    fx_desc(fx, FX_ROM, 0, 0xfffff, (FX_ATTR_DATA & ~SEG_T_WRITE) | big);
    fx_gate(fx, FX_GDT + FX_GATE, FX_CS0, FX_HAND, SYS_CALL32, 3, 2);
    fx_gate(fx, FX_GDT + FX_TGATE, FX_TR2, 0, SYS_TASK_GATE, 3, 0);
}

/* Loads a segment register from the GDT as it stands, no questions asked. */
static inline void fx_seg(struct fx *fx, unsigned n, unsigned sel)
{
    struct segment *s = &fx->cpu->seg[n];
    uint64_t d = fx_rd(fx, FX_GDT + (sel & ~7u), 8);

    s->sel = (uint16_t)sel;
    s->attr = (uint16_t)(d >> 40 & 0xf0ff);
    s->base = (d >> 16 & 0xffffff) | (d >> 56) << 24;
    s->limit = (uint32_t)((d & 0xffff) | (d >> 32 & 0xf0000));
    if (s->attr & SEG_G)
        s->limit = s->limit << 12 | 0xfff;
    if (s->attr & SEG_S)
        s->attr |= SEG_T_ACCESSED;
    cpu_derive_segment(fx->cpu, n, true);
}

/* CPL, CS, SS, DS, ES, stack and RIP := FX_CODE. */
static inline void fx_ring(struct fx *fx, unsigned cs, unsigned ss, unsigned cpl)
{
    struct cpu *cpu = fx->cpu;

    fx_seg(fx, SEG_CS, cs);
    fx_seg(fx, SEG_SS, ss);
    fx_seg(fx, SEG_DS, ss);
    fx_seg(fx, SEG_ES, ss);
    cpu->cpl = (uint8_t)cpl;
    cpu->gpr[REG_RSP] = cpl == 3 ? FX_UST : FX_STACK;
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu_sync_mode(cpu);
}

static inline void fx_handlers(struct fx *fx)
{
    for (unsigned v = 0; v < 256; v++)
        fx_wr(fx, FX_HAND + v * 4, 0xf4, 1);
}

/* Real mode at 0000:FX_CODE, stack 0000:FX_STACK, interrupt table at 0 with handlers at 0:FX_HAND.
 */
static inline void fx_real(struct fx *fx)
{
    struct cpu *cpu = fx->cpu;

    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        seg_set_real(cpu, n, 0);
    for (unsigned v = 0; v < 256; v++)
        fx_wr(fx, v * 4, FX_HAND + v * 4, 4);
    fx_handlers(fx);
    cpu->idtr = (struct table_reg){0, 0x3ff};
    cpu->gpr[REG_RSP] = FX_STACK;
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu_sync_mode(cpu);
}

/* Flat 32-bit protected mode without paging; IDT of 32-bit interrupt gates, DPL 0 but for vectors
 * 0x30 up (DPL 3); TSS32 loaded. In ring `cpl`, 0 or 3. */
static inline void fx_prot(struct fx *fx, unsigned cpl)
{
    struct cpu *cpu = fx->cpu;

    fx_build_gdt(fx);
    fx_handlers(fx);
    for (unsigned v = 0; v < 256; v++)
        fx_gate(fx, FX_IDT + v * 8, FX_CS0, FX_HAND + v * 4, SYS_INT32, v >= 0x30 ? 3 : 0, 0);
    cpu->gdtr = (struct table_reg){FX_GDT, FX_GDT_LIMIT};
    cpu->idtr = (struct table_reg){FX_IDT, 0x7ff};
    fx_wr(fx, FX_TSS + 4, FX_ESP0, 4);
    fx_wr(fx, FX_TSS + 8, FX_DS0, 4);
    fx_wr(fx, FX_TSS + 0x66, 0x68, 2);
    cpu->cr0 |= CR0_PE;
    fx_seg(fx, SEG_TR, FX_TR);
    cpu->seg[SEG_TR].attr |= 2;
    fx_wr(fx, FX_GDT + FX_TR + 5, 0x8b, 1);
    fx_seg(fx, SEG_FS, FX_DS0);
    fx_seg(fx, SEG_GS, FX_DS0);
    if (cpl == 3)
        fx_ring(fx, FX_CS3, FX_DS3, 3);
    else
        fx_ring(fx, FX_CS0, FX_DS0, 0);
}

/* 64-bit mode, identity mapped; IDT of 64-bit interrupt gates, DPL 0 but for vectors 0x30 up. */
static inline void fx_long(struct fx *fx, unsigned cpl)
{
    struct cpu *cpu = fx->cpu;

    fx_build_gdt(fx);
    fx_handlers(fx);
    for (unsigned v = 0; v < 128; v++)
        fx_gate64(fx, v, FX_CS64, FX_HAND + v * 4, SYS_INT32, v >= 0x30 ? 3 : 0, 0);
    fx_wr(fx, FX_PML4, (FX_PML4 + 0x1000) | 7, 8);
    fx_wr(fx, FX_PML4 + 0x1000, (FX_PML4 + 0x2000) | 7, 8);
    for (unsigned k = 0; k < 2; k++)
        fx_wr(fx, FX_PML4 + 0x2000 + k * 8, k << 21 | 0xe7, 8);
    cpu->gdtr = (struct table_reg){FX_GDT, FX_GDT_LIMIT};
    cpu->idtr = (struct table_reg){FX_IDT, 0x7ff};
    fx_wr(fx, FX_TSS + 4, FX_ESP0, 8);
    fx_wr(fx, FX_TSS + 0x66, 0x68, 2);
    cpu->cr0 |= CR0_PE | CR0_PG;
    cpu->cr4 |= CR4_PAE;
    cpu->efer |= EFER_LME | EFER_LMA | EFER_SCE;
    cpu->cr3 = FX_PML4;
    fx_seg(fx, SEG_TR, FX_TR);
    cpu->seg[SEG_TR].attr |= 2;
    cpu_tlb_flush(cpu, true);
    if (cpl == 3)
        fx_ring(fx, FX_CS64U, FX_DS3, 3);
    else
        fx_ring(fx, FX_CS64, FX_DS0, 0);
}

/* The CPU stands in the handler of vector v. */
#define fx_assert_vector(fx, v) assert_int_equal(fx_rip(fx), FX_HAND + (v)*4)

/* The k-th 4-byte word on the current stack. */
static inline uint32_t fx_stk4(const struct fx *fx, unsigned k)
{
    return (uint32_t)fx_rd(fx, (uint32_t)fx->cpu->gpr[REG_RSP] + k * 4, 4);
}

static inline uint64_t fx_stk8(const struct fx *fx, unsigned k)
{
    return fx_rd(fx, (uint32_t)fx->cpu->gpr[REG_RSP] + k * 8, 8);
}

#endif
