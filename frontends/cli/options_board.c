/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the board: which it is and what is left out of it. QEMU's names and meanings; what
 * they are about and Penumbra has in one way alone is accepted when it says that way, with a
 * warning where the guest could see a difference.
 */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"

static bool board_name(struct options *o, const char *name, GError **err)
{
    static const char *const names[] = {"pc", "q35"};

    if (!strcmp(name, "q35"))
        option_warn(o, "the board is an i440FX/PIIX3 PC: of a q35 it has neither PCI Express nor "
                       "an IOMMU");
    else if (strcmp(name, "pc"))
        return suggest_error(err, "machine", name, names, ARRAY_SIZE(names));
    return true;
}

static bool irqchip(const char *value, GError **err)
{
    static const char *const kinds[] = {"on", "off", "split"};

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        if (!strcmp(value, kinds[k]))
            return true; /* where KVM would have the chips; here they are in one place */
    }
    return suggest_error(err, "kernel-irqchip", value, kinds, ARRAY_SIZE(kinds));
}

static bool opt_machine(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {
        "type", "accel", "pit", "vmport", "kernel-irqchip", "kernel_irqchip", "pcspk-audiodev"};
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *key = k == 0 && !p.value[k] ? "type" : p.key[k];
        const char *v = p.value[k] ? p.value[k] : key == p.key[k] ? "on" : p.key[k];
        bool on = true, ok = true;

        if (!strcmp(key, "type")) {
            ok = board_name(o, v, err);
        } else if (!strcmp(key, "accel")) {
            ok = option_accel(o, v, err);
        } else if (!strcmp(key, "pit")) {
            ok = option_on_off("-machine: pit", v, &on, err);
            o->machine.no_pit = !on;
        } else if (!strcmp(key, "vmport")) {
            ok = !strcmp(v, "auto") || option_on_off("-machine: vmport", v, &on, err);
            if (ok && on && strcmp(v, "auto"))
                option_warn(o, "vmport=on: VMware's port is not there");
        } else if (!strcmp(key, "pcspk-audiodev")) {
            if (!p.value[k] || !*v)
                return error_option(err, "-machine: pcspk-audiodev wants the id of an -audiodev");
            o->machine.speaker_audiodev = v;
        } else if (!strcmp(key, "kernel-irqchip") || !strcmp(key, "kernel_irqchip")) {
            ok = irqchip(v, err);
        } else {
            ok = suggest_error(err, "-machine parameter", key, keys, ARRAY_SIZE(keys));
        }
        if (!ok)
            return false;
    }
    return p.n || error_option(err, "-machine: no machine is named");
}

static bool opt_enable_kvm(struct options *o, const char *value, GError **err)
{
    (void)value;
    return option_accel(o, "kvm", err);
}

static bool opt_nodefaults(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->nodefaults = true;
    return true;
}

/* DEVICE.PROPERTY=VALUE, for the devices that are always there. */
static bool opt_global(struct options *o, const char *value, GError **err)
{
    static const char *const known[] = {"kvm-pit.lost_tick_policy", "VGA.mmio"};
    const char *eq = strchr(value, '=');
    char *key;
    bool on;

    if (!eq)
        return error_option(err, "-global: '%s' is not DEVICE.PROPERTY=VALUE", value);
    key = option_own(o, g_strndup(value, (gsize)(eq - value)));
    if (!strcmp(key, known[1])) {
        if (!option_on_off("-global: VGA.mmio", eq + 1, &on, err))
            return false;
        o->machine.vga_no_mmio = !on;
        return true;
    }
    if (strcmp(key, known[0]))
        return suggest_error(err, "-global property", key, known, ARRAY_SIZE(known));
    /* ticks that pass while their interrupt waits are one; none is delivered late */
    if (strcmp(eq + 1, "discard"))
        return error_option(err, "-global: the PIT's lost_tick_policy is 'discard', not '%s'",
                            eq + 1);
    return true;
}

/* The host's processors idle as the guest's do in any case: cpu-pm is a wish that costs nothing
 * to leave open. */
static bool opt_overcommit(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"cpu-pm", "mem-lock"};
    struct option_pairs p;
    bool on;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        if (strcmp(p.key[k], "cpu-pm") && strcmp(p.key[k], "mem-lock"))
            return suggest_error(err, "-overcommit parameter", p.key[k], keys, ARRAY_SIZE(keys));
        if (!option_on_off("-overcommit", p.value[k], &on, err))
            return false;
        if (on && !strcmp(p.key[k], "mem-lock"))
            return error_option(err, "-overcommit: mem-lock=on is not there: guest memory is not "
                                     "locked into the host's");
    }
    return p.n || error_option(err, "-overcommit: nothing is asked for");
}

static const struct option options[] = {
    {"machine", "[type=]pc[,accel=NAME][,pit=on|off]", "the board", opt_machine},
    {"M", "pc", "the same", opt_machine},
    {"enable-kvm", NULL, NULL, opt_enable_kvm},
    {"nodefaults", NULL, "no display adapter and no serial port but those asked for",
     opt_nodefaults},
    {"global", "DEVICE.PROPERTY=VALUE", "VGA.mmio=off; kvm-pit.lost_tick_policy=discard",
     opt_global},
    {"overcommit", "cpu-pm=on|off", "accepted; changes nothing", opt_overcommit},
};

const struct option_group options_board = {options, ARRAY_SIZE(options)};
