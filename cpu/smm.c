/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMM entry and RSM with the two save area layouts: 64-bit models use the AMD64 one (AMD APM volume
 * 2, table 10-1, revision 0x30064), others the 32-bit one (Intel SDM volume 3C, table 31-1,
 * revision 0x30000); its reserved space holds the hidden parts of segments. Intel SDM volume 3C,
 * chapter 31.
 */
#include "cpu/smm.h"

#include "base/log.h"
#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/features.h"
#include "cpu/flags.h"
#include "cpu/mmu.h"
#include "cpu/segments.h"

#define SAVE_AREA  0xfe00u /* from SMBASE */
#define SAVE_SIZE  512
#define ENTRY      0x8000u
#define REVISION64 0x30064u /* SMBASE relocation, I/O restart */
#define REVISION32 0x30000u
#define RESTART    0xffu /* in the I/O restart slot: do the instruction over */

static void put16(uint8_t *area, unsigned off, uint64_t v)
{
    st_le16(area + (off - SAVE_AREA), (uint16_t)v);
}

static void put32(uint8_t *area, unsigned off, uint64_t v)
{
    st_le32(area + (off - SAVE_AREA), (uint32_t)v);
}

static void put64(uint8_t *area, unsigned off, uint64_t v)
{
    st_le64(area + (off - SAVE_AREA), v);
}

static uint16_t get16(const uint8_t *area, unsigned off)
{
    return ld_le16(area + (off - SAVE_AREA));
}

static uint32_t get32(const uint8_t *area, unsigned off)
{
    return ld_le32(area + (off - SAVE_AREA));
}

static uint64_t get64(const uint8_t *area, unsigned off)
{
    return ld_le64(area + (off - SAVE_AREA));
}

/* ---- the 64-bit layout ---- */

enum {
    S64_SEG = 0xfe00, /* ES CS SS DS FS GS, 16 bytes each: selector, attributes, limit, base */
    S64_GDTR = 0xfe60,
    S64_LDTR = 0xfe70,
    S64_IDTR = 0xfe80,
    S64_TR = 0xfe90,
    S64_IO_RIP = 0xfea0, /* of an I/O instruction that raised the SMI; RCX, RSI, RDI */
    S64_IO = 0xfec0,     /* what it did */
    S64_IO_RESTART = 0xfec8,
    S64_HALT = 0xfec9,
    S64_NMI = 0xfeca,
    S64_PENDING = 0xfecc, /* reserved by the manual: debug traps that fall due behind RSM */
    S64_EFER = 0xfed0,
    S64_REV = 0xfefc,
    S64_SMBASE = 0xff00,
    S64_CR4 = 0xff48,
    S64_CR3 = 0xff50,
    S64_CR0 = 0xff58,
    S64_DR7 = 0xff60,
    S64_DR6 = 0xff68,
    S64_RFLAGS = 0xff70,
    S64_RIP = 0xff78,
    S64_R15 = 0xff80, /* down to RAX at 0xfff8, by falling register number */
};

/* Attributes as AMD packs them: type to P in the low byte, AVL L DB G above. */
static uint16_t pack_attr(uint16_t attr)
{
    return (uint16_t)((attr & 0xff) | ((attr >> 4) & 0xf00));
}

static uint16_t unpack_attr(uint16_t attr)
{
    return (uint16_t)((attr & 0xff) | ((attr & 0xf00) << 4));
}

static void put_seg64(uint8_t *area, unsigned off, const struct segment *s)
{
    put16(area, off, s->sel);
    put16(area, off + 2, pack_attr(s->attr));
    put32(area, off + 4, s->limit);
    put64(area, off + 8, s->base);
}

static void get_seg64(const uint8_t *area, unsigned off, struct segment *s)
{
    s->sel = get16(area, off);
    s->attr = unpack_attr(get16(area, off + 2));
    s->limit = get32(area, off + 4);
    s->base = get64(area, off + 8);
}

/* RF is kept up to date only where it counts. */
static uint64_t flags_now(const struct cpu *cpu)
{
    uint64_t fl = cpu_rflags(cpu);

    return cpu->mode & MODE_STEP || cpu->mid_string ? fl : fl & ~(uint64_t)FL_RF;
}

/* The I/O instruction right before the SMI, or NULL. */
static const struct smm_io *io_before(const struct cpu *cpu)
{
    return cpu->last_io.at == cpu->icount && !cpu->halted ? &cpu->last_io.io : NULL;
}

/* AMD's SMM I/O trap word. */
static uint32_t io_word64(const struct smm_io *io)
{
    return (uint32_t)io->port << 16 | (uint32_t)io->size << 4 | (io->rep ? 8u : 0) |
           (io->string ? 4u : 0) | 2 | (io->in ? 1u : 0);
}

/* Intel's I/O state field: how the port was named, in bit 7, is not kept apart. */
static uint32_t io_word32(const struct smm_io *io)
{
    return (uint32_t)io->port << 16 | (io->rep ? 4u : 0) << 4 | (io->string ? 2u : 0) << 4 |
           (io->in ? 1u : 0) << 4 | (uint32_t)io->size << 1 | 1;
}

static void save64(const struct cpu *cpu, uint8_t *area)
{
    const struct smm_io *io = io_before(cpu);

    if (io) {
        put64(area, S64_IO_RIP, io->rip);
        put64(area, S64_IO_RIP + 8, io->rcx);
        put64(area, S64_IO_RIP + 16, io->rsi);
        put64(area, S64_IO_RIP + 24, io->rdi);
        put32(area, S64_IO, io_word64(io));
    }
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        put_seg64(area, S64_SEG + n * 16, &cpu->seg[n]);
    put_seg64(area, S64_LDTR, &cpu->seg[SEG_LDT]);
    put_seg64(area, S64_TR, &cpu->seg[SEG_TR]);
    put32(area, S64_GDTR + 4, cpu->gdtr.limit);
    put64(area, S64_GDTR + 8, cpu->gdtr.base);
    put32(area, S64_IDTR + 4, cpu->idtr.limit);
    put64(area, S64_IDTR + 8, cpu->idtr.base);
    area[S64_HALT - SAVE_AREA] = cpu->halted && !cpu->monitor.waiting;
    area[S64_NMI - SAVE_AREA] = cpu->nmi_blocked;
    put16(area, S64_PENDING, cpu->pending_db);
    put64(area, S64_EFER, cpu->efer);
    put32(area, S64_REV, REVISION64);
    put32(area, S64_SMBASE, cpu->smbase);
    put64(area, S64_CR4, cpu->cr4);
    put64(area, S64_CR3, cpu->cr3);
    put64(area, S64_CR0, cpu->cr0);
    put64(area, S64_DR7, cpu->dr7);
    put64(area, S64_DR6, cpu->dr6);
    put64(area, S64_RFLAGS, flags_now(cpu));
    put64(area, S64_RIP, cpu->gpr[REG_RIP]);
    for (unsigned n = 0; n < 16; n++)
        put64(area, S64_R15 + (15 - n) * 8, cpu->gpr[n]);
}

/* What RSM restores beyond registers that any value suits. */
struct resume {
    uint64_t cr0, cr3, cr4, efer, rflags, rip, dr7;
    uint32_t smbase;
    uint16_t pending_db;
    bool halted, nmi_blocked;
};

/* The handler wants the I/O instruction done over. */
static bool redo_io64(const uint8_t *area)
{
    return area[S64_IO_RESTART - SAVE_AREA] == RESTART && (get32(area, S64_IO) & 2);
}

static void read64(const uint8_t *area, struct resume *r)
{
    r->halted = area[S64_HALT - SAVE_AREA] & 1;
    r->nmi_blocked = area[S64_NMI - SAVE_AREA] & 1;
    r->pending_db = get16(area, S64_PENDING);
    r->efer = get64(area, S64_EFER);
    r->smbase = get32(area, S64_SMBASE);
    r->cr4 = get64(area, S64_CR4);
    r->cr3 = get64(area, S64_CR3);
    r->cr0 = get64(area, S64_CR0);
    r->dr7 = get64(area, S64_DR7);
    r->rflags = get64(area, S64_RFLAGS);
    r->rip = get64(area, redo_io64(area) ? S64_IO_RIP : S64_RIP);
}

static void load64(struct cpu *cpu, const uint8_t *area)
{
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        get_seg64(area, S64_SEG + n * 16, &cpu->seg[n]);
    get_seg64(area, S64_LDTR, &cpu->seg[SEG_LDT]);
    get_seg64(area, S64_TR, &cpu->seg[SEG_TR]);
    cpu->gdtr.limit = (uint16_t)get32(area, S64_GDTR + 4);
    cpu->gdtr.base = get64(area, S64_GDTR + 8);
    cpu->idtr.limit = (uint16_t)get32(area, S64_IDTR + 4);
    cpu->idtr.base = get64(area, S64_IDTR + 8);
    cpu->dr6 = (get64(area, S64_DR6) & 0xe00f) | DR6_FIXED;
    for (unsigned n = 0; n < 16; n++)
        cpu->gpr[n] = get64(area, S64_R15 + (15 - n) * 8);
    if (redo_io64(area) && (get32(area, S64_IO) & 4)) { /* a string instruction */
        cpu->gpr[REG_RCX] = get64(area, S64_IO_RIP + 8);
        cpu->gpr[REG_RSI] = get64(area, S64_IO_RIP + 16);
        cpu->gpr[REG_RDI] = get64(area, S64_IO_RIP + 24);
    }
}

/* ---- the 32-bit layout ---- */

enum {
    S32_REV = 0xfefc,
    S32_SMBASE = 0xfef8,
    S32_IO_RESTART = 0xff00,
    S32_HALT = 0xff02,
    S32_HIDDEN = 0xff04, /* reserved by the manual: limit, base, attributes of eight segments */
    S32_GDTR = 0xff64,
    S32_IDTR = 0xff6c,
    S32_CR4 = 0xff74,
    S32_NMI = 0xff78,
    S32_PENDING = 0xff7c, /* reserved likewise: debug traps that fall due behind RSM */
    S32_IO_EIP = 0xff80,  /* reserved: of an I/O instruction that raised the SMI; ECX, ESI, EDI */
    S32_IO = 0xffa4,      /* what it did */
    S32_SEL = 0xffa8,     /* ES CS SS DS FS GS, LDT, TR */
    S32_DR7 = 0xffc8,
    S32_DR6 = 0xffcc,
    S32_GPR = 0xffd0,
    S32_EIP = 0xfff0,
    S32_EFLAGS = 0xfff4,
    S32_CR3 = 0xfff8,
    S32_CR0 = 0xfffc,
};

static void save32(const struct cpu *cpu, uint8_t *area)
{
    const struct smm_io *io = io_before(cpu);

    if (io) {
        put32(area, S32_IO_EIP, io->rip);
        put32(area, S32_IO_EIP + 4, io->rcx);
        put32(area, S32_IO_EIP + 8, io->rsi);
        put32(area, S32_IO_EIP + 12, io->rdi);
        put32(area, S32_IO, io_word32(io));
    }
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        const struct segment *s = &cpu->seg[n];

        put32(area, S32_SEL + n * 4, s->sel);
        put32(area, S32_HIDDEN + n * 12, s->limit);
        put32(area, S32_HIDDEN + n * 12 + 4, s->base);
        put32(area, S32_HIDDEN + n * 12 + 8, s->attr);
    }
    put32(area, S32_GDTR, cpu->gdtr.base);
    put32(area, S32_GDTR + 4, cpu->gdtr.limit);
    put32(area, S32_IDTR, cpu->idtr.base);
    put32(area, S32_IDTR + 4, cpu->idtr.limit);
    put32(area, S32_CR4, cpu->cr4);
    put32(area, S32_NMI, cpu->nmi_blocked);
    put16(area, S32_PENDING, cpu->pending_db);
    put16(area, S32_HALT, cpu->halted && !cpu->monitor.waiting);
    put32(area, S32_REV, REVISION32);
    put32(area, S32_SMBASE, cpu->smbase);
    put32(area, S32_DR7, cpu->dr7);
    put32(area, S32_DR6, cpu->dr6);
    for (unsigned n = 0; n < 8; n++)
        put32(area, S32_GPR + n * 4, cpu->gpr[n]);
    put32(area, S32_EIP, cpu->gpr[REG_RIP]);
    put32(area, S32_EFLAGS, flags_now(cpu));
    put32(area, S32_CR3, cpu->cr3);
    put32(area, S32_CR0, cpu->cr0);
}

static bool redo_io32(const uint8_t *area)
{
    return area[S32_IO_RESTART - SAVE_AREA] == RESTART && (get32(area, S32_IO) & 1);
}

static void read32(const uint8_t *area, struct resume *r)
{
    r->cr4 = get32(area, S32_CR4);
    r->nmi_blocked = get32(area, S32_NMI) & 1;
    r->pending_db = get16(area, S32_PENDING);
    r->halted = get16(area, S32_HALT) & 1;
    r->smbase = get32(area, S32_SMBASE);
    r->dr7 = get32(area, S32_DR7);
    r->rflags = get32(area, S32_EFLAGS);
    r->rip = get32(area, redo_io32(area) ? S32_IO_EIP : S32_EIP);
    r->cr3 = get32(area, S32_CR3);
    r->cr0 = get32(area, S32_CR0);
    r->efer = 0;
}

static void load32(struct cpu *cpu, const uint8_t *area)
{
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        struct segment *s = &cpu->seg[n];

        s->sel = get16(area, S32_SEL + n * 4);
        s->limit = get32(area, S32_HIDDEN + n * 12);
        s->base = get32(area, S32_HIDDEN + n * 12 + 4);
        s->attr = get16(area, S32_HIDDEN + n * 12 + 8) & SEG_ATTR;
    }
    cpu->gdtr.base = get32(area, S32_GDTR);
    cpu->gdtr.limit = get16(area, S32_GDTR + 4);
    cpu->idtr.base = get32(area, S32_IDTR);
    cpu->idtr.limit = get16(area, S32_IDTR + 4);
    cpu->dr6 = (get32(area, S32_DR6) & 0xe00f) | DR6_FIXED;
    for (unsigned n = 0; n < 8; n++)
        cpu->gpr[n] = get32(area, S32_GPR + n * 4);
    if (redo_io32(area) && (get32(area, S32_IO) & 0x20)) { /* a string instruction */
        cpu->gpr[REG_RCX] = get32(area, S32_IO_EIP + 4);
        cpu->gpr[REG_RSI] = get32(area, S32_IO_EIP + 8);
        cpu->gpr[REG_RDI] = get32(area, S32_IO_EIP + 12);
    }
}

/* ---- in and out ---- */

static bool wide_layout(const struct cpu *cpu)
{
    return (cpu->features & FEAT(LM)) != 0;
}

static void tell_board(struct cpu *cpu, bool in_smm)
{
    cpu->in_smm = in_smm;
    if (cpu->hooks.smm_changed)
        cpu->hooks.smm_changed(cpu->hooks.opaque, in_smm);
}

void cpu_smi_enter(struct cpu *cpu)
{
    uint8_t area[SAVE_SIZE] = {0};

    tell_board(cpu, true);
    if (wide_layout(cpu))
        save64(cpu, area);
    else
        save32(cpu, area);
    if (!memslots_write(cpu->slots, cpu->smbase + SAVE_AREA, area, sizeof(area)))
        log_guest("cpu%u: no memory for the SMM save area at %llx", cpu->id,
                  (unsigned long long)cpu->smbase);

    cpu->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->dr7 = DR7_FIXED;
    cpu_set_rflags(cpu, FL_1);
    cpu->cpl = 0;
    cpu->halted = false;
    cpu->inhibit = 0;
    cpu->pending_db = 0;
    cpu->nmi_blocked = true;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        seg_set_flat(cpu, n, 0, SEG_P | SEG_S | SEG_T_WRITE | SEG_T_ACCESSED | SEG_G);
    cpu->seg[SEG_CS].sel = (uint16_t)(cpu->smbase >> 4);
    cpu->seg[SEG_CS].base = cpu->smbase;
    seg_rederive(cpu);
    cpu->gpr[REG_RIP] = ENTRY;
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
}

/* SDM 31.3.2: states that RSM must not enter. */
static bool resume_legal(const struct cpu *cpu, const struct resume *r)
{
    bool pe = r->cr0 & CR0_PE, pg = r->cr0 & CR0_PG, lma = r->efer & EFER_LMA;

    if ((r->cr4 & ~control_cr4_valid(cpu)) || (r->efer & ~control_efer_valid(cpu)))
        return false;
    if ((r->cr0 >> 32) || (pg && !pe) || ((r->cr0 & CR0_NW) && !(r->cr0 & CR0_CD)))
        return false;
    if ((r->rflags & FL_VM) && (!pe || lma))
        return false;
    if (lma != (pg && (r->efer & EFER_LME)))
        return false;
    return lma ? (r->cr4 & CR4_PAE) != 0 : !(r->cr4 & CR4_PCIDE);
}

static unsigned resumed_cpl(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE))
        return 0;
    return cpu->rflags & FL_VM ? 3 : (cpu->seg[SEG_SS].attr & SEG_DPL) >> SEG_DPL_SHIFT;
}

void smm_leave(struct cpu *cpu)
{
    uint8_t area[SAVE_SIZE];
    struct resume r;

    memslots_read(cpu->slots, cpu->smbase + SAVE_AREA, area, sizeof(area));
    if (wide_layout(cpu))
        read64(area, &r);
    else
        read32(area, &r);
    if (!resume_legal(cpu, &r)) {
        log_msg(LOG_RESET, "cpu%u: RSM to an illegal state: shutdown", cpu->id);
        cpu->shutdown = true;
        cpu_recheck_events(cpu);
        return;
    }
    if (wide_layout(cpu))
        load64(cpu, area);
    else
        load32(cpu, area);
    cpu->cr0 = (r.cr0 & control_cr0_valid()) | CR0_ET;
    cpu->cr3 = r.cr3 & ((UINT64_C(1) << cpu->phys_bits) - 1);
    cpu->cr4 = r.cr4;
    cpu->efer = r.efer;
    cpu->gpr[REG_RIP] =
        (r.efer & EFER_LMA) && (cpu->seg[SEG_CS].attr & SEG_L) ? r.rip : (uint32_t)r.rip;
    cpu_set_rflags(cpu, r.rflags & (FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF |
                                    FL_VM | FL_AC | FL_VIF | FL_VIP | FL_ID));
    cpu->cpl = (uint8_t)resumed_cpl(cpu);
    cpu->smbase = r.smbase;
    cpu->halted = r.halted;
    cpu->monitor.waiting = false;
    cpu->nmi_blocked = r.nmi_blocked;
    cpu->inhibit = 0;
    cpu->pending_db = r.pending_db & (DR6_BS | DR6_BT | 0xf);
    seg_rederive(cpu);
    debug_set_dr7(cpu, r.dr7);
    tell_board(cpu, false);
    if ((cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !(cpu->efer & EFER_LMA) &&
        !mmu_load_pdptes(cpu, cpu->cr3))
        cpu->shutdown = true;
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
}
