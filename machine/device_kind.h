/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -device may add to the board: kinds of devices, each with a table of its properties, from
 * which come the parser, its errors and the help; and one device as it was configured. A family of
 * kinds has a file devices_FAMILY.c with its tables and build functions, known to device_kind.c.
 */
#ifndef MACHINE_DEVICE_KIND_H
#define MACHINE_DEVICE_KIND_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_MAX_PROPS 24

struct board;
struct device_config;

enum prop_type {
    PROP_NUMBER, /* min..max */
    PROP_SIZE,   /* bytes, with k, M, G or T behind them; min..max */
    PROP_ON_OFF,
    PROP_TEXT,   /* any; also ids of backends, which the build function looks up */
    PROP_CHOICE, /* a word of `choices`; its number there */
    PROP_MAC,    /* xx:xx:xx:xx:xx:xx; its text, checked */
    PROP_SLOT,   /* a PCI function: SLOT or SLOT.FUNCTION, in hexadecimal; as PCI_DEVFN */
};

struct device_prop {
    const char *name; /* NULL in DEVICE_PROPS_END */
    enum prop_type type;
    const char *what;
    uint64_t min, max;
    uint64_t number;  /* where none is given */
    const char *text; /* likewise; may be NULL */
    const char *const *choices;
};

#define DEVICE_PROPS_END                                                                           \
    {                                                                                              \
        .name = NULL                                                                               \
    }

enum device_family {
    FAMILY_STORAGE,
    FAMILY_NETWORK,
    FAMILY_INPUT,
    FAMILY_DISPLAY,
    FAMILY_SOUND,
    FAMILY_USB,
    FAMILY_MISC
};

struct device_kind {
    const char *name, *bus, *what;
    enum device_family family;
    unsigned limit;                  /* in one machine; 0: none */
    const struct device_prop *props; /* NULL: none of its own. PCI kinds also have `addr` */
    /* Makes one and adds it to the board with board_add. Device lock held, no vCPU running; the
     * board is whole but for other configured devices, those before this one are there. False with
     * one clear error. */
    bool (*build)(struct board *b, const struct device_config *c, GError **err);
};

/* Kind n of all, in the order of families and then names; NULL behind the last. */
const struct device_kind *device_kind(unsigned n);

/* "NAME[,PROPERTY=VALUE]...", as -device has it; `id` is a property of all. NULL with one clear
 * error. */
struct device_config *device_config_new(const char *text, GError **err);
void device_config_free(struct device_config *c);

const struct device_kind *device_config_kind(const struct device_config *c);
const char *device_config_id(const struct device_config *c); /* NULL: none was given */

/* Values, as given or else the table's. The property is one of the kind's, of a fitting type. */
uint64_t device_number(const struct device_config *c, const char *prop);
bool device_flag(const struct device_config *c, const char *prop);
const char *device_text(const struct device_config *c, const char *prop);
bool device_given(const struct device_config *c, const char *prop);

/* The six bytes of a PROP_MAC's text. */
void device_mac(const char *text, uint8_t mac[6]);

/* All kinds in QEMU's form, and the properties of one; g_free them. */
char *device_kinds_help(void);
char *device_props_help(const struct device_kind *kind);

#endif
