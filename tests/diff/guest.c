/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See guest.h. */
#include "tests/diff/guest.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/opcodes.h"
#include "cpu/segments.h"
#include "tests/diff/descriptors.h"
#include "tests/diff/memory.h"

/* The guest's RAM; its kernel half of linear memory starts at HIGH. */
#define PML4      0x10000u
#define PDPT_LOW  0x11000u
#define PD_LOW    0x12000u
#define PT_REGION 0x13000u
#define PDPT_HIGH 0x14000u
#define PD_HIGH   0x15000u
#define GDT       0x16000u
#define LDT       0x16800u
#define IDT       0x17000u
#define TSS       0x18000u
#define HANDLERS  0x19000u /* 16 bytes a vector */
#define KSTACK    0x1c000u
#define REGION    0x100000u
#define HIGH      UINT64_C(0xffff800000000000)

#define MAX_STEPS   100000
#define FORGET_EACH 512 /* cases: so many leave that many decoded blocks in a page */

static void make_pages(struct diff_guest *g)
{
    static const uint64_t page_bits[] = {[DIFF_PAGE_HOLE] = 0,
                                         [DIFF_PAGE_CODE] = 0x65,
                                         [DIFF_PAGE_DATA] = UINT64_C(1) << 63 | 0x67,
                                         [DIFF_PAGE_ROM] = UINT64_C(1) << 63 | 0x65};
    uint8_t *ram = g->machine->ram;

    st_le64(ram + PML4, PDPT_LOW | 7);
    st_le64(ram + PML4 + 256 * 8, PDPT_HIGH | 3);
    st_le64(ram + PDPT_LOW, PD_LOW | 7);
    st_le64(ram + PD_LOW + (DIFF_BASE >> 21) * 8, PT_REGION | 7);
    st_le64(ram + PDPT_HIGH, PD_HIGH | 3);
    st_le64(ram + PD_HIGH, 0xe3);
    for (unsigned n = 0; n < DIFF_SIZE >> PAGE_SHIFT; n++) {
        uint64_t at = (uint64_t)n << PAGE_SHIFT, e = page_bits[diff_page_kind(DIFF_BASE + at)];

        st_le64(ram + PT_REGION + n * 8, e ? e | (REGION + at) : 0);
    }
}

static void make_tables(struct diff_guest *g)
{
    const unsigned user = SEG_P | SEG_S | SEG_DPL | SEG_T_ACCESSED | SEG_T_WRITE | SEG_G;
    uint8_t *ram = g->machine->ram;

    make_pages(g);
    st_le64(ram + GDT + 0x10,
            diff_descriptor(0, 0xfffff, SEG_P | SEG_S | SEG_T_CODE | 3 | SEG_L | SEG_G));
    st_le64(ram + GDT + 0x18, diff_descriptor(0, 0xfffff, SEG_P | SEG_S | 3 | SEG_DB | SEG_G));
    st_le64(ram + GDT + 0x20, diff_descriptor(0, 0xfffff, user | SEG_T_CODE | SEG_DB));
    st_le64(ram + GDT + 0x28, diff_descriptor(0, 0xfffff, user | SEG_DB));
    st_le64(ram + GDT + 0x30, diff_descriptor(0, 0xfffff, user | SEG_T_CODE | SEG_L));
    for (unsigned n = 0; g->has_ldt && n < DIFF_LDT_COUNT; n++)
        st_le64(ram + LDT + n * 8, diff_guest_descriptor(n));
    for (unsigned v = 0; v < 256; v++) {
        uint64_t to = HIGH + HANDLERS + v * 16;
        unsigned dpl = v == EXC_BP || v == EXC_OF ? 3 : 0;

        st_le64(ram + IDT + v * 16, (to & 0xffff) | 0x10u << 16 |
                                        (uint64_t)(0x8e00 | dpl << 13) << 32 |
                                        (to >> 16 & 0xffff) << 48);
        st_le64(ram + IDT + v * 16 + 8, to >> 32);
        ram[HANDLERS + v * 16] = 0xf4;
    }
    st_le64(ram + TSS + 4, HIGH + KSTACK);
    st_le16(ram + TSS + 0x66, 0x68);
}

static void prepare(struct diff_guest *g)
{
    struct cpu *cpu = g->machine->cpu;

    make_tables(g);
    cpu->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP | CR0_AM;
    cpu->cr3 = PML4;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE;
    cpu->xcr0 = g->xcr0;
    cpu->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    cpu->gdtr = (struct table_reg){.base = HIGH + GDT, .limit = 0x37};
    cpu->idtr = (struct table_reg){.base = HIGH + IDT, .limit = 0xfff};
    cpu->seg[SEG_TR] = (struct segment){
        .sel = 0x40, .base = HIGH + TSS, .limit = 0x67, .attr = SEG_P | SYS_TSS32_BUSY};
    cpu_derive_segment(cpu, SEG_TR, true);
    cpu->seg[SEG_LDT] = (struct segment){
        .sel = 0x50, .base = HIGH + LDT, .limit = DIFF_LDT_COUNT * 8 - 1, .attr = SEG_P | SYS_LDT};
    cpu_derive_segment(cpu, SEG_LDT, g->has_ldt);
    cpu_tlb_flush(cpu, true);
}

void diff_guest_init(struct diff_guest *g, bool has_ldt, uint64_t xcr0)
{
    g->machine = rig_new();
    g->region = g->machine->ram + REGION;
    g->has_ldt = has_ldt;
    g->xcr0 = xcr0;
    /* what -cpu max leaves out, too: rows that are there are tested */
    for (unsigned n = 0; n < opcode_count; n++)
        g->machine->cpu->features |= (feature_set)1 << opcode_table[n].feature;
    prepare(g);
}

void diff_guest_free(struct diff_guest *g)
{
    rig_free(g->machine);
}

/* ---- a case ---- */

static void load_segment(struct diff_guest *g, unsigned n, const struct diff_state *in)
{
    struct cpu *cpu = g->machine->cpu;
    struct segment *s = &cpu->seg[n];
    uint16_t sel = in->sel[n];
    uint64_t d = ld_le64(g->machine->ram + (sel & 4 ? LDT : GDT) + (sel & ~7u));

    *s = (struct segment){.sel = sel};
    if (!sel_null(sel)) {
        s->attr = (uint16_t)(d >> 40 & 0xf0ff);
        s->base = (d >> 16 & 0xffffff) | (d >> 56) << 24;
        s->limit = (uint32_t)((d & 0xffff) | (d >> 32 & 0xf0000));
        if (s->attr & SEG_G)
            s->limit = s->limit << 12 | 0xfff;
    }
    if (n == SEG_FS)
        s->base = in->fs_base;
    if (n == SEG_GS)
        s->base = in->gs_base;
    cpu_derive_segment(cpu, n, !sel_null(sel));
}

static void load_fpu(struct cpu *cpu, const struct diff_fpu *f)
{
    fpu_set_image(cpu, f->fx, true, 16);
    for (unsigned n = 0; n < 16; n++)
        memcpy(cpu->ymm[n].x[1].b, f->ymmh[n], 16);
}

static void save_fpu(struct cpu *cpu, struct diff_fpu *f)
{
    fpu_get_image(cpu, f->fx, true);
    for (unsigned n = 0; n < 16; n++)
        memcpy(f->ymmh[n], cpu->ymm[n].x[1].b, 16);
}

static bool has_error(unsigned vector)
{
    return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

/* What the handler's stack says. */
static void read_result(struct diff_guest *g, struct diff_state *s)
{
    struct cpu *cpu = g->machine->cpu;
    const uint8_t *frame = g->machine->ram + (cpu->gpr[REG_RSP] - HIGH);

    s->vector = (unsigned)(cpu->gpr[REG_RIP] - HIGH - HANDLERS) / 16;
    s->error = 0;
    s->cr2 = cpu->cr2;
    if (has_error(s->vector)) {
        s->error = ld_le32(frame);
        frame += 8;
    }
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->rip = ld_le64(frame);
    s->rflags = ld_le64(frame + 16);
    s->gpr[REG_RSP] = ld_le64(frame + 24);
    for (unsigned n = 0; n < 6; n++)
        s->sel[n] = cpu->seg[n].sel;
    s->sel[SEG_CS] = ld_le16(frame + 8);
    s->sel[SEG_SS] = ld_le16(frame + 32);
    s->fs_base = cpu->seg[SEG_FS].base;
    s->gs_base = cpu->seg[SEG_GS].base;
}

/* The emulator is told of code that is written, as of DMA. */
static void put_code(struct diff_guest *g, uint64_t linear, const uint8_t *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t room = PAGE_SIZE - ((linear + done) & ~PAGE_MASK);
        size_t n = len - done < room ? len - done : room;

        memslots_write(g->machine->slots, REGION + (linear + done - DIFF_BASE), bytes + done, n);
        done += n;
    }
}

static void run(struct diff_guest *g, const struct diff_case *c)
{
    struct cpu *cpu = g->machine->cpu;

    if (c->stepped) {
        for (unsigned n = 0; n < MAX_STEPS && cpu->cpl == 3; n++)
            cpu_run(cpu, 1);
    } else {
        cpu_run(cpu, 0);
    }
}

void diff_guest_run(struct diff_guest *g, const struct diff_case *c, struct diff_state *out)
{
    static const uint8_t fill[DIFF_CODE_MAX] = {[0 ... DIFF_CODE_MAX - 1] = 0xcc};
    struct cpu *cpu = g->machine->cpu;
    size_t room = DIFF_CODE + 2 * PAGE_SIZE - c->linear, len = c->len < room ? c->len : room;

    if (++g->runs % FORGET_EACH == 0)
        cpu_set_event(cpu, EV_FLUSH);
    put_code(g, c->linear, c->code, len);
    memcpy(cpu->gpr, c->in.gpr, sizeof(c->in.gpr));
    cpu->gpr[REG_RIP] = c->in.rip;
    cpu_set_rflags(cpu, c->in.rflags | FL_IF);
    cpu->cpl = 3;
    cpu->halted = false;
    cpu->dr6 = 0xffff0ff0;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        load_segment(g, n, &c->in);
    if (c->with_fpu)
        load_fpu(cpu, &c->in.fpu);
    cpu->portable = c->portable;
    cpu_sync_mode(cpu);
    run(g, c);
    if (cpu->cpl == 3 || cpu->shutdown || cpu->gpr[REG_RSP] - HIGH > KSTACK) {
        out->vector = DIFF_LOST;
        cpu_reset(cpu, true, false);
        prepare(g);
    } else {
        read_result(g, out);
    }
    if (c->with_fpu)
        save_fpu(cpu, &out->fpu);
    put_code(g, c->linear, fill, len);
}
