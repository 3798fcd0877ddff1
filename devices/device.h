/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every device declares of itself: a name, a reset, and a table of the fields that are its
 * guest visible state. Reset clears the listed fields and then calls `reset` for those that do not
 * start at zero; snapshots, migration and the engine-equality tests walk the same table, so nothing
 * is kept in step by hand. Wiring (buses, lines, backends, timers) is not state and is never
 * listed; a timer is rebuilt by `post_load` from the fields.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_field {
    const char *name;
    size_t offset;    /* in the device's struct */
    size_t size;      /* bytes of one element */
    size_t count;     /* elements */
    unsigned version; /* first device_type.version that has it */
    bool keep;        /* outlives a reset: battery-backed, or not wired to the reset line */
};

/* A scalar, an array, or a plain struct without pointers, since version 1. */
#define STATE_FIELD(type, field)                                                                   \
    {                                                                                              \
        .name = #field, .offset = offsetof(type, field), .size = sizeof(((type *)0)->field),       \
        .count = 1, .version = 1                                                                   \
    }
#define STATE_ARRAY(type, field)                                                                   \
    {                                                                                              \
        .name = #field, .offset = offsetof(type, field), .size = sizeof(((type *)0)->field[0]),    \
        .count = sizeof(((type *)0)->field) / sizeof(((type *)0)->field[0]), .version = 1          \
    }
/* A field that a reset leaves alone; X_new gives it its power-on value. */
#define STATE_KEEP(type, field)                                                                    \
    {                                                                                              \
        .name = #field, .offset = offsetof(type, field), .size = sizeof(((type *)0)->field),       \
        .count = 1, .version = 1, .keep = true                                                     \
    }
#define STATE_END                                                                                  \
    {                                                                                              \
        .name = NULL                                                                               \
    }

struct device_type {
    const char *name;
    unsigned version;                 /* of the state table, from 1 */
    const struct state_field *fields; /* ends with STATE_END */
    void (*reset)(void *self);        /* after the fields were zeroed; may be NULL */
    void (*post_load)(void *self);    /* after the fields were restored; may be NULL */
    /* Strict mode (base/lint.h) is to take it that the chip has been initialised: by the board in
     * firmware's place, or before the fields were saved. May be NULL. */
    void (*trust)(void *self);
    void (*destroy)(void *self); /* frees self; may be NULL for embedded devices */
};

/* A device on a board: what machine/ keeps in its list. Embedded as a member named `dev`. */
struct device {
    const struct device_type *type;
    void *self;
};

/* Clears every field of the table that is not kept, then calls the type's reset, which takes back
 * what the device has asked of an image (block_cancel). Device lock held; no worker is at such a
 * request any more (block_engine_drain). */
void device_reset(struct device *d);

/* Calls the type's trust, if it has one. Device lock held. */
void device_trust(struct device *d);

/* Calls the type's destroy. */
void device_destroy(struct device *d);

#endif
