/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All local APICs of the machine and the messages among them, the IO-APICs and message-signalled
 * interrupts; also the APICs' page in the physical address space. Intel SDM volume 3, "Determining
 * IPI destination" and "Message signalled interrupts".
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PC_APIC_BUS_H
#define DEVICES_PC_APIC_BUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/pc/apic.h"

/* Delivery modes, as in ICR, LVT and redirection entries. */
enum apic_delivery {
    APIC_FIXED = 0,
    APIC_LOWEST = 1,
    APIC_SMI = 2,
    APIC_NMI = 4,
    APIC_INIT = 5,
    APIC_SIPI = 6,
    APIC_EXTINT = 7,
};

#define APIC_DEST_ALL 0xffffffffu

/* What the 8 bits of an xAPIC's ICR, a redirection entry or a message address mean. */
static inline uint32_t apic_dest8(uint8_t dest)
{
    return dest == 0xff ? APIC_DEST_ALL : dest;
}

struct apic_msg {
    uint32_t dest; /* APIC id or logical destination, or APIC_DEST_ALL */
    bool logical;  /* destination mode */
    bool level;    /* trigger mode: the EOI will be broadcast */
    uint8_t vector;
    enum apic_delivery mode;
};

struct apic_bus_config {
    struct bus *mmio; /* where the APICs' page is mapped; NULL: the board does its own dispatch */
    void *opaque;     /* of current */
    /* The APIC of the CPU whose access is being served, NULL when it is no CPU's (a debugger's). */
    struct apic *(*current)(void *opaque);
};

/* Makes the bus and maps the page at APIC_DEFAULT_BASE; NULL with an error when it is taken. */
struct apic_bus *apic_bus_new(const struct apic_bus_config *config, GError **err);

/* The APICs must be gone. */
void apic_bus_free(struct apic_bus *bus);

/* Sends a message; true when some APIC took it. */
bool apic_bus_send(struct apic_bus *bus, const struct apic_msg *msg);

/* A message-signalled interrupt: a 32-bit write of `data` to `addr` (0xfeexxxxx). */
bool apic_bus_msi(struct apic_bus *bus, uint64_t addr, uint32_t data);

/* Who wants to hear EOIs of level-triggered vectors: the IO-APICs, at most four. */
void apic_bus_add_eoi(struct apic_bus *bus, void (*eoi)(void *opaque, uint8_t vector),
                      void *opaque);
void apic_bus_remove_eoi(struct apic_bus *bus, void *opaque);

/* The APIC with this id, or NULL. */
struct apic *apic_bus_find(struct apic_bus *bus, uint8_t id);

/* ---- for apic.c ---- */

bool apic_bus_add(struct apic_bus *bus, struct apic *a, GError **err);
void apic_bus_remove(struct apic_bus *bus, struct apic *a);

/* An APIC's base moved. */
void apic_bus_changed(struct apic_bus *bus);

/* Tells the IO-APICs of an EOI. */
void apic_bus_eoi(struct apic_bus *bus, uint8_t vector);

/* To all APICs, or all but `self`. */
void apic_bus_broadcast(struct apic_bus *bus, const struct apic_msg *msg, struct apic *self);

#endif
