/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench on which paging is tried: one linear address whose entries, level by level, are set as
 * the test wants; frames that say who they are when read, executed or used as a descriptor; and one
 * access of each kind, from ring 0 or ring 3, that comes back with what happened. Each access is
 * compared with lib/paging_model.h in all that can be seen: fault, error code, CR2, EIP, accessed
 * and dirty bits at every level, the value read, where the value written went.
 */
#ifndef PAGING_BENCH_H
#define PAGING_BENCH_H

#include "paging_access.h"
#include "paging_model.h"
#include "test.h"

#define WITHIN     0x23000u /* the address's offset in a large page */
#define SEL_LDT    SEL_FREE
#define BENCH_FREE 0x100000u /* tables are taken from here on */

/* ---- places ---- */
struct place {
    unsigned level; /* of the entry that maps it */
    uint64_t base;  /* what that entry points to */
    uint32_t at;    /* where the address then leads */
    uint32_t word;  /* what was last written there */
};
static struct place places[8];
static unsigned place_count;

/* ---- the address and its tables ---- */
static struct paging now;
static struct {
    bool cr4, pse, pae, pge, nx, smep, smap, pku, la57;
} have;
static word bench_va, bench_alias, bench_root;
static uint8_t *bench_table[TOP + 1][2];
static unsigned bench_index[TOP + 1];
static uint64_t bench_entry[TOP + 1];
static unsigned bench_choice[TOP + 1]; /* which of a level's two tables is in use */
static uint32_t bench_next = BENCH_FREE;
static bool was_global;
static unsigned bench_failures, bench_how;

static uint32_t new_table(void)
{
    uint32_t t = bench_next;

    bench_next += 4096;
    for (unsigned i = 0; i < 1024; i++)
        ((volatile uint32_t *)(word)t)[i] = 0;
    return t;
}

static void put_entry(uint8_t *table, unsigned index, uint64_t e)
{
    if (now.wide)
        ((volatile uint64_t *)table)[index] = e;
    else
        ((volatile uint32_t *)table)[index] = (uint32_t)e;
}

static uint64_t get_entry(uint8_t *table, unsigned index)
{
    return now.wide ? ((volatile uint64_t *)table)[index] : ((volatile uint32_t *)table)[index];
}

static void store_entry(unsigned level)
{
    put_entry(bench_table[level][bench_choice[level]], bench_index[level], bench_entry[level]);
}

static uint32_t random_state;
static uint32_t rnd(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* ---- one access ---- */
static word user_code(const void *code)
{
    return bench_alias + (word)code;
}

static void start_access(enum access a)
{
    static char *const code[ACCESSES] = {
        [USER_READ] = code_read,
        [USER_WRITE] = code_write,
        [SUP_READ] = code_read,
        [SUP_WRITE] = code_write,
        [IMPL_READ] = code_implicit_read,
        [IMPL_USER_READ] = code_implicit_read,
        [IMPL_WRITE] = code_implicit_write,
        [IMPL_USER_WRITE] = code_implicit_write,
    };

    acc_user = a <= USER_EXEC || a >= IMPL_USER_READ;
    acc_flags = 2 | (now.ac ? 1u << 18 : 0);
    acc_va = bench_va;
    if (a == USER_EXEC || a == SUP_EXEC)
        acc_code = bench_va + AT_CODE;
    else
        acc_code = acc_user ? user_code(code[a]) : (word)code[a];
    got.error = 0;
    got.cr2 = 0;
    run_access();
}

/* ---- report ---- */
static const char *const access_names[ACCESSES] = {"user read",
                                                   "user write",
                                                   "user execute",
                                                   "supervisor read",
                                                   "supervisor write",
                                                   "supervisor execute",
                                                   "implicit read",
                                                   "implicit write",
                                                   "implicit read from ring 3",
                                                   "implicit write from ring 3"};

static void put_named(const char *name, uint64_t v)
{
    puts(name);
    put_hex(v);
}

static void report(const char *what, uint64_t is, uint64_t want, enum access a,
                   const uint64_t before[TOP + 1])
{
    if (++bench_failures > 20) {
        check("more of the same", false);
        return;
    }
    puts("FAIL ");
    puts(what);
    put_named(" ", is);
    put_named(", want ", want);
    puts(": ");
    puts(access_names[a]);
    put_named(", levels ", now.levels);
    put_named(now.wide ? " wide" : " narrow", now.lng);
    puts(now.wp ? " WP" : "");
    puts(now.pse ? " PSE" : "");
    puts(now.pge ? " PGE" : "");
    puts(now.smep ? " SMEP" : "");
    puts(now.smap ? " SMAP" : "");
    puts(now.nxe ? " NXE" : "");
    puts(now.ac ? " AC" : "");
    if (now.pke)
        put_named(" PKE, PKRU=", now.pkru);
    puts(" entries");
    for (unsigned l = now.levels; l; l--)
        put_named(" ", before[l]);
    puts(" after");
    for (unsigned l = now.levels; l; l--)
        put_named(" ", get_entry(bench_table[l][bench_choice[l]], bench_index[l]));
    put_named(" vector ", got.vector);
    put_named(" error ", got.error);
    put_named(" cr2 ", got.cr2);
    put_named(" ax ", got.ax);
    put_named(" flush ", bench_how);
    puts("\n");
    check("that combination", false);
}

/* ---- the comparison ---- */
static struct place *place_of(unsigned level)
{
    uint64_t base = bench_entry[level] & bit_range(12, 51);

    if (level == 2)
        base &= now.wide ? ~bit_range(0, 20) : ~bit_range(0, 21);
    if (level == 3)
        base &= ~bit_range(0, 29);
    for (unsigned i = 0; i < place_count; i++) {
        if (places[i].level == level && places[i].base == base)
            return &places[i];
    }
    return NULL;
}

static bool new_descriptor_used(const struct place *p)
{
    return ((volatile uint8_t *)(word)p->at)[AT_NEW + 5] & 1;
}

static void prepare_place(struct place *p)
{
    volatile uint32_t *f = (uint32_t *)(word)p->at;
    uint32_t limit = (uint32_t)(p - places + 1) * 0x1111;

    f[AT_READ / 4] = p->at + 1;
    f[AT_WRITE / 4] = p->word = 0;
    f[AT_USED / 4] = f[AT_NEW / 4] = limit & 0xffff;
    f[AT_USED / 4 + 1] = 0x40f300 | (limit & 0xf0000);
    f[AT_NEW / 4 + 1] = 0x40f200 | (limit & 0xf0000);
    f[AT_CODE / 4] = 0xb8 | (p->at + 2) << 8; /* mov eax, at + 2; int 80h */
    f[AT_CODE / 4 + 1] = (p->at + 2) >> 24 | 0x80cd00;
}

/* The value that the access came back with, and where things were written. */
static void check_value(enum access a, const struct verdict *v, const uint64_t *before)
{
    struct place *p = v->fault ? NULL : place_of(v->level);
    bool implicit_write = a == IMPL_WRITE || a == IMPL_USER_WRITE;

    if (!v->fault && !p) {
        report("no place for level", v->level, 0, a, before);
        return;
    }
    if (p && (a == USER_WRITE || a == SUP_WRITE))
        p->word = (uint32_t)acc_value;
    uint32_t want = 0xeeeeeeee;
    if (p && (a == USER_READ || a == SUP_READ))
        want = p->at + 1;
    if (p && (a == USER_EXEC || a == SUP_EXEC))
        want = p->at + 2;
    if (p && (a == IMPL_READ || a == IMPL_USER_READ))
        want = (uint32_t)(p - places + 1) * 0x1111;
    if ((uint32_t)got.ax != want)
        report("value", got.ax, want, a, before);
    for (unsigned i = 0; i < place_count; i++) {
        uint32_t is = ((volatile uint32_t *)(word)places[i].at)[AT_WRITE / 4];

        if (is != places[i].word)
            report("written", is, places[i].word, a, before);
        bool used = new_descriptor_used(&places[i]), should = p == &places[i] && implicit_write;
        if (used != should)
            report("descriptor accessed", used, should, a, before);
        if (used)
            ((volatile uint8_t *)(word)places[i].at)[AT_NEW + 5] &= (uint8_t)~1;
    }
}

static void check_fault(enum access a, const struct verdict *v, const uint64_t *before)
{
    static const uint8_t offset[ACCESSES] = {AT_READ, AT_WRITE, AT_CODE, AT_READ, AT_WRITE,
                                             AT_CODE, AT_USED,  AT_NEW,  AT_USED, AT_NEW};
    word want = bench_va + offset[a];

    if (got.vector != (v->fault ? 14 : 0x80)) {
        report("vector", got.vector, v->fault ? 14 : 0x80, a, before);
        return;
    }
    if (!v->fault)
        return;
    if (got.error != v->error)
        report("error code", got.error, v->error, a, before);
    if (offset[a] != AT_USED && offset[a] != AT_NEW) {
        if (got.cr2 != want)
            report("CR2", got.cr2, want, a, before);
        if (got.ip != acc_code)
            report("IP", got.ip, acc_code, a, before);
    } else if (got.cr2 - want > 7) { /* any byte of the descriptor */
        report("CR2", got.cr2, want, a, before);
    }
}

/* Accessed and dirty: what must be set is, nothing else changed. An entry that was merely looked at
 * before a fault may be marked accessed. */
static void check_marks(enum access a, const struct verdict *v, const uint64_t *before)
{
    bool ended = false;

    for (unsigned l = now.levels; l; l--) {
        uint64_t is = get_entry(bench_table[l][bench_choice[l]], bench_index[l]);
        uint64_t must = before[l], may = 0;

        if (l >= v->used)
            must |= E_A;
        if (v->fault && v->level == l)
            ended = true;
        if (v->fault && !ended)
            may = E_A;
        if (v->dirty && l == v->level)
            must |= E_D;
        if (((is ^ must) & ~may) || (must & ~is))
            report("entry", is, must, a, before);
        bench_entry[l] = is;
        if (!ended && model_leaf(&now, l, before[l]))
            ended = true;
    }
}

/* Set when rights have grown without a flush: the next access may fault once too often (4.10.4.3).
 */
static bool may_be_spurious;

/* The access as the entries are, all compared. */
static struct verdict try_access(enum access a)
{
    static uint32_t serial;
    uint64_t before[TOP + 1];
    struct verdict v = model(&now, bench_entry, a);

    for (unsigned l = 1; l <= now.levels; l++)
        before[l] = bench_entry[l];
    acc_value = ++serial * 0x9e3779b1u;
    start_access(a);
    if (may_be_spurious && got.vector == 14 && !v.fault)
        start_access(a);
    may_be_spurious = false;
    check_fault(a, &v, before);
    check_value(a, &v, before);
    check_marks(a, &v, before);
    check("an access", true);
    return v;
}

/* ---- configuration ---- */
static uint32_t cr4_of(const struct paging *p)
{
    return (p->pse ? 1u << 4 : 0) | (p->pge ? 1u << 7 : 0) | (p->smep ? 1u << 20 : 0) |
           (p->smap ? 1u << 21 : 0) | (p->pke ? 1u << 22 : 0);
}

/* Brings CR0, CR4, EFER and PKRU to `now`. Whether to flush is the caller's. */
static void apply(void)
{
    word cr0 = READ_CR(0), cr4 = 0, want0 = (cr0 & ~(word)0x10000) | (now.wp ? 0x10000 : 0);

    if (cr0 != want0)
        WRITE_CR(0, want0);
    if (have.cr4) {
        cr4 = READ_CR(4);
        word want4 = (cr4 & ~(word)0x700090) | cr4_of(&now);
        if (cr4 != want4)
            WRITE_CR(4, want4);
    }
    if (now.wide && have.nx) {
        uint64_t efer = rdmsr(0xc0000080), want = (efer & ~0x800ull) | (now.nxe ? 0x800 : 0);
        if (efer != want)
            wrmsr(0xc0000080, want);
    }
    if (now.pke)
        asm volatile(".byte 0x0f, 0x01, 0xef" ::"a"(now.pkru), "c"(0), "d"(0) : "memory");
}

static void write_entries(void)
{
    for (unsigned l = 1; l <= now.levels; l++)
        store_entry(l);
}

static bool any_global(void)
{
    bool g = false;

    for (unsigned l = 1; l <= now.levels; l++)
        g |= model_leaf(&now, l, bench_entry[l]) && (bench_entry[l] & E_G);
    return g && now.pge;
}

/* Entries into memory, and all that the SDM asks before they count: INVLPG; or nothing, since the
 * highest was not present before (never cached); or a CR3 load, if nothing is global; or a change
 * of CR4.PGE. */
static void set_entries(unsigned how)
{
    for (unsigned l = 1; l <= now.levels && !now.wide; l++)
        bench_entry[l] = (uint32_t)bench_entry[l];
    bool global = any_global();

    bench_how = how;
    if (how == 2 && (global || was_global))
        how = 0;
    if (how == 3 && !have.pge)
        how = 0;
    if (how == 1) {
        uint64_t keep = bench_entry[now.levels];

        bench_entry[now.levels] = keep & ~E_P;
        write_entries();
        invlpg(bench_va);
        try_access((enum access)rnd(ACCESSES));
        bench_entry[now.levels] = keep;
    }
    write_entries();
    if (how == 0)
        invlpg(bench_va);
    if (how == 2)
        WRITE_CR(3, bench_root);
    if (how == 3) {
        WRITE_CR(4, READ_CR(4) ^ 0x80);
        WRITE_CR(4, READ_CR(4) ^ 0x80);
    }
    was_global = global;
}

/* An entry with these bits that leads where it should: to the next level's table, or to a place. */
static uint64_t aim(unsigned level, uint64_t bits, unsigned which)
{
    unsigned seen = 0;
    struct place *found = NULL;

    if (!model_leaf(&now, level, bits))
        return bits | (word)bench_table[level - 1][bench_choice[level - 1]];
    for (unsigned i = 0; i < place_count; i++) {
        if (places[i].level == level && (!found || seen++ < which))
            found = &places[i];
    }
    return bits | found->base;
}

static void add_place(unsigned level, uint64_t base, uint32_t at)
{
    places[place_count] = (struct place){.level = level, .base = base, .at = at};
    prepare_place(&places[place_count++]);
}

/* Tables for the address, two for each level but the highest, whose is `top`. All the other entries
 * beside its own are filled too: an access that marks those has gone astray. */
#define BESIDE (E_P | E_W | E_U)
static void bench_tables(uint8_t *top)
{
    for (unsigned l = 1; l <= now.levels; l++) {
        unsigned bits = now.wide ? 9 : 10;

        bench_index[l] = (unsigned)(bench_va >> (12 + (l - 1) * bits)) & ((1u << bits) - 1);
        for (unsigned k = 0; k < 2; k++) {
            bench_table[l][k] = l == now.levels ? top : (uint8_t *)(word)new_table();
            for (int d = -3; l == 1 && d <= 3; d++)
                put_entry(bench_table[l][k], (unsigned)((int)bench_index[l] + d),
                          0x1000000 | BESIDE);
        }
        bench_choice[l] = 0;
    }
}

static void check_beside(void)
{
    bool touched = false;

    for (unsigned k = 0; k < 2; k++) {
        for (int d = -3; d <= 3; d++) {
            uint64_t e = get_entry(bench_table[1][k], (unsigned)((int)bench_index[1] + d));
            touched |= d && e != (0x1000000 | BESIDE);
        }
    }
    check("entries beside are not marked", !touched);
}

static void bench_gates(void)
{
    tss_setup();
    idt_set(14, (word)end_fault, 0xe, 0, true);
    idt_set(0x80, (word)end_int, 0xe, 3, true);
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" ::"r"(SEL_UDATA));
}

/* The LDT is at the address itself: its descriptors are read through the entries under test. */
static void bench_ldt(void)
{
    gdt_set(SEL_LDT, (uint32_t)bench_va, 0xfff, 0x82, 0);
#ifdef __x86_64__
    gdt[(SEL_LDT >> 3) + 1] = bench_va >> 32;
#endif
    asm volatile("lldt %w0" ::"r"(SEL_LDT));
}

static void bench_cpu(void)
{
    uint32_t a = 0, b, c, d;

    have.pse = has_cpuid(1, 0, EDX, 3);
    have.pae = has_cpuid(1, 0, EDX, 6);
    have.pge = has_cpuid(1, 0, EDX, 13);
    have.nx = has_cpuid(0x80000001, 0, EDX, 20);
    have.smep = has_cpuid(7, 0, EBX, 7);
    have.smap = has_cpuid(7, 0, EBX, 20);
    have.pku = sizeof(word) == 8 && has_cpuid(7, 0, ECX, 3);
    have.la57 = sizeof(word) == 8 && has_cpuid(7, 0, ECX, 16);
    have.cr4 = have.pse || have.pae || have.pge;
    now.pse36 = has_cpuid(1, 0, EDX, 17);
    now.pat = has_cpuid(1, 0, EDX, 16);
    now.gbyte = has_cpuid(0x80000001, 0, EDX, 26);
    now.maxphy = have.pae || now.pse36 ? 36 : 32;
    asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0x80000000u), "2"(0));
    if (a >= 0x80000008 && a < 0x80010000) {
        asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0x80000008u), "2"(0));
        now.maxphy = a & 0xff;
    }
}

#endif
