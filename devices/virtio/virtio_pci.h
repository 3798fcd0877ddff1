/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio device's PCI function; for virtio.c. VIRTIO 1.1, 4.1. */
#ifndef DEVICES_VIRTIO_VIRTIO_PCI_H
#define DEVICES_VIRTIO_VIRTIO_PCI_H

#include "devices/virtio/virtio.h"

/* Fills v->pci in and puts it onto v->cfg's bus; false with an error. */
bool virtio_pci_attach(struct virtio *v, GError **err);

#endif
