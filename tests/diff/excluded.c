/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is not run on the host, with the reason: rows whose result is the host's own, bytes that
 * mean something to the host and nothing to the model, and bytes that AMD documents otherwise than
 * Intel.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/host.h"
#include "tests/diff/judge.h"

/* ---- rows ---- */

static const struct {
    const char *names, *reason;
} rows_excluded[] = {
    {"cpuid", "the models differ"},
    {"rdtsc,rdtscp", "time"},
    {"rdpkru,wrpkru", "PKRU guards the test's own memory"},
    {"rdpmc", "CR4.PCE is the host kernel's"},
    {"rdrand,rdseed", "random"},
    {"rdpid", "TSC_AUX is the host kernel's"},
    {"xgetbv", "XCR0 is the host kernel's"},
    {"sgdt,sidt,sldt,str,smsw", "the host kernel's tables, or its emulation of UMIP"},
    {"int1", "hypervisors below the host give it on as a fault"},
    {"syscall,sysenter", "enters the host's kernel"},
    {"sysexit", "#UD on AMD in long mode"},
};

/* AMD has prefetches in memory form only, and no hints in their place. */
static bool amd_prefetch_register(const struct opcode *row)
{
    return row->map == MF && row->opcode == 0x0d && (row->ext & EXT_RONLY) && !diff_host_is_intel();
}

const char *diff_row_excluded(const struct opcode *row)
{
    for (unsigned n = 0; n < ARRAY_SIZE(rows_excluded); n++) {
        if (diff_row_named(row, rows_excluded[n].names))
            return rows_excluded[n].reason;
    }
    if (amd_prefetch_register(row))
        return "#UD on AMD: 0F 0D is a prefetch of memory only";
    return diff_host_has(row->feature) ? NULL : "the host has no such feature";
}

/* ---- bytes ---- */

enum { ANY_MODE, IN_64, NOT_64 };
#define NPX (1u << NP)
#define P6X (1u << P66)
#define F3X (1u << PF3)
#define F2X (1u << PF2)
#define ALL (NPX | P6X | F3X | F2X)

/* What is defined here and not in the model, or otherwise than in the model. `reg`: ModRM.reg, or
 * -1 for any; `modrm` lo..hi; vex: only with or without VEX. */
static const struct {
    uint8_t maps, lo, hi, prefixes, mode;
    int8_t vex, reg;
    uint8_t modrm_lo, modrm_hi;
    const char *reason;
} bytes_excluded[] = {
    {MAP_EVEX, 0, 0xff, ALL, ANY_MODE, -1, -1, 0, 0xff, "EVEX: AVX-512"},
    {MAP_XOP, 0, 0xff, ALL, ANY_MODE, -1, -1, 0, 0xff, "AMD's XOP, or not, by the processor"},
    {MAP_0F, 0x01, 0x01, ALL, ANY_MODE, 0, -1, 0xc0, 0xff,
     "system: VMMCALL, CLZERO, MWAITX, RDPRU…"},
    {MAP_0F, 0x05, 0x05, ALL, ANY_MODE, 0, -1, 0, 0xff, "SYSCALL enters the host's kernel"},
    {MAP_0F, 0x07, 0x07, ALL, ANY_MODE, 0, -1, 0, 0xff, "AMD's SYSRET in legacy mode"},
    {MAP_0F, 0x34, 0x35, ALL, ANY_MODE, 0, -1, 0, 0xff, "SYSENTER"},
    {MAP_0F, 0xb9, 0xb9, ALL, ANY_MODE, 0, -1, 0, 0xff, "AMD's UD1 has no ModRM byte"},
    {MAP_0F, 0xff, 0xff, ALL, ANY_MODE, 0, -1, 0, 0xff, "AMD's UD0 has no ModRM byte"},
    {MAP_0F, 0x0d, 0x0f, ALL, ANY_MODE, 0, -1, 0, 0xff, "3DNow! and its prefetches"},
    {MAP_0F, 0x2b, 0x2b, F3X | F2X, ANY_MODE, 0, -1, 0, 0xff, "SSE4A: MOVNTSS, MOVNTSD"},
    {MAP_0F, 0x78, 0x79, P6X | F2X, ANY_MODE, 0, -1, 0, 0xff, "SSE4A: EXTRQ, INSERTQ"},
    {MAP_0F38, 0xcf, 0xcf, P6X, ANY_MODE, -1, -1, 0, 0xff, "GFNI"},
    {MAP_0F3A, 0xce, 0xcf, P6X, ANY_MODE, -1, -1, 0, 0xff, "GFNI"},
    {MAP_0F, 0x41, 0x4b, NPX | P6X, ANY_MODE, 1, -1, 0, 0xff, "AVX-512's mask registers"},
    {MAP_0F, 0x90, 0x99, ALL, ANY_MODE, 1, -1, 0, 0xff, "AVX-512's mask registers"},
    {MAP_0F3A, 0x30, 0x33, P6X, ANY_MODE, 1, -1, 0, 0xff, "AVX-512's mask registers"},
    {MAP_0F38, 0x50, 0x53, P6X, ANY_MODE, 1, -1, 0, 0xff, "AVX-VNNI"},
    {MAP_0F3A, 0x00, 0x01, P6X, ANY_MODE, 1, -1, 0, 0xff, "AMD ignores VEX.W of VPERMQ, VPERMPD"},
    {MAP_0F, 0xc7, 0xc7, ALL, ANY_MODE, 0, 6, 0, 0xff, "RDRAND; VMX"},
    {MAP_0F, 0xc7, 0xc7, ALL, ANY_MODE, 0, 7, 0, 0xff, "RDSEED, RDPID; VMX"},
    {MAP_0F, 0xae, 0xae, F3X, ANY_MODE, 0, 5, 0, 0xff, "CET: INCSSP"},
    {MAP_0F, 0xae, 0xae, P6X | F3X | F2X, ANY_MODE, 0, 6, 0, 0xff, "CET, WAITPKG"},
};

static const char *bytes_are_excluded(const struct diff_bytes *b, unsigned mode)
{
    unsigned pp = 1u << diff_bytes_mandatory(b);

    for (unsigned n = 0; n < ARRAY_SIZE(bytes_excluded); n++) {
        int reg = bytes_excluded[n].reg, vex = bytes_excluded[n].vex;

        if ((bytes_excluded[n].maps & b->map) && b->opcode >= bytes_excluded[n].lo &&
            b->opcode <= bytes_excluded[n].hi && (bytes_excluded[n].prefixes & pp) &&
            (bytes_excluded[n].mode == ANY_MODE ||
             (bytes_excluded[n].mode == IN_64) == (mode == MODE_64)) &&
            (vex < 0 || (vex != 0) == b->vex) && (reg < 0 || (b->modrm >> 3 & 7) == reg) &&
            b->modrm >= bytes_excluded[n].modrm_lo && b->modrm <= bytes_excluded[n].modrm_hi)
            return bytes_excluded[n].reason;
    }
    return NULL;
}

/* ---- cases ---- */

static const char *amd_differs(const struct diff_facts *f, const struct diff_case *c)
{
    const struct opcode *row = f->row;
    bool code64 = c->setup->mode == MODE_64;

    if (code64 && f->bytes.op66 && (row->attr & A_F64) && (row->attr & A_END) &&
        !(row->attr & A_PRIV))
        return "AMD's near branches obey 66 in 64-bit mode";
    if (code64 && (f->bytes.rex & 8) && (f->kind == KIND_FAR_MEM || f->kind == KIND_LOAD_FAR))
        return "AMD's far pointers have no 64-bit offset";
    if (diff_row_named(row, "loope,loopne") && f->bytes.rep)
        return "REP before LOOPE and LOOPNE is reserved: AMD obeys it";
    if (diff_row_named(row, "ud0,ud1"))
        return "AMD's UD0 and UD1 have no ModRM byte that a fetch could fault on";
    return NULL;
}

/* Bytes that are no instruction, or not to the model. */
static const char *unknown_excluded(const struct diff_facts *f, const struct diff_case *c)
{
    const struct diff_bytes *b = &f->bytes;
    if (!diff_host_is_intel() && b->lock && b->map == MAP_0F && b->opcode >= 0x20 &&
        b->opcode <= 0x23)
        return "AMD: LOCK MOV CR0 is CR8";
    if (!diff_host_is_intel() && b->lock && b->map == MAP_0F && b->opcode == 0 &&
        (b->modrm >> 3 & 7) == 5)
        return "AMD's VERW takes LOCK";
    return bytes_are_excluded(b, c->setup->mode);
}

static const char *one_excluded(const struct diff_facts *f, const struct diff_case *c)
{
    const char *why = NULL;

    if (f->row)
        why = diff_row_excluded(f->row);
    else
        why = unknown_excluded(f, c);
    if (!why && f->kind == KIND_SOFT && (f->insn.imm & 0xff) == 0x80)
        why = "the host's system call";
    if (!why && f->row && !diff_host_is_intel())
        why = amd_differs(f, c);
    return why;
}

const char *diff_case_excluded(const struct diff_facts *f, const struct diff_case *c)
{
    const char *why = one_excluded(f, c);
    struct diff_case rest;
    struct diff_facts next;

    if (why || f->count == 1)
        return why;
    rest = *c;
    for (next = *f; !why && next.count > 1; why = one_excluded(&next, &rest)) {
        rest.len -= next.insn.len;
        memmove(rest.code, rest.code + next.insn.len, rest.len);
        diff_facts_find(&next, &rest);
    }
    return why;
}
