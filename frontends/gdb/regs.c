/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See regs.h. Names and order within features follow the gdb manual, G.5.16 "x86 Features".
 */
#include "frontends/gdb/regs.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/debugger.h"
#include "cpu/state.h"
#include "devices/pc/apic.h"
#include "machine/board.h"

enum reg_kind {
    R_GPR,   /* n: enum gpr */
    R_PC,    /* linear */
    R_IP,    /* as it is */
    R_FLAGS, /* RFLAGS */
    R_SEL,   /* n: enum x86_seg */
    R_BASE,
    R_ST,
    R_FPU, /* n: which of fctrl .. fop */
    R_XMM,
    R_MXCSR,
    R_YMMH,
    R_CR0,
    R_CR2,
    R_CR3,
    R_CR4,
    R_CR8,
    R_EFER,
    R_KGS,
    R_GDT,
    R_IDT, /* n: 0 base, 1 limit */
};

struct reg {
    char name[12];
    uint8_t kind, n, size;
    const char *type, *group;
};

struct reg_feature {
    const char *name, *types;
    unsigned first; /* register */
};

#define MAX_REGS 160

static struct reg regs[MAX_REGS];
static unsigned n_regs;
static struct reg_feature features[4];
static unsigned n_features;

static void add(enum reg_kind kind, unsigned n, unsigned size, const char *type, const char *group,
                const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void add(enum reg_kind kind, unsigned n, unsigned size, const char *type, const char *group,
                const char *fmt, ...)
{
    struct reg *r = &regs[n_regs++];
    va_list ap;

    *r = (struct reg){.kind = (uint8_t)kind,
                      .n = (uint8_t)n,
                      .size = (uint8_t)size,
                      .type = type,
                      .group = group};
    va_start(ap, fmt);
    g_vsnprintf(r->name, sizeof(r->name), fmt, ap);
    va_end(ap);
}

static void begin_feature(const char *name, const char *types)
{
    features[n_features++] = (struct reg_feature){name, types, n_regs};
}

static const char flags_type[] =
    "<flags id=\"x86_eflags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
    "<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
    "<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
    "<field name=\"ID\" start=\"21\" end=\"21\"/></flags>\n";

static const char vector_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
    "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
    "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
    "<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>"
    "<flags id=\"x86_mxcsr\" size=\"4\">"
    "<field name=\"IE\" start=\"0\" end=\"0\"/><field name=\"DE\" start=\"1\" end=\"1\"/>"
    "<field name=\"ZE\" start=\"2\" end=\"2\"/><field name=\"OE\" start=\"3\" end=\"3\"/>"
    "<field name=\"UE\" start=\"4\" end=\"4\"/><field name=\"PE\" start=\"5\" end=\"5\"/>"
    "<field name=\"DAZ\" start=\"6\" end=\"6\"/><field name=\"IM\" start=\"7\" end=\"7\"/>"
    "<field name=\"DM\" start=\"8\" end=\"8\"/><field name=\"ZM\" start=\"9\" end=\"9\"/>"
    "<field name=\"OM\" start=\"10\" end=\"10\"/><field name=\"UM\" start=\"11\" end=\"11\"/>"
    "<field name=\"PM\" start=\"12\" end=\"12\"/><field name=\"FZ\" start=\"15\" end=\"15\"/>"
    "</flags>\n";

/* No pointer among the types: their size would follow the architecture that gdb is set to. */
static void add_core(void)
{
    static const struct {
        const char *name;
        unsigned n;
    } order[] = {{"ax", REG_RAX}, {"bx", REG_RBX}, {"cx", REG_RCX}, {"dx", REG_RDX},
                 {"si", REG_RSI}, {"di", REG_RDI}, {"bp", REG_RBP}, {"sp", REG_RSP}};
    static const struct {
        const char *name;
        unsigned n;
    } segs[] = {{"cs", SEG_CS}, {"ss", SEG_SS}, {"ds", SEG_DS},
                {"es", SEG_ES}, {"fs", SEG_FS}, {"gs", SEG_GS}};
    static const char *const fpu[] = {"fctrl", "fstat", "ftag",  "fiseg",
                                      "fioff", "foseg", "fooff", "fop"};

    begin_feature("org.gnu.gdb.i386.core", flags_type);
    for (unsigned k = 0; k < 8; k++)
        add(R_GPR, order[k].n, 8, "int64", NULL, "r%s", order[k].name);
    for (unsigned k = 8; k < 16; k++)
        add(R_GPR, k, 8, "int64", NULL, "r%u", k);
    add(R_PC, 0, 8, "uint64", NULL, "rip");
    add(R_FLAGS, 0, 4, "x86_eflags", NULL, "eflags");
    for (unsigned k = 0; k < 6; k++)
        add(R_SEL, segs[k].n, 4, "int32", NULL, "%s", segs[k].name);
    for (unsigned k = 0; k < 8; k++)
        add(R_ST, k, 10, "i387_ext", NULL, "st%u", k);
    for (unsigned k = 0; k < 8; k++)
        add(R_FPU, k, 4, "int", "float", "%s", fpu[k]);
    for (unsigned k = 0; k < 8; k++)
        add(R_GPR, order[k].n, 4, k < 6 ? "int32" : "uint32", "low", "e%s", order[k].name);
    add(R_PC, 0, 4, "uint32", "low", "eip");
}

static void add_system(void)
{
    static const char segs[][3] = {"es", "cs", "ss", "ds", "fs", "gs"};

    begin_feature("org.penumbra.system", "");
    for (unsigned k = SEG_ES; k <= SEG_GS; k++)
        add(R_BASE, k, 8, "int64", "system", "%s_base", segs[k]);
    add(R_KGS, 0, 8, "int64", "system", "k_gs_base");
    add(R_CR0, 0, 8, "int64", "system", "cr0");
    add(R_CR2, 0, 8, "int64", "system", "cr2");
    add(R_CR3, 0, 8, "int64", "system", "cr3");
    add(R_CR4, 0, 8, "int64", "system", "cr4");
    add(R_CR8, 0, 8, "int64", "system", "cr8");
    add(R_EFER, 0, 8, "int64", "system", "efer");
    add(R_GDT, 0, 8, "int64", "system", "gdtr_base");
    add(R_GDT, 1, 4, "int32", "system", "gdtr_limit");
    add(R_IDT, 0, 8, "int64", "system", "idtr_base");
    add(R_IDT, 1, 4, "int32", "system", "idtr_limit");
    add(R_IP, 0, 8, "int64", "system", "ip");
}

static void make(void)
{
    if (n_regs)
        return;
    add_core();
    begin_feature("org.gnu.gdb.i386.sse", vector_types);
    for (unsigned k = 0; k < 16; k++)
        add(R_XMM, k, 16, "vec128", NULL, "xmm%u", k);
    add(R_MXCSR, 0, 4, "x86_mxcsr", "vector", "mxcsr");
    begin_feature("org.gnu.gdb.i386.avx", "");
    for (unsigned k = 0; k < 16; k++)
        add(R_YMMH, k, 16, "uint128", NULL, "ymm%uh", k);
    add_system();
}

unsigned gdb_regs_count(void)
{
    make();
    return n_regs;
}

size_t gdb_reg_size(unsigned n)
{
    make();
    return n < n_regs ? regs[n].size : 0;
}

static void put_feature(GString *s, unsigned f)
{
    unsigned end = f + 1 < n_features ? features[f + 1].first : n_regs;

    g_string_append_printf(s, "<feature name=\"%s\">\n%s", features[f].name, features[f].types);
    for (unsigned k = features[f].first; k < end; k++) {
        const struct reg *r = &regs[k];

        g_string_append_printf(s, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", r->name,
                               r->size * 8u, r->type);
        if (r->group)
            g_string_append_printf(s, " group=\"%s\"", r->group);
        g_string_append(s, "/>\n");
    }
    g_string_append(s, "</feature>\n");
}

const char *gdb_regs_xml(void)
{
    static char *text;

    if (!text) {
        GString *s = g_string_new("<?xml version=\"1.0\"?>\n"
                                  "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
                                  "<architecture>i386:x86-64</architecture>\n");

        make();
        for (unsigned f = 0; f < n_features; f++)
            put_feature(s, f);
        g_string_append(s, "</target>\n");
        text = g_string_free(s, FALSE);
    }
    return text;
}

/* ---- x87 ---- */

/* The tag word of the FPU's environment (SDM volume 1, 8.1.7) from what it holds. */
static uint16_t full_tags(const struct x86_state *s)
{
    unsigned top = s->fsw >> 11 & 7;
    uint16_t tags = 0;

    for (unsigned r = 0; r < 8; r++) {
        const uint8_t *v = s->st[(r - top) & 7];
        unsigned exponent = ld_le16(v + 8) & 0x7fff, tag = 0;
        uint64_t mantissa = ld_le64(v);

        if (!(s->ftags >> r & 1))
            tag = 3;
        else if (!exponent && !mantissa)
            tag = 1;
        else if (!exponent || exponent == 0x7fff || !(mantissa >> 63))
            tag = 2;
        tags |= (uint16_t)(tag << (r * 2));
    }
    return tags;
}

static uint64_t get_fpu(const struct x86_state *s, unsigned n)
{
    switch (n) {
    case 0: return s->fcw;
    case 1: return s->fsw;
    case 2: return full_tags(s);
    case 3: return s->fcs;
    case 4: return (uint32_t)s->fip;
    case 5: return s->fds;
    case 6: return (uint32_t)s->fdp;
    default: return s->fop;
    }
}

static void set_fpu(struct x86_state *s, unsigned n, uint64_t v)
{
    switch (n) {
    case 0: s->fcw = (uint16_t)v; break;
    case 1: s->fsw = (uint16_t)v; break;
    case 2:
        s->ftags = 0;
        for (unsigned r = 0; r < 8; r++)
            s->ftags |= (uint8_t)(((v >> (r * 2) & 3) != 3) << r);
        break;
    case 3: s->fcs = (uint16_t)v; break;
    case 4: s->fip = (uint32_t)v; break;
    case 5: s->fds = (uint16_t)v; break;
    case 6: s->fdp = (uint32_t)v; break;
    default: s->fop = (uint16_t)(v & 0x7ff); break;
    }
}

/* ---- values ---- */

static uint64_t get_number(const struct cpu *cpu, const struct x86_state *s, const struct reg *r)
{
    switch (r->kind) {
    case R_GPR: return s->gpr[r->n];
    case R_PC: return debugger_pc(cpu);
    case R_IP: return s->rip;
    case R_FLAGS: return s->rflags;
    case R_SEL: return s->seg[r->n].sel;
    case R_BASE: return s->seg[r->n].base;
    case R_FPU: return get_fpu(s, r->n);
    case R_MXCSR: return s->mxcsr;
    case R_CR0: return s->cr0;
    case R_CR2: return s->cr2;
    case R_CR3: return s->cr3;
    case R_CR4: return s->cr4;
    case R_EFER: return s->efer;
    case R_KGS: return s->kernel_gs_base;
    case R_GDT: return r->n ? s->gdtr.limit : s->gdtr.base;
    case R_IDT: return r->n ? s->idtr.limit : s->idtr.base;
    default: return apic_get_tpr(((const struct board_cpu *)cpu->hooks.opaque)->apic);
    }
}

void gdb_reg_get(const struct cpu *cpu, unsigned n, uint8_t *value)
{
    const struct reg *r = &regs[n];
    struct x86_state s;
    uint64_t v;

    cpu_get_state(cpu, &s);
    switch (r->kind) {
    case R_ST: memcpy(value, s.st[r->n], 10); return;
    case R_XMM: memcpy(value, s.ymm[r->n], 16); return;
    case R_YMMH: memcpy(value, s.ymm[r->n] + 16, 16); return;
    default: v = get_number(cpu, &s, r); memcpy(value, &v, r->size);
    }
}

/* Of a segment that no descriptor stands behind. */
static bool set_selector(const struct cpu *cpu, struct x86_state *s, unsigned n, uint64_t v)
{
    if (!cpu_real_or_v86(cpu) || v > 0xffff)
        return false;
    s->seg[n].sel = (uint16_t)v;
    s->seg[n].base = v << 4;
    return true;
}

static bool set_number(struct cpu *cpu, struct x86_state *s, const struct reg *r, uint64_t v)
{
    switch (r->kind) {
    case R_GPR:
        if (r->size == 4) /* the upper half stays */
            v |= s->gpr[r->n] & ~UINT64_C(0xffffffff);
        s->gpr[r->n] = v;
        return true;
    case R_FLAGS: s->rflags = v | FL_1; return true;
    case R_SEL: return set_selector(cpu, s, r->n, v);
    case R_BASE: s->seg[r->n].base = v; return gva_canonical(cpu, v);
    case R_FPU: set_fpu(s, r->n, v); return true;
    case R_MXCSR: s->mxcsr = (uint32_t)v; return true;
    case R_CR0: s->cr0 = v; return true;
    case R_CR2: s->cr2 = v; return true;
    case R_CR3: s->cr3 = v; return true;
    case R_CR4: s->cr4 = v; return true;
    case R_EFER: s->efer = v; return true;
    case R_KGS: s->kernel_gs_base = v; return gva_canonical(cpu, v);
    case R_GDT: r->n ? (void)(s->gdtr.limit = (uint32_t)v) : (void)(s->gdtr.base = v); return true;
    case R_IDT: r->n ? (void)(s->idtr.limit = (uint32_t)v) : (void)(s->idtr.base = v); return true;
    default: return false;
    }
}

bool gdb_reg_set(struct cpu *cpu, unsigned n, const uint8_t *value)
{
    const struct reg *r = &regs[n];
    uint8_t now[GDB_REG_MAX];
    struct x86_state s;
    uint64_t v = 0;

    gdb_reg_get(cpu, n, now);
    if (!memcmp(now, value, r->size))
        return true;
    cpu_get_state(cpu, &s);
    switch (r->kind) {
    case R_ST: memcpy(s.st[r->n], value, 10); break;
    case R_XMM: memcpy(s.ymm[r->n], value, 16); break;
    case R_YMMH: memcpy(s.ymm[r->n] + 16, value, 16); break;
    default:
        memcpy(&v, value, r->size);
        if (r->kind == R_PC || r->kind == R_IP) {
            debugger_set_pc(cpu, r->kind == R_IP ? v + cpu->code_base : v);
            return true;
        }
        if (!set_number(cpu, &s, r, v))
            return false;
    }
    return cpu_set_state(cpu, &s);
}
