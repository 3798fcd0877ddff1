/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: info about interrupt controllers and lines. */
#include "devices/pc/apic.h"
#include "devices/pc/ioapic.h"
#include "devices/pc/pic.h"
#include "frontends/monitor/hmp.h"
#include "machine/board.h"

struct view {
    struct hmp *h;
    GString *out;
};

static void show_pic(void *opaque)
{
    struct view *v = opaque;

    pic_describe(v->h->mon->board->pic, v->out);
}

static void show_ioapic(void *opaque)
{
    struct view *v = opaque;

    ioapic_describe(v->h->mon->board->ioapic, v->out);
}

static void show_lapic(void *opaque)
{
    struct view *v = opaque;

    apic_describe(v->h->mon->board->cpu[v->h->cpu].apic, v->out);
}

static void show_irq(void *opaque)
{
    static const char *const sources[IRQ_SOURCES] = {"chip", "second chip", "PCI", "HPET", "test"};
    struct view *v = opaque;
    const struct irq_mux *m = &v->h->mon->board->irq;

    for (unsigned n = 0; n < IRQ_MUX_LINES; n++) {
        g_string_append_printf(v->out, "%2u: %s", n, m->level[n] & ~m->gated[n] ? "high" : "low");
        for (unsigned s = 0; s < IRQ_SOURCES; s++) {
            if (m->level[n] >> s & 1)
                g_string_append_printf(v->out, ", %s%s", sources[s],
                                       m->gated[n] >> s & 1 ? " (cut off)" : "");
        }
        g_string_append_c(v->out, '\n');
    }
}

static bool pic(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct view v = {h, out};

    (void)args;
    return monitor_visit(h->mon, show_pic, &v, err);
}

static bool ioapic(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct view v = {h, out};

    (void)args;
    return monitor_visit(h->mon, show_ioapic, &v, err);
}

static bool lapic(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct view v = {h, out};

    (void)args;
    return monitor_visit(h->mon, show_lapic, &v, err);
}

static bool irq(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct view v = {h, out};

    (void)args;
    return monitor_visit(h->mon, show_irq, &v, err);
}

static const struct mon_command commands[] = {
    {"info pic", "", "the two 8259A interrupt controllers", .hmp = pic},
    {"info ioapic", "", "the IO-APIC and its redirection entries", .hmp = ioapic},
    {"info lapic", "", "the local APIC of the processor", .hmp = lapic},
    {"info irq", "", "the interrupt lines, and who holds them", .hmp = irq},
};
const struct mon_group hmp_chips = {commands, G_N_ELEMENTS(commands)};
