/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual processor: the architectural state as the interpreter keeps it, its TLB, and the
 * calls by which the rest of Penumbra runs it and talks to it.
 *
 * Unless a comment says otherwise, everything here belongs to the thread that runs the vCPU. While
 * it is stopped, between two cpu_run, that may be another.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/lint.h"
#include "cpu/features.h"
#include "cpu/group.h"
#include "cpu/insn.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/types.h"
#include "cpu/x86.h"

struct block;
struct blocks;
struct mmu_ops;
struct x86_state;

struct segment {
    uint16_t sel;
    uint16_t attr;  /* SEG_* of x86.h */
    uint32_t limit; /* in bytes, granularity applied */
    uint64_t base;
    /* Derived by cpu_set_segment for the checks of the fast path: an access of kind k (ACC_R/W/X)
     * to lo..hi is allowed if (ok & k). An unusable segment has ok = 0. */
    uint32_t lo, hi;
    uint8_t ok;
};

struct table_reg {
    uint64_t base;
    uint16_t limit;
};

/* Kinds of memory access; also segment.ok. */
enum {
    ACC_R = 1 << 0,
    ACC_W = 1 << 1,
    ACC_X = 1 << 2,
    ACC_STACK = 1 << 3, /* canonical and limit faults are #SS */
    ACC_SYS = 1 << 4,   /* implicit supervisor access whatever the CPL: tables, TSS */
};

/* cpu.mode: everything that decoding and binding depend on; part of a block's key. */
enum {
    MODE_CODE = 3, /* mask: MODE_16, MODE_32 or MODE_64 */
    MODE_16 = 0,
    MODE_32 = 1,
    MODE_64 = 2,
    MODE_SS32 = 1 << 2, /* stack pointer is ESP, not SP (outside MODE_64) */
    MODE_FLAT = 1 << 3, /* CS, DS, ES, SS need no checks: base 0, limit 4 GiB; always in MODE_64 */
    MODE_FPU = 1 << 4,  /* x87 and MMX may run: CR0.EM and CR0.TS clear */
    MODE_SSE = 1 << 5,  /* SSE may run: also CR4.OSFXSR */
    MODE_STEP = 1 << 6, /* blocks of one instruction: single step, breakpoints, shadows */
    MODE_VEX = 1 << 7,  /* protected mode: VEX prefixes are allowed */
    MODE_AVX = 1 << 8,  /* AVX may run: also CR4.OSXSAVE, XCR0's SSE and AVX, CR0.TS clear */
    MODE_PORTABLE = 1 << 9, /* handlers that ask no more of the host than any x86-64 has */
    MODE_BITS = 10,         /* that many: cpu_bcache_key */
};

/* cpu.events: set by any thread with cpu_set_event, cleared by the vCPU. */
enum {
    EV_INTR = 1 << 0, /* an external interrupt waits at the interrupt controller (a level) */
    EV_NMI = 1 << 1,
    EV_SMI = 1 << 2,
    EV_INIT = 1 << 3,
    EV_SIPI = 1 << 4,
    EV_STOP = 1 << 5,   /* leave cpu_run */
    EV_FLUSH = 1 << 6,  /* the physical map changed: drop TLB and decoded code */
    EV_CODE = 1 << 7,   /* DMA wrote decoded code: see blocks.h */
    EV_AUDIT = 1 << 8,  /* check the MMU's invariants: see mmu_shadow_audit */
    EV_SAMPLE = 1 << 9, /* hooks.sample; does not end a HLT */
    EV_LINT = 1 << 10,  /* translate anew: see lint_tables.h; neither does this */
    EV_MARK = 1 << 11,  /* hooks.mark; nor this */
};

/* Interrupt shadow and the like: cpu.inhibit. */
enum {
    INHIBIT_INTR = 1 << 0, /* after STI: no maskable interrupt at the next boundary */
    INHIBIT_ALL = 1 << 1,  /* after MOV SS / POP SS: nor NMI, SMI, nor debug traps */
};

#define TLB_SIZE 1024
#define TLB_SLOW UINT64_C(0x800) /* in a tag: entry holds, but accesses take the slow path */

/*
 * Software TLB. A tag is the page's linear address with cpu.tlb_key (11 bits: generation and
 * privilege context) in its low bits, so that a flush or a change of privilege is a change of key.
 */
struct tlb_entry {
    uint64_t rtag, wtag; /* ~0 when not valid for reads / writes */
    uintptr_t addend;    /* host address minus linear address; RAM only */
    uint64_t gpa;        /* page address, with TLB_* flags in the low bits */
};
enum {
    TLB_KIND = 3, /* what is there */
    TLB_RAM = 0,
    TLB_MMIO = 1,   /* no memory: go to the bus */
    TLB_ROM = 2,    /* writes are dropped */
    TLB_FLASH = 3,  /* reads are memory's, writes go to the bus */
    TLB_GLOBAL = 4, /* survives a CR3 load, while its generation (bits 11..3) is the CPU's */
    TLB_GGEN_SHIFT = 3,
};
/* The privilege context: bits 1..0 of a tag. */
enum {
    TLB_CTX_KERNEL = 0,
    TLB_CTX_USER = 1,
    TLB_CTX_KERNEL_AC = 2, /* RFLAGS.AC lifts SMAP */
    TLB_CTX_NEVER = 3,     /* matches no entry: every access takes the slow path */
};
#define TLB_GEN_SHIFT  2
#define TLB_GENS       512
#define TLB_LARGE_BITS 2048

struct itlb_entry {
    uint64_t tag;
    uint64_t gpa;
    const uint8_t *hva; /* of the page's start; NULL for MMIO */
};
#define ITLB_SIZE 128

struct bcache_entry {
    uint64_t lin;
    uint64_t key; /* cpu.bcache_key */
    struct block *block;
};
#define BCACHE_SIZE 8192

/* What a TLB is to forget: everything, or that the frames may be stored to without a look. */
#define CPU_FLUSH_FRAMES 16
struct cpu_flush {
    bool all;
    uint8_t n;
    gfn_t gfn[CPU_FLUSH_FRAMES];
};

/* An address space (PCID) that was left, and under what its translations are still kept. */
struct tlb_space {
    bool kept; /* false: this place is free */
    uint16_t pcid;
    uint32_t tlb_gen;
    uint32_t bcache_gen; /* 0: blocks are to be looked up anew */
    uint64_t left;       /* when, in switches */
};
#define TLB_SPACES 12

/* 80-bit registers as FXSAVE lays them out. */
struct fpu {
    uint8_t st[8][16]; /* physical registers R0..R7; ST(n) is R[(top + n) & 7] */
    uint16_t cw, sw; /* sw holds the exception flags, C0-C3, ES and B; its TOP field is not used */
    uint8_t top;
    uint8_t tags; /* bit n: R[n] is not empty (FXSAVE's abridged form) */
    uint16_t fop;
    uint16_t fcs, fds;
    uint64_t fip, fdp;
    bool ferr;  /* FERR# is asserted: an exception was reported the external way (CR0.NE clear) */
    bool ignne; /* IGNNE# is asserted: such exceptions are ignored until the flags are cleared */
};

union xmm {
    uint8_t b[16];
    uint16_t w[8];
    uint32_t d[4];
    uint64_t q[2];
    float f32[4];
    double f64[2];
} __attribute__((aligned(16)));

/* A YMM register; its low half is the XMM register. */
union ymm {
    uint8_t b[32];
    uint16_t w[16];
    uint32_t d[8];
    uint64_t q[4];
    float f32[8];
    double f64[4];
    union xmm x[2];
} __attribute__((aligned(32)));

/* What happened: an exception, an interrupt or an INT instruction on its way to the guest. */
struct cpu_event {
    bool pending;
    uint8_t vector;
    enum { EVK_FAULT, EVK_TRAP, EVK_SOFT_INT, EVK_ICEBP, EVK_INTR, EVK_NMI } kind;
    bool has_error;
    uint32_t error;
};

/* How the CPU reaches the rest of the board. Every call may be made by the vCPU thread at any
 * instruction; the machine takes the device lock inside, outside guest mode (cpu_leave_guest),
 * where it may wait. `size` is 1, 2, 4 or 8. */
struct cpu_hooks {
    void *opaque;
    uint64_t (*port_read)(void *opaque, uint16_t port, unsigned size);
    void (*port_write)(void *opaque, uint16_t port, uint64_t val, unsigned size);
    uint64_t (*mmio_read)(void *opaque, gpa_t gpa, unsigned size);
    void (*mmio_write)(void *opaque, gpa_t gpa, uint64_t val, unsigned size);
    int (*int_ack)(void *opaque); /* vector of the highest interrupt, or -1: it went away */
    uint8_t (*get_cr8)(void *opaque);
    void (*set_cr8)(void *opaque, uint8_t tpr);
    uint64_t (*get_apic_base)(void *opaque);
    bool (*set_apic_base)(void *opaque, uint64_t val); /* false: #GP */
    /* x2APIC registers, MSRs 0x800 to 0x8ff; false: #GP. NULL: there are none */
    bool (*apic_msr_read)(void *opaque, uint32_t index, uint64_t *val);
    bool (*apic_msr_write)(void *opaque, uint32_t index, uint64_t val);
    uint64_t (*get_tsc_deadline)(void *opaque);
    void (*set_tsc_deadline)(void *opaque, uint64_t tsc);
    void (*smm_changed)(void *opaque, bool in_smm); /* SMRAM appears or goes */
    int64_t (*now)(void *opaque);                   /* virtual nanoseconds */
    void (*wait_for_event)(void *opaque);           /* HLT: sleep until cpu.attention is not zero */
    /* MWAIT: the same, but for `ns` at most; NULL: MWAIT does not wait */
    void (*wait_a_while)(void *opaque, int64_t ns);
    void (*ferr)(void *opaque, bool level); /* FERR# (IRQ 13), or NULL: not connected */
    void (*audit)(void *opaque);            /* EV_AUDIT, or NULL */
    void (*sample)(void *opaque); /* EV_SAMPLE: look at the state between two blocks; or NULL */
    void (*mark)(void *opaque);   /* icount has passed cpu.mark, between two blocks; or NULL */
};

/* A port access as an SMI reports it. */
struct smm_io {
    uint64_t rip, rcx, rsi, rdi;
    uint16_t port;
    uint8_t size;
    bool in, string, rep;
};

/* What a debugger may be told of: see debugger.h. */
enum debug_kind {
    DEBUG_NONE,
    DEBUG_CODE, /* the instruction at RIP is a breakpoint */
    DEBUG_WATCH,
    DEBUG_VECTOR, /* is about to be delivered */
    DEBUG_CR3,
    DEBUG_PORT,
    DEBUG_MMIO,
    DEBUG_TRIPLE, /* triple fault, of which the machine has not been told yet */
    DEBUG_STEPPED,
};

struct debug_stop {
    enum debug_kind kind;
    unsigned number; /* of the point; 0: none */
    uint64_t addr;   /* linear (or, of MMIO, physical) address; port; CR3 */
    uint64_t start;  /* where the point begins */
    unsigned size;   /* of the access */
    bool write;
    uint8_t vector;
    bool has_error;
    uint32_t error;
};

/* An exception of the past. */
struct debug_past {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint16_t cs;
    uint64_t rip, cr2, icount;
};
#define DEBUG_HISTORY 32

struct debugger;

/* A vCPU's side of the debugger. */
struct cpu_debug {
    struct debugger *set; /* NULL: nobody debugs */
    uint64_t version;     /* of the set that is in force here */
    uint32_t what;        /* bit of each enum debug_kind that the set has a point of */
    bool stop;            /* `why` is to be told: leave cpu_run */
    bool told;            /* `why` has not been taken yet */
    struct debug_stop why;
    bool step, hold; /* see debugger_step */
    uint64_t step_lo, step_hi;
    bool pass; /* the breakpoint at pass_pc is not told of again, with this stack */
    uint64_t pass_pc, pass_sp;
    bool vector_passes, shutdown_told; /* told of */
    struct debug_past past[DEBUG_HISTORY];
    unsigned pasts; /* ever noted */
};

#define CPU_MONITOR_LINE 64 /* bytes that MONITOR watches */

struct cpu {
    /* ---- what almost every instruction touches ---- */
    uint64_t gpr[REG_COUNT];
    uint64_t cc_res; /* lazy arithmetic flags: see flags.h */
    uint64_t cc_vec;
    uint64_t tlb_key;           /* see struct tlb_entry */
    uint64_t bcache_key;        /* see cpu_bcache_key */
    _Atomic uint32_t attention; /* not zero: leave the chain of blocks and look at what is up */
    uint32_t mode;              /* MODE_* */
    uint64_t icount;            /* instructions begun, whole blocks at a time */
    struct block *cur_block;
    const struct insn *cur; /* instruction that may fault now; NULL between instructions */
    uint64_t rflags;        /* all but the arithmetic flags (those bits are 0 here), FL_1 set */
    uint64_t code_limit; /* highest IP that a near branch may go to: CS limit; ~0 in 64-bit mode */
    uint64_t code_base;  /* what makes IP linear: CS base; 0 in 64-bit mode */
    uint8_t linear_bits; /* of an address in 64-bit mode: 48, or 57 with CR4.LA57 */
    struct segment seg[SEG_COUNT];

    /* ---- system state ---- */
    uint8_t cpl;
    uint8_t inhibit; /* INHIBIT_*, for the next instruction boundary */
    bool halted;     /* HLT, MWAIT or wait-for-SIPI */
    bool wait_sipi;
    bool nmi_blocked;
    bool in_smm;
    bool derived_real; /* seg[].ok were derived for real or V86 mode */
    bool shutdown;     /* triple fault: state kept for the dump */
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t dr[4], dr6, dr7;
    uint64_t pdpte[4];  /* PAE: loaded with CR3 */
    uint64_t xcr0, xss; /* state components that are enabled: XCR0_* of x86.h, IA32_XSS */
    uint32_t pkru;
    struct table_reg gdtr, idtr;
    struct fpu fpu;
    union ymm ymm[16];
    uint32_t mxcsr;      /* flags may lag behind the host's while running: see fpu.h */
    uint32_t mxcsr_host; /* what the host's MXCSR holds while guest code runs: all masked */
    bool mxcsr_unmasked; /* the guest has unmasked some SSE exception */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    struct {
        bool armed;      /* by MONITOR, for the next MWAIT */
        bool waiting;    /* it is MWAIT that halted the CPU */
        bool masked_too; /* an interrupt ends the wait though RFLAGS.IF is clear */
        gpa_t line;
        uint8_t was[CPU_MONITOR_LINE]; /* what MONITOR found there */
        int64_t nap, waited;           /* nanoseconds: the last nap, all of them */
    } monitor;
    uint64_t tsc_offset; /* guest TSC = tsc_scale(now) + tsc_offset, modulo 2^64 */
    uint64_t tsc_adjust;
    uint64_t pat, misc_enable, spec_ctrl, feature_control;
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
    uint64_t mcg_status, mcg_ctl, mc_ctl[4];
    uint64_t smbase;
    struct {
        uint64_t at; /* icount behind it */
        struct smm_io io;
    } last_io;           /* the last port instruction that ended a chain of blocks: see smm.h */
    bool mid_string;     /* an instruction (a repeated one, a gather) goes on later */
    uint64_t pending_db; /* DR6 bits of debug traps that fall due at the next boundary */
    _Atomic uint8_t sipi_vector; /* written before EV_SIPI is set */

    /* ---- exceptions in flight ---- */
    struct cpu_event exc; /* raised and to be delivered by cpu_run */
    int delivering;       /* vector being delivered, -1 when none: double-fault logic */
    sigjmp_buf *catcher;  /* where cpu_raise goes */
    /* A locked access is under way, of which no host instruction is the whole: see cpu_lock_all
     * and mem_lock. */
    enum {
        CPU_LOCKED_NOT,
        CPU_LOCKED_ALL,
        CPU_LOCKED_BUS,
        CPU_LOCKED_CAS,  /* what is read goes to `seen`; the write swaps that, or */
        CPU_LOCKED_LOST, /* somebody was faster */
    } locked;
    uint64_t seen[2];

    /* ---- from other threads ---- */
    _Atomic uint32_t events;
    _Atomic uint64_t a20_mask; /* what physical addresses are ANDed with */
    _Atomic bool inside;       /* in guest mode; this and the next two: see group.h */
    _Atomic uint64_t flush_wanted, flush_done; /* TLB flushes: asked for by others, done */
    struct cpu_flush flush;                    /* what was asked for; the group's lock */

    /* ---- caches ---- */
    struct tlb_entry tlb[TLB_SIZE];
    struct itlb_entry itlb[ITLB_SIZE];
    struct bcache_entry bcache[BCACHE_SIZE];
    struct shadow_vcpu *shadow;     /* mmu=shadow: the vCPU's side of it, */
    struct mmu_direct *direct;      /* and what it uses with paging off, */
    struct tdp_root *direct_root;   /* through this; or NULL */
    unsigned audit_every, audit_in; /* misses in the TLB from audit to audit, and left; 0: none */
    bool paging_new;                /* control registers were loaded since it looked */
    uint64_t tlb_large[TLB_LARGE_BITS / 64]; /* filter: large pages that entries may be pieces of */
    uint32_t tlb_gen;                        /* 0..511, in tags: of the current address space */
    uint32_t tlb_last_gen;                   /* the last that was given to one */
    uint32_t tlb_global_gen;                 /* 0..511, in the gpa word of global entries */
    uint32_t bcache_gen;                     /* 1..BCACHE_GENS - 1: of the current address space */
    uint32_t bcache_last_gen;                /* the last that was given to one */
    uint16_t tlb_pcid;                       /* whose tlb_gen and bcache_gen are */
    struct tlb_space spaces[TLB_SPACES];     /* the others; none is tlb_pcid's */
    uint64_t space_switches;
    bool watching; /* DR7 has data breakpoints: no access may hit */
    bool stepping; /* cpu_run counts instructions */
    struct blocks *blocks;

    /* ---- configuration ---- */
    unsigned id; /* index, and initial APIC id */
    struct cpu_group *group;
    bool own_group; /* nobody gave one: it is freed with the CPU */
    const struct cpu_model *model;
    feature_set features;
    char vendor[13];         /* CPUID's */
    unsigned cores, threads; /* of a package, of a core; powers of two if more follow */
    uint32_t tsc_khz;
    struct memslots_vm *slots;
    const struct mmu_ops *mmu;
    struct cpu_hooks hooks;
    unsigned phys_bits;       /* MAXPHYADDR */
    unsigned linear_bits_max; /* what linear_bits may come to be */
    unsigned pauses;          /* executed */
    bool portable;            /* MODE_PORTABLE always */
    struct cpu_debug debug;

    /* ---- what it ran last, if that is wanted: see ring.h ---- */
    struct ring *ring;
    uint64_t *ring_at;                  /* where the next word goes */
    uint64_t ring_high;                 /* of RIP, in the context that was noted; or … */
#define RING_CONTEXT_NEW (~UINT64_C(0)) /* … CS may be another one */
    /* With a ring: EV_MARK is set when icount is seen to have come here, which is looked at every
     * few hundred blocks. CPU_NO_MARK: never. Any thread. */
    _Atomic uint64_t mark;
#define CPU_NO_MARK (~UINT64_C(0))

    struct lint_where lint_where;
    struct lint_tlb *lint_tlb; /* rule stale-tlb is on: see lint_tlb.h */
    bool lint_blocks;          /* rule undefined-flag is on: see lint_flags.c */
    uint8_t lint_undef;        /* flags that are undefined now, as packed there, */
    uint64_t lint_undef_at[8]; /* and RIP of what left them so */

    /* ---- counted runs: cpu_config.counted ---- */
    bool counted;
    bool tail;               /* cpu_run goes by single instructions: no block fits the budget */
    bool fixed_random;       /* RDRAND and RDSEED give what follows from `random` */
    _Atomic uint64_t budget; /* icount may come to this and no further; any thread may lower it */
    uint64_t random;         /* state of that sequence */
    int64_t monitor_until;   /* no look at what MWAIT waits for before then, in virtual ns */
    uint64_t stat_tlb_fills, stat_walks, stat_blocks, stat_smc;
};

/* ---- life ---- */

struct cpu_config {
    unsigned id;
    const char *model; /* what cpu_spec_parse takes */
    struct memslots_vm *slots;
    const struct mmu_ops *mmu;
    struct cpu_hooks hooks;
    unsigned cores, threads; /* in a package, in a core; 0: one package of cores of one thread */
    uint32_t tsc_khz;
    struct cpu_group *group; /* the vCPUs on the same memory; NULL: there is no other */
    unsigned ring;           /* instructions to remember; 0: none */
    bool portable;           /* leave vector extensions of the host unused, for tests */
    /* Runs keep to cpu.budget and end where the CPU has nothing to do; random numbers are the same
     * each time, from `seed`. For machine/icount.h. */
    bool counted;
    uint64_t seed;
};

/* NULL when the model or a feature is unknown. */
struct cpu *cpu_new(const struct cpu_config *cfg);
void cpu_free(struct cpu *cpu);

/* Power-on state (SDM 3A, table 10-1); `bsp` false leaves it waiting for a SIPI. Also INIT when
 * `init` is set, which keeps what INIT keeps (caches, FPU, MSRs). */
void cpu_reset(struct cpu *cpu, bool bsp, bool init);

/* A start-up IPI: real mode at vector << 12. */
void cpu_start_at(struct cpu *cpu, uint8_t vector);

/* ---- running ---- */

enum cpu_exit {
    CPU_EXIT_STOP,     /* EV_STOP */
    CPU_EXIT_SHUTDOWN, /* triple fault */
    CPU_EXIT_STEPS,    /* max_insns are done */
    CPU_EXIT_DEBUG,    /* the debugger is to be told: see debugger_take */
    CPU_EXIT_BUDGET,   /* counted: icount has come to cpu.budget */
    CPU_EXIT_IDLE,     /* counted: it sleeps; see cpu_idle */
};

/* Runs until something ends it; `max_insns` 0 means no limit, else a limit that is kept exactly,
 * whatever the budget of a counted one. HLT waits inside (hooks.wait_for_event). The vCPU thread
 * only. */
enum cpu_exit cpu_run(struct cpu *cpu, uint64_t max_insns);

/* Instructions begun before the one that is under way, or in all, between two: exact, in a hook as
 * well. The vCPU thread, or any while it does not run. */
uint64_t cpu_insns(const struct cpu *cpu);

/* Counted: the next runs, until another call, end when cpu->icount is `icount`. In between the
 * budget may be lowered, but by the vCPU's thread to no less than BLOCK_MAX_INSNS behind cpu_insns;
 * with less, 0 even, which any thread may store, the run ends soon, to be taken up again with the
 * budget that it had. The vCPU thread. */
void cpu_set_budget(struct cpu *cpu, uint64_t icount);

/* Counted: it waits (HLT, MWAIT, for a SIPI), and cpu_run would return at once. The vCPU thread. */
bool cpu_idle(const struct cpu *cpu);

/* Any thread: sets or clears event bits and makes the vCPU look. The machine wakes a halted vCPU.
 */
void cpu_set_event(struct cpu *cpu, uint32_t ev);
void cpu_clear_event(struct cpu *cpu, uint32_t ev);

/* Any thread: somebody else (DMA) wrote `len` bytes at gpa over decoded code. */
void cpu_note_code_write(struct cpu *cpu, gpa_t gpa, size_t len);

/* Address line 20: when it is masked, bit 20 of every physical address is 0. Any thread. */
void cpu_set_a20(struct cpu *cpu, bool enabled);

/* Prints registers, segments, control registers and the instruction at RIP, to `f`. */
void cpu_dump(const struct cpu *cpu, FILE *f);

/* ---- for the CPU's own files ---- */

/* Raise an exception at the instruction cpu->cur (a fault: RIP is set to its start). When cpu->cur
 * is NULL, RIP stays. Do not return; state changed before stays changed. */
__attribute__((noreturn, cold)) void cpu_raise(struct cpu *cpu, unsigned vector);
__attribute__((noreturn, cold)) void cpu_raise_err(struct cpu *cpu, unsigned vector, uint32_t err);
__attribute__((noreturn, cold)) void cpu_raise_pf(struct cpu *cpu, gva_t va, uint32_t err);

/* Leaves the instruction cpu->cur as if it had not been begun, for the loop to look what is up. */
__attribute__((noreturn, cold)) void cpu_begin_again(struct cpu *cpu);

/* Recomputes mode, tlb_key and code_limit. To be called after any change of CR0, CR4, EFER, CPL,
 * RFLAGS (VM, AC, TF), CS/SS/DS/ES or DR7. Cheap when nothing changed. */
void cpu_sync_mode(struct cpu *cpu);

/* Fills in the derived fields of seg[n] from attr/limit/base; callers then cpu_sync_mode. `usable`
 * false: a null selector. */
void cpu_derive_segment(struct cpu *cpu, unsigned n, bool usable);

/* Drop translations as the architecture asks for it, of all PCIDs: all, all but global ones, or of
 * one page. CR3 and CR4 are as they will be. Decoded blocks stay (they are physical). */
void cpu_tlb_flush(struct cpu *cpu, bool globals_too);
void cpu_tlb_flush_page(struct cpu *cpu, gva_t va);

/* All but global ones of one address space. */
void cpu_tlb_flush_pcid(struct cpu *cpu, uint16_t pcid);

/* CR3 was loaded: to the translations of its PCID, or, unless `keep`, to none but global ones. */
void cpu_tlb_switch(struct cpu *cpu, bool keep);

/* The same where the architecture asks for nothing: the host has changed what is behind. */
void cpu_tlb_forget(struct cpu *cpu, bool globals_too);

/* Re-evaluates whether a pending event can now be taken (RFLAGS.IF or inhibit changed). */
void cpu_recheck_events(struct cpu *cpu);

/* Guest time stamp counter. */
uint64_t cpu_tsc(const struct cpu *cpu);

/* Does the debugger ask about that kind of thing? */
static inline bool cpu_debugs(const struct cpu *cpu, enum debug_kind kind)
{
    return unlikely(cpu->debug.what >> kind & 1);
}

static inline bool cpu_protected(const struct cpu *cpu)
{
    return (cpu->cr0 & CR0_PE) && !(cpu->rflags & FL_VM);
}

static inline bool cpu_real_or_v86(const struct cpu *cpu)
{
    return !cpu_protected(cpu);
}

#define BCACHE_GENS (1u << 21)

/* What an entry of the block cache must have been made under: generation (21 bits), the linear
 * address where the code segment ends (32; the block was checked against it), privilege (1; it
 * passed the fetch's checks) and mode (10). */
static inline uint64_t cpu_bcache_key(const struct cpu *cpu)
{
    uint32_t end = (uint32_t)(cpu->code_base + cpu->code_limit);

    return (uint64_t)cpu->bcache_gen << (MODE_BITS + 33) | (uint64_t)end << (MODE_BITS + 1) |
           (cpu->cpl == 3 ? 1u << MODE_BITS : 0) | cpu->mode;
}

static inline bool cpu_long_mode(const struct cpu *cpu)
{
    return (cpu->efer & EFER_LMA) != 0;
}

static inline bool cpu_code64(const struct cpu *cpu)
{
    return (cpu->mode & MODE_CODE) == MODE_64;
}

/* Vector registers that the mode has (SDM volume 1, 13.4.1 and 10.2.1). */
static inline unsigned cpu_vector_count(const struct cpu *cpu)
{
    return cpu_code64(cpu) ? 16 : 8;
}

static inline unsigned cpu_iopl(const struct cpu *cpu)
{
    return (unsigned)(cpu->rflags >> FL_IOPL_SHIFT) & 3;
}

/* A virtual interrupt waits and the program has not disabled it (CR4.VME, CR4.PVI): the next
 * instruction is #GP(0). SDM 3A 20.3.2, 20.4. */
static inline bool cpu_virtual_intr(const struct cpu *cpu)
{
    if ((~cpu->rflags & (FL_VIF | FL_VIP)) || cpu->cpl != 3)
        return false;
    return cpu->cr4 & (cpu->rflags & FL_VM ? CR4_VME : CR4_PVI);
}

/* Is an address that is used now canonical: sign-extended from 48 bits, or from 57 with CR4.LA57?
 */
static inline bool gva_canonical(const struct cpu *cpu, gva_t va)
{
    unsigned unused = 64 - cpu->linear_bits;

    return (uint64_t)(((int64_t)(va << unused)) >> unused) == va;
}

/* The same for what is but loaded into a register (bases, MSRs) or told to forget: the widest
 * addresses that the processor has count, whatever CR4.LA57 says. */
static inline bool gva_canonical_ever(const struct cpu *cpu, gva_t va)
{
    unsigned unused = 64 - cpu->linear_bits_max;

    return (uint64_t)(((int64_t)(va << unused)) >> unused) == va;
}

#endif
