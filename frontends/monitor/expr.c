/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See expr.h: recursive descent, with a bound on its depth. */
#include "frontends/monitor/expr.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cpu/state.h"
#include "frontends/monitor/command.h"

#define MAX_DEPTH 64

static const struct {
    const char *name;
    uint16_t offset;
    uint8_t size;
} registers[] = {
#define GPR(name, n)                                                                               \
    {                                                                                              \
        name, offsetof(struct x86_state, gpr[n]), 8                                                \
    }
#define GPR32(name, n)                                                                             \
    {                                                                                              \
        name, offsetof(struct x86_state, gpr[n]), 4                                                \
    }
#define FIELD(name, f)                                                                             \
    {                                                                                              \
        name, offsetof(struct x86_state, f), sizeof(((struct x86_state *)0)->f)                    \
    }
#define SELECTOR(name, n)                                                                          \
    {                                                                                              \
        name, offsetof(struct x86_state, seg[n].sel), 2                                            \
    }
#define BASE(name, n)                                                                              \
    {                                                                                              \
        name, offsetof(struct x86_state, seg[n].base), 8                                           \
    }
    GPR("rax", REG_RAX),
    GPR("rcx", REG_RCX),
    GPR("rdx", REG_RDX),
    GPR("rbx", REG_RBX),
    GPR("rsp", REG_RSP),
    GPR("rbp", REG_RBP),
    GPR("rsi", REG_RSI),
    GPR("rdi", REG_RDI),
    GPR("r8", 8),
    GPR("r9", 9),
    GPR("r10", 10),
    GPR("r11", 11),
    GPR("r12", 12),
    GPR("r13", 13),
    GPR("r14", 14),
    GPR("r15", 15),
    GPR32("eax", REG_RAX),
    GPR32("ecx", REG_RCX),
    GPR32("edx", REG_RDX),
    GPR32("ebx", REG_RBX),
    GPR32("esp", REG_RSP),
    GPR32("ebp", REG_RBP),
    GPR32("esi", REG_RSI),
    GPR32("edi", REG_RDI),
    FIELD("rip", rip),
    FIELD("pc", rip),
    {"eip", offsetof(struct x86_state, rip), 4},
    FIELD("rflags", rflags),
    {"eflags", offsetof(struct x86_state, rflags), 4},
    SELECTOR("es", SEG_ES),
    SELECTOR("cs", SEG_CS),
    SELECTOR("ss", SEG_SS),
    SELECTOR("ds", SEG_DS),
    SELECTOR("fs", SEG_FS),
    SELECTOR("gs", SEG_GS),
    BASE("cs.base", SEG_CS),
    BASE("ss.base", SEG_SS),
    BASE("ds.base", SEG_DS),
    BASE("es.base", SEG_ES),
    BASE("fs.base", SEG_FS),
    BASE("gs.base", SEG_GS),
    FIELD("gdtr", gdtr.base),
    FIELD("idtr", idtr.base),
    FIELD("cr0", cr0),
    FIELD("cr2", cr2),
    FIELD("cr3", cr3),
    FIELD("cr4", cr4),
    FIELD("efer", efer),
    FIELD("dr0", dr[0]),
    FIELD("dr1", dr[1]),
    FIELD("dr2", dr[2]),
    FIELD("dr3", dr[3]),
    FIELD("dr6", dr6),
    FIELD("dr7", dr7),
};

bool expr_register(const struct x86_state *cpu, const char *name, uint64_t *out)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(registers); k++) {
        if (strcmp(registers[k].name, name))
            continue;
        *out = 0; /* the host is little-endian, as the guest */
        memcpy(out, (const char *)cpu + registers[k].offset, registers[k].size);
        return true;
    }
    return false;
}

const char *expr_register_name(unsigned n)
{
    return n < G_N_ELEMENTS(registers) ? registers[n].name : NULL;
}

struct parser {
    const char *at;
    const struct x86_state *cpu;
    bool more; /* what follows the expression may look like an operator */
    unsigned depth, brackets;
    GError **err;
};

static bool parse_level(struct parser *p, unsigned level, uint64_t *out);

static void skip_space(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool parse_register(struct parser *p, uint64_t *out)
{
    char name[16];
    size_t n = 0;

    for (p->at++; g_ascii_isalnum(*p->at) || *p->at == '.'; p->at++) {
        if (n < sizeof(name) - 1)
            name[n++] = g_ascii_tolower(*p->at);
    }
    name[n] = 0;
    if (!p->cpu)
        return monitor_fail(p->err, "there are no registers here");
    return expr_register(p->cpu, name, out) || monitor_fail(p->err, "no register '$%s'", name);
}

static bool parse_number(struct parser *p, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = g_ascii_strtoull(p->at, &end, g_str_has_prefix(p->at, "0x") ? 16 : 10);
    if (errno || end == p->at || g_ascii_isalnum(*end))
        return monitor_fail(p->err, "'%.*s' is not a number",
                            (int)MIN(strcspn(p->at, " +-*/()"), 32), p->at);
    p->at = end;
    return true;
}

static bool parse_primary(struct parser *p, uint64_t *out)
{
    skip_space(p);
    switch (*p->at) {
    case '(':
        p->at++;
        p->brackets++;
        if (!parse_level(p, 0, out))
            return false;
        p->brackets--;
        skip_space(p);
        if (*p->at != ')')
            return monitor_fail(p->err, "a ) is missing");
        p->at++;
        return true;
    case '\'':
        if (!p->at[1] || p->at[2] != '\'')
            return monitor_fail(p->err, "a character constant is one character in ''");
        *out = (uint8_t)p->at[1];
        p->at += 3;
        return true;
    case '$': return parse_register(p, out);
    case 0: return monitor_fail(p->err, "an expression is missing");
    default:
        if (g_ascii_isdigit(*p->at))
            return parse_number(p, out);
        return monitor_fail(p->err, "'%c' begins no expression", *p->at);
    }
}

static bool parse_unary(struct parser *p, uint64_t *out)
{
    bool ok;
    char c;

    skip_space(p);
    c = *p->at;
    if (c != '-' && c != '+' && c != '~')
        return parse_primary(p, out);
    if (++p->depth > MAX_DEPTH)
        return monitor_fail(p->err, "the expression is too deep");
    p->at++;
    ok = parse_unary(p, out);
    p->depth--;
    if (ok && c != '+')
        *out = c == '-' ? -*out : ~*out;
    return ok;
}

static bool apply(struct parser *p, char op, uint64_t *a, uint64_t b)
{
    switch (op) {
    case '+': *a += b; break;
    case '-': *a -= b; break;
    case '*': *a *= b; break;
    case '&': *a &= b; break;
    case '|': *a |= b; break;
    case '^': *a ^= b; break;
    default:
        if (!b)
            return monitor_fail(p->err, "division by zero");
        *a = op == '/' ? *a / b : *a % b;
    }
    return true;
}

/* Binary operators from the weakest level on. */
static bool parse_level(struct parser *p, unsigned level, uint64_t *out)
{
    static const char *const operators[] = {"|", "^", "&", "+-", "*/%"};
    uint64_t b;
    bool ok;

    if (level == G_N_ELEMENTS(operators))
        return parse_unary(p, out);
    if (!level && ++p->depth > MAX_DEPTH)
        return monitor_fail(p->err, "the expression is too deep");
    ok = parse_level(p, level + 1, out);
    while (ok) {
        const char *behind = p->at;
        char op;

        skip_space(p);
        op = *p->at;
        if (!op || !strchr(operators[level], op) ||
            (p->more && !p->brackets && p->at > behind && !g_ascii_isspace(p->at[1]))) {
            p->at = behind;
            break;
        }
        p->at++;
        ok = parse_level(p, level + 1, &b) && apply(p, op, out, b);
    }
    if (!level)
        p->depth--;
    return ok;
}

bool expr_eval(const char **text, const struct x86_state *cpu, bool more, uint64_t *out,
               GError **err)
{
    struct parser p = {.at = *text, .cpu = cpu, .more = more, .err = err};

    if (!parse_level(&p, 0, out))
        return false;
    *text = p.at;
    return true;
}
