/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See line.h. */
#include "tests/diff/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"

static const char *const gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const seg_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
#define CODE_AT (DIFF_CODE + 0x800)

/* Scalars of the FXSAVE image. */
static const struct {
    const char *name;
    uint8_t at, size;
} fx_fields[] = {{"cw", FX_CW, 2},   {"sw", FX_SW, 2},   {"tags", FX_TAGS, 1},  {"fop", FX_FOP, 2},
                 {"fip", FX_FIP, 8}, {"fdp", FX_FDP, 8}, {"mxcsr", FX_MXCSR, 4}};

/* What a line begins from. */
static void defaults(struct diff_case *c, const struct diff_setup *setup)
{
    memset(c, 0, sizeof(*c));
    c->setup = setup;
    c->linear = CODE_AT;
    c->in.rflags = FL_1;
    c->in.sel[SEG_CS] = setup->cs;
    c->in.sel[SEG_SS] = setup->ss;
    c->in.sel[SEG_DS] = c->in.sel[SEG_ES] = setup->ds;
    if (setup->ss16)
        c->in.gpr[REG_RSP] = DIFF_ESP_HIGH;
    diff_fpu_init(&c->in.fpu);
}

/* ---- printing ---- */

struct text {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < t->left) {
        t->at += n;
        t->left -= (size_t)n;
    }
}

static void put_hex(struct text *t, const uint8_t *bytes, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        put(t, "%02x", bytes[k]);
}

/* A number of any width. */
static void put_wide(struct text *t, const uint8_t *bytes, unsigned n)
{
    while (n > 1 && !bytes[n - 1])
        n--;
    while (n--)
        put(t, "%02x", bytes[n]);
}

static void put_vectors(struct text *t, const struct diff_fpu *f, const struct diff_fpu *from)
{
    for (unsigned n = 0; n < ARRAY_SIZE(fx_fields); n++) {
        const uint8_t *at = f->fx + fx_fields[n].at;

        if (memcmp(at, from->fx + fx_fields[n].at, fx_fields[n].size) != 0) {
            put(t, " %s=", fx_fields[n].name);
            put_wide(t, at, fx_fields[n].size);
        }
    }
    for (unsigned n = 0; n < 40; n++) {
        const char *kind = n < 8 ? "st" : n < 24 ? "xmm" : "ymm";
        unsigned k = n < 8 ? n : (n - 8) % 16, size = n < 8 ? 10 : 16;
        size_t at = n < 8    ? FX_ST(k)
                    : n < 24 ? FX_XMM(k)
                             : offsetof(struct diff_fpu, ymmh) + 16 * k;
        const uint8_t *bytes = (const uint8_t *)f + at;

        if (memcmp(bytes, (const uint8_t *)from + at, size) != 0) {
            put(t, " %s%u=", kind, k);
            put_wide(t, bytes, size);
        }
    }
}

static void put_registers(struct text *t, const struct diff_state *s, const struct diff_state *from)
{
    for (unsigned n = 0; n < 16; n++) {
        if (s->gpr[n] != from->gpr[n])
            put(t, " %s=%llx", gpr_names[n], (unsigned long long)s->gpr[n]);
    }
    if (s->rflags != from->rflags)
        put(t, " fl=%llx", (unsigned long long)s->rflags);
    for (unsigned n = 0; n < 6; n++) {
        if (s->sel[n] != from->sel[n])
            put(t, " %s=%x", seg_names[n], s->sel[n]);
    }
    if (s->fs_base != from->fs_base)
        put(t, " fsbase=%llx", (unsigned long long)s->fs_base);
    if (s->gs_base != from->gs_base)
        put(t, " gsbase=%llx", (unsigned long long)s->gs_base);
}

void diff_line_print(const struct diff_case *c, char *out, size_t size)
{
    struct text t = {out, size};
    struct diff_case from;

    defaults(&from, c->setup);
    put(&t, "%s ", c->setup->name);
    put_hex(&t, c->code, c->len);
    if (c->linear != from.linear)
        put(&t, " at=%llx", (unsigned long long)c->linear);
    put_registers(&t, &c->in, &from.in);
    if (c->with_fpu) {
        put(&t, " fpu");
        put_vectors(&t, &c->in.fpu, &from.in.fpu);
    }
    for (unsigned n = 0; n < c->pokes; n++) {
        put(&t, " mem=%x:", c->poke[n].at);
        put_hex(&t, c->poke[n].bytes, c->poke[n].len);
    }
    if (c->stepped)
        put(&t, " stepped");
    if (c->portable)
        put(&t, " portable");
}

void diff_line_result(const struct diff_case *c, const struct diff_state *s, char *out, size_t size)
{
    struct text t = {out, size};

    put(&t, "vector=%x", s->vector);
    if (s->error)
        put(&t, " error=%x", s->error);
    if (s->vector == EXC_PF)
        put(&t, " cr2=%llx", (unsigned long long)s->cr2);
    put(&t, " rip+%llx", (unsigned long long)(s->rip - c->in.rip));
    put_registers(&t, s, &c->in);
    if (c->with_fpu)
        put_vectors(&t, &s->fpu, &c->in.fpu);
}

/* ---- parsing ---- */

static int digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Hex bytes in their order; how many, or -1. */
static int take_hex(const char *text, uint8_t *out, unsigned max)
{
    unsigned n = 0;

    for (; *text; text += 2, n++) {
        if (n == max || digit(text[0]) < 0 || digit(text[1]) < 0)
            return -1;
        out[n] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    }
    return (int)n;
}

/* A number of `size` bytes, into them. */
static bool take_wide(const char *text, uint8_t *out, unsigned size)
{
    size_t len = strlen(text);

    memset(out, 0, size);
    if (len == 0 || len > 2 * size)
        return false;
    for (size_t n = 0; n < len; n++) {
        int d = digit(text[len - 1 - n]);

        if (d < 0)
            return false;
        out[n / 2] |= (uint8_t)(d << (n & 1 ? 4 : 0));
    }
    return true;
}

static bool take_u64(const char *text, uint64_t *v)
{
    uint8_t bytes[8];

    if (!take_wide(text, bytes, 8))
        return false;
    *v = ld_le64(bytes);
    return true;
}

static bool take_register(struct diff_state *s, const char *name, const char *value)
{
    uint64_t v;

    for (unsigned n = 0; n < 16; n++) {
        if (strcmp(name, gpr_names[n]) == 0)
            return take_u64(value, &s->gpr[n]);
    }
    for (unsigned n = 0; n < 6; n++) {
        if (strcmp(name, seg_names[n]) == 0) {
            bool good = take_u64(value, &v);

            s->sel[n] = (uint16_t)v;
            return good;
        }
    }
    if (strcmp(name, "fl") == 0)
        return take_u64(value, &s->rflags);
    if (strcmp(name, "fsbase") == 0)
        return take_u64(value, &s->fs_base);
    return strcmp(name, "gsbase") == 0 && take_u64(value, &s->gs_base);
}

static bool take_vector(struct diff_case *c, const char *name, const char *value)
{
    unsigned long n;

    c->with_fpu = true;
    for (unsigned k = 0; k < ARRAY_SIZE(fx_fields); k++) {
        if (strcmp(name, fx_fields[k].name) == 0)
            return take_wide(value, c->in.fpu.fx + fx_fields[k].at, fx_fields[k].size);
    }
    if (strncmp(name, "st", 2) == 0 && (n = strtoul(name + 2, NULL, 10)) < 8)
        return take_wide(value, c->in.fpu.fx + FX_ST(n), 10);
    if (strncmp(name, "xmm", 3) == 0 && (n = strtoul(name + 3, NULL, 10)) < 16)
        return take_wide(value, c->in.fpu.fx + FX_XMM(n), 16);
    if (strncmp(name, "ymm", 3) == 0 && (n = strtoul(name + 3, NULL, 10)) < 16)
        return take_wide(value, c->in.fpu.ymmh[n], 16);
    return false;
}

static bool take_memory(struct diff_case *c, char *value)
{
    struct diff_poke *p = &c->poke[c->pokes];
    char *bytes = strchr(value, ':');
    uint64_t at;
    int n;

    if (!bytes || c->pokes == DIFF_POKES_MAX)
        return false;
    *bytes++ = '\0';
    n = take_hex(bytes, p->bytes, sizeof(p->bytes));
    if (n < 1 || !take_u64(value, &at))
        return false;
    p->at = (uint32_t)at;
    p->len = (uint8_t)n;
    c->pokes++;
    return true;
}

static bool take_word(struct diff_case *c, const char *word)
{
    char name[64], *value;

    snprintf(name, sizeof(name), "%s", word);
    if (strcmp(word, "fpu") == 0)
        return c->with_fpu = true;
    if (strcmp(word, "stepped") == 0)
        return c->stepped = true;
    if (strcmp(word, "portable") == 0)
        return c->portable = true;
    value = strchr(name, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(name, "at") == 0)
        return take_u64(value, &c->linear);
    if (strcmp(name, "mem") == 0)
        return take_memory(c, value);
    return take_register(&c->in, name, value) || take_vector(c, name, value);
}

static const struct diff_setup *find_setup(const char *name)
{
    for (unsigned n = 0; n < diff_setup_count; n++) {
        if (strcmp(name, diff_setups[n].name) == 0)
            return &diff_setups[n];
    }
    return NULL;
}

bool diff_line_parse(const char *line, struct diff_case *c, char word[64])
{
    char copy[DIFF_LINE_MAX], *save = NULL, *w;
    const struct diff_setup *setup;
    int len;

    snprintf(copy, sizeof(copy), "%s", line);
    copy[strcspn(copy, "#\n")] = '\0';
    w = strtok_r(copy, " \t", &save);
    snprintf(word, 64, "%s", w ? w : "");
    setup = w ? find_setup(w) : NULL;
    if (!setup)
        return false;
    defaults(c, setup);
    w = strtok_r(NULL, " \t", &save);
    snprintf(word, 64, "%s", w ? w : "");
    len = w ? take_hex(w, c->code, DIFF_CODE_MAX) : -1;
    if (len < 1)
        return false;
    c->len = (unsigned)len;
    while ((w = strtok_r(NULL, " \t", &save)) != NULL) {
        snprintf(word, 64, "%s", w);
        if (!take_word(c, w))
            return false;
    }
    c->in.rip = c->linear - diff_selector_base(setup->cs);
    return true;
}
