/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: info about processors, memory, drives and the machine as a whole. */
#include <inttypes.h>
#include <string.h>

#include "base/lint_control.h"
#include "base/lock.h"
#include "cpu/blocks.h"
#include "cpu/disas.h"
#include "cpu/state.h"
#include "devices/pci/pci_bus.h"
#include "frontends/monitor/guest_memory.h"
#include "frontends/monitor/hmp.h"
#include "frontends/monitor/line_edit.h"
#include "frontends/monitor/status.h"
#include "frontends/monitor/walk.h"
#include "machine/board.h"
#include "machine/devices_usb.h"
#include "machine/drives.h"

/* What a visitor of the standing machine needs. */
struct view {
    struct hmp *h;
    GString *out;
    bool all;
};

static bool show(struct hmp *h, json_t *args, GString *out, void (*fn)(void *opaque), GError **err)
{
    struct view v = {h, out, args_bool(args, "a", false)};

    return monitor_visit(h->mon, fn, &v, err);
}

#define SHOW(name)                                                                                 \
    static bool name(struct hmp *h, json_t *args, GString *out, GError **err)                      \
    {                                                                                              \
        return show(h, args, out, show_##name, err);                                               \
    }

/* ---- processors ---- */

static void show_one(struct cpu *cpu, GString *out)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    cpu_dump(cpu, f);
    fclose(f);
    g_string_append_len(out, text, (gssize)len);
    free(text);
}

static void show_registers(void *opaque)
{
    struct view *v = opaque;

    for (unsigned n = 0; v->all && n < machine_cpus(v->h->mon->machine); n++) {
        g_string_append_printf(v->out, "processor %u:\n", n);
        show_one(machine_cpu(v->h->mon->machine, n), v->out);
    }
    if (!v->all)
        show_one(hmp_cpu(v->h), v->out);
}
SHOW(registers)

static const char *cpu_mode(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE))
        return "real mode";
    if (cpu->rflags & FL_VM)
        return "virtual-8086 mode";
    if (cpu_code64(cpu))
        return "64-bit mode";
    if (cpu_long_mode(cpu))
        return "compatibility mode";
    return cpu->mode & MODE_32 ? "protected mode, 32-bit code" : "protected mode, 16-bit code";
}

static void show_cpus(void *opaque)
{
    struct view *v = opaque;

    for (unsigned n = 0; n < machine_cpus(v->h->mon->machine); n++) {
        struct cpu *cpu = machine_cpu(v->h->mon->machine, n);

        g_string_append_printf(v->out,
                               "%c CPU #%u: %04x:%016" PRIx64 ", %s, ring %u%s, thread_id=%d\n",
                               n == v->h->cpu ? '*' : ' ', n, cpu->seg[SEG_CS].sel,
                               cpu->gpr[REG_RIP], cpu_mode(cpu), cpu->cpl,
                               cpu->wait_sipi ? ", waits for its start"
                               : cpu->halted  ? ", halted"
                                              : "",
                               machine_cpu_thread(v->h->mon->machine, n));
    }
}
SHOW(cpus)

/* ---- memory ---- */

static void show_mem(void *opaque)
{
    struct view *v = opaque;

    walk_list(hmp_cpu(v->h), true, v->out);
}
SHOW(mem)

static void show_tlb(void *opaque)
{
    struct view *v = opaque;

    walk_list(hmp_cpu(v->h), false, v->out);
}
SHOW(tlb)

static void show_region(const struct bus_region *r, void *opaque)
{
    g_string_append_printf(opaque, "  %012" PRIx64 "-%012" PRIx64 " %s\n", r->base,
                           r->base + r->len - 1, r->name);
}

static void show_mtree(void *opaque)
{
    struct view *v = opaque;
    struct board *b = v->h->mon->board;
    const struct memslots *g = memslots_now(b->mem.slots);

    g_string_append_printf(v->out, "memory slots, generation %" PRIu64 ":\n", g->generation);
    for (unsigned k = g->used; k-- > 0;) {
        const struct memslot *s = &g->slot[k];

        g_string_append_printf(v->out, "  %012" PRIx64 "-%012" PRIx64 " slot %d%s%s\n",
                               s->base_gfn << PAGE_SHIFT,
                               ((s->base_gfn + s->npages) << PAGE_SHIFT) - 1, s->id,
                               memslot_readonly(s) ? ", read-only" : "",
                               s->flags & MEMSLOT_LOG_DIRTY ? ", writes are logged" : "");
    }
    g_string_append(v->out, "devices in memory:\n");
    bus_foreach(b->mmio, show_region, v->out);
    g_string_append(v->out, "devices at ports:\n");
    bus_foreach(b->ports, show_region, v->out);
}
SHOW(mtree)

static void add_line(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

static void show_mmu(void *opaque)
{
    struct view *v = opaque;

    for (unsigned n = 0; n < machine_cpus(v->h->mon->machine); n++) {
        const struct cpu *cpu = machine_cpu(v->h->mon->machine, n);

        g_string_append_printf(v->out, "CPU #%u: %s, CR3 0x%" PRIx64 "%s%s%s%s%s%s%s\n", n,
                               walk_mode(cpu), cpu->cr3, cpu->cr0 & CR0_WP ? " WP" : "",
                               cpu->efer & EFER_NXE ? " NXE" : "", cpu->cr4 & CR4_PGE ? " PGE" : "",
                               cpu->cr4 & CR4_SMEP ? " SMEP" : "",
                               cpu->cr4 & CR4_SMAP ? " SMAP" : "", cpu->cr4 & CR4_PKE ? " PKE" : "",
                               cpu->cr4 & CR4_PCIDE ? " PCIDE" : "");
    }
    machine_print_stats(v->h->mon->machine, add_line, v->out);
}
SHOW(mmu)

static void show_blocks(void *opaque)
{
    struct view *v = opaque;

    for (unsigned n = 0; n < machine_cpus(v->h->mon->machine); n++) {
        const struct cpu *cpu = machine_cpu(v->h->mon->machine, n);

        g_string_append_printf(
            v->out,
            "CPU #%u: %" PRIu64 " instructions; %" PRIu64 " blocks decoded, %" PRIu64
            " of them written to, all forgotten %" PRIu64 " times\n",
            n, cpu->icount, cpu->stat_blocks, cpu->stat_smc, blocks_flush_count(cpu));
    }
}
SHOW(blocks)

static void lint_line(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

static bool lint(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)h;
    (void)args;
    (void)err;
    lint_tell(lint_line, out);
    return true;
}

static bool roms(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const struct board *b = h->mon->board;

    (void)args;
    (void)err;
    if (b->bios)
        g_string_append_printf(out, "firmware: %" PRIu64 " KiB, to the end of 4 GiB\n",
                               (uint64_t)b->bios->size >> 10);
    else
        g_string_append(out, "no firmware: a kernel was loaded without\n");
    if (b->vgabios)
        g_string_append_printf(out, "VGA BIOS: %" PRIu64 " KiB\n",
                               (uint64_t)b->vgabios->size >> 10);
    return true;
}

/* ---- the machine ---- */

static bool status(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const char *s = monitor_status(h->mon);

    (void)args;
    (void)err;
    g_string_append_printf(out, "VM status: %s%s%s%s\n",
                           strcmp(s, "running") && strcmp(s, "shutdown") ? "paused" : s,
                           strcmp(s, "prelaunch") ? "" : " (", strcmp(s, "prelaunch") ? "" : s,
                           strcmp(s, "prelaunch") ? "" : ")");
    return true;
}

static bool version(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)args;
    (void)err;
    g_string_append_printf(out, "Penumbra %s\n", h->mon->cfg.version);
    return true;
}

static bool name(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)args;
    (void)err;
    g_string_append_printf(out, "%s\n", h->mon->cfg.name ? h->mon->cfg.name : "(none was given)");
    return true;
}

static bool block(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct machine_drive_info d;
    bool any = false;

    (void)args;
    (void)err;
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        if (!machine_drive_info(h->mon->machine, n, &d))
            continue;
        any = true;
        g_string_append_printf(out, "%s: %s", d.name, d.medium ? d.file : "[not inserted]");
        if (d.medium)
            g_string_append_printf(out, " (%s%s%s), %" PRIu64 " bytes", d.format,
                                   d.readonly ? ", read-only" : "",
                                   d.snapshot ? ", writes are thrown away" : "", d.bytes);
        if (d.cd)
            g_string_append_printf(out, "; removable, tray %s%s", d.tray_open ? "open" : "closed",
                                   d.tray_locked ? ", locked" : ", not locked");
        else if (d.removable)
            g_string_append(out, "; removable");
        g_string_append_c(out, '\n');
        g_free(d.file);
    }
    if (!any)
        g_string_append(out, "there are no drives\n");
    return true;
}

static bool chardev(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)args;
    (void)err;
    for (unsigned k = 0; k < h->mon->cfg.n_chardevs; k++)
        g_string_append_printf(out, "%s: filename=%s\n", h->mon->cfg.chardev[k].label,
                               h->mon->cfg.chardev[k].file);
    return true;
}

static void show_function(struct pci_device *d, void *opaque)
{
    GString *out = opaque;

    g_string_append_printf(out, "  device %2d, function %d: %s, %02x%02x:%02x%02x", d->devfn >> 3,
                           d->devfn & 7, d->name, d->config[PCI_VENDOR_ID + 1],
                           d->config[PCI_VENDOR_ID], d->config[PCI_DEVICE_ID + 1],
                           d->config[PCI_DEVICE_ID]);
    if (d->config[PCI_INT_PIN])
        g_string_append_printf(out, ", INT%c is IRQ %u", 'A' + d->config[PCI_INT_PIN] - 1,
                               d->config[PCI_INT_LINE]);
    g_string_append_c(out, '\n');
    for (unsigned n = 0; n < PCI_NUM_BARS; n++) {
        const struct pci_bar *bar = &d->bar[n];

        if (bar->size && bar->mapped)
            g_string_append_printf(out, "      BAR%u: %s at 0x%08" PRIx64 " [0x%08" PRIx64 "]\n", n,
                                   bar->io ? "I/O" : "memory", bar->addr,
                                   bar->addr + bar->size - 1);
        else if (bar->size)
            g_string_append_printf(out, "      BAR%u: %s, %" PRIu64 " bytes, not mapped\n", n,
                                   bar->io ? "I/O" : "memory", bar->size);
    }
}

static bool pci(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)args;
    (void)err;
    g_string_append(out, "bus 0:\n");
    lock_take(h->mon->board->lock);
    pci_bus_foreach(h->mon->board->pci, show_function, out);
    lock_drop(h->mon->board->lock);
    return true;
}

static bool usb(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct board *b = h->mon->board;

    (void)args;
    (void)err;
    lock_take(b->lock);
    usb_describe(b, out);
    lock_drop(b->lock);
    return true;
}

static bool history(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const char *line;

    (void)args;
    if (!h->edit)
        return monitor_fail(err, "lines are kept on a terminal only");
    for (unsigned n = 0; (line = line_edit_history(h->edit, n)); n++)
        g_string_append_printf(out, "%u: '%s'\n", n, line);
    return true;
}

static const struct mon_command commands[] = {
    {"info registers", "a:b?", "the registers of the processor; with -a of all", .hmp = registers},
    {"info cpus", "", "the processors and what they do", .hmp = cpus},
    {"info mem", "", "what the page tables map, as ranges", .hmp = mem},
    {"info tlb", "", "what the page tables map, page by page", .hmp = tlb},
    {"info mtree", "", "what stands where in physical memory and at ports", .hmp = mtree},
    {"info mmu", "", "paging modes, and what the MMU counted", .hmp = mmu},
    {"info blocks", "", "what the cache of decoded code counted", .hmp = blocks},
    {"info lint", "", "what -lint has reported so far", .hmp = lint},
    {"info roms", "", "firmware images", .hmp = roms},
    {"info status", "", "does the machine run", .hmp = status},
    {"info version", "", "Penumbra's version", .hmp = version},
    {"info name", "", "the guest's name", .hmp = name},
    {"info block", "", "the drives and what is in them", .hmp = block},
    {"info chardev", "", "what stands behind serial ports and consoles", .hmp = chardev},
    {"info pci", "", "the functions on the PCI bus", .hmp = pci},
    {"info history", "", "the lines that were typed", .hmp = history},
    {"info usb", "", "USB devices", .hmp = usb},
};
const struct mon_group hmp_info = {commands, G_N_ELEMENTS(commands)};
