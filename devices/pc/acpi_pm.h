/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power management, function 3 of Intel's 82371AB (PIIX4), 8086:7113, at 00:01.3: the ACPI fixed
 * registers, the power management timer, the SMI command port and the SMBus host controller.
 *
 * What the ACPI tables have to say of it (PMBASE is where firmware, or the board, puts it):
 *   PM1a_EVT PMBASE+0 (4 bytes), PM1a_CNT PMBASE+4 (2), PM_TMR PMBASE+8 (4; 24 bits count),
 *   GPE0 PMBASE+0x0c (4 bytes: 16 status bits, then 16 enable bits), SCI on IRQ 9, level,
 *   SMI_CMD 0xb2 with ACPI_ENABLE 0xf1 and ACPI_DISABLE 0xf0, \_S5 package { 0, 0, 0, 0 }, \_S3
 *   package { 1, 1, 0, 0 }.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PC_ACPI_PM_H
#define DEVICES_PC_ACPI_PM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci/pci_bus.h"

enum {
    ACPI_PM_BASE = 0x600,     /* where SeaBIOS puts the PM block */
    ACPI_PM_SMB_BASE = 0x700, /* and the SMBus host controller */
    ACPI_PM_LEN = 0x40,
    ACPI_PM1_EVT = 0x00, /* offsets from the PM base */
    ACPI_PM1_CNT = 0x04,
    ACPI_PM_TMR = 0x08,
    ACPI_PM_GPE0 = 0x0c,
    ACPI_PM_GPE0_LEN = 4,
    ACPI_PM_SMI_CMD = 0xb2,
    ACPI_PM_CMD_ENABLE = 0xf1,
    ACPI_PM_CMD_DISABLE = 0xf0,
    ACPI_PM_SCI_IRQ = 9,
    ACPI_PM_TMR_HZ = 3579545,
};

struct acpi_pm;

struct acpi_pm_config {
    struct pci_bus *bus;
    struct bus *ports;
    struct vclock *clock;
    struct irq_line sci; /* ISA IRQ 9, level, high while asserted */
    void *opaque;        /* of the hooks */
    /* The guest entered S5. Called inside a port write: should only note the request. May be NULL.
     */
    void (*power_off)(void *opaque);
    /* The guest entered S3: called likewise. NULL: there is no such state. Then, once, an event
     * that it enabled wakes it: the board resets what lost its power, and calls acpi_pm_woken. */
    void (*suspend)(void *opaque);
    void (*wake)(void *opaque);
    /* A write to port 0xb2 raises SMI# while firmware has APMC_EN set. The ACPI enable and disable
     * commands take effect in the chip in any case: SeaBIOS' handler relies on it. NULL on a board
     * whose CPUs have no SMM: APMC_EN then resets to one, by which firmware knows that nothing is
     * left to set up. */
    void (*smi)(void *opaque);
};

/* Attaches the function at 00:01.3 and claims ports 0xb2-0xb3. */
struct acpi_pm *acpi_pm_new(const struct acpi_pm_config *config, GError **err);
struct device *acpi_pm_device(struct acpi_pm *pm);

/* The user pressed the power button: sets PWRBTN_STS; the guest hears of it if it listens. */
void acpi_pm_power_button(struct acpi_pm *pm);

/* The RTC's alarm went off: sets RTC_STS. */
void acpi_pm_rtc_alarm(struct acpi_pm *pm);

/* In S3: between `suspend` and the reset. What woke it, or may yet, stands in the status register;
 * it survives the reset between the two calls of which the second gets what the first returned. */
bool acpi_pm_asleep(const struct acpi_pm *pm);
uint16_t acpi_pm_wake_status(const struct acpi_pm *pm);
void acpi_pm_woken(struct acpi_pm *pm, uint16_t status);

/* Ends the sleep, whether the guest enabled that or not: PWRBTN_STS is set as if the button had
 * done it. False when it does not sleep. */
bool acpi_pm_wake(struct acpi_pm *pm);

/* Sets GPE0 status bit n (0..15); the guest clears it. */
void acpi_pm_gpe(struct acpi_pm *pm, unsigned n);

/* Programs and enables the PM and SMBus blocks at ACPI_PM_BASE and ACPI_PM_SMB_BASE as firmware
 * does; for boots without firmware, after each reset. */
void acpi_pm_set_bases(struct acpi_pm *pm);

/* Where the PM block is decoded now; 0: nowhere. Device lock held. */
uint16_t acpi_pm_base(const struct acpi_pm *pm);

/* The PM timer's 24 bits now, for tests and the monitor. */
uint32_t acpi_pm_timer(struct acpi_pm *pm);

#endif
