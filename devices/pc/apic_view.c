/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's state for a person; nothing changes by being looked at. */
#include <inttypes.h>

#include "devices/pc/apic_internal.h"

static void describe_lvt(const struct apic *a, GString *out)
{
    static const char *const names[NUM_LVT] = {"timer", "thermal", "perf",
                                               "LINT0", "LINT1",   "error"};
    static const char *const modes[] = {"fixed", "reserved", "SMI",      "reserved",
                                        "NMI",   "INIT",     "reserved", "ExtINT"};

    for (unsigned n = 0; n < NUM_LVT; n++) {
        uint32_t e = a->lvt[n];

        g_string_append_printf(
            out, "  LVT %-7s 0x%05x: vector %u, %s%s%s%s\n", names[n], e, e & 0xff,
            n ? modes[e >> 8 & 7] : "fixed", e & LVT_LEVEL ? ", level" : "",
            e & LVT_RIRR ? ", waits for EOI" : "", e & LVT_MASKED ? ", masked" : "");
    }
}

/* The vectors whose bits are set. */
static void describe_vectors(const char *name, const uint32_t *word, GString *out)
{
    bool any = false;

    g_string_append_printf(out, "  %s:", name);
    for (unsigned v = 0; v < 256; v++) {
        if (word[v / 32] >> v % 32 & 1) {
            g_string_append_printf(out, " %u", v);
            any = true;
        }
    }
    g_string_append(out, any ? "\n" : " none\n");
}

void apic_describe(const struct apic *a, GString *out)
{
    static const char *const timer_modes[] = {"one-shot", "periodic", "TSC deadline", "reserved"};

    g_string_append_printf(out, "local APIC %u, base MSR 0x%" PRIx64 "%s%s\n", a->id, a->base_msr,
                           apic_enabled(a) ? "" : ", disabled",
                           a->base_msr & BASE_BSP ? ", bootstrap processor" : "");
    g_string_append_printf(out,
                           "  SVR 0x%03x (%s)  TPR 0x%02x  PPR 0x%02x  LDR 0x%08x  DFR 0x%08x\n",
                           a->svr, a->svr & SVR_ENABLE ? "enabled" : "disabled by software", a->tpr,
                           apic_ppr(a), a->ldr, a->dfr);
    g_string_append_printf(out, "  ICR 0x%08x%08x  ESR 0x%02x\n", a->icr_high, a->icr_low, a->esr);
    describe_lvt(a, out);
    g_string_append_printf(out, "  timer: %s, initial %u, now %u, divide 0x%x",
                           timer_modes[a->lvt[0] >> 17 & 3], a->timer_init, apic_timer_count(a),
                           a->timer_divide);
    if (a->tsc_deadline)
        g_string_append_printf(out, ", deadline 0x%" PRIx64, a->tsc_deadline);
    g_string_append_c(out, '\n');
    describe_vectors("ISR", a->isr, out);
    describe_vectors("IRR", a->irr, out);
}
