/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb's "monitor" commands: what its protocol has no packets for. The vCPUs stand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "frontends/gdb/session_int.h"

/* ---- words ---- */

void gdb_mode(const struct cpu *cpu, GString *to)
{
    const char *bits = cpu_code64(cpu) ? "64" : (cpu->mode & MODE_CODE) == MODE_32 ? "32" : "16";

    if (!(cpu->cr0 & CR0_PE))
        g_string_append(to, "real mode");
    else if (cpu->rflags & FL_VM)
        g_string_append(to, "virtual-8086 mode");
    else if (cpu_code64(cpu))
        g_string_append(to, "long mode, 64-bit code");
    else
        g_string_append_printf(to, "%s, %s-bit code",
                               cpu_long_mode(cpu) ? "long mode (compatibility)" : "protected mode",
                               bits);
    if (cpu->cr0 & CR0_PE)
        g_string_append_printf(to, ", CPL %u", cpu->cpl);
    if (cpu->cr0 & CR0_PG)
        g_string_append_printf(to, ", %s paging",
                               cpu_long_mode(cpu)   ? cpu->cr4 & CR4_LA57 ? "5-level" : "4-level"
                               : cpu->cr4 & CR4_PAE ? "PAE"
                                                    : "32-bit");
    if (cpu->in_smm)
        g_string_append(to, ", in SMM");
    if (cpu->wait_sipi)
        g_string_append(to, ", waits for its start-up IPI");
    else if (cpu->halted)
        g_string_append(to, ", halted");
}

/* "A" or "A-B", in C's notations; a word that may follow goes to *rest. */
static bool numbers(const char *text, uint64_t *first, uint64_t *last)
{
    char *end;

    if (!g_ascii_isdigit(*text))
        return false;
    *first = *last = g_ascii_strtoull(text, &end, 0);
    if (*end == '-') {
        if (!g_ascii_isdigit(end[1]))
            return false;
        *last = g_ascii_strtoull(end + 1, &end, 0);
    }
    return !*end && *first <= *last;
}

static bool on_off(const char *text, bool *value)
{
    if (strcmp(text, "on") && strcmp(text, "off"))
        return false;
    *value = !strcmp(text, "on");
    return true;
}

static bool access_of(const char *text, unsigned *access)
{
    if (!*text || !strcmp(text, "rw"))
        *access = ACC_R | ACC_W;
    else if (!strcmp(text, "r"))
        *access = ACC_R;
    else if (!strcmp(text, "w"))
        *access = ACC_W;
    else
        return false;
    return true;
}

/* ---- commands ---- */

struct line {
    const char *arg[3]; /* "" where there is none */
};

static void say_mode(struct gdb_session *s, const struct line *l, GString *to)
{
    (void)l;
    for (unsigned n = 0; n < machine_cpus(s->m); n++) {
        const struct cpu *cpu = machine_cpu(s->m, n);

        g_string_append_printf(to, "CPU %u: ", n);
        gdb_mode(cpu, to);
        g_string_append_printf(
            to, "; CS %04x base %" PRIx64 " IP %" PRIx64 ", linear %" PRIx64 "\n",
            cpu->seg[SEG_CS].sel, cpu->code_base, cpu->gpr[REG_RIP], debugger_pc(cpu));
    }
}

static void say_regs(struct gdb_session *s, const struct line *l, GString *to)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    (void)l;
    if (!f)
        return;
    for (unsigned n = 0; n < machine_cpus(s->m); n++)
        cpu_dump(machine_cpu(s->m, n), f);
    fclose(f);
    g_string_append(to, text);
    free(text);
}

static const char *const kind_name[] = {[DEBUG_CODE] = "code",          [DEBUG_WATCH] = "watch",
                                        [DEBUG_VECTOR] = "exception",   [DEBUG_CR3] = "cr3",
                                        [DEBUG_PORT] = "port",          [DEBUG_MMIO] = "mmio",
                                        [DEBUG_TRIPLE] = "triple fault"};

static void say_point(unsigned number, const struct debug_point *p, GString *to)
{
    g_string_append_printf(to, "%u: %s%s", number, p->phys ? "physical " : "", kind_name[p->kind]);
    if (p->kind == DEBUG_VECTOR)
        g_string_append_printf(to, " %" PRIu64, p->first);
    else if (p->kind != DEBUG_TRIPLE)
        g_string_append_printf(to, " %#" PRIx64, p->first);
    if (p->last > p->first)
        g_string_append_printf(to, p->kind == DEBUG_VECTOR ? "-%" PRIu64 : "-%#" PRIx64, p->last);
    if (p->access)
        g_string_append_printf(to, " %s%s", p->access & ACC_R ? "r" : "",
                               p->access & ACC_W ? "w" : "");
    g_string_append_c(to, '\n');
}

static void set_point(struct gdb_session *s, const struct debug_point *p, GString *to)
{
    say_point(debugger_add(s->set, p), p, to);
}

static void break_range(struct gdb_session *s, const struct line *l, GString *to,
                        enum debug_kind kind, uint64_t max, bool phys)
{
    struct debug_point p = {.kind = kind, .phys = phys, .owner = GDB_MONITOR};
    bool accessed = kind != DEBUG_VECTOR;

    if (!numbers(l->arg[1], &p.first, &p.last) || p.last > max ||
        (accessed ? !access_of(l->arg[2], &p.access) : *l->arg[2]))
        g_string_append_printf(to,
                               "a number or a range of them is needed, at most %#" PRIx64 "%s\n",
                               max, accessed ? "; then, if not both, r or w" : "");
    else
        set_point(s, &p, to);
}

static void break_exception(struct gdb_session *s, const struct line *l, GString *to)
{
    break_range(s, l, to, DEBUG_VECTOR, 255, false);
}

static void break_port(struct gdb_session *s, const struct line *l, GString *to)
{
    break_range(s, l, to, DEBUG_PORT, 0xffff, false);
}

static void break_mmio(struct gdb_session *s, const struct line *l, GString *to)
{
    break_range(s, l, to, DEBUG_MMIO, UINT64_MAX, true);
}

static void watch_phys(struct gdb_session *s, const struct line *l, GString *to)
{
    break_range(s, l, to, DEBUG_WATCH, UINT64_MAX, true);
}

static void break_one(struct gdb_session *s, const struct line *l, GString *to,
                      enum debug_kind kind, bool phys)
{
    struct debug_point p = {.kind = kind, .phys = phys, .owner = GDB_MONITOR};

    if (!numbers(l->arg[1], &p.first, &p.last) || p.first != p.last || *l->arg[2]) {
        g_string_append(to, "one number is needed\n");
        return;
    }
    set_point(s, &p, to);
}

static void break_cr3(struct gdb_session *s, const struct line *l, GString *to)
{
    break_one(s, l, to, DEBUG_CR3, false);
}

static void break_phys(struct gdb_session *s, const struct line *l, GString *to)
{
    break_one(s, l, to, DEBUG_CODE, true);
}

static void break_triple(struct gdb_session *s, const struct line *l, GString *to)
{
    struct debug_point p = {.kind = DEBUG_TRIPLE, .owner = GDB_MONITOR};
    bool on;

    if (!on_off(l->arg[1], &on))
        g_string_append(to, "on or off\n");
    else if (on)
        set_point(s, &p, to);
    else
        debugger_remove_like(s->set, &p);
}

static void list(struct gdb_session *s, const struct line *l, GString *to)
{
    const struct debug_point *p;
    unsigned number;

    (void)l;
    for (unsigned n = 0; (p = debugger_point(s->set, n, &number)); n++) {
        if (p->owner == GDB_MONITOR)
            say_point(number, p, to);
    }
}

static void delete (struct gdb_session *s, const struct line *l, GString *to)
{
    uint64_t number, last;

    if (!strcmp(l->arg[1], "all"))
        debugger_remove_owned(s->set, GDB_MONITOR);
    else if (!numbers(l->arg[1], &number, &last) || number != last || number > UINT32_MAX ||
             !debugger_remove(s->set, (unsigned)number))
        g_string_append(to, "no such point; 'monitor break-list' lists them\n");
}

static void set_phys(struct gdb_session *s, const struct line *l, GString *to)
{
    if (*l->arg[1] && !on_off(l->arg[1], &s->phys))
        g_string_append(to, "on or off\n");
    else
        g_string_append_printf(to, "memory is read and written by %s address\n",
                               s->phys ? "physical" : "virtual");
}

static void set_interrupts(struct gdb_session *s, const struct line *l, GString *to)
{
    if (*l->arg[1] && !on_off(l->arg[1], &s->let_in))
        g_string_append(to, "on or off\n");
    else
        g_string_append_printf(to, "interrupts %s during a step\n",
                               s->let_in ? "are taken" : "wait");
}

static void history_of(const struct cpu *cpu, GString *to)
{
    struct debug_past past[DEBUG_HISTORY];
    unsigned n = debugger_history(cpu, past, DEBUG_HISTORY);

    g_string_append_printf(to, "CPU %u:%s\n", cpu->id, n ? "" : " no exception so far");
    while (n-- > 0) { /* the first first */
        g_string_append_printf(to, "vector %2u", past[n].vector);
        if (past[n].has_error)
            g_string_append_printf(to, " error %04x", past[n].error);
        g_string_append_printf(to, " at %04x:%" PRIx64, past[n].cs, past[n].rip);
        if (past[n].vector == EXC_PF)
            g_string_append_printf(to, " cr2 %" PRIx64, past[n].cr2);
        g_string_append_printf(to, " after %" PRIu64 " instructions\n", past[n].icount);
    }
}

static void history(struct gdb_session *s, const struct line *l, GString *to)
{
    (void)l;
    for (unsigned n = 0; n < machine_cpus(s->m); n++)
        history_of(machine_cpu(s->m, n), to);
}

static void reset(struct gdb_session *s, const struct line *l, GString *to)
{
    (void)l;
    s->after = GDB_RESET;
    g_string_append(to, "reset; 'maintenance flush register-cache' shows gdb the new registers\n");
}

static void help(struct gdb_session *s, const struct line *l, GString *to);

static const struct command {
    const char *name, *args, *what;
    void (*fn)(struct gdb_session *s, const struct line *l, GString *to);
} commands[] = {
    {"mode", "", "each processor's mode, and where CS:IP is", say_mode},
    {"regs", "", "all registers, hidden parts too", say_regs},
    {"history", "", "the last exceptions, the latest at the end", history},
    {"break-exception", "N[-N]", "stop before a vector is delivered", break_exception},
    {"break-triple", "on|off", "stop at a triple fault before the reset (on)", break_triple},
    {"break-cr3", "V", "stop when CR3 is loaded with V", break_cr3},
    {"break-port", "A[-B] [r|w]", "stop behind accesses to ports", break_port},
    {"break-mmio", "A[-B] [r|w]", "stop behind accesses to MMIO", break_mmio},
    {"break-phys", "A", "a breakpoint at a physical address", break_phys},
    {"watch-phys", "A[-B] [r|w]", "watch physical memory", watch_phys},
    {"break-list", "", "what monitor commands have set", list},
    {"break-delete", "N|all", "take away one, or all", delete},
    {"phys", "on|off", "read and write memory by physical address", set_phys},
    {"step-interrupts", "on|off", "let interrupts in during steps (off)", set_interrupts},
    {"reset", "", "reset the machine, as its button would", reset},
    {"help", "", "this list", help},
};

static void help(struct gdb_session *s, const struct line *l, GString *to)
{
    (void)s;
    (void)l;
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++) {
        char *head = g_strdup_printf("%s %s", commands[k].name, commands[k].args);

        g_string_append_printf(to, "%-30s %s\n", head, commands[k].what);
        g_free(head);
    }
}

static void run(struct gdb_session *s, const struct line *l, GString *to)
{
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++) {
        if (!strcmp(l->arg[0], commands[k].name)) {
            commands[k].fn(s, l, to);
            return;
        }
    }
    g_string_append_printf(to, "unknown command '%s'; 'monitor help' lists them\n", l->arg[0]);
}

void gdb_monitor(struct gdb_session *s, const char *text)
{
    char **words = g_strsplit_set(text, " \t", -1);
    struct line l = {{"", "", ""}};
    GString *to = g_string_new(NULL);
    unsigned n = 0;

    for (unsigned k = 0; words[k] && n <= ARRAY_SIZE(l.arg); k++) {
        if (!*words[k])
            continue;
        if (n < ARRAY_SIZE(l.arg))
            l.arg[n] = words[k];
        n++;
    }
    if (n > ARRAY_SIZE(l.arg))
        g_string_append(to, "too many words\n");
    else if (n)
        run(s, &l, to);
    gdb_say(s, to->str);
    gdb_send(s, "OK");
    g_string_free(to, TRUE);
    g_strfreev(words);
}
