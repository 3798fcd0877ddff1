/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encodings of the rows of opcodes.def; see decode_rows.h. */
#include "tests/unit/decode_rows.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"

bool row_has_modrm(const struct opcode *row)
{
    static const uint8_t kinds[] = {OPR_Eb, OPR_Ew, OPR_Ed,  OPR_Ev,  OPR_Ey,  OPR_Gb,  OPR_Gw,
                                    OPR_Gd, OPR_Gv, OPR_Gy,  OPR_M,   OPR_Mb,  OPR_Mw,  OPR_Md,
                                    OPR_Mq, OPR_Mt, OPR_Mp,  OPR_Mdq, OPR_Ma,  OPR_Sw,  OPR_Cd,
                                    OPR_Dd, OPR_Pq, OPR_Qq,  OPR_Nq,  OPR_Vx,  OPR_Wd,  OPR_Wq,
                                    OPR_Wx, OPR_Ux, OPR_STi, OPR_Ww,  OPR_Mx,  OPR_Wdq, OPR_Wqq,
                                    OPR_Wh, OPR_Wf, OPR_We,  OPR_Vdq, OPR_Udq, OPR_VMd, OPR_VMq};

    for (unsigned n = 0; n < ARRAY_SIZE(row->operand); n++) {
        if (memchr(kinds, row->operand[n], sizeof(kinds)))
            return true;
    }
    return row->ext & ~EXT_VEX;
}

bool row_has(const struct opcode *row, unsigned kind)
{
    return memchr(row->operand, (int)kind, ARRAY_SIZE(row->operand)) != NULL;
}

bool row_has_vsib(const struct opcode *row)
{
    return row_has(row, OPR_VMd) || row_has(row, OPR_VMq);
}

bool row_takes_modrm(const struct opcode *row, unsigned modrm)
{
    if (row_has_vsib(row) && (modrm >= 0xc0 || (modrm & 7) != 4))
        return false;
    if ((row->ext & EXT_BYTE) && modrm != (row->ext & 0xff))
        return false;
    if ((row->ext & EXT_REG) && (modrm >> 3 & 7) != (row->ext & 7))
        return false;
    if ((row->ext & EXT_MEM) && modrm >= 0xc0)
        return false;
    return !((row->ext & EXT_RONLY) && modrm < 0xc0);
}

bool row_modrm(const struct opcode *row, bool reg, unsigned *modrm)
{
    for (unsigned m = reg ? 0xc0 : 0; m < (reg ? 0x100u : 0xc0u); m++) {
        if (row_has_modrm(row) && row_takes_modrm(row, m)) {
            *modrm = m;
            return true;
        }
    }
    return false;
}

bool row_in_mode(const struct opcode *row, unsigned mode)
{
    return !(row->attr & (mode == MODE_64 ? A_I64 : A_O64));
}

bool encoding_asz16(const struct encoding *e)
{
    return e->mode == MODE_16 ? !e->addr67 : e->mode == MODE_32 && e->addr67;
}

bool form_is_other_row(const struct opcode *row, const struct form *f)
{
    bool f3 = false, f2 = false;

    for (const char *p = f->prefixes; *p; p++) {
        f3 |= (uint8_t)*p == 0xf3;
        f2 |= (uint8_t)*p == 0xf2;
    }
    if (row->map == MF && (row->opcode == 0xbc || row->opcode == 0xbd)) /* TZCNT, LZCNT */
        return row->prefix == ANY && f3 && !f2;
    if (row->map != M0 || row->opcode != 0x90)
        return false;
    if (row->attr & A_PLUSR) /* XCHG: not of rAX with itself, which is NOP or PAUSE */
        return f->plus == 0 && !(f->rex & 1);
    /* NOP and PAUSE: REX.B makes them XCHG (the host's processor does, with F3 too) */
    return (f->rex & 1) || (row->prefix == ANY && f3 && !f2);
}

/* What stands behind the fixed part: all corners of 8, 16, 32 and 64 bits come up in some place. */
static void put_tail(uint8_t *at, unsigned n)
{
    static const uint8_t tails[][4] = {
        {0x00, 0x00, 0x00, 0x00}, {0xff, 0xff, 0xff, 0xff}, {0x7f, 0x7f, 0x7f, 0x7f},
        {0x80, 0x80, 0x80, 0x80}, {0xff, 0xff, 0xff, 0x7f}, {0x00, 0x00, 0x00, 0x80},
        {0xff, 0x7f, 0xff, 0x7f}, {0x00, 0x80, 0x00, 0x80}, {0x01, 0x02, 0x03, 0x04},
        {0x12, 0x00, 0x00, 0x00}, {0x00, 0xff, 0x7f, 0x00}, {0xfe, 0xdc, 0xba, 0x98},
    };

    for (unsigned k = 0; k < 24; k++)
        at[k] = tails[n % ARRAY_SIZE(tails)][k % 4];
    if (n % 5 == 4)
        at[0] ^= 0x55; /* other alignments of the corners */
}

static uint8_t *put_prefixes(struct encoding *e, uint8_t *at, const struct opcode *row,
                             const struct form *f)
{
    static const uint8_t mandatory[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
    uint8_t first = row->prefix >= P66 && row->map < VF ? mandatory[row->prefix] : 0;

    if (first)
        *at++ = first;
    for (const char *p = f->prefixes; *p; p++)
        *at++ = (uint8_t)*p;
    for (const uint8_t *p = e->bytes; p < at; p++) {
        if (*p == 0x66)
            e->op66 = true;
        else if (*p == 0x67)
            e->addr67 = true;
        else if (*p == 0xf0)
            e->lock = true;
        else if (*p == 0xf2 || *p == 0xf3)
            e->rep = *p;
        else
            e->seg = *p;
    }
    return at;
}

/* VEX, of two bytes where that can be and the tail is even. In 64-bit mode e->rex becomes the REX
 * prefix that would say the same of R, X, B and W, elsewhere 0. */
static uint8_t *put_vex(struct encoding *e, uint8_t *at, const struct opcode *row,
                        const struct form *f)
{
    bool wide = e->mode == MODE_64;
    unsigned rxbw = wide ? f->rex & 15 : f->tail & 8, vvvv = 0, l = f->tail >> 1 & 1;

    if (row->ext & (EXT_W0 | EXT_W1))
        rxbw = (rxbw & 7) | (row->ext & EXT_W1 ? 8 : 0);
    if (row->ext & (EXT_L0 | EXT_L1))
        l = !!(row->ext & EXT_L1);
    if (row_has(row, OPR_Hx) || row_has(row, OPR_By))
        vvvv = f->tail * 5 % (wide ? 16 : 8);
    e->vvvv = (uint8_t)vvvv;
    e->rex = (uint8_t)(wide ? 0x40 | rxbw : 0);
    e->wide = l;
    if (row->map == VF && !(rxbw & 11) && !(f->tail & 1)) {
        *at++ = 0xc5;
        *at++ = (uint8_t)((rxbw & 4 ? 0 : 0x80) | (~vvvv & 15) << 3 | l << 2 | (row->prefix - NP));
        return at;
    }
    *at++ = 0xc4;
    *at++ = (uint8_t)((~rxbw & 7) << 5 | (row->map - VF + 1u));
    *at++ = (uint8_t)((rxbw & 8) << 4 | (~vvvv & 15) << 3 | l << 2 | (row->prefix - NP));
    return at;
}

void encode(struct encoding *e, const struct opcode *row, unsigned mode, const struct form *f)
{
    uint8_t *at = e->bytes;

    *e = (struct encoding){.mode = mode, .rex = (uint8_t)f->rex};
    at = put_prefixes(e, at, row, f);
    e->legacy = (unsigned)(at - e->bytes);
    if (row->map >= VF) {
        at = put_vex(e, at, row, f);
    } else {
        if (e->rex)
            *at++ = e->rex;
        if (row->map != M0)
            *at++ = 0x0f;
        if (row->map == M38 || row->map == M3A)
            *at++ = row->map == M38 ? 0x38 : 0x3a;
    }
    e->opcode = *at++ = (uint8_t)(row->opcode + (row->attr & A_PLUSR ? f->plus : 0));
    e->has_modrm = row_has_modrm(row);
    if (e->has_modrm) {
        e->modrm = *at++ = (uint8_t)f->modrm;
        if (!encoding_asz16(e) && f->modrm < 0xc0 && (f->modrm & 7) == 4)
            e->sib = *at++ = (uint8_t)f->sib;
    }
    e->fixed = (unsigned)(at - e->bytes);
    put_tail(at, f->tail);
}

/* ---- the encodings of a row ---- */

struct sweep {
    const struct opcode *row;
    unsigned mode, count;
    void (*visit)(const struct encoding *e, void *arg);
    void *arg;
};

/* Prefixes that a row with mandatory prefix cannot bear: they would make another instruction. */
static bool prefixes_fit(const struct opcode *row, const char *prefixes)
{
    for (const char *p = prefixes; *p; p++) {
        uint8_t b = (uint8_t)*p;

        if (row->prefix == ANY)
            continue;
        if (row->map >= VF && b == 0x66)
            return false; /* #UD, as the others of this kind */
        if (b == 0xf2 || b == 0xf3)
            return false; /* the last of them counts, and outranks 66 */
        if (b == 0x66 && row->prefix == NP)
            return false;
    }
    return true;
}

static void one(struct sweep *s, const struct form *f)
{
    struct encoding e;

    if (!prefixes_fit(s->row, f->prefixes) || form_is_other_row(s->row, f))
        return;
    if (row_has_modrm(s->row) && !row_takes_modrm(s->row, f->modrm))
        return;
    encode(&e, s->row, s->mode, f);
    if (row_has_vsib(s->row) && encoding_asz16(&e))
        return;
    s->visit(&e, s->arg);
    s->count++;
}

static const char *const prefix_sets[] = {
    "",         "\x66",     "\x67",     "\xf2",         "\xf3",         "\x26",     "\x2e",
    "\x36",     "\x3e",     "\x64",     "\x65",         "\x66\x67",     "\x67\x65", "\x64\x66",
    "\x66\xf3", "\xf2\x66", "\x67\x36", "\x2e\x66\x67", "\x65\x67\x66", "\x26\x64",
};
static const uint8_t rexes[] = {0x40, 0x41, 0x42, 0x44, 0x45, 0x48, 0x49, 0x4a, 0x4c, 0x4f};

/* Opcode registers and tails, without ModRM. */
static void sweep_plain(struct sweep *s)
{
    unsigned regs = s->row->attr & A_PLUSR ? 8 : 1;

    for (unsigned p = 0; p < ARRAY_SIZE(prefix_sets); p++) {
        for (unsigned n = 0; n < regs * 12; n++) {
            struct form f = {.prefixes = prefix_sets[p], .plus = n % regs, .tail = n / regs + p};

            one(s, &f);
            for (unsigned k = 0; s->mode == MODE_64 && k < ARRAY_SIZE(rexes); k++) {
                f.rex = rexes[k];
                f.tail++;
                if (n % regs == n / regs % regs)
                    one(s, &f);
            }
        }
    }
}

/* Every ModRM byte, in both address sizes; a quarter of all SIB bytes, another one with each row.
 */
static void sweep_modrm(struct sweep *s, unsigned phase)
{
    for (unsigned m = 0; m < 256; m++) {
        struct form f = {.prefixes = "", .modrm = m, .sib = 0x51 + m, .tail = m + phase};

        one(s, &f);
        f.prefixes = "\x67";
        f.tail += 5;
        one(s, &f);
    }
    for (unsigned n = phase & 3; n < 3 * 256; n += 4) {
        unsigned modrm = (n / 256) << 6 | 4 | (s->row->ext & EXT_REG ? (s->row->ext & 7) << 3 : 8);
        struct form f = {.prefixes = s->mode == MODE_16 ? "\x67" : "",
                         .modrm = modrm,
                         .sib = n & 255,
                         .rex = s->mode == MODE_64 && (n & 8) ? 0x40 | (n >> 4 & 15) : 0,
                         .tail = n / 4};

        one(s, &f);
    }
}

/* Each prefix set with a register form and the kinds of memory forms; in 64-bit mode with REX. */
static void sweep_prefixes(struct sweep *s, unsigned phase)
{
    static const struct {
        uint8_t modrm, sib;
    } forms[] = {{0xc0, 0},    {0xf5, 0},    {0x00, 0},    {0x05, 0},    {0x06, 0},   {0x44, 0x24},
                 {0x45, 0x25}, {0x04, 0x25}, {0x84, 0xbb}, {0x46, 0x62}, {0x82, 0x9d}};
    unsigned tail = phase;

    for (unsigned p = 0; p < ARRAY_SIZE(prefix_sets); p++) {
        for (unsigned n = 0; n < ARRAY_SIZE(forms); n++) {
            unsigned reg = (n * 3 + p) & 7;
            struct form f = {.prefixes = prefix_sets[p], .sib = forms[n].sib, .tail = tail++};

            if (s->row->ext & EXT_REG)
                reg = s->row->ext & 7;
            f.modrm = (forms[n].modrm & 0xc7u) | reg << 3;
            if (s->row->ext & EXT_BYTE)
                f.modrm = s->row->ext & 0xff;
            one(s, &f);
            for (unsigned k = 0; s->mode == MODE_64 && k < ARRAY_SIZE(rexes); k++) {
                f.rex = rexes[k];
                f.tail = tail++;
                if (p < 3 || (n + p) % 4 == k % 4)
                    one(s, &f);
            }
        }
    }
}

unsigned encode_row(unsigned k, unsigned mode, void (*visit)(const struct encoding *e, void *arg),
                    void *arg)
{
    struct sweep s = {.row = &opcode_table[k], .mode = mode, .visit = visit, .arg = arg};

    if (!row_in_mode(s.row, mode))
        return 0;
    if (!row_has_modrm(s.row)) {
        sweep_plain(&s);
    } else {
        sweep_modrm(&s, k);
        sweep_prefixes(&s, k);
    }
    return s.count;
}
