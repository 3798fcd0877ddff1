/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the AHCI controller: ahci.c has the PCI function and the registers of the
 * whole, ahci_port.c those of a port and its link, ahci_command.c runs commands, ahci_ncq.c the
 * queued ones, ahci_memory.c reaches descriptors, data and received FISes in guest memory.
 */
#ifndef DEVICES_STORAGE_AHCI_INTERNAL_H
#define DEVICES_STORAGE_AHCI_INTERNAL_H

#include "devices/pci/pci_msi.h"
#include "devices/storage/ahci.h"
#include "devices/storage/ide_unit.h"

#define AHCI_SLOTS 32u

/* PxIS and PxIE (3.3.5). */
enum ahci_event {
    AHCI_IS_DHRS = 1 << 0,  /* a register FIS arrived */
    AHCI_IS_PSS = 1 << 1,   /* PIO Setup */
    AHCI_IS_DSS = 1 << 2,   /* DMA Setup */
    AHCI_IS_SDBS = 1 << 3,  /* Set Device Bits */
    AHCI_IS_DPS = 1 << 5,   /* a descriptor that asked for it was done */
    AHCI_IS_PCS = 1 << 6,   /* SERR.DIAG.X */
    AHCI_IS_PRCS = 1 << 22, /* SERR.DIAG.N */
    AHCI_IS_OFS = 1 << 24,  /* more data than descriptors */
    AHCI_IS_IFS = 1 << 27,  /* fatal error of the interface */
    AHCI_IS_HBFS = 1 << 29, /* fatal error of the host bus */
    AHCI_IS_TFES = 1 << 30, /* the device reports an error */
};

/* PxCMD (3.3.7). */
enum {
    AHCI_CMD_ST = 1 << 0,
    AHCI_CMD_SUD = 1 << 1,
    AHCI_CMD_POD = 1 << 2,
    AHCI_CMD_CLO = 1 << 3,
    AHCI_CMD_FRE = 1 << 4,
    AHCI_CMD_FR = 1 << 14,
    AHCI_CMD_CR = 1 << 15,
    AHCI_CMD_ATAPI = 1 << 24,
    AHCI_CMD_DLAE = 1 << 25,
};

/* How a command's data finds its place: the physical region descriptors of its slot (4.2.3.3). */
struct ahci_cursor {
    uint64_t table;       /* of the next descriptor */
    uint32_t descriptors; /* that are left */
    uint64_t addr;
    uint32_t left; /* bytes of the current one */
    uint32_t moved;
    bool tells; /* DPS when it is done */
};

enum ahci_move { AHCI_MOVED, AHCI_OVERFLOW, AHCI_BUS_ERROR };

/* A queued command, by tag, which is its slot. */
struct ahci_queued {
    struct block_request req;
    struct ahci_port *port;
    bool active, write;
    struct ahci_cursor cursor;
    uint64_t lba;
    uint32_t left;  /* sectors */
    uint32_t chunk; /* sectors of the I/O under way */
    uint8_t *buf;
};

struct ahci_port_state {
    uint64_t clb, fb;
    uint32_t is, ie, cmd, tfd, sig, sctl, serr, sact, ci;
    bool stopped;       /* after an error, until ST is cleared */
    bool resetting;     /* SRST of the device's control register */
    bool signature_due; /* to be written to memory once FRE is set */
};

struct ahci_port {
    struct ahci *hba;
    unsigned index;
    struct ahci_port_state s;
    struct ide_unit unit;
    struct ahci_queued queued[AHCI_SLOTS];

    /* The command that is not queued and under way; as with its I/O, nothing is saved meanwhile. */
    int slot; /* -1: none */
    bool pumping;
    bool pio_in;            /* it has sent data by PIO */
    uint64_t header, table; /* its addresses */
    struct ahci_cursor cursor;
};

struct ahci_state {
    uint32_t ghc, is;
    uint32_t told; /* bits of `is` that a message was sent for */
};

struct ahci {
    struct device dev;
    struct pci_device pci;
    struct pci_msi msi;
    struct ahci_config cfg;
    struct ahci_state s;
    struct ahci_port port[AHCI_PORTS];
};

/* ---- ahci.c ---- */

/* Drives the interrupt as the ports' registers say. */
void ahci_update_irq(struct ahci *a);

/* ---- ahci_port.c ---- */

extern const struct ide_host ahci_port_host;

uint32_t ahci_port_read(const struct ahci_port *p, unsigned reg);
void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t val);

/* After power-on, or a reset of the whole controller: registers, and the link comes up. */
void ahci_port_reset(struct ahci_port *p);

/* A drive is there and its link is up. */
bool ahci_port_link(const struct ahci_port *p);

/* The device tells its signature, after a reset. */
void ahci_port_signature(struct ahci_port *p);

/* An event in PxIS. */
void ahci_port_event(struct ahci_port *p, uint32_t events);

/* ---- ahci_command.c ---- */

/* Does what can be done: begins commands, moves their data, ends them. */
void ahci_port_pump(struct ahci_port *p);

/* Forgets what is under way, queued or not, I/O and all. */
void ahci_port_drop(struct ahci_port *p);

/* The same after an error that only software can get the port out of. */
void ahci_port_fatal(struct ahci_port *p, uint32_t event);

/* ---- ahci_ncq.c ---- */

/* The command in the unit's task file is READ or WRITE FPDMA QUEUED, from this slot. */
void ahci_queue(struct ahci_port *p, unsigned slot, const struct ahci_cursor *data);
bool ahci_queue_busy(const struct ahci_port *p);
void ahci_queue_drop(struct ahci_port *p);

/* ---- ahci_memory.c ---- */

/* A cursor at the start of the command table's descriptors. */
void ahci_cursor_init(struct ahci_cursor *c, uint64_t table, uint32_t descriptors);

/* Moves n bytes between buf and where the cursor stands. */
enum ahci_move ahci_move(struct ahci_port *p, struct ahci_cursor *c, void *buf, uint32_t n,
                         bool to_memory);

/* Received FISes (4.2.1) are written where PxFB says, when FRE allows. The first also puts status
 * and error into PxTFD. */
void ahci_post_register(struct ahci_port *p, bool interrupt);
void ahci_post_pio_setup(struct ahci_port *p, bool to_host, uint32_t bytes);
void ahci_post_dma_setup(struct ahci_port *p, unsigned tag, bool to_host, uint32_t bytes);
void ahci_post_device_bits(struct ahci_port *p, uint8_t status, uint8_t error, uint32_t done);

#endif
