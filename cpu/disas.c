/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disassembly with Capstone, the instruction trace, and the state dump; see disas.h and cpu_dump.
 */
#include "cpu/disas.h"

#include <capstone/capstone.h>
#include <glib.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/symbols.h"
#include "cpu/flags.h"
#include "cpu/peek.h"
#include "cpu/trace_filter.h"

/* A thread's handles for the code sizes; 0: not opened. Opening takes longer than an instruction.
 */
struct handles {
    csh of[MODE_CODE + 1];
};

static void close_handles(void *data)
{
    struct handles *h = data;

    for (unsigned k = 0; k <= MODE_CODE; k++) {
        if (h->of[k])
            cs_close(&h->of[k]);
    }
    g_free(h);
}

static csh handle_for(unsigned mode)
{
    static const cs_mode modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64, CS_MODE_32};
    static GPrivate key = G_PRIVATE_INIT(close_handles);
    struct handles *h = g_private_get(&key);
    csh *handle;

    if (!h) {
        h = g_new0(struct handles, 1);
        g_private_set(&key, h);
    }
    handle = &h->of[mode & MODE_CODE];
    if (!*handle && cs_open(CS_ARCH_X86, modes[mode & MODE_CODE], handle) != CS_ERR_OK)
        *handle = 0;
    return *handle;
}

size_t disas(const uint8_t *bytes, size_t avail, unsigned mode, uint64_t rip, char *buf,
             size_t buf_size)
{
    csh handle = handle_for(mode);
    cs_insn *insn;
    size_t len = 0;

    snprintf(buf, buf_size, "(bad)");
    if (!handle)
        return 0;
    if (cs_disasm(handle, bytes, avail, rip, 1, &insn) == 1) {
        snprintf(buf, buf_size, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        len = insn->size;
        cs_free(insn, 1);
    }
    return len;
}

size_t disas_fetch(struct cpu *cpu, uint64_t rip, uint8_t *bytes, size_t len)
{
    gva_t lin = cpu->code_base + rip;

    return cpu_peek(cpu, cpu_code64(cpu) ? lin : (uint32_t)lin, bytes, len);
}

static void insn_text(struct cpu *cpu, char *buf, size_t size)
{
    uint8_t bytes[15];
    size_t n = disas_fetch(cpu, cpu->gpr[REG_RIP], bytes, sizeof(bytes));

    disas(bytes, n, cpu->mode, cpu->gpr[REG_RIP], buf, size);
}

/* " <name+offset>" of the instruction at RIP, where symbols are known. */
static void place_text(const struct cpu *cpu, char *buf, size_t size)
{
    char name[128];

    buf[0] = 0;
    if (symbols_known() && symbols_name(cpu->code_base + cpu->gpr[REG_RIP], name, sizeof(name)))
        snprintf(buf, size, " <%s>", name);
}

void disas_trace(struct cpu *cpu)
{
    char text[128], place[136], who[16] = "";

    if (!trace_wanted(cpu))
        return;
    place_text(cpu, place, sizeof(place));
    if (cpu_group_size(cpu->group) > 1)
        snprintf(who, sizeof(who), "cpu%u: ", cpu->id);
    insn_text(cpu, text, sizeof(text));
    if (!log_on(LOG_INSN)) {
        log_msg(LOG_EXEC, "%s%04x:%016" PRIx64 "%s %s", who, cpu->seg[SEG_CS].sel,
                cpu->gpr[REG_RIP], place, text);
        return;
    }
    log_msg(LOG_INSN,
            "%s%04x:%016" PRIx64 "%s %-40s ax=%" PRIx64 " cx=%" PRIx64 " dx=%" PRIx64 " bx=%" PRIx64
            " sp=%" PRIx64 " bp=%" PRIx64 " si=%" PRIx64 " di=%" PRIx64 " fl=%" PRIx64,
            who, cpu->seg[SEG_CS].sel, cpu->gpr[REG_RIP], place, text, cpu->gpr[REG_RAX],
            cpu->gpr[REG_RCX], cpu->gpr[REG_RDX], cpu->gpr[REG_RBX], cpu->gpr[REG_RSP],
            cpu->gpr[REG_RBP], cpu->gpr[REG_RSI], cpu->gpr[REG_RDI], cpu_rflags(cpu));
}

static void dump_segment(const struct cpu *cpu, const char *name, unsigned n, FILE *f)
{
    const struct segment *s = &cpu->seg[n];

    fprintf(f, "%-4s %04x base %016" PRIx64 " limit %08x attr %04x\n", name, s->sel, s->base,
            s->limit, s->attr);
}

void cpu_dump(const struct cpu *cpu, FILE *f)
{
    static const char *const regs[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                       "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
    static const char *const segs[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR"};
    char text[128], place[136];

    if (cpu_group_size(cpu->group) > 1)
        fprintf(f, "CPU %u%s\n", cpu->id, cpu->wait_sipi ? " waiting for its start-up IPI" : "");
    for (unsigned r = 0; r < 16; r++)
        fprintf(f, "%s %016" PRIx64 "%c", regs[r], cpu->gpr[r], r % 4 == 3 ? '\n' : ' ');
    fprintf(f, "RIP %016" PRIx64 " RFLAGS %08" PRIx64 " CPL %u%s%s%s\n", cpu->gpr[REG_RIP],
            cpu_rflags(cpu), cpu->cpl, cpu->halted ? " halted" : "", cpu->in_smm ? " SMM" : "",
            cpu->nmi_blocked ? " NMI blocked" : "");
    for (unsigned n = 0; n < SEG_COUNT; n++)
        dump_segment(cpu, segs[n], n, f);
    fprintf(f, "GDT  base %016" PRIx64 " limit %04x  IDT base %016" PRIx64 " limit %04x\n",
            cpu->gdtr.base, cpu->gdtr.limit, cpu->idtr.base, cpu->idtr.limit);
    fprintf(f,
            "CR0 %08" PRIx64 " CR2 %016" PRIx64 " CR3 %016" PRIx64 " CR4 %08" PRIx64
            " EFER %04" PRIx64 "\n",
            cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4, cpu->efer);
    if (cpu->cr4 & CR4_PKE)
        fprintf(f, "PKRU %08" PRIx32 "\n", cpu->pkru);
    if (cpu->cr4 & CR4_OSXSAVE)
        fprintf(f, "XCR0 %03" PRIx64 "\n", cpu->xcr0);
    fprintf(f,
            "DR0 %016" PRIx64 " DR1 %016" PRIx64 " DR2 %016" PRIx64 " DR3 %016" PRIx64
            " DR6 %08" PRIx64 " DR7 %08" PRIx64 "\n",
            cpu->dr[0], cpu->dr[1], cpu->dr[2], cpu->dr[3], cpu->dr6, cpu->dr7);
    insn_text((struct cpu *)(uintptr_t)cpu, text, sizeof(text));
    place_text(cpu, place, sizeof(place));
    fprintf(f, "at RIP%s: %s\n", place, text);
    fprintf(f,
            "instructions %" PRIu64 ", TLB fills %" PRIu64 ", walks %" PRIu64 ", blocks %" PRIu64
            ", retired %" PRIu64 "\n",
            cpu->icount, cpu->stat_tlb_fills, cpu->stat_walks, cpu->stat_blocks, cpu->stat_smc);
}
