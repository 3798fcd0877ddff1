/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See int_rig.h. */
#include "tests/unit/int_rig.h"

#include <asm/ldt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/bits.h"
#include "cpu/flags.h"
#include "cpu/segments.h"
#include "tests/unit/fpu_rig.h"

/* The guest's RAM; its kernel half of linear memory starts at HIGH. */
#define PML4      0x10000u
#define PDPT_LOW  0x11000u
#define PD_LOW    0x12000u
#define PT_REGION 0x13000u
#define PDPT_HIGH 0x14000u
#define PD_HIGH   0x15000u
#define GDT       0x16000u
#define LDT       0x16800u
#define IDT       0x17000u
#define TSS       0x18000u
#define HANDLERS  0x19000u /* 16 bytes a vector */
#define KSTACK    0x1c000u
#define REGION    0x100000u
#define HIGH      UINT64_C(0xffff800000000000)

#define FRAME_PAGE (INT_ESP_HIGH + 0x1000) /* where the host's IRET frame stands */
#define LDT_COUNT  11

/* ---- memory, both sides ---- */

enum page_kind { HOLE, CODE, DATA, ROM };

static enum page_kind page_kind(uint64_t linear)
{
    static const uint8_t kinds[16] = {
        [1] = CODE, [2] = CODE, [4] = DATA, [5] = DATA, [7] = ROM, [9] = DATA, [10] = DATA};
    uint64_t off = linear - INT_BASE;

    return off < INT_SIZE ? (enum page_kind)kinds[off >> PAGE_SHIFT] : HOLE;
}

static bool map_host(struct int_rig *r)
{
    static const int prot[] = {[HOLE] = PROT_NONE,
                               [CODE] = PROT_READ | PROT_WRITE | PROT_EXEC,
                               [DATA] = PROT_READ | PROT_WRITE,
                               [ROM] = PROT_READ};
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

    r->host = mmap((void *)(uintptr_t)INT_BASE, INT_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (r->host != (void *)(uintptr_t)INT_BASE)
        return false;
    if (mmap((void *)(uintptr_t)FRAME_PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) !=
        (void *)(uintptr_t)FRAME_PAGE)
        return false;
    r->guest = r->machine->ram + REGION;
    for (unsigned off = 0; off < INT_SIZE; off++)
        r->host[off] = page_kind(INT_BASE + off) == CODE ? 0xcc : (uint8_t)(off * 167 + (off >> 8));
    memcpy(r->guest, r->host, INT_SIZE);
    for (unsigned off = 0; off < INT_SIZE; off += (unsigned)PAGE_SIZE)
        mprotect(r->host + off, PAGE_SIZE, prot[page_kind(INT_BASE + off)]);
    return true;
}

void int_poke(struct int_rig *r, uint64_t linear, uint64_t val, unsigned size)
{
    for (unsigned k = 0; k < size; k++) {
        if (page_kind(linear + k) == DATA)
            r->host[linear + k - INT_BASE] = r->guest[linear + k - INT_BASE] =
                (uint8_t)(val >> (8 * k));
    }
}

void int_poke_code(struct int_rig *r, uint64_t linear, const uint8_t *bytes, size_t len)
{
    while (len && page_kind(linear + len - 1) != CODE)
        len--;
    memcpy(r->host + (linear - INT_BASE), bytes, len);
    for (size_t done = 0; done < len;) {
        size_t room = PAGE_SIZE - ((linear + done) & ~PAGE_MASK);
        size_t n = len - done < room ? len - done : room;

        memslots_write(r->machine->slots, REGION + (linear + done - INT_BASE), bytes + done, n);
        done += n;
    }
}

void int_forget_code(struct int_rig *r)
{
    cpu_set_event(r->machine->cpu, EV_FLUSH);
}

uint64_t int_peek(const struct int_rig *r, uint64_t linear, unsigned size)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < size; k++) {
        if (page_kind(linear + k) != HOLE)
            v |= (uint64_t)r->host[linear + k - INT_BASE] << (8 * k);
    }
    return v;
}

uint64_t int_memory_differs(struct int_rig *r)
{
    static const unsigned at[] = {INT_DATA - INT_BASE, INT_STACK - INT_BASE};

    for (unsigned k = 0; k < 2; k++) {
        uint8_t *h = r->host + at[k], *g = r->guest + at[k];
        unsigned n = 0;

        if (memcmp(h, g, 2 * PAGE_SIZE) == 0)
            continue;
        while (h[n] == g[n])
            n++;
        for (unsigned m = 0; m < 2; m++)
            memcpy(r->guest + at[m], r->host + at[m], 2 * PAGE_SIZE);
        return INT_BASE + at[k] + n;
    }
    return 0;
}

/* ---- descriptors: one list for modify_ldt and for the guest's table ---- */

struct ldt_entry {
    uint32_t base, limit;
    uint8_t contents; /* type bits 3..2 */
    bool no_write;    /* code: no read */
    bool big, pages, absent;
};

static const struct ldt_entry ldt_entries[LDT_COUNT] = {
    [INT_CS32 >> 3] = {0, 0xfffff, 2, false, true, true, false},
    [INT_DS32 >> 3] = {0, 0xfffff, 0, false, true, true, false},
    [INT_CS16 >> 3] = {INT_BASE, 0xffff, 2, false, false, false, false},
    [INT_DS16 >> 3] = {INT_BASE, 0xffff, 0, false, false, false, false},
    [INT_CS32B >> 3] = {INT_BASE, 0xffff, 2, false, true, false, false},
    [INT_DS32B >> 3] = {INT_BASE, 0xffff, 0, false, true, false, false},
    [INT_ROM_SEG >> 3] = {INT_BASE, 0xffff, 0, true, true, false, false},
    [INT_ABSENT >> 3] = {INT_BASE, 0xffff, 0, false, true, false, true},
    [INT_DOWN >> 3] = {INT_BASE, 0xfff, 1, false, false, false, false},
    [INT_XONLY >> 3] = {INT_BASE, 0xffff, 2, true, true, false, false},
    [INT_CONF >> 3] = {INT_BASE, 0xffff, 3, false, true, false, true},
};

bool int_host_has_ldt(void)
{
    for (unsigned n = 0; n < LDT_COUNT; n++) {
        const struct ldt_entry *e = &ldt_entries[n];
        struct user_desc d = {.entry_number = n,
                              .base_addr = e->base,
                              .limit = e->limit,
                              .seg_32bit = e->big,
                              .contents = e->contents,
                              .read_exec_only = e->no_write,
                              .limit_in_pages = e->pages,
                              .seg_not_present = e->absent,
                              .useable = 1};

        if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) != 0)
            return false;
    }
    return true;
}

static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(attr >> 12 & 15) << 52 |
           (uint64_t)(base >> 24) << 56;
}

static uint64_t ldt_descriptor(const struct ldt_entry *e)
{
    unsigned attr = SEG_S | SEG_DPL | SEG_T_ACCESSED | SEG_AVL | (unsigned)e->contents << 2 |
                    (e->no_write ? 0 : SEG_T_WRITE) | (e->big ? SEG_DB : 0) |
                    (e->pages ? SEG_G : 0) | (e->absent ? 0 : SEG_P);

    return descriptor(e->base, e->limit, attr);
}

/* ---- the guest ---- */

static void make_tables(struct int_rig *r)
{
    static const uint64_t page_bits[] = {[HOLE] = 0,
                                         [CODE] = 0x67,
                                         [DATA] = UINT64_C(1) << 63 | 0x67,
                                         [ROM] = UINT64_C(1) << 63 | 0x65};
    const unsigned user = SEG_P | SEG_S | SEG_DPL | SEG_T_ACCESSED | SEG_T_WRITE | SEG_G;
    uint8_t *ram = r->machine->ram;

    st_le64(ram + PML4, PDPT_LOW | 7);
    st_le64(ram + PML4 + 256 * 8, PDPT_HIGH | 3);
    st_le64(ram + PDPT_LOW, PD_LOW | 7);
    st_le64(ram + PD_LOW + (INT_BASE >> 21) * 8, PT_REGION | 7);
    st_le64(ram + PDPT_HIGH, PD_HIGH | 3);
    st_le64(ram + PD_HIGH, 0xe3);
    for (unsigned n = 0; n < INT_SIZE >> PAGE_SHIFT; n++) {
        uint64_t at = (uint64_t)n << PAGE_SHIFT, e = page_bits[page_kind(INT_BASE + at)];

        st_le64(ram + PT_REGION + n * 8, e ? e | (REGION + at) : 0);
    }
    st_le64(ram + GDT + 0x10,
            descriptor(0, 0xfffff, SEG_P | SEG_S | SEG_T_CODE | 3 | SEG_L | SEG_G));
    st_le64(ram + GDT + 0x18, descriptor(0, 0xfffff, SEG_P | SEG_S | 3 | SEG_DB | SEG_G));
    st_le64(ram + GDT + 0x20, descriptor(0, 0xfffff, user | SEG_T_CODE | SEG_DB));
    st_le64(ram + GDT + 0x28, descriptor(0, 0xfffff, user | SEG_DB));
    st_le64(ram + GDT + 0x30, descriptor(0, 0xfffff, user | SEG_T_CODE | SEG_L));
    for (unsigned n = 0; r->has_ldt && n < LDT_COUNT; n++)
        st_le64(ram + LDT + n * 8, ldt_descriptor(&ldt_entries[n]));
    for (unsigned v = 0; v < 256; v++) {
        uint64_t to = HIGH + HANDLERS + v * 16;
        unsigned dpl = v == EXC_BP || v == EXC_OF ? 3 : 0;

        st_le64(ram + IDT + v * 16, (to & 0xffff) | 0x10u << 16 |
                                        (uint64_t)(0x8e00 | dpl << 13) << 32 |
                                        (to >> 16 & 0xffff) << 48);
        st_le64(ram + IDT + v * 16 + 8, to >> 32);
        ram[HANDLERS + v * 16] = 0xf4;
    }
    st_le64(ram + TSS + 4, HIGH + KSTACK);
    st_le16(ram + TSS + 0x66, 0x68);
}

static void prepare_guest(struct int_rig *r)
{
    struct cpu *cpu = r->machine->cpu;

    make_tables(r);
    cpu->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP | CR0_AM;
    cpu->cr3 = PML4;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE;
    cpu->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    cpu->gdtr = (struct table_reg){.base = HIGH + GDT, .limit = 0x37};
    cpu->idtr = (struct table_reg){.base = HIGH + IDT, .limit = 0xfff};
    cpu->seg[SEG_TR] = (struct segment){
        .sel = 0x40, .base = HIGH + TSS, .limit = 0x67, .attr = SEG_P | SYS_TSS32_BUSY};
    cpu_derive_segment(cpu, SEG_TR, true);
    cpu->seg[SEG_LDT] = (struct segment){
        .sel = 0x50, .base = HIGH + LDT, .limit = LDT_COUNT * 8 - 1, .attr = SEG_P | SYS_LDT};
    cpu_derive_segment(cpu, SEG_LDT, r->has_ldt);
    cpu_tlb_flush(cpu, true);
}

static void guest_segment(struct int_rig *r, unsigned n, uint16_t sel)
{
    struct cpu *cpu = r->machine->cpu;
    struct segment *s = &cpu->seg[n];
    uint64_t d = ld_le64(r->machine->ram + (sel & 4 ? LDT : GDT) + (sel & ~7u));

    *s = (struct segment){.sel = sel};
    if (!sel_null(sel)) {
        s->attr = (uint16_t)(d >> 40 & 0xf0ff);
        s->base = (d >> 16 & 0xffffff) | (d >> 56) << 24;
        s->limit = (uint32_t)((d & 0xffff) | (d >> 32 & 0xf0000));
        if (s->attr & SEG_G)
            s->limit = s->limit << 12 | 0xfff;
    }
    if (n == SEG_FS)
        s->base = r->fs_base;
    cpu_derive_segment(cpu, n, !sel_null(sel));
}

static bool has_error(unsigned vector)
{
    return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

/* What the handler's stack says. */
static void guest_result(struct int_rig *r, struct int_state *s)
{
    struct cpu *cpu = r->machine->cpu;
    const uint8_t *frame = r->machine->ram + (cpu->gpr[REG_RSP] - HIGH);

    s->vector = (unsigned)(cpu->gpr[REG_RIP] - HIGH - HANDLERS) / 16;
    s->error = 0;
    s->cr2 = cpu->cr2;
    if (has_error(s->vector)) {
        s->error = ld_le32(frame);
        frame += 8;
    }
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->rip = ld_le64(frame);
    s->rflags = ld_le64(frame + 16);
    s->gpr[REG_RSP] = ld_le64(frame + 24);
    for (unsigned n = 0; n < 6; n++)
        s->sel[n] = cpu->seg[n].sel;
    s->sel[SEG_CS] = ld_le16(frame + 8);
    s->sel[SEG_SS] = ld_le16(frame + 32);
    s->gs_base = r->has_gs_base ? cpu->seg[SEG_GS].base : 0;
}

void int_run_guest(struct int_rig *r, struct int_state *s, bool stepped)
{
    struct cpu *cpu = r->machine->cpu;

    memcpy(cpu->gpr, s->gpr, sizeof(s->gpr));
    cpu->gpr[REG_RIP] = s->rip;
    cpu_set_rflags(cpu, s->rflags | FL_IF);
    cpu->cpl = 3;
    cpu->halted = false;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        guest_segment(r, n, s->sel[n]);
    cpu_sync_mode(cpu);
    if (stepped) {
        for (unsigned n = 0; n < 100000 && cpu->cpl == 3; n++)
            cpu_run(cpu, 1);
    } else {
        cpu_run(cpu, 0);
    }
    if (cpu->cpl == 3 || cpu->shutdown || cpu->gpr[REG_RSP] - HIGH > KSTACK) {
        s->vector = INT_LOST;
        cpu_reset(cpu, true, false);
        prepare_guest(r);
        return;
    }
    guest_result(r, s);
}

/* ---- the host ---- */

/* native_enter(state, frame): loads the state's registers and IRETs through the frame; comes back
 * when a signal does, whose handler has stored what it found. */
void native_enter(const struct int_state *s, const uint64_t *frame);
void native_on_signal(int sig, siginfo_t *info, void *context);
void native_note(int sig, siginfo_t *info, void *context);
uint64_t native_sp;
__asm__(".pushsection .text\n"
        "native_enter:\n"
        "pushq %rbx\n"
        "pushq %rbp\n"
        "pushq %r12\n"
        "pushq %r13\n"
        "pushq %r14\n"
        "pushq %r15\n"
        "movq %rsp, native_sp(%rip)\n"
        "movw 144+0(%rdi), %es\n"
        "movw 144+6(%rdi), %ds\n"
        "movw 144+10(%rdi), %gs\n"
        "movq %rsi, %rsp\n"
        "movq 0(%rdi), %rax\n"
        "movq 8(%rdi), %rcx\n"
        "movq 16(%rdi), %rdx\n"
        "movq 24(%rdi), %rbx\n"
        "movq 40(%rdi), %rbp\n"
        "movq 48(%rdi), %rsi\n"
        "movq 64(%rdi), %r8\n"
        "movq 72(%rdi), %r9\n"
        "movq 80(%rdi), %r10\n"
        "movq 88(%rdi), %r11\n"
        "movq 96(%rdi), %r12\n"
        "movq 104(%rdi), %r13\n"
        "movq 112(%rdi), %r14\n"
        "movq 120(%rdi), %r15\n"
        "movq 56(%rdi), %rdi\n"
        "iretq\n"
        /* On the alternate stack; never goes back to what was interrupted. */
        "native_on_signal:\n"
        "pushfq\n"
        "andl $~0x44400, (%rsp)\n" /* AC, NT, DF */
        "popfq\n"
        "subq $8, %rsp\n"
        "call native_note\n"
        "movq native_sp(%rip), %rsp\n"
        "popq %r15\n"
        "popq %r14\n"
        "popq %r13\n"
        "popq %r12\n"
        "popq %rbp\n"
        "popq %rbx\n"
        "ret\n"
        ".popsection\n");
static_assert(offsetof(struct int_state, sel) == 144 && SEG_ES == 0 && SEG_DS == 3 && SEG_GS == 5,
              "as native_enter knows them");

static struct int_state *native_state;
static bool native_gs_base;

void native_note(int sig, siginfo_t *info, void *context)
{
    static const int regs[16] = {[REG_RAX] = 13, [REG_RCX] = 14, [REG_RDX] = 12, [REG_RBX] = 11,
                                 [REG_RSP] = 15, [REG_RBP] = 10, [REG_RSI] = 9,  [REG_RDI] = 8,
                                 [REG_R8] = 0,   [REG_R9] = 1,   [REG_R10] = 2,  [REG_R11] = 3,
                                 [REG_R12] = 4,  [REG_R13] = 5,  [REG_R14] = 6,  [REG_R15] = 7};
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct int_state *s = native_state;

    (void)sig, (void)info;
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = (uint64_t)g[regs[n]];
    s->rip = (uint64_t)g[16];
    s->rflags = (uint64_t)g[17];
    s->sel[SEG_CS] = (uint16_t)g[18];
    s->sel[SEG_SS] = (uint16_t)((uint64_t)g[18] >> 48);
    s->vector = (unsigned)g[20];
    s->error = has_error(s->vector) ? (uint32_t)g[19] : 0;
    s->cr2 = (uint64_t)g[22];
    __asm__ volatile("movw %%es, %0" : "=m"(s->sel[SEG_ES]));
    __asm__ volatile("movw %%ds, %0" : "=m"(s->sel[SEG_DS]));
    __asm__ volatile("movw %%gs, %0" : "=m"(s->sel[SEG_GS]));
    s->gs_base = 0;
    if (native_gs_base)
        __asm__ volatile("rdgsbase %0" : "=r"(s->gs_base));
}

static const int native_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
static struct sigaction native_before[ARRAY_SIZE(native_signals)];
static uint8_t native_stack[65536] __attribute__((aligned(64)));

static void take_signals(void)
{
    struct sigaction sa = {.sa_sigaction = native_on_signal,
                           .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    stack_t ss = {.ss_sp = native_stack, .ss_size = sizeof(native_stack)};

    sigaltstack(&ss, NULL);
    for (unsigned n = 0; n < ARRAY_SIZE(native_signals); n++)
        sigaction(native_signals[n], &sa, &native_before[n]);
}

void int_run_host(struct int_rig *r, struct int_state *s)
{
    uint64_t *frame = (uint64_t *)(uintptr_t)FRAME_PAGE + 64;

    (void)r;
    frame[0] = s->rip;
    frame[1] = s->sel[SEG_CS];
    frame[2] = s->rflags | FL_IF;
    frame[3] = s->gpr[REG_RSP];
    frame[4] = s->sel[SEG_SS];
    native_state = s;
    native_enter(s, frame);
}

/* ---- both ---- */

struct int_rig *int_rig_new(void)
{
    struct int_rig *r = calloc(1, sizeof(*r));

    r->machine = rig_new();
    r->has_ldt = int_host_has_ldt();
    r->has_gs_base = native_gs_base = getauxval(AT_HWCAP2) & 2;
    syscall(SYS_arch_prctl, 0x1003, &r->fs_base);
    if (!map_host(r)) {
        rig_free(r->machine);
        free(r);
        return NULL;
    }
    prepare_guest(r);
    take_signals();
    return r;
}

void int_rig_free(struct int_rig *r)
{
    for (unsigned n = 0; n < ARRAY_SIZE(native_signals); n++)
        sigaction(native_signals[n], &native_before[n], NULL);
    munmap(r->host, INT_SIZE);
    munmap((void *)(uintptr_t)FRAME_PAGE, PAGE_SIZE);
    rig_free(r->machine);
    free(r);
}
