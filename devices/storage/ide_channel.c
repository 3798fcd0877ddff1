/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers and selection of an ATA channel; see ide_channel.h. Writes to the task file reach both
 * devices; reads are answered by the selected one. ATA/ATAPI-6 (T13 1410D): registers clause 7, a
 * missing device 9.16, software reset 9.2, diagnostics 9.10.
 */
#include "devices/storage/ide_channel.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

/* What the pulled-down data line 7 and the undriven rest read as when nobody drives the cable. */
#define FLOATING 0x7f

static void unit_irq(struct ide_unit *u)
{
    ide_channel_update_irq(u->channel);
}

static void unit_data(struct ide_unit *u)
{
    ide_channel_dma_request(u->channel);
}

static const struct ide_host channel_host = {unit_irq, unit_data};

void ide_channel_init(struct ide_channel *ch, struct vclock *clock)
{
    for (unsigned k = 0; k < 2; k++) {
        ch->unit[k].host = &channel_host;
        ch->unit[k].channel = ch;
        ch->unit[k].index = k;
        ch->unit[k].clock = clock;
    }
}

static bool present(const struct ide_unit *u)
{
    return u->kind != IDE_KIND_NONE;
}

static struct ide_unit *selected(struct ide_channel *ch)
{
    return &ch->unit[ch->s.selected & 1];
}

void ide_channel_update_irq(struct ide_channel *ch)
{
    const struct ide_unit *u = selected(ch);
    bool level = present(u) && u->s.irq && !(ch->s.control & IDE_CTL_NIEN);

    if (level == ch->intrq)
        return;
    ch->intrq = level;
    irq_set(ch->irq, level);
}

void ide_channel_dma_request(struct ide_channel *ch)
{
    if (ch->dma_request && ide_channel_dma_unit(ch))
        ch->dma_request(ch->dma_opaque);
}

struct ide_unit *ide_channel_dma_unit(struct ide_channel *ch)
{
    struct ide_unit *u = selected(ch);
    bool data = u->s.phase == IDE_PHASE_IN || u->s.phase == IDE_PHASE_OUT;

    return present(u) && data && u->s.dma && (u->s.status & IDE_DRQ) ? u : NULL;
}

void ide_channel_reset(struct ide_channel *ch)
{
    for (unsigned k = 0; k < 2; k++)
        if (present(&ch->unit[k]))
            ide_unit_reset(&ch->unit[k], IDE_RESET_HARD);
    ch->unseen = false;
    ide_channel_update_irq(ch);
}

void ide_channel_post_load(struct ide_channel *ch)
{
    for (unsigned k = 0; k < 2; k++) {
        struct ide_unit *u = &ch->unit[k];

        if (present(u) && !ide_unit_valid(u)) {
            log_user("IDE: the saved state of device %u makes no sense; the device is reset", k);
            ide_unit_reset(u, IDE_RESET_HARD);
        }
    }
    ide_channel_update_irq(ch);
}

/* ---- strict mode ---- */

static void lint_no_drq(const struct ide_unit *u, const char *verb)
{
    lint_report(LINT_ATA_DATA, "ide: data register %s without DRQ (status 0x%02x)", verb,
                u->s.status);
}

static void lint_busy(const struct ide_unit *u, unsigned reg, uint8_t val)
{
    lint_report_of(LINT_ATA_BUSY, reg,
                   "ide: 0x%02x to register %u while device %u has status 0x%02x (command 0x%02x)",
                   val, reg, u->index, u->s.status, u->s.command);
}

/* A byte of the data register is half of a word. */
static void lint_data_width(struct ide_channel *ch, unsigned size)
{
    if (size < 2 && present(selected(ch)))
        lint_report(LINT_ATA_DATA,
                    "ide: 1-byte access to the data register, which is 16 bits wide");
}

/* BSY may stand for a while after a command: only a look at the status can tell. */
static void lint_unseen(const struct ide_channel *ch, const struct ide_unit *u, uint8_t val)
{
    if (ch->unseen && val != ATA_DEVICE_RESET)
        lint_report(LINT_ATA_BUSY,
                    "ide: command 0x%02x with no look at the status since command 0x%02x", val,
                    u->s.command);
}

/* ---- registers ---- */

/* The data register, 2 or 4 bytes wide; words beyond the block are not there. */
static uint32_t data_read(struct ide_channel *ch, unsigned size)
{
    struct ide_unit *u = selected(ch);
    uint32_t val = 0;

    if (!present(u))
        return 0x7f7f7f7f;
    for (unsigned k = 0; k < size; k += 2) {
        if (u->s.phase != IDE_PHASE_IN || u->s.dma || !(u->s.status & IDE_DRQ)) {
            log_guest("ide: data register read without DRQ");
            lint_no_drq(u, "read");
            return val;
        }
        val |= (uint32_t)ld_le16(u->buf + u->s.pos) << (8 * k);
        ide_unit_advance(u, 2);
    }
    return val;
}

static void data_write(struct ide_channel *ch, uint32_t val, unsigned size)
{
    struct ide_unit *u = selected(ch);

    if (!present(u))
        return;
    for (unsigned k = 0; k < size; k += 2) {
        bool wanted = u->s.phase == IDE_PHASE_OUT ? !u->s.dma : u->s.phase == IDE_PHASE_CDB;

        if (!wanted || !(u->s.status & IDE_DRQ)) {
            log_guest("ide: data register written without DRQ");
            lint_no_drq(u, "written");
            return;
        }
        st_le16(u->buf + u->s.pos, (uint16_t)(val >> (8 * k)));
        ide_unit_advance(u, 2);
    }
}

static uint8_t read_status(struct ide_channel *ch, bool acknowledge)
{
    struct ide_unit *u = selected(ch);

    ch->unseen = false;
    if (!present(u))
        return u->index == 1 && present(&ch->unit[0]) ? 0 : FLOATING;
    if (ch->s.control & IDE_CTL_SRST)
        return IDE_BSY;
    if (acknowledge) {
        u->s.irq = false;
        ide_channel_update_irq(ch);
    }
    return u->s.status;
}

static uint8_t register_read(struct ide_channel *ch, enum ide_reg reg)
{
    struct ide_unit *u = selected(ch);
    unsigned hob = ch->s.control & IDE_CTL_HOB ? 1 : 0;

    if (reg == IDE_STATUS)
        return read_status(ch, true);
    if (!present(u) && u->index == 1) {
        u = &ch->unit[0]; /* device 0 answers for a missing device 1; a packet device with zeros */
        if (u->kind == IDE_KIND_CD)
            return 0;
    }
    if (!present(u))
        return FLOATING;
    switch (reg) {
    case IDE_ERROR: return u->s.error;
    case IDE_COUNT: return u->s.count[hob];
    case IDE_LBA_LOW: return u->s.low[hob];
    case IDE_LBA_MID: return u->s.mid[hob];
    case IDE_LBA_HIGH: return u->s.high[hob];
    default: return u->s.device;
    }
}

static void push(uint8_t *fifo, uint8_t val)
{
    fifo[1] = fifo[0];
    fifo[0] = val;
}

static void unit_register_write(struct ide_unit *u, enum ide_reg reg, uint8_t val)
{
    if (reg != IDE_DEVICE && (u->s.status & (IDE_BSY | IDE_DRQ))) {
        log_guest("ide: register %d written while device %u is busy (command %02x)", reg, u->index,
                  u->s.command);
        return;
    }
    switch (reg) {
    case IDE_FEATURES: push(u->s.feature, val); break;
    case IDE_COUNT: push(u->s.count, val); break;
    case IDE_LBA_LOW: push(u->s.low, val); break;
    case IDE_LBA_MID: push(u->s.mid, val); break;
    case IDE_LBA_HIGH: push(u->s.high, val); break;
    default: u->s.device = val; break;
    }
}

/* EXECUTE DEVICE DIAGNOSTIC is for both devices, whichever is selected; device 0 reports. */
static void diagnose(struct ide_channel *ch)
{
    for (unsigned k = 0; k < 2; k++)
        if (present(&ch->unit[k]))
            ide_unit_reset(&ch->unit[k], IDE_RESET_SOFT);
    ch->s.selected = 0;
    ide_channel_update_irq(ch);
    if (present(&ch->unit[0]) && ch->unit[0].reset_waits)
        ch->unit[0].diagnosing = true;
    else if (present(&ch->unit[0]))
        ide_unit_interrupt(&ch->unit[0]);
}

static void command_write(struct ide_channel *ch, uint8_t val)
{
    struct ide_unit *u = selected(ch);
    bool reset = val == ATA_DEVICE_RESET && u->kind == IDE_KIND_CD;

    if (!present(u) && !(val == ATA_DIAGNOSTIC && present(&ch->unit[0]))) {
        log_guest("ide: command %02x for device %u, which is not there", val, u->index);
        return;
    }
    if (present(u) && !reset && (u->s.status & (IDE_BSY | IDE_DRQ))) {
        log_guest("ide: command %02x written during command %02x", val, u->s.command);
        lint_busy(u, IDE_COMMAND, val);
        return;
    }
    if (present(u) && !reset && u->s.power == IDE_POWER_SLEEP) {
        log_guest("ide: command %02x for a sleeping device", val);
        return;
    }
    if (val == ATA_DIAGNOSTIC) {
        diagnose(ch);
        return;
    }
    lint_unseen(ch, u, val);
    ch->unseen = true;
    u->s.command = val;
    u->s.irq = false;
    u->s.error = 0;
    u->s.dma = false;
    u->s.phase = IDE_PHASE_IDLE;
    u->s.status = IDE_BSY;
    ide_channel_update_irq(ch);
    u->ops->command(u);
}

static void register_write(struct ide_channel *ch, enum ide_reg reg, uint8_t val)
{
    if (ch->s.control & IDE_CTL_SRST) {
        log_guest("ide: register %d written during a reset", reg);
        lint_report_of(LINT_ATA_BUSY, reg, "ide: 0x%02x to register %u during a reset", val,
                       (unsigned)reg);
        return;
    }
    ch->s.control &= (uint8_t)~IDE_CTL_HOB;
    if (reg == IDE_COMMAND) {
        command_write(ch, val);
        return;
    }
    if (present(selected(ch)) && (selected(ch)->s.status & (IDE_BSY | IDE_DRQ)))
        lint_busy(selected(ch), reg, val);
    for (unsigned k = 0; k < 2; k++)
        if (present(&ch->unit[k]))
            unit_register_write(&ch->unit[k], reg, val);
    if (reg == IDE_DEVICE) {
        ch->s.selected = val & IDE_DEV_DEV ? 1 : 0;
        ide_channel_update_irq(ch);
        ide_channel_dma_request(ch);
    }
}

static uint64_t command_block_read(void *opaque, uint64_t off, unsigned size)
{
    struct ide_channel *ch = opaque;
    uint64_t val = 0;

    if (off == IDE_DATA) {
        lint_data_width(ch, size);
        return data_read(ch, size < 2 ? 2 : size); /* a byte read takes its word away */
    }
    for (unsigned k = 0; k < size; k++)
        val |= (uint64_t)register_read(ch, (enum ide_reg)(off + k)) << (8 * k);
    return val;
}

static void command_block_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ide_channel *ch = opaque;

    if (off == IDE_DATA) {
        lint_data_width(ch, size);
        data_write(ch, (uint32_t)val, size < 2 ? 2 : size);
        return;
    }
    for (unsigned k = 0; k < size; k++)
        register_write(ch, (enum ide_reg)(off + k), (uint8_t)(val >> (8 * k)));
}

static uint64_t control_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off;
    (void)size;
    return read_status(opaque, false);
}

static void control_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ide_channel *ch = opaque;
    uint8_t was = ch->s.control;

    (void)off;
    (void)size;
    ch->s.control = (uint8_t)val & (IDE_CTL_HOB | IDE_CTL_SRST | IDE_CTL_NIEN);
    if (!(was & IDE_CTL_SRST) && (val & IDE_CTL_SRST)) {
        for (unsigned k = 0; k < 2; k++)
            if (present(&ch->unit[k]))
                ide_unit_reset(&ch->unit[k], IDE_RESET_SOFT);
        ch->s.selected = 0;
        ch->unseen = false;
    }
    ide_channel_update_irq(ch);
}

const struct bus_ops ide_command_ops = {command_block_read, command_block_write, 1, 4};
const struct bus_ops ide_control_ops = {control_read, control_write, 1, 1};
