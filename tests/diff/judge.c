/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See judge.h; excluded.c has what is not run, this what is compared. */
#include "tests/diff/judge.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/flags.h"
#include "cpu/segments.h"
#include "cpu/xsave.h"
#include "tests/diff/host.h"

#define COMPARED                                                                                   \
    (FL_ARITH | FL_DF | FL_AC | FL_NT | FL_ID | FL_IF | FL_IOPL | FL_TF | FL_VIF | FL_VIP)

/* Done, rather than stopped by a fault of its own: that would stand at its beginning. */
static bool executed(const struct diff_facts *f, const struct diff_case *c,
                     const struct diff_state *s)
{
    return f->count > 1 || s->rip != c->in.rip;
}

/* Flags that are not compared. */
static unsigned undefined(const struct diff_facts *f, const struct diff_case *c,
                          const struct diff_state *host)
{
    if (!executed(f, c, host))
        return 0;
    return f->count > 1 && host->vector != EXC_BP ? f->ever : f->undefined;
}

/* ---- what differs ---- */

static const char *const gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static const char *registers_differ(const struct diff_case *c, const struct diff_state *host,
                                    const struct diff_state *guest)
{
    bool code64 = c->setup->mode == MODE_64 && host->sel[SEG_CS] == DIFF_CS64;

    for (unsigned n = 0; n < (code64 ? 16 : 8); n++) {
        uint64_t d = host->gpr[n] ^ guest->gpr[n];

        if (code64 ? d : d & 0xffffffff)
            return gpr_names[n];
    }
    return NULL;
}

/* The host kernel's way back to user mode makes all null selectors 0. */
static unsigned visible(uint16_t sel)
{
    return sel_null(sel) ? 0 : sel;
}

static const char *segments_differ(const struct diff_state *host, const struct diff_state *guest)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

    for (unsigned n = 0; n < 6; n++) {
        if (visible(host->sel[n]) != visible(guest->sel[n]))
            return names[n];
    }
    if (host->fs_base != guest->fs_base)
        return "FS base";
    return host->gs_base != guest->gs_base ? "GS base" : NULL;
}

static const char *fpu_differs(const struct diff_fpu *h, const struct diff_fpu *g)
{
    if (ld_le16(h->fx + FX_CW) != ld_le16(g->fx + FX_CW))
        return "x87 control word";
    if (ld_le16(h->fx + FX_SW) != ld_le16(g->fx + FX_SW))
        return "x87 status word";
    if (h->fx[FX_TAGS] != g->fx[FX_TAGS])
        return "x87 tags";
    if (ld_le32(h->fx + FX_MXCSR) != ld_le32(g->fx + FX_MXCSR))
        return "MXCSR";
    for (unsigned n = 0; n < 8; n++) {
        if (memcmp(h->fx + FX_ST(n), g->fx + FX_ST(n), 10) != 0)
            return "x87 register";
    }
    if (h->fx[FX_SW] & 0x80) { /* else AMD does not tell */
        if (ld_le16(h->fx + FX_FOP) != ld_le16(g->fx + FX_FOP))
            return "x87 opcode";
        if (ld_le64(h->fx + FX_FIP) != ld_le64(g->fx + FX_FIP))
            return "x87 instruction pointer";
        if (ld_le64(h->fx + FX_FDP) != ld_le64(g->fx + FX_FDP))
            return "x87 data pointer";
    }
    if (memcmp(h->fx + FX_XMM(0), g->fx + FX_XMM(0), 256) != 0)
        return "XMM register";
    if ((diff_host_xcr0() & XCR0_AVX) && memcmp(h->ymmh, g->ymmh, 256) != 0)
        return "YMM register";
    return NULL;
}

/* Linux tells of every address of its own half as if there were a page. */
static uint32_t visible_error(const struct diff_state *s, uint64_t cr2)
{
    return s->vector == EXC_PF && cr2 >= UINT64_C(0x7ffffffff000) ? s->error | PF_P : s->error;
}

static const char *differs(const struct diff_memory *m, const struct diff_facts *f,
                           const struct diff_case *c, const struct diff_state *host,
                           const struct diff_state *guest)
{
    const char *what;

    if (host->vector != guest->vector)
        return "vector";
    if (visible_error(host, host->cr2) != visible_error(guest, host->cr2))
        return "error code";
    if (host->vector == EXC_PF && host->cr2 != guest->cr2)
        return "CR2";
    if (host->rip != guest->rip)
        return "RIP";
    what = registers_differ(c, host, guest);
    if (what)
        return what;
    if ((host->rflags ^ guest->rflags) & COMPARED & ~(uint64_t)undefined(f, c, host))
        return "flags";
    what = segments_differ(host, guest);
    if (!what && c->with_fpu)
        what = fpu_differs(&host->fpu, &guest->fpu);
    if (!what && diff_memory_differs(m))
        what = "memory";
    return what;
}

/* ---- what the manuals leave open in memory ---- */

/* Linear address of the memory operand. */
static uint64_t effective_address(const struct diff_facts *f, const struct diff_case *c)
{
    static const uint64_t masks[] = {[SZ16] = 0xffff, [SZ32] = 0xffffffff, [SZ64] = ~UINT64_C(0)};
    const struct insn *i = &f->insn;
    uint64_t off = (uint64_t)(int64_t)i->disp;

    if (i->base == REG_RIP)
        off += c->in.rip + i->len;
    else if (i->base < 16)
        off += c->in.gpr[i->base];
    if (i->index < 16)
        off += c->in.gpr[i->index] << i->scale;
    return (off & masks[i->asz]) + diff_segment_base(c, i->seg);
}

static void take_from_host(struct diff_memory *m, uint64_t at, unsigned n)
{
    for (; n--; at++) {
        if (diff_page_kind(at) == DIFF_PAGE_DATA)
            m->guest[at - DIFF_BASE] = m->host[at - DIFF_BASE];
    }
}

/* FOP and the pointers: AMD has them only while an exception is pending; MXCSR_MASK. */
static void forgive_memory(struct diff_memory *m, const struct diff_facts *f,
                           const struct diff_case *c)
{
    uint64_t at;

    if (!f->row || f->count > 1 || !(f->insn.flags & INSN_MEM))
        return;
    at = effective_address(f, c);
    if (diff_row_named(f->row, "fxsave") || diff_row_is_xsave(f->row)) {
        take_from_host(m, at + FX_FOP, FX_MXCSR - FX_FOP);
        take_from_host(m, at + FX_MXCSR + 4, 4);
    } else if (diff_row_named(f->row, "fnstenv,fnsave")) {
        if (f->insn.osz == SZ16)
            take_from_host(m, at + 6, 8);
        else
            take_from_host(m, at + 12, 16);
    }
}

/* ---- what may differ ---- */

struct outcome {
    const struct diff_memory *m;
    const struct diff_facts *f;
    const struct diff_case *c;
    const struct diff_state *host, *guest;
    const char *what;
};

static bool named(const struct outcome *o, const char *list)
{
    return o->f->row && diff_row_named(o->f->row, list);
}

static bool both_at_start(const struct outcome *o)
{
    return o->host->rip == o->c->in.rip && o->guest->rip == o->c->in.rip;
}

static bool pf_or_ac(const struct outcome *o)
{
    unsigned h = o->host->vector, g = o->guest->vector;

    return both_at_start(o) && ((h == EXC_AC && g == EXC_PF) || (h == EXC_PF && g == EXC_AC));
}

static bool several_accesses(const struct outcome *o)
{
    unsigned h = o->host->vector, g = o->guest->vector;

    if (!both_at_start(o) || !o->f->row || h < EXC_NP || h > EXC_AC || g < EXC_NP || g > EXC_AC)
        return false;
    return named(o, "cmps,movs,popa,call,call far,retf,iret,bound") ||
           o->f->kind == KIND_LOAD_FAR || o->f->kind == KIND_FAR_MEM;
}

static bool double_shift_too_far(const struct outcome *o)
{
    return named(o, "shld,shrd") && o->f->count == 1 &&
           diff_shift_count(o->f, o->c) > 8u << o->f->insn.osz;
}

static bool lar_bits(const struct outcome *o)
{
    unsigned reg = o->f->insn.reg;

    return named(o, "lar") && strcmp(o->what, gpr_names[reg & 15]) == 0 &&
           !((o->host->gpr[reg] ^ o->guest->gpr[reg]) & ~UINT64_C(0xf0000));
}

static bool comi_c1(const struct outcome *o)
{
    return named(o, "fcomi,fcomip,fucomi,fucomip") && strcmp(o->what, "x87 status word") == 0 &&
           ((ld_le16(o->host->fpu.fx + FX_SW) ^ ld_le16(o->guest->fpu.fx + FX_SW)) == 0x200);
}

static bool null_keeps_base(const struct outcome *o)
{
    return (strcmp(o->what, "FS base") == 0 && visible(o->host->sel[SEG_FS]) == 0) ||
           (strcmp(o->what, "GS base") == 0 && visible(o->host->sel[SEG_GS]) == 0);
}

static bool far_call_to_64(const struct outcome *o)
{
    return named(o, "call far") && o->c->setup->mode != MODE_64 &&
           (o->host->sel[SEG_CS] == DIFF_CS64 || o->guest->sel[SEG_CS] == DIFF_CS64);
}

static bool fstpnce_empty(const struct outcome *o)
{
    return named(o, "fstpnce") && !strncmp(o->what, "x87", 3) && o->c->in.fpu.fx[FX_TAGS] != 0xff;
}

static bool cvtpi2ps_memory(const struct outcome *o)
{
    return named(o, "cvtpi2ps") && (o->f->insn.flags & INSN_MEM);
}

static bool memory_fault(unsigned vector)
{
    return vector >= EXC_SS && vector <= EXC_AC && vector != EXC_MF;
}

static bool maskmov_bytes(const struct outcome *o)
{
    return o->f->kind == KIND_MASKMOV && memory_fault(o->host->vector);
}

static bool vector_operand(const struct outcome *o)
{
    return o->f->row && (o->f->insn.flags & INSN_MEM) &&
           diff_memory_size(o->f->row, &o->f->size) >= 16;
}

static bool unaligned_vector(const struct outcome *o)
{
    return vector_operand(o) && o->host->vector == EXC_AC && o->guest->vector != EXC_AC;
}

/* Operands that are accessed in several parts. */
static bool many_parts(const struct outcome *o)
{
    unsigned h = o->host->vector, g = o->guest->vector, n;

    if (!both_at_start(o) || !o->f->row || !(o->f->insn.flags & INSN_MEM))
        return false;
    n = diff_memory_size(o->f->row, &o->f->size);
    return (n == 10 || n == 14 || n == 28 || n > 32) && memory_fault(h) && memory_fault(g);
}

/* SDM volume 1, 13.11: any byte of a component may be accessed, whether it is in use or not. */
static bool xsave_touches(const struct outcome *o)
{
    uint64_t at;

    if (!o->f->row || !diff_row_is_xsave(o->f->row) || o->host->vector != EXC_PF ||
        o->guest->vector != EXC_BP)
        return false;
    at = effective_address(o->f, o->c);
    return o->host->cr2 >= at && o->host->cr2 - at < XSAVE_MAX;
}

/* The fuzzer's own memory, which is not the guest's: elements are spread wide. */
static bool gather_astray(const struct outcome *o)
{
    return o->f->kind == KIND_GATHER && o->guest->vector == EXC_PF &&
           o->guest->cr2 - DIFF_BASE >= DIFF_SIZE &&
           (o->host->vector != EXC_PF || o->host->cr2 != o->guest->cr2);
}

/* The SDM knows of no trap in the midst of it but of data breakpoints. */
static bool gather_steps(const struct outcome *o)
{
    return o->f->kind == KIND_GATHER && (o->c->in.rflags & FL_TF) && both_at_start(o) &&
           o->host->vector == EXC_DB;
}

/* Only the mask register differs, and not in what it says. */
static bool gather_mask(const struct outcome *o)
{
    unsigned mask = o->f->insn.vvvv, size = o->f->bytes.vex_w ? 8 : 4;
    const struct diff_fpu *h = &o->host->fpu, *g = &o->guest->fpu;
    struct diff_fpu same = *g;
    bool high = o->f->bytes.vex_l && !named(o, "vpgatherqd,vgatherqps");

    if (o->f->kind != KIND_GATHER || o->host->vector == EXC_BP || !diff_host_is_intel())
        return false; /* as AMD's processors do it, it is done here */
    for (unsigned n = size - 1; n < 16; n += size) {
        if (((h->fx[FX_XMM(mask) + n] ^ g->fx[FX_XMM(mask) + n]) & 0x80) ||
            (high && ((h->ymmh[mask][n] ^ g->ymmh[mask][n]) & 0x80)))
            return false;
    }
    memcpy(same.fx + FX_XMM(mask), h->fx + FX_XMM(mask), 16);
    memcpy(same.ymmh[mask], h->ymmh[mask], 16);
    return fpu_differs(h, &same) == NULL;
}

static bool w_outside_64(const struct outcome *o)
{
    return o->c->setup->mode != MODE_64 && o->f->bytes.vex_w && o->host->vector == EXC_UD &&
           named(o, "vpextrd,vpinsrd");
}

static bool sha_unaligned(const struct outcome *o)
{
    return o->f->row && strncmp(o->f->row->mnemonic, "sha", 3) == 0 &&
           (o->f->insn.flags & INSN_MEM) && o->guest->vector == EXC_GP;
}

static bool mxcsr_mm(const struct outcome *o)
{
    return named(o, "ldmxcsr,vldmxcsr,fxrstor,xrstor") && o->guest->vector == EXC_GP &&
           (ld_le32(o->host->fpu.fx + FX_MXCSR) & 0x20000);
}

static bool alignment_or_limit(const struct outcome *o)
{
    return vector_operand(o) && both_at_start(o) && o->host->vector == EXC_GP &&
           o->guest->vector == EXC_SS;
}

/* It is undefined whatever follows its opcode; AMD looks for that first. */
static bool undefined_fetch(const struct outcome *o)
{
    if (o->f->row || o->guest->vector != EXC_UD || o->host->rip != o->c->in.rip)
        return false;
    return (o->host->vector == EXC_PF && (o->host->error & PF_I)) ||
           (o->host->vector == EXC_GP && !o->host->error && o->f->bytes.modrm_at > 7);
}

/* Differences that are nobody's error. `amd`: only where the host is AMD's, and documented there;
 * Penumbra's CPU is Intel's. */
static const struct {
    const char *reason;
    bool (*holds)(const struct outcome *o);
    bool amd;
} allowances[] = {
    {"which of page fault and alignment check is seen first", pf_or_ac, false},
    {"which of an instruction's several accesses faults first", several_accesses, false},
    {"SHLD, SHRD by more than the operand's size: undefined", double_shift_too_far, false},
    {"LAR: bits 19..16 undefined", lar_bits, false},
    {"FCOMI: C1 is cleared, or kept", comi_c1, true},
    {"CALL far from 16- and 32-bit to 64-bit code pushes without the stack's segment",
     far_call_to_64, true},
    {"FSTPNCE of or to an empty register: in no manual", fstpnce_empty, false},
    {"CVTPI2PS of memory leaves x87 alone", cvtpi2ps_memory, true},
    {"MASKMOV: which bytes are looked at where the mask says no", maskmov_bytes, false},
    {"#AC for unaligned vectors is left to the processor (MOVUPS)", unaligned_vector, false},
    {"which part of an operand of many bytes faults first", many_parts, false},
    {"XSAVE and XRSTOR may access what they need not", xsave_touches, false},
    {"a gather that faults: is the mask extended to whole elements by then", gather_mask, false},
    {"a gather that faults after some element, with TF, is a step", gather_steps, true},
    {"a gather finds memory of the fuzzer itself", gather_astray, false},
    {"VEX.W 1 of VPEXTRD and VPINSRD outside 64-bit mode is #UD", w_outside_64, true},
    {"SHA instructions take unaligned memory", sha_unaligned, true},
    {"MXCSR bit 17 turns alignment checks of SSE off", mxcsr_mm, true},
    {"which of alignment and limit of a vector is checked first", alignment_or_limit, false},
    {"how much of an undefined instruction is fetched before #UD", undefined_fetch, false},
    {"a null selector in FS or GS keeps the base", null_keeps_base, true},
};

const char *diff_judge(struct diff_memory *m, const struct diff_facts *f, const struct diff_case *c,
                       const struct diff_state *host, const struct diff_state *guest,
                       const char **allowed)
{
    struct outcome o = {m, f, c, host, guest, NULL};

    forgive_memory(m, f, c);
    o.what = differs(m, f, c, host, guest);

    *allowed = NULL;
    for (unsigned n = 0; o.what && n < ARRAY_SIZE(allowances); n++) {
        if ((!allowances[n].amd || !diff_host_is_intel()) && allowances[n].holds(&o)) {
            *allowed = allowances[n].reason;
            break;
        }
    }
    return o.what;
}
