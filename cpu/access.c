/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow side of guest memory: TLB misses, MMIO and ROM, page crossings, stores over decoded
 * code, alignment checks (SDM 3A 6.15 #AC), data breakpoints. Also code fetches.
 */
#include "cpu/access.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/lint.h"
#include "base/mutant.h"
#include "cpu/blocks.h"
#include "cpu/debug.h"
#include "cpu/debugger.h"
#include "cpu/fetch.h"
#include "cpu/hostio.h"
#include "cpu/lint_tables.h"
#include "cpu/lint_tlb.h"
#include "cpu/mmu.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/tlb.h"

/* What guest memory is read and written as: at any address, whatever lies there. */
typedef uint64_t ram_u64 __attribute__((aligned(1), may_alias));
typedef uint32_t ram_u32 __attribute__((aligned(1), may_alias));
typedef uint16_t ram_u16 __attribute__((aligned(1), may_alias));

/* ---- filling ---- */

/* Where an access goes. No pointer to its slot: before the access is made, another piece of it may
 * have changed the map through MMIO. */
struct target {
    gpa_t gpa;
    uint8_t *hva; /* NULL: MMIO, also a store to flash */
    bool rom;     /* stores are dropped */
    bool tracked; /* a store to RAM that somebody wants to know */
};

/* Are linear addresses 64 bits wide for this access? Tables and the stacks that events are pushed
 * on are reached with all bits even from compatibility mode. */
static bool wide_linear(const struct cpu *cpu, unsigned acc)
{
    return cpu_code64(cpu) || ((acc & ACC_SYS) && cpu_long_mode(cpu));
}

static gva_t wrap(const struct cpu *cpu, gva_t va, unsigned acc)
{
    return wide_linear(cpu, acc) ? va : (uint32_t)va;
}

static uint64_t tag_page(uint64_t tag)
{
    return tag & PAGE_MASK;
}

/* A global entry of an earlier address space is still good: give it the new generation. */
static bool revive(struct cpu *cpu, struct tlb_entry *e, gva_t va, unsigned ctx)
{
    uint64_t key = tlb_key_for(cpu, ctx);
    bool r_fits =
        e->rtag != ~UINT64_C(0) && tag_page(e->rtag) == (va & PAGE_MASK) && (e->rtag & 3) == ctx;

    if (!r_fits || !(e->gpa & TLB_GLOBAL) ||
        ((e->gpa >> TLB_GGEN_SHIFT) & (TLB_GENS - 1)) != cpu->tlb_global_gen)
        return false;
    if (e->wtag != ~UINT64_C(0))
        e->wtag = tag_page(e->wtag) | key | (e->wtag & TLB_SLOW);
    e->rtag = tag_page(e->rtag) | key | (e->rtag & TLB_SLOW);
    return true;
}

static void fill(struct cpu *cpu, struct tlb_entry *e, gva_t va, unsigned acc, unsigned ctx,
                 const struct mmu_xlat *x)
{
    uint64_t tag = (va & PAGE_MASK) | tlb_key_for(cpu, ctx);
    const struct memslot *s = memslots_find(cpu->slots, x->gpa >> PAGE_SHIFT);
    /* of a logged page the entry is what is writable, if the MMU has none that it can take that
     * from (dirty_log.h): made by a store only, and marked when it is made */
    bool logged = s && (s->flags & MEMSLOT_LOG_DIRTY) && !x->logged;
    uint64_t flags = 0;
    bool slow_r = !s, slow_w = !s;

    cpu->stat_tlb_fills++;
    if (x->shift != PAGE_SHIFT)
        tlb_note_large(cpu, va, x->shift);
    if (!s)
        flags |= TLB_MMIO;
    else if (memslot_readonly(s))
        flags |= s->flags & MEMSLOT_FLASH ? TLB_FLASH : TLB_ROM, slow_w = true;
    else
        slow_w = page_tracked(s, x->gpa >> PAGE_SHIFT);
    if (cpu_debugs(cpu, DEBUG_WATCH) && debugger_watches(cpu, va, x->gpa))
        slow_r = slow_w = true;
    if (x->global)
        flags |= TLB_GLOBAL | ((uint64_t)cpu->tlb_global_gen << TLB_GGEN_SHIFT);
    e->gpa = (x->gpa & PAGE_MASK) | flags;
    e->addend = s ? (uintptr_t)memslot_hva(s, x->gpa & PAGE_MASK) - (va & PAGE_MASK) : 0;
    e->rtag = tag | (slow_r ? TLB_SLOW : 0);
    e->wtag = (x->writable && (!logged || MUTANT(fill_writable_by_reading))) || acc == ACC_W
                  ? tag | (slow_w ? TLB_SLOW : 0)
                  : ~UINT64_C(0);
    if (logged && acc == ACC_W && !memslot_readonly(s) && !MUTANT(fill_marks_nothing))
        memslot_mark_dirty(s, x->gpa >> PAGE_SHIFT);
}

/* Has it stores to RAM go the slow way for nobody any more? Then it is to be filled anew. */
static bool no_longer_tracked(const struct cpu *cpu, const struct tlb_entry *e)
{
    const struct memslot *s;

    if (!(e->wtag & TLB_SLOW) || (e->gpa & TLB_KIND) != TLB_RAM)
        return false;
    s = memslots_find(cpu->slots, e->gpa >> PAGE_SHIFT);
    return s && !page_tracked(s, e->gpa >> PAGE_SHIFT);
}

/* Translates one byte's address; raises on a fault. `acc` is ACC_R or ACC_W, with ACC_SYS. */
static struct target translate(struct cpu *cpu, gva_t va, unsigned acc)
{
    unsigned ctx = tlb_ctx(cpu, acc), kind = acc & (ACC_R | ACC_W);
    uint64_t want = (va & PAGE_MASK) | tlb_key_for(cpu, ctx);
    struct tlb_entry *e = tlb_slot(cpu, va);
    struct target t;
    unsigned what;
    bool hit = ((kind == ACC_W ? e->wtag : e->rtag) & ~TLB_SLOW) == want;

    if (!hit && revive(cpu, e, va, ctx))
        hit = ((kind == ACC_W ? e->wtag : e->rtag) & ~TLB_SLOW) == want;
    if (!hit || (kind == ACC_W && no_longer_tracked(cpu, e))) {
        struct mmu_xlat x;
        uint32_t err;
        bool user = ctx == TLB_CTX_USER, ac = ctx == TLB_CTX_KERNEL_AC;
        int r = cpu->mmu->translate(cpu, va, kind, user, ac, &x, &err);

        if (unlikely(cpu->lint_tlb))
            lint_tlb_used(cpu, va, kind, user, ac);
        if (r)
            cpu_raise_pf(cpu, va, err);
        fill(cpu, e, va, kind, ctx, &x);
    }
    t.gpa = (e->gpa & PAGE_MASK) | (va & ~PAGE_MASK);
    what = e->gpa & TLB_KIND;
    t.hva = what == TLB_MMIO || (what == TLB_FLASH && kind == ACC_W && !MUTANT(flash_takes_stores))
                ? NULL
                : (uint8_t *)(va + e->addend);
    t.rom = what == TLB_ROM;
    t.tracked = t.hva && !t.rom && kind == ACC_W && (e->wtag & TLB_SLOW);
    return t;
}

/* What every slow access checks before it translates. */
static void check_access(struct cpu *cpu, gva_t va, unsigned size, unsigned acc, bool alignable)
{
    if (wide_linear(cpu, acc) && (!gva_canonical(cpu, va) || !gva_canonical(cpu, va + size - 1)))
        cpu_raise_err(cpu, acc & ACC_STACK ? EXC_SS : EXC_GP, 0);
    if (alignable && !(acc & ACC_SYS) && cpu_alignment_checked(cpu) && (va & (size - 1)))
        cpu_raise_err(cpu, EXC_AC, 0);
    if (cpu->watching) /* tables, too, and what the processor pushes */
        debug_data_access(cpu, va, size, acc & ACC_W);
}

static unsigned insn_acc(const struct insn *i, unsigned acc)
{
    if (i && (i->flags & INSN_MEM ? i->seg == SEG_SS : i->flags & INSN_STACK))
        acc |= ACC_STACK;
    return acc;
}

/* The access was made, to t and, of what crosses into another page, to t2 from byte n on. */
static void tell_debugger(struct cpu *cpu, gva_t va, const struct target *t,
                          const struct target *t2, unsigned n, unsigned size, unsigned acc)
{
    debugger_accessed(cpu, va, t->gpa, n, acc);
    if (n < size)
        debugger_accessed(cpu, wrap(cpu, va + n, acc), t2->gpa, size - n, acc);
}

/* ---- one piece within a page ---- */

RACY void ram_copy(void *to, const void *from, size_t size)
{
    volatile uint8_t *t = to;
    const volatile uint8_t *f = from;

    for (; size >= 8; size -= 8, t += 8, f += 8)
        *(volatile ram_u64 *)t = *(const volatile ram_u64 *)f;
    if (size & 4) {
        *(volatile ram_u32 *)t = *(const volatile ram_u32 *)f;
        t += 4, f += 4;
    }
    if (size & 2) {
        *(volatile ram_u16 *)t = *(const volatile ram_u16 *)f;
        t += 2, f += 2;
    }
    if (size & 1)
        *t = *f;
}

static void load_piece(struct cpu *cpu, const struct target *t, void *buf, unsigned size)
{
    if (t->hva) {
        ram_copy(buf, t->hva, size);
        if (unlikely(cpu->locked == CPU_LOCKED_CAS))
            memcpy(cpu->seen, buf, size);
        return;
    }
    for (unsigned done = 0; done < size;) {
        unsigned left = size - done, n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        uint64_t v = cpu_mmio_read(cpu, t->gpa + done, n);

        memcpy((uint8_t *)buf + done, &v, n);
        done += n;
    }
}

bool ram_cas16(void *at, uint64_t old[2], const uint64_t new[2])
{
    bool equal;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(equal), "+m"(*(unsigned __int128 *)at), "+a"(old[0]), "+d"(old[1])
                     : "b"(new[0]), "c"(new[1])
                     : "memory");
    return equal;
}

/* Puts what is at buf where `seen` is; false if something else is there by now. */
UNALIGNED_GUEST static bool swap_seen(struct cpu *cpu, void *at, const void *buf, unsigned size)
{
    uint64_t new[2] = {0};

    memcpy(new, buf, size);
    switch (size) {
#define SWAP(bits)                                                                                 \
    case bits / 8:                                                                                 \
        return __atomic_compare_exchange_n((uint##bits##_t *)at, (uint##bits##_t *)cpu->seen,      \
                                           (uint##bits##_t) new[0], false, __ATOMIC_SEQ_CST,       \
                                           __ATOMIC_RELAXED)
        SWAP(8);
        SWAP(16);
        SWAP(32);
        SWAP(64);
#undef SWAP
    default: return ram_cas16(at, cpu->seen, new);
    }
}

static void store_piece(struct cpu *cpu, const struct target *t, const void *buf, unsigned size)
{
    if (t->hva) {
        if (t->rom) {
            lint_report_of(LINT_ROM_WRITE, t->gpa >> PAGE_SHIFT,
                           "write to read-only memory at 0x%" PRIx64, t->gpa);
            return;
        }
        if (unlikely(cpu->locked == CPU_LOCKED_CAS)) {
            if (!swap_seen(cpu, t->hva, buf, size))
                cpu->locked = CPU_LOCKED_LOST;
            return;
        }
        ram_copy(t->hva, buf, size);
        return;
    }
    for (unsigned done = 0; done < size;) {
        unsigned left = size - done, n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        uint64_t v = 0;

        memcpy(&v, (const uint8_t *)buf + done, n);
        cpu_mmio_write(cpu, t->gpa + done, v, n);
        done += n;
    }
}

/* Tells of a store to RAM. Like a hook: nothing translated before may be used behind it. */
static void tell_stored(struct cpu *cpu, const struct target *t, unsigned size)
{
    const struct memslot *s;
    uint32_t who;

    if (!t->tracked)
        return;
    /* Who tracks a page counts, then reads it; here it was written, then the count is read. The
     * fence keeps that order: one of the two sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    s = memslots_find(cpu->slots, t->gpa >> PAGE_SHIFT);
    who = s ? page_tracked(s, t->gpa >> PAGE_SHIFT) : 0;
    if (who & TRACK_CODES)
        blocks_code_written(cpu, t->gpa, size, who & TRACK_CODES);
    if (who & TRACK_LINT)
        lint_tables_written(cpu, t->gpa, size);
    if (who & TRACK_TABLES)
        cpu->mmu->written(cpu, t->gpa, size);
}

/* Bytes of va.. that lie in its page, at most size. */
static unsigned first_piece(gva_t va, unsigned size)
{
    unsigned room = (unsigned)(PAGE_SIZE - (va & ~PAGE_MASK));

    return size < room ? size : room;
}

/* Of an access in two pieces, the one in RAM goes first: the other's hook may wait, and host
 * addresses translated before that are void behind it (see group.h). */
static bool second_first(const struct target *first, const struct target *second)
{
    return !first->hva && second->hva && !MUTANT(access_ram_first);
}

static void read_checked(struct cpu *cpu, gva_t va, void *buf, unsigned size, unsigned acc)
{
    unsigned n = first_piece(va, size);
    struct target t = translate(cpu, va, acc), t2 = {0};

    if (n < size)
        t2 = translate(cpu, wrap(cpu, va + n, acc), acc);
    if (likely(n == size)) {
        load_piece(cpu, &t, buf, n);
    } else if (second_first(&t, &t2)) {
        load_piece(cpu, &t2, (uint8_t *)buf + n, size - n);
        load_piece(cpu, &t, buf, n);
    } else {
        load_piece(cpu, &t, buf, n);
        load_piece(cpu, &t2, (uint8_t *)buf + n, size - n);
    }
    if (cpu_debugs(cpu, DEBUG_WATCH))
        tell_debugger(cpu, va, &t, &t2, n, size, acc);
}

static void write_checked(struct cpu *cpu, gva_t va, const void *buf, unsigned size, unsigned acc)
{
    unsigned n = first_piece(va, size);
    struct target t, t2 = {0};
    uint32_t gen;

    do { /* the second may flush what the first found */
        gen = cpu->tlb_gen;
        t = translate(cpu, va, acc);
        if (n < size)
            t2 = translate(cpu, wrap(cpu, va + n, acc), acc);
    } while (unlikely(n < size && gen != cpu->tlb_gen));
    if (likely(n == size)) {
        store_piece(cpu, &t, buf, n);
    } else if (second_first(&t, &t2)) {
        store_piece(cpu, &t2, (const uint8_t *)buf + n, size - n);
        store_piece(cpu, &t, buf, n);
    } else {
        store_piece(cpu, &t, buf, n);
        store_piece(cpu, &t2, (const uint8_t *)buf + n, size - n);
    }
    tell_stored(cpu, &t, n);
    if (n < size)
        tell_stored(cpu, &t2, size - n);
    if (cpu_debugs(cpu, DEBUG_WATCH))
        tell_debugger(cpu, va, &t, &t2, n, size, acc);
}

/* ---- the interface ---- */

uint64_t mem_read_slow(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    unsigned acc = insn_acc(i, ACC_R);
    uint64_t v = 0;

    cpu->cur = i;
    check_access(cpu, va, size, acc, true);
    read_checked(cpu, va, &v, size, acc);
    return v;
}

void mem_write_slow(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t val, unsigned size)
{
    unsigned acc = insn_acc(i, ACC_W);

    cpu->cur = i;
    check_access(cpu, va, size, acc, true);
    write_checked(cpu, va, &val, size, acc);
}

void mem_read_bytes(struct cpu *cpu, const struct insn *i, gva_t va, void *buf, unsigned size,
                    unsigned acc)
{
    if (i)
        cpu->cur = i;
    acc = insn_acc(i, (acc & (ACC_SYS | ACC_STACK)) | ACC_R);
    check_access(cpu, va, size, acc, false);
    read_checked(cpu, va, buf, size, acc);
}

void mem_write_bytes(struct cpu *cpu, const struct insn *i, gva_t va, const void *buf,
                     unsigned size, unsigned acc)
{
    if (i)
        cpu->cur = i;
    acc = insn_acc(i, (acc & (ACC_SYS | ACC_STACK)) | ACC_W);
    check_access(cpu, va, size, acc, false);
    write_checked(cpu, va, buf, size, acc);
}

void mem_probe(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size, unsigned acc)
{
    unsigned n = first_piece(va, size);

    if (i)
        cpu->cur = i;
    acc = insn_acc(i, acc);
    if (wide_linear(cpu, acc) && (!gva_canonical(cpu, va) || !gva_canonical(cpu, va + size - 1)))
        cpu_raise_err(cpu, acc & ACC_STACK ? EXC_SS : EXC_GP, 0);
    translate(cpu, va, acc & ~(acc & ACC_W ? ACC_R : 0u));
    if (n < size)
        translate(cpu, wrap(cpu, va + n, acc), acc & ~(acc & ACC_W ? ACC_R : 0u));
}

void mem_check_aligned(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    if (!cpu_alignment_checked(cpu) || !(va & (size - 1)))
        return;
    if (wide_linear(cpu, 0) && !gva_canonical(cpu, va)) /* a fault of its own, which comes first */
        return;
    cpu->cur = i;
    cpu_raise_err(cpu, EXC_AC, 0);
}

void *mem_rmw_slow(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    unsigned acc = insn_acc(i, ACC_W), n = first_piece(va, size);
    struct target t;

    cpu->cur = i;
    check_access(cpu, va, size, acc, true);
    t = translate(cpu, va, acc);
    if (n < size) {
        translate(cpu, wrap(cpu, va + n, acc), acc);
        return NULL;
    }
    /* code pages and ROM go through mem_write_slow */
    return t.hva && !t.rom && !t.tracked ? t.hva : NULL;
}

void mem_lock(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    unsigned acc = insn_acc(i, ACC_W), n = first_piece(va, size);
    struct target t;
    bool ram;

    if (cpu_group_size(cpu->group) == 1)
        return;
    cpu->cur = i;
    do {
        t = translate(cpu, va, acc);
        ram = t.hva != NULL;
        if (n == size && ram && !t.rom) {
            cpu->locked = CPU_LOCKED_CAS;
            return;
        }
        if (n < size) {
            t = translate(cpu, wrap(cpu, va + n, acc), acc);
            ram &= t.hva != NULL;
        }
        /* Having memory for oneself, one does not wait for anything: that would end it. So both
         * pages are in the TLB when it begins; if not, it was lost on the way here. */
        if (ram && cpu->locked == CPU_LOCKED_ALL)
            return;
        if (ram && !MUTANT(access_split_lock))
            cpu_lock_all(cpu);
        if (MUTANT(access_lock_ends_early))
            return;
    } while (ram && !MUTANT(access_split_lock));
    if (cpu->locked)
        cpu_unlock(cpu);
    cpu_lock_bus(cpu);
}

bool mem_unlock(struct cpu *cpu)
{
    bool lost = cpu->locked == CPU_LOCKED_LOST;

    if (cpu->locked)
        cpu_unlock(cpu);
    return !lost || MUTANT(access_lost_swap);
}

void sys_update8(struct cpu *cpu, gva_t va, uint8_t set, uint8_t clear)
{
    struct target t;
    uint8_t v;

    check_access(cpu, va, 1, ACC_W | ACC_SYS, false);
    t = translate(cpu, va, ACC_W | ACC_SYS);
    if (!t.hva || t.rom) {
        load_piece(cpu, &t, &v, 1);
        v = (uint8_t)((v | set) & ~clear);
        store_piece(cpu, &t, &v, 1);
        if (cpu_debugs(cpu, DEBUG_WATCH))
            debugger_accessed(cpu, va, t.gpa, 1, ACC_W);
        return;
    }
    v = __atomic_load_n(t.hva, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(t.hva, &v, (uint8_t)((v | set) & ~clear), true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
    tell_stored(cpu, &t, 1);
    if (cpu_debugs(cpu, DEBUG_WATCH))
        debugger_accessed(cpu, va, t.gpa, 1, ACC_W);
}

uint64_t sys_read(struct cpu *cpu, gva_t va, unsigned size)
{
    uint64_t v = 0;

    check_access(cpu, va, size, ACC_R | ACC_SYS, false);
    read_checked(cpu, va, &v, size, ACC_R | ACC_SYS);
    return v;
}

void sys_write(struct cpu *cpu, gva_t va, uint64_t val, unsigned size)
{
    check_access(cpu, va, size, ACC_W | ACC_SYS, false);
    write_checked(cpu, va, &val, size, ACC_W | ACC_SYS);
}

void seg_fault(struct cpu *cpu, const struct insn *i, unsigned seg)
{
    cpu->cur = i;
    cpu_raise_err(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
}

/* ---- instruction fetch ---- */

gpa_t fetch_translate_page(struct cpu *cpu, gva_t lin, const uint8_t **page)
{
    bool user = cpu->cpl == 3;
    uint64_t tag = (lin & PAGE_MASK) | tlb_key_for(cpu, user ? TLB_CTX_USER : TLB_CTX_KERNEL);
    struct itlb_entry *e = &cpu->itlb[(lin >> PAGE_SHIFT) & (ITLB_SIZE - 1)];

    if (e->tag != tag) {
        struct mmu_xlat x;
        const struct memslot *s;
        uint32_t err;
        int r;

        if (cpu_code64(cpu) && !gva_canonical(cpu, lin))
            cpu_raise_err(cpu, EXC_GP, 0);
        r = cpu->mmu->translate(cpu, lin, ACC_X, user, false, &x, &err);
        if (unlikely(cpu->lint_tlb))
            lint_tlb_used(cpu, lin, ACC_X, user, false);
        if (r)
            cpu_raise_pf(cpu, lin, err);
        if (x.shift != PAGE_SHIFT)
            tlb_note_large(cpu, lin, x.shift);
        s = memslots_find(cpu->slots, x.gpa >> PAGE_SHIFT);
        e->gpa = x.gpa & PAGE_MASK;
        e->hva = s ? memslot_hva(s, e->gpa) : NULL;
        e->tag = tag;
    }
    if (page)
        *page = e->hva;
    return e->gpa | (lin & ~PAGE_MASK);
}

gpa_t fetch_translate(struct cpu *cpu, gva_t lin)
{
    return fetch_translate_page(cpu, wrap(cpu, lin, ACC_X), NULL);
}
