/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console device with several ports: consoles and named serial lines. VIRTIO 1.1, 5.3. */
#ifndef DEVICES_VIRTIO_VIRTIO_SERIAL_H
#define DEVICES_VIRTIO_VIRTIO_SERIAL_H

#include "backends/char.h"
#include "devices/virtio/virtio.h"

#define VIRTIO_SERIAL_MAX_PORTS 15u /* two queues each, and two for control */
#define VIRTIO_SERIAL_NAME_MAX  63u

#define VIRTIO_CONSOLE_F_MULTIPORT   (UINT64_C(1) << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (UINT64_C(1) << 2)

struct virtio_serial_config {
    struct pci_bus *bus;
    uint8_t devfn;
    enum virtio_form form;
    unsigned max_ports; /* 1 to VIRTIO_SERIAL_MAX_PORTS */
};

struct virtio_serial_port {
    struct chardev *chr; /* the caller's; NULL: nothing behind it */
    const char *name;    /* that the guest sees, copied; up to VIRTIO_SERIAL_NAME_MAX; NULL: none */
    bool console;
};

/* NULL with an error. Device lock held, here and below. */
struct virtio_serial *virtio_serial_new(const struct virtio_serial_config *cfg, GError **err);
struct device *virtio_serial_device(struct virtio_serial *d);

/* Adds a port: number nr, or with a negative one the next that is free (0 is for consoles only).
 * False with an error. Before the machine runs. */
bool virtio_serial_add_port(struct virtio_serial *d, int nr, const struct virtio_serial_port *port,
                            GError **err);

#endif
