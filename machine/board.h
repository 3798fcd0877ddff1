/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board: every chip and how they hang together. Made by pc.c, run by machine.c. */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "accel/vcpu.h"
#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/dma.h"
#include "devices/input/input_router.h"
#include "machine/acpi.h"
#include "machine/board_drives.h"
#include "machine/firmware.h"
#include "machine/irq_mux.h"
#include "machine/kernel_boot.h"
#include "machine/machine.h"
#include "machine/memory.h"
#include "machine/profile.h"
#include "machine/smbios.h"

#define BOARD_MAX_DEVICES 128
#define BOARD_MAX_AHCI    4
#define BOARD_APIC_HZ     UINT64_C(1000000000)
#define BOARD_TSC_KHZ     1000000u

/* What the machine is asked to do at the next instruction boundary. */
enum board_request {
    REQUEST_RESET = 1 << 0,
    REQUEST_CPU_RESET = 1 << 1, /* the INIT pin: chips stay */
    REQUEST_END = 1 << 2,
    REQUEST_VISIT = 1 << 3, /* machine_while_stopped */
    REQUEST_PAUSE = 1 << 4,
    REQUEST_SLEEP = 1 << 5, /* S3: no vCPU runs, until */
    REQUEST_WAKE = 1 << 6,
    REQUEST_GUEST_END = 1 << 7, /* an end that a stop of the debugger comes before */
};

#define BOARD_RUNS (-1)

/* A vCPU and what belongs to it; also the `opaque` of its hooks. */
struct board_cpu {
    struct board *board;
    struct cpu *cpu;
    struct vcpu *vcpu;
    struct apic *apic;
    bool in_smm; /* device lock */
};

/* Something to boot from; see board_build.h. */
struct boot_entry {
    char letter;
    uint64_t index;
    char *path; /* owned */
};

/* A bus of AHCI ports, for the drives that are put on it. */
struct board_ahci {
    struct ahci *hba;
    const char *id; /* NULL: none */
    uint8_t devfn;
};

struct board {
    struct machine_config cfg;
    struct lock *lock;
    struct vclock *clock;
    struct machine_notes *notes; /* what front ends are told */
    struct icount *icount;       /* the clock counts instructions, and who runs them; else NULL */
    struct memory mem;
    struct dma_space dma;
    struct bus *ports, *mmio;
    struct cpu_group *group;
    struct mmu_shadow *shadow;              /* mmu=shadow */
    bool ring_told;                         /* cfg.ring_file has been written */
    struct profile *profile;                /* NULL: none is wanted */
    uint64_t audits;                        /* of it, that were done; device lock */
    struct board_cpu cpu[MACHINE_MAX_CPUS]; /* the first is the bootstrap processor */
    unsigned n_cpus;
    struct board_cpu *current; /* device lock: whose hook holds it, NULL for no vCPU's */
    struct irq_mux irq;

    struct device *device[BOARD_MAX_DEVICES]; /* in the order of making, which is that of resets */
    unsigned n_devices;

    uint64_t random; /* cfg.icount: of devices' fixed sequence */
    struct boot_entry boot[BOARD_MAX_DEVICES];
    unsigned n_boot;

    struct board_network *network;
    struct board_sound *sound;

    struct pci_bus *pci;
    struct i440fx *host;
    struct piix3 *isa;
    struct piix_ide *ide;
    struct fdc *fdc; /* NULL: no floppies */
    struct board_ahci ahci[BOARD_MAX_AHCI];
    unsigned n_ahci;
    struct acpi_pm *pm;
    struct apic_bus *apic_bus;
    struct ioapic *ioapic;
    struct pic *pic;
    struct pit *pit;
    struct rtc *rtc;
    struct hpet *hpet;
    struct dma8237 *isa_dma;
    struct port92 *port92;
    struct coproc_error *coproc_error;
    struct i8042 *kbc;
    struct ps2_kbd *kbd;
    struct ps2_mouse *mouse;
    struct input_router *input; /* of keys and pointers: front ends speak to it */
    struct input_keyboard ps2_keys;
    struct input_pointer ps2_pointer;
    struct fw_cfg *fw_cfg;
    struct vga *vga;
    struct virtio_balloon *balloon;      /* NULL: there is none */
    struct virtio_serial *virtio_serial; /* likewise */
    bool chardev_taken[MACHINE_MAX_CHARDEVS];
    struct block_engine *blocks;
    struct board_drive drive[MACHINE_MAX_DRIVES];
    bool told_error[MACHINE_MAX_DRIVES]; /* a person; device lock */
    /* Whom errors of images are told besides, any thread, device lock held; or NULL. */
    void (*image_failed)(void *opaque, unsigned drive, const struct block_error *e);
    void *image_failed_opaque;

    struct firmware_image *bios, *vgabios;
    struct kernel_boot *kernel;
    struct acpi_blobs *acpi;
    struct smbios_blobs *smbios;
    unsigned chips; /* of enum acpi_chip */

    _Atomic unsigned requests;
    _Atomic int exit_status;     /* BOARD_RUNS until someone asks for the end */
    _Atomic int guest_status;    /* what the guest asked for, likewise */
    _Atomic uint64_t insn_limit; /* see insn_limit.h; UINT64_MAX: none */
    bool a20;
};

/* The board of a machine. */
struct board *machine_board(struct machine *m);

/* Builds the board into b (zeroed, cfg, lock and clock set). False with one clear error;
 * board_destroy then cleans up what there is. */
bool board_build(struct board *b, GError **err);
void board_destroy(struct board *b);

/* Power-on state of everything, and, without firmware, the kernel placed and entered. Device lock
 * held, no vCPU running. */
bool board_reset(struct board *b, GError **err);

/* Out of S3: all but RAM and what keeps it is as after power-on, and firmware resumes; without
 * firmware, the guest at its waking vector. The same conditions. */
bool board_wake(struct board *b, GError **err);

/* Asks the vCPUs to come back, so that `what` is served. Device lock held or not; any thread. */
void board_request(struct board *b, unsigned what);

/* Ends the machine with a status; the first wins. */
void board_end(struct board *b, int status);

/* The guest wants that, by an instruction behind which a debugger may want to stop first. */
void board_end_by_guest(struct board *b, int status);

#endif
