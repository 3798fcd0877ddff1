/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MONITOR and MWAIT. Intel SDM volume 2; volume 3A, 9.10.
 *
 * Nobody tells of stores to a line, so MONITOR keeps what the line holds, and the wait looks at it
 * again and again: soon at first, which is when another processor answers, then once a millisecond.
 * A store that changes nothing is not seen by that. MWAIT may end without a reason, so it does so
 * after WAIT_MAX, and no wait is ever for good.
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/group.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/monitor.h"

#define LINE     CPU_MONITOR_LINE
#define NAP_MIN  20000    /* nanoseconds: the first nap; each is twice the last */
#define NAP_MAX  1000000  /* with other processors that may store to the line */
#define NAP_ONE  10000000 /* with none: devices store, too, but then they interrupt */
#define WAIT_MAX 50000000

static bool read_line(const struct cpu *cpu, uint8_t *now)
{
    return memslots_read(cpu->slots, cpu->monitor.line, now, LINE);
}

static void check_there(struct cpu *cpu, const struct insn *i)
{
    if (cpu->cpl > 0 || !(cpu->misc_enable & MISC_ENABLE_MONITOR))
        RAISE(EXC_UD);
}

HANDLER(monitor)
{
    uint64_t off;
    gva_t va;

    check_there(cpu, i);
    if (cpu_code64(cpu) ? cpu->gpr[REG_RCX] : (uint32_t)cpu->gpr[REG_RCX])
        RAISE_ERR(EXC_GP, 0);
    off = reg_get(cpu, REG_RAX, i->asz);
    va = seg_linear(cpu, i, i->seg, off, 1, ACC_R);
    mem_ld8(cpu, i, va); /* checked as a load; its translation is in the TLB now */
    cpu->monitor.line = ((tlb_slot(cpu, va)->gpa & PAGE_MASK) | (va & ~PAGE_MASK)) & ~(LINE - 1ull);
    cpu->monitor.armed = read_line(cpu, cpu->monitor.was);
    NEXT;
}
FAMILY(h_monitor, monitor);

HANDLER(mwait)
{
    uint64_t extensions = cpu_code64(cpu) ? cpu->gpr[REG_RCX] : (uint32_t)cpu->gpr[REG_RCX];

    check_there(cpu, i);
    if (extensions & ~UINT64_C(1))
        RAISE_ERR(EXC_GP, 0);
    if (cpu->monitor.armed && cpu->hooks.wait_a_while) {
        cpu->halted = cpu->monitor.waiting = true;
        cpu->monitor.masked_too = extensions & 1;
        cpu->monitor.nap = 0;
        cpu->monitor.waited = 0;
        cpu->monitor_until = 0;
    }
    cpu->monitor.armed = false;
    cpu_recheck_events(cpu);
    LEAVE_AFTER;
}
FAMILY(h_mwait, mwait);

bool monitor_due(const struct cpu *cpu)
{
    return (cpu->monitor.masked_too && (atomic_load(&cpu->events) & EV_INTR)) ||
           cpu->hooks.now(cpu->hooks.opaque) >= cpu->monitor_until;
}

bool monitor_ends(const struct cpu *cpu)
{
    uint8_t now[LINE];

    if (cpu->monitor.masked_too && (atomic_load(&cpu->events) & EV_INTR))
        return true;
    if (cpu->counted && !monitor_due(cpu))
        return false;
    return cpu->monitor.waited >= WAIT_MAX || !read_line(cpu, now) ||
           memcmp(now, cpu->monitor.was, LINE) != 0;
}

int64_t monitor_nap(struct cpu *cpu)
{
    int64_t most = cpu_group_size(cpu->group) > 1 ? NAP_MAX : NAP_ONE;
    int64_t nap = cpu->monitor.nap ? 2 * cpu->monitor.nap : NAP_MIN;

    cpu->monitor.nap = nap < most ? nap : most;
    cpu->monitor.waited += cpu->monitor.nap;
    return cpu->monitor.nap;
}

void monitor_put_off(struct cpu *cpu)
{
    int64_t now = cpu->hooks.now(cpu->hooks.opaque);

    if (now >= cpu->monitor_until)
        cpu->monitor_until = now + monitor_nap(cpu);
}
