/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random state for the target `step`, as a struct x86_state: first the mode, control registers
 * and where things lie, from which memory follows, then registers, segments and the rest.
 */
#include "cpu/control.h"
#include "cpu/features.h"
#include "cpu/xsave.h"
#include "tests/fuzz/step.h"

static bool has(const struct step *st, feature_set f)
{
    return (st->cpu->features & f) == f;
}

/* ---- mode and control registers ---- */

static void choose_kind(struct step *st)
{
    static const uint8_t cpls[] = {0, 0, 0, 3, 3, 3, 1, 2};

    st->kind = fuzz_below(&st->in, KIND_COUNT + 2);
    if (st->kind >= KIND_COUNT)
        st->kind = KIND_64;
    if (st->kind >= KIND_COMPAT && !has(st, FEAT(LM)))
        st->kind = KIND_32;
    st->cpl = st->kind == KIND_REAL ? 0 : st->kind == KIND_V86 ? 3 : cpls[fuzz_below(&st->in, 8)];
    st->paging = st->kind >= KIND_COMPAT || (st->kind != KIND_REAL && fuzz_below(&st->in, 4));
}

static void choose_control(struct step *st)
{
    struct fuzz_input *in = &st->in;
    struct x86_state *s = &st->s;
    unsigned odd = fuzz_u8(in);
    bool lm = st->kind >= KIND_COMPAT;

    s->cr0 = CR0_ET | CR0_NE | (fuzz_below(in, 4) ? CR0_WP : 0) | (odd & 1 ? CR0_AM : 0);
    s->cr0 |= (odd & 0x1e) == 2 ? CR0_TS : (odd & 0x1e) == 4 ? CR0_EM : 0;
    s->cr0 |= (odd & 0x60) == 0x20 ? CR0_MP : (odd & 0xe0) == 0x40 ? CR0_CD : 0;
    s->cr0 ^= odd > 0xf0 ? CR0_NE : 0;
    s->cr0 |= (st->kind != KIND_REAL ? CR0_PE : 0) | (st->paging ? CR0_PG : 0);
    s->cr4 = fuzz_word(in, 3) | (fuzz_below(in, 4) ? CR4_OSFXSR | CR4_OSXMMEXCPT : 0) |
             (fuzz_below(in, 4) ? CR4_OSXSAVE : 0);
    if (fuzz_below(in, 2)) /* or most execution is stopped by them */
        s->cr4 &= ~(uint64_t)(CR4_SMEP | CR4_SMAP | CR4_PKE);
    s->cr4 &= control_cr4_valid(st->cpu) & ~(uint64_t)(lm ? 0 : CR4_PCIDE | CR4_LA57);
    s->efer = lm ? EFER_LME | EFER_LMA : 0;
    s->cr4 |= lm ? CR4_PAE : 0;
    if (has(st, FEAT(SYSCALL)) && fuzz_below(in, 4))
        s->efer |= EFER_SCE;
    if (has(st, FEAT(NX)) && fuzz_below(in, 4))
        s->efer |= EFER_NXE;
    s->pkru = fuzz_below(in, 4) ? 0 : (uint32_t)fuzz_word(in, 4);
    s->cpl = st->cpl;
}

/* ---- windows ---- */

static gva_t choose_linear(struct step *st, unsigned n, gpa_t gpa)
{
    struct fuzz_input *in = &st->in;
    unsigned how = fuzz_below(in, 8), upper = 64 - (st->s.cr4 & CR4_LA57 ? 57 : 48);
    bool low = st->kind == KIND_V86 && n >= WIN_CODE;

    if (!st->paging || how < 3)
        return gpa & 0xfffff000;
    if (low)
        return (gva_t)fuzz_below(in, 0x10e) << 12;
    if (st->kind != KIND_64 && n >= WIN_CODE) {
        if (how == 7)
            return 0xffffe000;
        return how < 5 ? 0xc0000000 + (gpa & 0xffff000) : fuzz_word(in, 4) & 0xfffff000;
    }
    if (st->kind < KIND_COMPAT)
        return (how < 5 ? 0xc0000000 + gpa : fuzz_word(in, 4)) & 0xfffff000;
    switch (how) {
    case 3: return UINT64_C(0xffff800000000000) + (gpa & 0xffff000);
    case 4: return (~UINT64_C(0) >> (upper + 1)) - 0x1fff; /* below what is not canonical */
    case 5: return ~UINT64_C(0x1fff);
    default: return (uint64_t)((int64_t)(fuzz_word(in, 8) << upper) >> upper) & ~UINT64_C(0xfff);
    }
}

/* Where data may be instead of in pages of its own: what it then shares is written in two roles. */
static gpa_t choose_data(struct step *st)
{
    static const gpa_t places[] = {STEP_DATA << 12,
                                   STEP_DATA << 12,
                                   STEP_DATA << 12,
                                   STEP_LOG,
                                   STEP_LOG,
                                   STEP_HIGH,
                                   STEP_ROM,
                                   0xa0000 /* nothing */,
                                   STEP_CODE << 12,
                                   STEP_TABLES << 12,
                                   (STEP_TABLES + 2) << 12,
                                   STEP_GDT << 12,
                                   STEP_STACK << 12};
    return places[fuzz_below(&st->in, ARRAY_SIZE(places))];
}

static void choose_windows(struct step *st)
{
    static const struct {
        uint8_t page, pages;
    } where[WIN_COUNT] = {{STEP_GDT, 1},  {STEP_LDT, 1},   {STEP_IDT, 2}, {STEP_TSS, 3},
                          {STEP_CODE, 2}, {STEP_STACK, 2}, {STEP_DATA, 4}};

    for (unsigned n = 0; n < WIN_COUNT; n++) {
        struct step_window *w = &st->win[n];

        w->gpa = n == WIN_DATA ? choose_data(st) : (gpa_t)where[n].page << 12;
        w->pages = where[n].pages;
        w->lin = choose_linear(st, n, w->gpa);
    }
}

/* ---- segments ---- */

static struct x86_state_segment *segment(struct step *st, unsigned n, unsigned sel, uint64_t base,
                                         uint32_t limit, unsigned attr)
{
    st->s.seg[n] = (struct x86_state_segment){base, limit, (uint16_t)sel, (uint16_t)attr};
    return &st->s.seg[n];
}

static void choose_real_segments(struct step *st)
{
    static const uint8_t wins[] = {WIN_DATA, WIN_CODE, WIN_STACK, WIN_DATA, WIN_DATA, WIN_CODE};
    unsigned attr = SEG_P | SEG_S | SEG_T_WRITE | SEG_T_ACCESSED;

    if (st->kind == KIND_V86)
        attr |= 3u << SEG_DPL_SHIFT;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        unsigned sel = (uint16_t)(st->win[wins[n]].lin >> 4);
        uint32_t limit = 0xffff;

        if (n != SEG_CS && n != SEG_SS && fuzz_once_in(&st->in, 4))
            sel = fuzz_below(&st->in, 65536);
        else if (sel >= 16 && fuzz_below(&st->in, 2))
            sel -= fuzz_below(&st->in, 16);
        if (st->kind == KIND_REAL && fuzz_once_in(&st->in, 8))
            limit = 0xffffffff;
        segment(st, n, sel, (uint64_t)sel << 4, limit, attr);
    }
}

static void choose_code_segment(struct step *st)
{
    static const uint16_t sels[] = {SEL_CODE0, SEL_RANDOM, SEL_RANDOM, SEL_CODE3};
    struct fuzz_input *in = &st->in;
    unsigned sel = sels[st->cpl] | st->cpl;
    unsigned attr = SEG_P | SEG_S | SEG_T_CODE | SEG_T_READ | SEG_T_ACCESSED |
                    (unsigned)st->cpl << SEG_DPL_SHIFT;
    gva_t lin = st->win[WIN_CODE].lin;
    uint64_t base = 0;
    uint32_t limit = 0xffffffff;

    if (st->kind == KIND_64) {
        segment(st, SEG_CS, st->cpl ? SEL_CODE64_3 | 3u : SEL_CODE64, 0, limit,
                attr | SEG_L | SEG_G);
        return;
    }
    if (st->kind == KIND_16 || (st->kind == KIND_COMPAT && fuzz_once_in(in, 4))) {
        base = lin;
        limit = 0xffff;
    } else {
        attr |= SEG_DB | SEG_G;
        if (fuzz_once_in(in, 4)) {
            base = (uint32_t)(lin - fuzz_below(in, 64));
            limit = 0x1000 + fuzz_below(in, 0x1100);
            attr &= ~SEG_G;
        }
    }
    segment(st, SEG_CS, sel, base, limit, attr);
}

static void choose_stack_segment(struct step *st)
{
    struct fuzz_input *in = &st->in;
    unsigned attr =
        SEG_P | SEG_S | SEG_T_WRITE | SEG_T_ACCESSED | (unsigned)st->cpl << SEG_DPL_SHIFT;
    unsigned sel = (st->cpl == 3 ? SEL_DATA3 : SEL_DATA0) | st->cpl;
    uint64_t lin = st->win[WIN_STACK].lin;

    if (st->kind == KIND_64 && st->cpl != 3 && fuzz_once_in(in, 4)) {
        segment(st, SEG_SS, st->cpl, 0, 0, (unsigned)st->cpl << SEG_DPL_SHIFT);
    } else if (st->kind == KIND_16 || (st->kind != KIND_64 && fuzz_once_in(in, 4))) {
        if (fuzz_once_in(in, 4)) /* expand-down: above a limit within the window */
            segment(st, SEG_SS, sel, lin, fuzz_below(in, 0x1000), attr | SEG_T_DOWN);
        else
            segment(st, SEG_SS, sel, lin, fuzz_below(in, 2) ? 0xffff : 0x1fff, attr);
    } else {
        segment(st, SEG_SS, sel, 0, 0xffffffff, attr | SEG_DB | SEG_G);
    }
}

static void choose_data_segment(struct step *st, unsigned n)
{
    static const uint16_t types[] = {SEG_T_WRITE,
                                     0,
                                     SEG_T_WRITE | SEG_T_DOWN,
                                     SEG_T_CODE,
                                     SEG_T_CODE | SEG_T_READ,
                                     SEG_T_CODE | SEG_T_CONFORM | SEG_T_READ};
    struct fuzz_input *in = &st->in;
    unsigned attr = SEG_P | SEG_S | SEG_T_ACCESSED | 3u << SEG_DPL_SHIFT;
    unsigned sel = SEL_DATA3 | 3;
    uint64_t base = 0;

    if (st->kind == KIND_64 && n >= SEG_FS && fuzz_below(in, 2))
        base = step_address(st, in);
    switch (fuzz_below(in, 4)) {
    case 0: segment(st, n, fuzz_below(in, 4), base, 0, 0); break; /* null */
    case 1:
        attr |= types[fuzz_below(in, ARRAY_SIZE(types))] | (fuzz_below(in, 2) ? SEG_DB : 0);
        base = st->kind == KIND_64 && n < SEG_FS ? 0 : (uint32_t)step_address(st, in);
        segment(st, n, sel, base, (uint32_t)fuzz_word(in, 2), attr);
        break;
    default: segment(st, n, sel, base, 0xffffffff, attr | SEG_T_WRITE | SEG_DB | SEG_G); break;
    }
}

static void choose_system_segments(struct step *st)
{
    struct fuzz_input *in = &st->in;
    uint64_t mask = st->kind >= KIND_COMPAT ? ~UINT64_C(0) : 0xffffffff;
    unsigned tss = SEG_P | (st->ram[STEP_GDT * 4096 + SEL_TSS + 5] & 15u);

    segment(st, SEG_TR, SEL_TSS, st->win[WIN_TSS].lin & mask,
            fuzz_once_in(in, 8) ? fuzz_below(in, 256) : 0x2067, tss);
    if (fuzz_below(in, 4))
        segment(st, SEG_LDT, SEL_LDT, st->win[WIN_LDT].lin & mask, 0xfff, SEG_P | SYS_LDT);
    else
        segment(st, SEG_LDT, 0, 0, 0, 0);
    st->s.gdtr = (struct x86_state_table){
        st->win[WIN_GDT].lin, fuzz_once_in(in, 16) ? fuzz_below(in, 512) : SEL_END - 1, 0};
    st->s.idtr = (struct x86_state_table){st->win[WIN_IDT].lin, 0xfff, 0};
    if (st->kind == KIND_REAL)
        st->s.idtr = (struct x86_state_table){0, 0x3ff, 0};
    else if (fuzz_once_in(in, 16))
        st->s.idtr.limit = fuzz_below(in, 2048);
}

static void choose_segments(struct step *st)
{
    choose_system_segments(st);
    if (st->kind == KIND_REAL || st->kind == KIND_V86) {
        choose_real_segments(st);
        return;
    }
    choose_code_segment(st);
    choose_stack_segment(st);
    choose_data_segment(st, SEG_ES);
    choose_data_segment(st, SEG_DS);
    choose_data_segment(st, SEG_FS);
    choose_data_segment(st, SEG_GS);
}

/* ---- registers ---- */

static void choose_flags(struct step *st)
{
    struct fuzz_input *in = &st->in;
    uint64_t fl = FL_1 | (fuzz_word(in, 2) & (FL_ARITH | FL_IF | FL_DF | FL_IOPL));

    if (fuzz_once_in(in, 8))
        fl |= fuzz_word(in, 3) & (FL_TF | FL_NT | FL_RF | FL_AC | FL_VIF | FL_VIP | FL_ID);
    st->s.rflags = fl | (st->kind == KIND_V86 ? FL_VM : 0);
}

static void choose_gprs(struct step *st)
{
    struct fuzz_input *in = &st->in;
    uint64_t sp = st->win[WIN_STACK].lin + 0x1000;

    for (unsigned r = 0; r < 16; r++)
        st->s.gpr[r] = step_word(st, in);
    sp += fuzz_once_in(in, 8) ? 0xfe0 + fuzz_below(in, 40) : fuzz_below(in, 0x200) * 8;
    if (fuzz_below(in, 16))
        st->s.gpr[REG_RSP] = sp - (st->kind == KIND_64 ? 0 : st->s.seg[SEG_SS].base);
    if (fuzz_below(in, 4)) /* counts of string instructions are small, mostly */
        st->s.gpr[REG_RCX] &= 0x3f;
}

static void choose_fpu(struct step *st)
{
    struct x86_state *s = &st->s;

    for (unsigned n = 0; n < 8; n++) {
        static const uint16_t exps[] = {0, 0x3fff, 0x7fff, 0xffff, 0x3ffe, 0x403e, 0x8000, 1};

        fuzz_fill(&st->bulk, s->st[n], 10);
        if (fuzz_below(&st->bulk, 4))
            s->st[n][7] |= 0x80;
        if (fuzz_below(&st->bulk, 2))
            st_le16(s->st[n] + 8, exps[fuzz_below(&st->bulk, ARRAY_SIZE(exps))]);
        if (fuzz_once_in(&st->bulk, 4))
            memset(s->st[n], 0, 8);
    }
    if (fuzz_below(&st->in, 2)) {
        s->fcw = (uint16_t)fuzz_word(&st->in, 2);
        s->fsw = (uint16_t)fuzz_word(&st->in, 2);
        s->mxcsr = (uint32_t)fuzz_word(&st->in, 2) & MXCSR_VALID;
    } else {
        s->fcw = 0x37f;
        s->mxcsr = MXCSR_DEFAULT;
    }
    s->ftags = fuzz_u8(&st->in);
    fuzz_fill(&st->bulk, s->ymm, sizeof(s->ymm));
}

static void choose_msrs(struct step *st)
{
    uint64_t *const words[] = {&st->s.star,         &st->s.lstar,          &st->s.cstar,
                               &st->s.sfmask,       &st->s.kernel_gs_base, &st->s.sysenter_cs,
                               &st->s.sysenter_esp, &st->s.sysenter_eip};

    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        *words[k] =
            fuzz_below(&st->bulk, 2) ? step_address(st, &st->bulk) : step_word(st, &st->bulk);
}

/* What waits, blocks or is under way; mostly nothing. */
static void choose_events(struct step *st)
{
    struct fuzz_input *in = &st->in;
    struct x86_state *s = &st->s;

    switch (fuzz_below(in, 32)) {
    case 1: s->inhibit = (uint8_t)fuzz_below(in, 4); break;
    case 2: s->pending_db = fuzz_word(in, 2) & (0xf | DR6_BS); break;
    case 3: s->nmi_blocked = 1; break;
    case 4: s->in_smm = 1; break;
    case 5: s->halted = 1; break;
    case 6:
        s->exc_pending = 1;
        s->exc_vector = fuzz_u8(in);
        s->exc_kind = (uint8_t)fuzz_below(in, EVK_NMI + 1);
        s->exc_has_error = (uint8_t)fuzz_below(in, 2);
        s->exc_error = (uint32_t)fuzz_word(in, 2);
        break;
    case 7:
    case 8:
        for (unsigned k = 0; k < 4; k++)
            s->dr[k] = step_address(st, in);
        s->dr7 = DR7_FIXED | fuzz_word(in, 4);
        break;
    case 9: s->smbase = step_word(st, in) & 0xffffffff; break;
    case 10: s->ferr = 1; break;
    case 11: s->ignne = 1; break;
    case 12: s->events = (uint32_t)fuzz_word(in, 1); break;
    default: break;
    }
}

/* What XSAVE and AVX are allowed; little, on a system that does not know them. */
static void choose_xcr0(struct step *st)
{
    static const uint16_t sets[] = {XCR0_X87, XCR0_X87 | XCR0_SSE, XCR0_X87 | XCR0_SSE | XCR0_AVX,
                                    XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_PKRU};
    uint64_t xcr0 = sets[fuzz_below(&st->in, 2) ? 3 : fuzz_below(&st->in, 4)];

    st->s.xcr0 = xsave_xcr0_ok(st->cpu->features, xcr0) ? xcr0 : XCR0_X87;
}

void step_choose(struct step *st)
{
    cpu_get_state(st->cpu, &st->s);
    choose_kind(st);
    choose_control(st);
    choose_windows(st);
    if (st->paging)
        step_fill_paging(st);
    step_fill_memory(st);
    choose_segments(st);
    choose_flags(st);
    choose_gprs(st);
    choose_fpu(st);
    choose_msrs(st);
    choose_events(st);
    choose_xcr0(st);
}
