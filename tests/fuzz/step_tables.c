/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables, task state segments and the rest of memory for the target `step`. Intel SDM
 * volume 3A, chapters 3, 6 and 8 (2, 7 for the tables of long mode).
 */
#include "tests/fuzz/step.h"

static uint8_t *page(struct step *st, unsigned n)
{
    return st->ram + n * 4096;
}

gva_t step_address(struct step *st, struct fuzz_input *in)
{
    const struct step_window *w = &st->win[fuzz_below(in, WIN_COUNT)];
    gva_t end = w->lin + (gva_t)w->pages * 4096;

    switch (fuzz_below(in, 4)) {
    case 0: return end - fuzz_below(in, 40);                  /* across its end */
    case 1: return w->lin - 32 + fuzz_below(in, 64);          /* across its start */
    case 2: return w->lin + 4096 - 32 + fuzz_below(in, 64);   /* across two of its pages */
    default: return w->lin + fuzz_below(in, w->pages * 4096); /* within */
    }
}

uint64_t step_word(struct step *st, struct fuzz_input *in)
{
    static const uint64_t corners[] = {0,
                                       ~UINT64_C(0),
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x8000,
                                       0xffff,
                                       0x10000,
                                       UINT64_C(0x00007fffffffffff),
                                       UINT64_C(0x0000800000000000),
                                       UINT64_C(0xffff800000000000),
                                       UINT64_C(0x8000000000000000)};

    switch (fuzz_below(in, 8)) {
    case 0: return fuzz_below(in, 64) << 3 | fuzz_below(in, 8);
    case 1:
    case 2:
    case 3: return step_address(st, in);
    case 4: return fuzz_word(in, 3);
    case 5: return fuzz_below(in, 40);
    case 6: return corners[fuzz_below(in, ARRAY_SIZE(corners))];
    default: return fuzz_word(in, 8);
    }
}

/* Fills a page with words of `size` bytes. */
static void fill_words(struct step *st, unsigned n, unsigned size)
{
    for (unsigned at = 0; at < 4096; at += size)
        st_le(page(st, n) + at, step_word(st, &st->bulk), size);
}

/* ---- descriptors ---- */

static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(attr >> 12 & 15) << 52 |
           (uint64_t)(base >> 24) << 56;
}

static uint64_t gate(unsigned sel, uint32_t off, unsigned attr, unsigned params)
{
    return (off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)(params & 31) << 32 |
           (uint64_t)(attr & 0xff) << 40 | (uint64_t)(off >> 16) << 48;
}

/* A selector of code that a gate may lead to. */
static unsigned code_sel(struct step *st, struct fuzz_input *in)
{
    if (fuzz_once_in(in, 8))
        return fuzz_below(in, 64) << 3 | fuzz_below(in, 8);
    return st->kind >= KIND_COMPAT ? SEL_CODE64 : SEL_CODE0;
}

static gva_t handler(struct step *st, struct fuzz_input *in)
{
    return st->win[WIN_CODE].lin + fuzz_below(in, 8192);
}

/* Any code, data or system descriptor, and a gate as often as not; *upper is the other half of one
 * of 16 bytes. */
static uint64_t any_descriptor(struct step *st, uint64_t *upper)
{
    struct fuzz_input *in = &st->bulk;
    unsigned attr = fuzz_u8(in) | (fuzz_below(in, 8) ? SEG_P : 0) | fuzz_below(in, 16) << 12;
    uint32_t base = fuzz_below(in, 2) ? 0 : (uint32_t)step_address(st, in);
    uint32_t limit = fuzz_below(in, 2) ? 0xfffff : (uint32_t)fuzz_word(in, 3);
    gva_t to = handler(st, in);

    if (attr & SEG_S)
        return descriptor(base, limit, attr);
    *upper = fuzz_below(in, 8) ? to >> 32 : fuzz_word(in, 8);
    if (fuzz_below(in, 2))
        return gate(code_sel(st, in), (uint32_t)to, attr, fuzz_u8(in));
    return descriptor(base, limit, attr);
}

static void put_table(struct step *st, unsigned n)
{
    for (unsigned at = 0; at < 4096; at += 8) {
        uint64_t upper = fuzz_rng(&st->bulk.rng);

        st_le64(page(st, n) + at, any_descriptor(st, &upper));
        if ((st->kind >= KIND_COMPAT) && at + 8 < 4096 && !(ld_le64(page(st, n) + at) >> 44 & 1))
            st_le64(page(st, n) + (at += 8), upper);
    }
}

static void put_gdt(struct step *st)
{
    const unsigned code = SEG_P | SEG_S | SEG_T_CODE | SEG_T_READ,
                   data = SEG_P | SEG_S | SEG_T_WRITE;
    const unsigned flat = SEG_G | SEG_DB, user = 3u << SEG_DPL_SHIFT;
    bool lm = st->kind >= KIND_COMPAT, tss16 = !lm && fuzz_once_in(&st->bulk, 4);
    gva_t tss = st->win[WIN_TSS].lin, ldt = st->win[WIN_LDT].lin;
    uint8_t *gdt = page(st, STEP_GDT);

    put_table(st, STEP_GDT);
    st_le64(gdt + SEL_CODE0, descriptor(0, 0xfffff, code | flat));
    st_le64(gdt + SEL_DATA0, descriptor(0, 0xfffff, data | flat));
    st_le64(gdt + SEL_CODE3, descriptor(0, 0xfffff, code | flat | user));
    st_le64(gdt + SEL_DATA3, descriptor(0, 0xfffff, data | flat | user));
    st_le64(gdt + SEL_CODE64, descriptor(0, 0xfffff, code | SEG_G | SEG_L));
    st_le64(gdt + SEL_CODE64_3, descriptor(0, 0xfffff, code | SEG_G | SEG_L | user));
    st_le64(gdt + SEL_CODE16, descriptor(0, 0xffff, code));
    st_le64(gdt + SEL_DATA16, descriptor(0, 0xffff, data));
    st_le64(gdt + SEL_TSS,
            descriptor((uint32_t)tss, 0x2067, SEG_P | (tss16 ? SYS_TSS16_BUSY : SYS_TSS32_BUSY)));
    st_le64(gdt + SEL_TSS2,
            descriptor((uint32_t)tss + 0x2800, 0x7ff, SEG_P | (tss16 ? SYS_TSS16 : SYS_TSS32)));
    st_le64(gdt + SEL_LDT, descriptor((uint32_t)ldt, 0xfff, SEG_P | SYS_LDT));
    if (lm) {
        st_le64(gdt + SEL_TSS + 8, tss >> 32);
        st_le64(gdt + SEL_TSS2 + 8, (tss + 0x2800) >> 32);
        st_le64(gdt + SEL_LDT + 8, ldt >> 32);
    }
}

/* ---- interrupt tables ---- */

static void put_idt(struct step *st)
{
    static const uint8_t types[] = {SYS_INT32,  SYS_INT32, SYS_INT32,  SYS_TRAP32,
                                    SYS_TRAP32, SYS_INT16, SYS_TRAP16, SYS_TASK_GATE};
    struct fuzz_input *in = &st->bulk;
    unsigned size = st->kind >= KIND_COMPAT ? 16 : 8;

    for (unsigned v = 0; v < 256; v++) {
        uint8_t *at = page(st, STEP_IDT) + v * size;
        unsigned type = types[fuzz_below(in, ARRAY_SIZE(types))], sel = code_sel(st, in);
        gva_t to = handler(st, in);
        uint64_t upper = to >> 32;

        if (type == SYS_TASK_GATE)
            sel = SEL_TSS2;
        st_le64(at, gate(sel, (uint32_t)to, SEG_P | fuzz_below(in, 4) << SEG_DPL_SHIFT | type,
                         fuzz_below(in, 2) ? 0 : fuzz_below(in, 8)));
        if (fuzz_once_in(in, 16))
            st_le64(at, any_descriptor(st, &upper));
        if (size == 16)
            st_le64(at + 8, upper);
    }
}

static void put_ivt(struct step *st)
{
    for (unsigned v = 0; v < 256; v++) {
        uint32_t to = STEP_CODE * 4096 + fuzz_below(&st->bulk, 8192);

        if (fuzz_once_in(&st->bulk, 16))
            to = (uint32_t)fuzz_word(&st->bulk, 3);
        st_le32(page(st, STEP_LOW) + v * 4, (to >> 4) << 16 | (to & 15));
    }
}

/* ---- task state ---- */

static uint32_t stack_top(struct step *st)
{
    return (uint32_t)st->win[WIN_STACK].lin + 0x1000 + fuzz_below(&st->bulk, 0x1000);
}

static void put_tss32(struct step *st, uint8_t *tss)
{
    static const uint16_t data[] = {SEL_DATA0, SEL_DATA3 | 3, 0};
    struct fuzz_input *in = &st->bulk;

    for (unsigned pl = 0; pl < 3; pl++) {
        st_le32(tss + 4 + pl * 8, stack_top(st));
        st_le32(tss + 8 + pl * 8, (fuzz_below(in, 4) ? SEL_DATA0 : SEL_RANDOM) | pl);
    }
    st_le32(tss + 0x1c, (uint32_t)st->s.cr3);
    st_le32(tss + 0x20, (uint32_t)handler(st, in));
    st_le32(tss + 0x24, fuzz_below(in, 4) ? 2 : (uint32_t)fuzz_word(in, 3));
    st_le32(tss + 0x38, stack_top(st));
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        unsigned sel = n == SEG_CS ? SEL_CODE0 : data[fuzz_below(in, 3)];

        st_le32(tss + 0x48 + n * 4, fuzz_once_in(in, 16) ? (uint32_t)fuzz_word(in, 2) : sel);
    }
    st_le32(tss + 0x60, fuzz_below(in, 2) ? 0 : SEL_LDT);
    st_le32(tss + 0x64, 0x680000u | fuzz_once_in(in, 16));
    st_le32(tss, fuzz_below(in, 2) ? SEL_TSS2 : SEL_TSS);
}

static void put_tss64(struct step *st, uint8_t *tss)
{
    for (unsigned k = 0; k < 11; k++) {
        gva_t to = st->win[WIN_STACK].lin + 0x1000 + fuzz_below(&st->bulk, 0x1000);

        st_le64(tss + 4 + k * 8, fuzz_once_in(&st->bulk, 16) ? step_word(st, &st->bulk) : to);
    }
    st_le32(tss + 0x64, 0x680000);
}

static void put_tss(struct step *st)
{
    uint8_t *tss = page(st, STEP_TSS);

    for (unsigned k = 0; k < 3; k++)
        fuzz_fill(&st->bulk, tss + k * 4096, 4096);
    if (st->kind >= KIND_COMPAT) {
        put_tss64(st, tss);
        put_tss64(st, tss + 0x2800);
    } else {
        put_tss32(st, tss);
        put_tss32(st, tss + 0x2800);
    }
}

void step_fill_memory(struct step *st)
{
    static const uint8_t sizes[] = {2, 4, 8};
    unsigned size = sizes[fuzz_below(&st->in, 3)];

    put_ivt(st);
    put_gdt(st);
    put_table(st, STEP_LDT);
    put_idt(st);
    put_tss(st);
    for (unsigned k = 0; k < 2; k++) {
        fuzz_fill(&st->bulk, page(st, STEP_CODE + k), 4096);
        fill_words(st, STEP_STACK + k, size);
    }
    for (unsigned k = 0; k < 4; k++)
        fill_words(st, STEP_DATA + k, 8);
    fuzz_fill(&st->bulk, page(st, STEP_SMRAM + 8), 4096);
    fuzz_fill(&st->bulk, page(st, 0x3f), 4096);
    fuzz_fill(&st->bulk, st->rom + STEP_ROM_SIZE - 4096, 4096);
    fuzz_fill(&st->bulk, st->log, 4096);
    memcpy(st->log_seen, st->log, STEP_LOG_SIZE);
}
