/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of what is booted: kernel, firmware, order. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"

static bool opt_kernel(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.kernel = value;
    return true;
}

static bool opt_initrd(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.initrd = value;
    return true;
}

static bool opt_append(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.append = value;
    return true;
}

static bool opt_bios(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.bios = value;
    return true;
}

static bool opt_dir(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.firmware_dir = value;
    return true;
}

static bool opt_boot(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"order", "menu"};
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *order = !p.value[k] && k == 0 ? p.key[k] : NULL;

        if (!strcmp(p.key[k], "order"))
            order = p.value[k] ? p.value[k] : "";
        if (order) {
            if (!*order || strspn(order, "acdn") != strlen(order))
                return error_option(err, "-boot: order '%s' is not made of a, c, d and n", order);
            o->machine.boot_order = order;
        } else if (!strcmp(p.key[k], "menu")) {
            if (!option_on_off("-boot: menu", p.value[k], &o->machine.boot_menu, err))
                return false;
        } else {
            return suggest_error(err, "-boot parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_no_reboot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->machine.no_reboot = true;
    return true;
}

static const struct option options[] = {
    {"kernel", "FILE", "boot a Linux bzImage or Multiboot kernel directly", opt_kernel},
    {"initrd", "FILE", "its initial RAM disk (Multiboot: \"file args,file2\")", opt_initrd},
    {"append", "STRING", "its command line", opt_append},
    {"boot", "[order=]cd[,menu=on]", "what the firmware tries: a, c disk, d CD, n", opt_boot},
    {"bios", "FILE", "firmware image (default SeaBIOS)", opt_bios},
    {"L", "DIR", "where to look for firmware first", opt_dir},
    {"no-reboot", NULL, "a guest reset ends the machine (see docs/exit-status.md)", opt_no_reboot},
};

const struct option_group options_boot = {options, ARRAY_SIZE(options)};
