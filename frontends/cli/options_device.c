/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device: what is added to the board, and the lists of it, which scripts read in QEMU's form. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"
#include "machine/device_kind.h"

static bool is_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "?");
}

/* "NAME,help": the kind's properties. */
static bool asks_for_props(struct options *o, const char *value)
{
    const struct device_kind *kind;
    size_t len = strcspn(value, ",");

    if (!value[len] || !is_help(value + len + 1))
        return false;
    for (unsigned n = 0; (kind = device_kind(n)); n++) {
        if (strlen(kind->name) == len && !strncmp(kind->name, value, len)) {
            o->help_text = option_own(o, device_props_help(kind));
            return true;
        }
    }
    return false;
}

static bool opt_device(struct options *o, const char *value, GError **err)
{
    if (is_help(value)) {
        o->help_text = option_own(o, device_kinds_help());
        return true;
    }
    if (asks_for_props(o, value))
        return true;
    return option_add_device(o, o->machine.n_devices, value, err);
}

/* QEMU's old way to say -usb -device. */
static bool opt_usbdevice(struct options *o, const char *value, GError **err)
{
    static const char *const names[] = {"keyboard", "mouse", "tablet"};
    static const char *const kinds[] = {"usb-kbd", "usb-mouse", "usb-tablet"};

    for (unsigned k = 0; k < ARRAY_SIZE(names); k++) {
        if (!strcmp(value, names[k])) {
            o->machine.usb = true;
            return opt_device(o, kinds[k], err);
        }
    }
    return suggest_error(err, "-usbdevice", value, names, ARRAY_SIZE(names));
}

static const struct option options[] = {
    {"device", "NAME[,PARAMETER=VALUE]...",
     "add a device; -device help lists them, -device NAME,help its parameters", opt_device},
    {"usbdevice", "tablet|mouse|keyboard", "-usb, and one of these plugged in", opt_usbdevice},
};

const struct option_group options_device = {options, ARRAY_SIZE(options)};
