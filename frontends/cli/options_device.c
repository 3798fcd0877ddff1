/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device: what is added to the board, and the list of it, which scripts read in QEMU's form. */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/bits.h"

static bool add_debug_exit(struct options *o, const struct option_pairs *p, GError **err)
{
    static const char *const keys[] = {"iobase", "iosize"};
    uint64_t base = 0x501, size = 2;

    for (unsigned k = 1; k < p->n; k++) {
        if (!strcmp(p->key[k], "iobase")) {
            if (!option_number("isa-debug-exit: iobase", p->value[k], 0xffff, &base, err))
                return false;
        } else if (!strcmp(p->key[k], "iosize")) {
            if (!option_number("isa-debug-exit: iosize", p->value[k], 4, &size, err))
                return false;
        } else {
            return option_fail_unknown(err, "isa-debug-exit parameter", p->key[k], keys,
                                       ARRAY_SIZE(keys));
        }
    }
    o->machine.exit_device = true;
    o->machine.exit_base = (uint16_t)base;
    o->machine.exit_size = (uint16_t)size;
    return true;
}

static bool no_parameters(const struct option_pairs *p, GError **err)
{
    return p->n == 1 || option_fail(err, "%s has no parameter '%s'", p->key[0], p->key[1]);
}

static bool add_pc_testdev(struct options *o, const struct option_pairs *p, GError **err)
{
    o->machine.testdev = true;
    return no_parameters(p, err);
}

static bool add_pci_testdev(struct options *o, const struct option_pairs *p, GError **err)
{
    if (++o->machine.pci_testdevs > MACHINE_MAX_PCI_TESTDEVS)
        return option_fail(err, "pci-testdev: more than %d", MACHINE_MAX_PCI_TESTDEVS);
    return no_parameters(p, err);
}

static const struct device_option {
    const char *name, *bus, *what;
    bool (*add)(struct options *o, const struct option_pairs *p, GError **err);
} devices[] = {
    {"isa-debug-exit", "ISA", "lets the guest end Penumbra with a status", add_debug_exit},
    {"pc-testdev", "ISA", "ports and memory for the kvm-unit-tests", add_pc_testdev},
    {"pci-testdev", "PCI", "a PCI function for tests of BARs", add_pci_testdev},
};

static char *device_help(void)
{
    GString *s = g_string_new("Misc devices:\n");

    for (unsigned k = 0; k < ARRAY_SIZE(devices); k++)
        g_string_append_printf(s, "name \"%s\", bus %s, desc \"%s\"\n", devices[k].name,
                               devices[k].bus, devices[k].what);
    return g_string_free(s, FALSE);
}

static bool opt_device(struct options *o, const char *value, GError **err)
{
    const char *names[ARRAY_SIZE(devices)];
    struct option_pairs p;

    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        o->help_text = option_own(o, device_help());
        return true;
    }
    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
        names[k] = devices[k].name;
        if (p.n && !p.value[0] && !strcmp(p.key[0], names[k]))
            return devices[k].add(o, &p, err);
    }
    return option_fail_unknown(err, "device", p.n ? p.key[0] : value, names, ARRAY_SIZE(names));
}

static const struct option options[] = {
    {"device", "NAME[,PARAMETER=VALUE]...", "add a device; -device help lists them", opt_device},
};

const struct option_group options_device = {options, ARRAY_SIZE(options)};
