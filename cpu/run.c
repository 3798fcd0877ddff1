/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop around the blocks: deliver what was raised, look at what other threads signalled, run
 * blocks until attention is asked for. Event priorities follow SDM volume 3A, table 6-2; single
 * steps, instruction breakpoints and interrupt shadows are handled one instruction at a time.
 */
#include "base/log.h"
#include "cpu/blocks.h"
#include "cpu/debug.h"
#include "cpu/debugger.h"
#include "cpu/disas.h"
#include "cpu/exceptions.h"
#include "cpu/exec.h"
#include "cpu/fpu.h"
#include "cpu/lint.h"
#include "cpu/lint_tables.h"
#include "cpu/monitor.h"
#include "cpu/ring.h"
#include "cpu/smm.h"
#include "cpu/trace_filter.h"

#include <inttypes.h>

/* ---- counting ---- */

static bool in_block(const struct cpu *cpu, const struct insn *i)
{
    const struct block *b = cpu->cur_block;

    return b && i >= b->insns && i < b->insns + b->n;
}

uint64_t cpu_insns(const struct cpu *cpu)
{
    const struct block *b = cpu->cur_block;

    if (!cpu->cur || !in_block(cpu, cpu->cur))
        return cpu->icount;
    return cpu->icount - (uint64_t)(b->n - (cpu->cur - b->insns));
}

/* ---- raising ---- */

static __attribute__((noreturn)) void raise_event(struct cpu *cpu, unsigned vector, bool has_error,
                                                  uint32_t error)
{
    cpu->exc = (struct cpu_event){.pending = true,
                                  .vector = (uint8_t)vector,
                                  .kind = EVK_FAULT,
                                  .has_error = has_error,
                                  .error = error};
    if (cpu->cur) {
        if (in_block(cpu, cpu->cur)) {
            cpu->icount = cpu_insns(cpu) + 1; /* what is behind it in the block did not begin */
            if (unlikely(cpu->ring))
                ring_left(cpu, cpu->cur, true);
        }
        cpu->gpr[REG_RIP] = insn_rip(cpu, cpu->cur);
        cpu->cur = NULL;
    }
    siglongjmp(*cpu->catcher, 1);
}

void cpu_raise(struct cpu *cpu, unsigned vector)
{
    raise_event(cpu, vector, false, 0);
}

void cpu_raise_err(struct cpu *cpu, unsigned vector, uint32_t err)
{
    raise_event(cpu, vector, true, err);
}

void cpu_raise_pf(struct cpu *cpu, gva_t va, uint32_t err)
{
    cpu->cr2 = va;
    if ((err & PF_RSVD) && lint_on(LINT_RESERVED_PTE))
        lint_reserved_pte(cpu, va, err);
    if (log_on(LOG_MMU) && trace_wanted(cpu))
        log_msg(LOG_MMU, "cpu%u: page fault at %016" PRIx64 " error %x", cpu->id, va, err);
    raise_event(cpu, EXC_PF, true, err);
}

void cpu_begin_again(struct cpu *cpu)
{
    const struct block *b = cpu->cur_block;

    cpu->icount -= (uint64_t)(b->n - (cpu->cur - b->insns));
    cpu->gpr[REG_RIP] = insn_rip(cpu, cpu->cur);
    if (unlikely(cpu->ring))
        ring_left(cpu, cpu->cur, false);
    cpu->pending_db &= ~(uint64_t)DR6_BS;
    cpu->cur = NULL;
    siglongjmp(*cpu->catcher, 1);
}

/* ---- events ---- */

void cpu_set_event(struct cpu *cpu, uint32_t ev)
{
    atomic_fetch_or(&cpu->events, ev);
    atomic_store(&cpu->attention, 1);
}

void cpu_clear_event(struct cpu *cpu, uint32_t ev)
{
    atomic_fetch_and(&cpu->events, ~ev);
}

void cpu_recheck_events(struct cpu *cpu)
{
    if (atomic_load_explicit(&cpu->events, memory_order_relaxed) || cpu->inhibit || cpu->halted ||
        cpu->pending_db || cpu->shutdown)
        atomic_store_explicit(&cpu->attention, 1, memory_order_relaxed);
}

void cpu_note_code_write(struct cpu *cpu, gpa_t gpa, size_t len)
{
    blocks_note_write(cpu, gpa, len);
}

void cpu_set_a20(struct cpu *cpu, bool enabled)
{
    uint64_t mask = enabled ? ~UINT64_C(0) : ~(UINT64_C(1) << 20);

    if (atomic_exchange(&cpu->a20_mask, mask) != mask)
        cpu_set_event(cpu, EV_FLUSH);
}

static bool can_take_intr(const struct cpu *cpu)
{
    return (cpu->rflags & FL_IF) && !cpu->inhibit;
}

/* What other threads, or a hook just called, made void: translations, decoded code; and what they
 * want to see. */
static void drop_stale(struct cpu *cpu)
{
    uint32_t ev = atomic_load(&cpu->events);

    if (ev & EV_FLUSH) {
        cpu_clear_event(cpu, EV_FLUSH);
        cpu_tlb_forget(cpu, true);
        blocks_flush(cpu);
    }
    if (ev & EV_CODE) {
        cpu_clear_event(cpu, EV_CODE);
        blocks_handle_notes(cpu);
    }
    if (unlikely(ev & EV_LINT)) {
        cpu_clear_event(cpu, EV_LINT);
        lint_tables_catch_up(cpu);
    }
    if (unlikely(ev & EV_AUDIT)) {
        cpu_clear_event(cpu, EV_AUDIT);
        if (cpu->hooks.audit)
            cpu->hooks.audit(cpu->hooks.opaque);
    }
    if (unlikely(ev & EV_SAMPLE)) {
        cpu_clear_event(cpu, EV_SAMPLE);
        if (cpu->hooks.sample)
            cpu->hooks.sample(cpu->hooks.opaque);
    }
    if (unlikely(ev & EV_MARK)) {
        cpu_clear_event(cpu, EV_MARK);
        if (cpu->hooks.mark)
            cpu->hooks.mark(cpu->hooks.opaque);
    }
}

/* An INIT is held back while in SMM (but for a shutdown there, which it ends). */
static bool init_seen(const struct cpu *cpu, uint32_t ev)
{
    return (ev & EV_INIT) && (!cpu->in_smm || cpu->shutdown);
}

/* What the host asks for, whatever the guest is in the middle of; true when cpu_run should return
 * (reason in *why). */
static bool handle_requests(struct cpu *cpu, volatile enum cpu_exit *why)
{
    atomic_store(&cpu->attention, 0);
    cpu_poll_group(cpu);
    if (atomic_load(&cpu->events) & EV_STOP) {
        cpu_clear_event(cpu, EV_STOP);
        *why = CPU_EXIT_STOP;
        return true;
    }
    drop_stale(cpu);
    return false;
}

/* Takes at most one event; true when cpu_run should return (reason in *why). */
static bool handle_events(struct cpu *cpu, volatile enum cpu_exit *why)
{
    uint32_t ev;

    if (handle_requests(cpu, why))
        return true;
    ev = atomic_load(&cpu->events);
    if (cpu->shutdown && !(ev & EV_INIT)) {
        *why = debugger_shutdown(cpu) ? CPU_EXIT_DEBUG : CPU_EXIT_SHUTDOWN;
        return true;
    }
    if (init_seen(cpu, ev)) {
        cpu_clear_event(cpu, EV_INIT);
        cpu_reset(cpu, cpu->id == 0, true);
        return false;
    }
    if (cpu->wait_sipi) {
        if (!(ev & EV_SIPI))
            return false;
        cpu_clear_event(cpu, EV_SIPI);
        cpu_start_at(cpu, cpu->sipi_vector); /* and on to what waited with it */
    } else if (ev & EV_SIPI) { /* nobody waits for it: gone, unless an INIT has come meanwhile */
        atomic_compare_exchange_strong(&cpu->events, &(uint32_t){ev}, ev & ~(uint32_t)EV_SIPI);
    }
    if (unlikely(debugger_holds(cpu)))
        ev &= ~(uint32_t)(EV_SMI | EV_NMI | EV_INTR);
    /* also not in the shadow of STI, which the save area would lose: STI, HLT must stay together */
    if ((ev & EV_SMI) && !cpu->in_smm && !cpu->inhibit) {
        cpu_clear_event(cpu, EV_SMI);
        cpu_smi_enter(cpu);
        drop_stale(cpu); /* SMRAM appeared */
        cpu_recheck_events(cpu);
        debugger_stepped(cpu);
        return false;
    }
    if (cpu->pending_db && !(cpu->inhibit & INHIBIT_ALL)) {
        cpu->halted = false;
        exc_debug_trap(cpu);
        return false;
    }
    if ((ev & EV_NMI) && !cpu->nmi_blocked && !(cpu->inhibit & INHIBIT_ALL)) {
        cpu_clear_event(cpu, EV_NMI);
        cpu->halted = false;
        exc_nmi(cpu);
        return false;
    }
    if ((ev & EV_INTR) && can_take_intr(cpu)) {
        int vector = cpu->hooks.int_ack(cpu->hooks.opaque);

        if (vector >= 0) {
            cpu->halted = false;
            exc_interrupt(cpu, (unsigned)vector);
        }
        cpu_recheck_events(cpu);
    }
    return false;
}

/* ---- one instruction, with everything that may hang on it ---- */

static EXEC_RET run_block(struct cpu *cpu, struct block *b)
{
    cpu->icount += b->n;
    cpu->cur_block = b;
#ifdef EXEC_TAIL_CALLS
    b->insns[0].fn(cpu, b->insns);
#else
    const struct insn *i = b->insns;

    while (i)
        i = i->fn(cpu, i);
    return NULL;
#endif
}

static void step_insn(struct cpu *cpu)
{
    struct block *b;

    cpu->cur = NULL;
    if (cpu_debugs(cpu, DEBUG_CODE) && debugger_before_insn(cpu))
        return;
    if (!(cpu->inhibit & INHIBIT_ALL) && debug_insn_bp(cpu)) {
        /* a fault, but the one that pushes RF as it is */
        cpu->exc = (struct cpu_event){.pending = true, .vector = EXC_DB, .kind = EVK_TRAP};
        return;
    }
    if (cpu_virtual_intr(cpu))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (log_on(LOG_INSN | LOG_EXEC))
        disas_trace(cpu);
    cpu->inhibit = 0;
    atomic_store_explicit(&cpu->attention, 1, memory_order_relaxed);
    b = blocks_lookup(cpu);
    /* before: what delivers an event (INT n) does away with the trap */
    if (cpu->rflags & FL_TF)
        cpu->pending_db |= DR6_BS;
    /* RF has done its work; IRET may set it anew, and a string instruction that is to go on does */
    cpu->rflags &= ~(uint64_t)FL_RF;
    run_block(cpu, b);
    cpu->cur = NULL;
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
    if (unlikely(cpu->debug.step))
        debugger_stepped(cpu);
}

/* A HLT, or waiting for a SIPI, until something is there that would end it. */
static bool sleeping(const struct cpu *cpu)
{
    uint32_t ev = atomic_load(&cpu->events);
    uint32_t wake = EV_STOP | EV_FLUSH | EV_CODE;

    if (cpu->wait_sipi)
        return !(ev & (wake | EV_INIT | EV_SIPI));
    if (!cpu->halted || cpu->pending_db || init_seen(cpu, ev))
        return false;
    wake |= cpu->in_smm ? 0u : EV_SMI;
    wake |= cpu->nmi_blocked ? 0u : EV_NMI;
    wake |= can_take_intr(cpu) ? EV_INTR : 0u;
    return !(ev & wake);
}

bool cpu_idle(const struct cpu *cpu)
{
    if (!sleeping(cpu))
        return false;
    return !cpu->halted || !cpu->monitor.waiting || !monitor_due(cpu);
}

static void sleep_on(struct cpu *cpu)
{
    int64_t nap = cpu->halted && cpu->monitor.waiting ? monitor_nap(cpu) : 0;

    fpu_exit(cpu);
    cpu_leave_guest(cpu);
    if (nap)
        cpu->hooks.wait_a_while(cpu->hooks.opaque, nap);
    else
        cpu->hooks.wait_for_event(cpu->hooks.opaque);
    cpu_enter_guest(cpu);
    fpu_enter(cpu);
    atomic_store(&cpu->attention, 1);
}

void cpu_set_budget(struct cpu *cpu, uint64_t icount)
{
    cpu->tail = false;
    atomic_store(&cpu->budget, icount);
}

/* Counted: ends the run at the budget, exactly. Where the next block is too long for what is left,
 * the rest goes by single instructions, also when the run is interrupted and taken up again: which
 * blocks there were must not depend on that. True when block b may begin. */
static bool fits_budget(struct cpu *cpu, const struct block *b)
{
    uint64_t budget = atomic_load_explicit(&cpu->budget, memory_order_relaxed);

    if (cpu->icount + b->n <= budget)
        return true;
    cpu->tail = true;
    cpu_sync_mode(cpu);
    return false;
}

static bool budget_spent(const struct cpu *cpu)
{
    return cpu->counted && !cpu->stepping &&
           cpu->icount >= atomic_load_explicit(&cpu->budget, memory_order_relaxed);
}

/* No instruction leads to so many exceptions in a row unless they never end. */
#define SERIAL_MAX 8

enum cpu_exit cpu_run(struct cpu *cpu, uint64_t max_insns)
{
    sigjmp_buf catcher;
    /* survives siglongjmp */
    volatile enum { IDLE, DELIVERING } doing = IDLE;
    volatile uint64_t steps_left = max_insns;
    volatile enum cpu_exit why = CPU_EXIT_STOP;
    volatile unsigned serial = 0; /* exceptions during the delivery of others, in a row */

    cpu->catcher = &catcher;
    lint_set_where(&cpu->lint_where);
    cpu->stepping = max_insns != 0;
    cpu->cur = NULL;
    cpu_sync_mode(cpu);
    cpu_enter_guest(cpu);
    if (unlikely(debugger_changed(cpu)))
        debugger_sync(cpu);
    cpu_recheck_events(cpu);
    fpu_enter(cpu);
    if (sigsetjmp(catcher, 0)) {
        if (unlikely(cpu->locked)) /* a locked access that faulted */
            cpu_unlock(cpu);
        if (doing == IDLE && steps_left)
            steps_left--;
    }
    for (;;) {
        if (unlikely(cpu->debug.stop)) {
            cpu->debug.stop = false;
            why = CPU_EXIT_DEBUG;
            break;
        }
        if (cpu->exc.pending) {
            doing = DELIVERING;
            if (cpu->delivering >= 0) {
                exc_combine(cpu);
                /* that can go on for ever: #AC while #AC is delivered */
                if (atomic_load_explicit(&cpu->attention, memory_order_relaxed) &&
                    handle_requests(cpu, &why))
                    break;
                if (budget_spent(cpu)) {
                    why = CPU_EXIT_BUDGET;
                    break;
                }
                if (cpu->stepping && ++serial == SERIAL_MAX) {
                    why = CPU_EXIT_STEPS;
                    break;
                }
            }
            cpu->lint_undef = 0; /* the block that raised it has not run to its end */
            if (!cpu->shutdown)
                exc_deliver(cpu);
            if (unlikely(cpu->debug.stop))
                continue;
            cpu->exc.pending = false;
            cpu_sync_mode(cpu);
            cpu_recheck_events(cpu);
        }
        doing = DELIVERING; /* events deliver, too */
        if (atomic_load_explicit(&cpu->attention, memory_order_relaxed)) {
            if (handle_events(cpu, &why))
                break;
            cpu->cur = NULL;
            if (cpu->exc.pending || unlikely(cpu->debug.stop))
                continue;
        }
        if (cpu->halted && cpu->monitor.waiting && monitor_ends(cpu))
            cpu->halted = false;
        if (sleeping(cpu)) {
            if (cpu->stepping) {
                why = CPU_EXIT_STEPS;
                break;
            }
            if (cpu->counted) {
                if (cpu->halted && cpu->monitor.waiting)
                    monitor_put_off(cpu);
                why = CPU_EXIT_IDLE;
                break;
            }
            sleep_on(cpu);
            continue;
        }
        if (cpu->halted || cpu->wait_sipi)
            continue; /* something came; look at it */
        if (cpu->stepping && !steps_left) {
            why = CPU_EXIT_STEPS;
            break;
        }
        if (budget_spent(cpu)) {
            why = CPU_EXIT_BUDGET;
            break;
        }
        doing = IDLE;
        serial = 0;
        cpu->mid_string = false;
        if (cpu->mode & MODE_STEP) {
            step_insn(cpu);
            if (steps_left)
                steps_left--;
        } else {
            struct block *b = blocks_lookup(cpu);

            if (cpu->counted && !fits_budget(cpu, b))
                continue;
            run_block(cpu, b);
            cpu->cur = NULL;
        }
    }
    cpu->cur = NULL;
    fpu_exit(cpu);
    cpu_leave_guest(cpu);
    cpu->stepping = false;
    cpu->catcher = NULL;
    lint_set_where(NULL);
    cpu_sync_mode(cpu);
    return why;
}
