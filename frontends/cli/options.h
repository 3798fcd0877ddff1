/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: QEMU's option names where the meaning is the same. An unknown option or value
 * is an error that names the nearest known one. docs/options.md lists them for users.
 */
#ifndef FRONTENDS_CLI_OPTIONS_H
#define FRONTENDS_CLI_OPTIONS_H

#include "frontends/monitor/monitor.h"
#include "machine/machine.h"

/* The QEMU whose options, test devices and QMP these are. */
#define OPTIONS_QEMU_VERSION "8.2.0"

enum display_kind { DISPLAY_NONE, DISPLAY_TEXT, DISPLAY_SDL };

struct options {
    struct machine_config machine;          /* strings point into argv or are owned by `owned` */
    const char *serial[MACHINE_MAX_SERIAL]; /* backend specs, NULL where there is none */
    const char *port_e9;                    /* spec or NULL */
    enum display_kind display;
    bool display_given;     /* by an option */
    const char *screendump; /* file for the text screen, or NULL */
    const char *profile;    /* file, or NULL */
    bool nographic;
    bool nodefaults; /* no display adapter and no serial port but those that are asked for */
    bool vga_given;
    GString *vga_props; /* of -global, as -device has them; NULL: none */
    bool snapshot;      /* of every disk, wherever it stands on the command line */
    bool stats;
    const char *gdb;       /* where gdb may connect, or NULL */
    bool help, version;    /* print and leave with status 0 */
    const char *help_text; /* a list that was asked for (-cpu help …), else NULL */
    GPtrArray *warnings;   /* lines for the person who runs us */
    struct monitor_address monitor[MONITORS_MAX];
    const char *monitor_chardev[MONITORS_MAX]; /* the -chardev that each is on, or NULL */
    unsigned n_monitors;
    bool name_given;
    const char *chardev_spec[MACHINE_MAX_CHARDEVS]; /* of machine.chardev, as char_open has it */
    GPtrArray *netdevs, *netdumps;                  /* what `machine` points to */
    GPtrArray *audiodevs;                           /* likewise */
    unsigned n_nics;                                /* of -nic: the first of machine.device */
    bool net_given;                                 /* -nic or -netdev */
    /* Of the window. */
    bool full_screen;
    bool smooth;          /* the screen fills it, by whatever factor */
    bool no_window_close; /* closing it does nothing */
    bool show_cursor;     /* the host's stays while the mouse is grabbed */
    const char *renderer; /* SDL's name of one, or NULL */
    const char *layout;   /* the guest's, for text that is pasted; NULL: us */
    const char *opened;   /* the file of the library's machine that this is, or NULL */
    GPtrArray *owned;
    GPtrArray *devices; /* owned struct device_config */
};

/* Fills *o from the command line. False with one clear error. */
bool options_parse(struct options *o, int argc, char **argv, GError **err);
void options_free(struct options *o);

/* Is there an option of that name? */
bool options_known(const char *name);

/* The usage text. */
const char *options_usage(void);

#endif
