/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMBus host controller of the PIIX4's function 3: a real one, on a bus where no device
 * answers. Part of acpi_pm.c, which maps it and lists its registers as its own state.
 */
#ifndef DEVICES_PC_PM_SMBUS_H
#define DEVICES_PC_PM_SMBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/irq.h"

#define PM_SMBUS_LEN 16

/* The registers; no pointers, so that it can be a field of a state table. */
struct pm_smbus_regs {
    uint8_t status, control, command, address, data0, data1;
    uint8_t block[32], block_index;
    uint8_t slave_control, shadow_command;
    uint16_t slave_event;
};

struct pm_smbus {
    struct pm_smbus_regs regs;
    struct bus_region region; /* PM_SMBUS_LEN bytes */
    struct irq_line irq;      /* completion, level */
};

/* `irq` is driven while the guest enabled it and status bits stand. */
void pm_smbus_init(struct pm_smbus *s, struct irq_line irq);
void pm_smbus_update(struct pm_smbus *s); /* drives irq anew after regs changed from outside */

#endif
