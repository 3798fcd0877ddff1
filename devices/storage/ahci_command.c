/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of an AHCI port: from the command list to the drive and back. Serial ATA AHCI 1.3.1,
 * 4.2.2 and 4.2.3 (headers and tables), 5.3 (the port's states), 5.5 and 5.6 (building, sending and
 * ending commands), 6.1 and 6.2 (errors). FISes: Serial ATA 3.0, 10.3; what ends a command of which
 * protocol: 11.
 *
 * The drive itself is that of the IDE cables: the command FIS fills its task file, and its blocks
 * of data are moved here as soon as it has them.
 */
#include "devices/storage/ahci_internal.h"

#include "base/bits.h"
#include "base/log.h"

enum {
    HEADER_BYTES = 32,
    HEADER_CLEAR_BUSY = 1 << 10,
    HEADER_MOVED = 4, /* offset of the bytes that were moved */
    TABLE_PACKET = 0x40,
    TABLE_DESCRIPTORS = 0x80,

    FIS_BYTES = 20,
    FIS_TO_DEVICE = 0x27,
    FIS_COMMAND = 0x80, /* in byte 1; else it is for the control register, byte 15 */
};

/* A command header with the FIS that it leads to. */
struct command {
    uint64_t header, table;
    uint32_t flags;
    uint8_t fis[FIS_BYTES];
};

static bool idle(const struct ide_unit *u)
{
    return !(u->s.status & (IDE_BSY | IDE_DRQ));
}

void ahci_port_drop(struct ahci_port *p)
{
    ahci_queue_drop(p);
    ide_unit_cancel(&p->unit);
    p->slot = -1;
    p->unit.s.irq = false;
    p->unit.s.phase = IDE_PHASE_IDLE;
    p->unit.s.pos = p->unit.s.end = p->unit.s.len = 0;
    if (!idle(&p->unit))
        p->unit.s.status = IDE_DRDY | IDE_DSC;
}

void ahci_port_fatal(struct ahci_port *p, uint32_t event)
{
    log_guest("ahci: port %u stops (PxIS %08x)", p->index, event);
    p->s.stopped = true;
    ahci_port_drop(p);
    ahci_port_event(p, event);
}

/* ---- the end of a command ---- */

static void finish(struct ahci_port *p)
{
    struct ide_unit *u = &p->unit;
    unsigned slot = (unsigned)p->slot;
    bool error = u->s.status & IDE_ERR;
    uint8_t moved[4];

    st_le32(moved, p->cursor.moved);
    p->slot = -1;
    u->s.irq = false;
    if (!pci_dma_write(&p->hba->pci, p->header + HEADER_MOVED, moved, sizeof(moved))) {
        ahci_port_fatal(p, AHCI_IS_HBFS);
        return;
    }
    if (!error)
        p->s.ci &= ~(1u << slot);
    if (error || !p->pio_in)
        ahci_post_register(p, true);
    if (error) {
        p->s.stopped = true;
        ahci_port_event(p, AHCI_IS_TFES);
    }
}

/* ---- data ---- */

static bool take_packet(struct ahci_port *p)
{
    struct ide_unit *u = &p->unit;
    uint32_t n = u->s.end - u->s.pos;

    if (!pci_dma_read(&p->hba->pci, p->table + TABLE_PACKET, u->buf + u->s.pos, n)) {
        ahci_port_fatal(p, AHCI_IS_HBFS);
        return false;
    }
    ide_unit_advance(u, n);
    return true;
}

/* Moves the drive's block; false when the port has stopped over it. What memory has no room for is
 * lost, and what it does not give cannot be made up (6.1.5). */
static bool move_block(struct ahci_port *p)
{
    struct ide_unit *u = &p->unit;
    bool to_memory = u->s.phase == IDE_PHASE_IN, pio = !u->s.dma;
    uint32_t n = u->s.end - u->s.pos, data = n;
    enum ahci_move how;

    if (u->s.command == ATA_PACKET && u->s.len > u->s.pos)
        data = MIN(n, u->s.len - u->s.pos); /* without what makes an odd block even */
    how = ahci_move(p, &p->cursor, u->buf + u->s.pos, data, to_memory);
    if (how == AHCI_BUS_ERROR || (how == AHCI_OVERFLOW && !to_memory)) {
        ahci_port_fatal(p, how == AHCI_OVERFLOW ? AHCI_IS_OFS : AHCI_IS_HBFS);
        return false;
    }
    if (how == AHCI_OVERFLOW)
        ahci_port_event(p, AHCI_IS_OFS);
    ide_unit_advance(u, n);
    if (pio) {
        p->pio_in = to_memory && u->s.command != ATA_PACKET;
        ahci_post_pio_setup(p, to_memory, data);
    }
    return true;
}

/* ---- the beginning ---- */

static bool read_command(struct ahci_port *p, unsigned slot, struct command *c)
{
    uint8_t header[16];

    c->header = p->s.clb + slot * HEADER_BYTES;
    if (!pci_dma_read(&p->hba->pci, c->header, header, sizeof(header)))
        return false;
    c->flags = ld_le32(header);
    c->table = ld_le64(header + 8) & ~UINT64_C(0x7f);
    return pci_dma_read(&p->hba->pci, c->table, c->fis, sizeof(c->fis));
}

/* The device's control register: only its reset bit means something here. */
static void write_control(struct ahci_port *p, unsigned slot, const struct command *c)
{
    bool reset = c->fis[15] & IDE_CTL_SRST;

    p->s.ci &= ~(1u << slot);
    if (reset && !p->s.resetting) {
        ahci_port_drop(p);
        ide_unit_reset(&p->unit, IDE_RESET_SOFT);
    }
    if (p->s.resetting && !reset)
        ahci_port_signature(p);
    else if (c->flags & HEADER_CLEAR_BUSY)
        p->s.tfd &= ~(uint32_t)(IDE_BSY | IDE_DRQ);
    p->s.resetting = reset;
}

static void fill_task_file(struct ide_unit_state *s, const uint8_t *fis)
{
    s->command = fis[2];
    s->feature[0] = fis[3];
    s->low[0] = fis[4];
    s->mid[0] = fis[5];
    s->high[0] = fis[6];
    s->device = fis[7];
    s->low[1] = fis[8];
    s->mid[1] = fis[9];
    s->high[1] = fis[10];
    s->feature[1] = fis[11];
    s->count[0] = fis[12];
    s->count[1] = fis[13];
    s->irq = false;
    s->error = 0;
    s->dma = false;
    s->phase = IDE_PHASE_IDLE;
    s->pos = s->end = s->len = 0;
    s->status = IDE_BSY;
}

static bool is_queued(const struct ahci_port *p)
{
    const struct ide_unit *u = &p->unit;

    return u->kind == IDE_KIND_DISK && !u->disk.queue_halted &&
           (u->s.command == ATA_READ_FPDMA || u->s.command == ATA_WRITE_FPDMA);
}

static void run(struct ahci_port *p)
{
    struct ide_unit *u = &p->unit;

    if (ahci_queue_busy(p)) { /* ATA8-ACS 4.15: all of the queue is given up */
        log_guest("ahci: command %02x while others are queued", u->s.command);
        ahci_queue_drop(p);
        u->disk.queue_halted = true;
        u->disk.queue_error[0] = 0x80; /* it was none of the queue */
        ide_unit_abort(u);
    } else if (u->s.command == ATA_DIAGNOSTIC) {
        ide_unit_reset(u, IDE_RESET_SOFT);
    } else {
        u->ops->command(u);
    }
}

/* Begins the command of a slot; false when it is none that can be begun. */
static bool begin(struct ahci_port *p, unsigned slot)
{
    struct ide_unit *u = &p->unit;
    struct ahci_cursor data;
    struct command c;

    p->s.cmd = (p->s.cmd & ~0x1f00u) | slot << 8;
    if (!read_command(p, slot, &c)) {
        ahci_port_fatal(p, AHCI_IS_HBFS);
        return false;
    }
    if (c.fis[0] != FIS_TO_DEVICE) {
        log_guest("ahci: port %u slot %u sends a FIS of type %02x", p->index, slot, c.fis[0]);
        ahci_port_fatal(p, AHCI_IS_IFS);
        return false;
    }
    if (!(c.fis[1] & FIS_COMMAND)) {
        write_control(p, slot, &c);
        return true;
    }
    if (p->s.resetting || u->s.power == IDE_POWER_SLEEP) {
        log_guest("ahci: command %02x for a drive in reset or asleep", c.fis[2]);
        p->s.tfd |= IDE_BSY;
        return false;
    }
    fill_task_file(&u->s, c.fis);
    p->s.tfd = IDE_BSY;
    ahci_cursor_init(&data, c.table + TABLE_DESCRIPTORS, c.flags >> 16);
    if (is_queued(p)) {
        ahci_queue(p, slot, &data);
        return true;
    }
    p->slot = (int)slot;
    p->header = c.header;
    p->table = c.table;
    p->cursor = data;
    p->pio_in = false;
    run(p);
    return true;
}

static bool may_begin(const struct ahci_port *p)
{
    return (p->s.cmd & AHCI_CMD_ST) && p->s.ci && !p->s.stopped && ahci_port_link(p) &&
           !(p->s.tfd & (IDE_BSY | IDE_DRQ));
}

/* One step; false when there is nothing to do but to wait. */
static bool step(struct ahci_port *p)
{
    struct ide_unit *u = &p->unit;

    if (p->slot < 0)
        return may_begin(p) && begin(p, (unsigned)__builtin_ctz(p->s.ci));
    if (idle(u)) {
        finish(p);
        return true;
    }
    if (!(u->s.status & IDE_DRQ))
        return false;
    return u->s.phase == IDE_PHASE_CDB ? take_packet(p) : move_block(p);
}

void ahci_port_pump(struct ahci_port *p)
{
    if (p->pumping)
        return;
    p->pumping = true;
    while (step(p))
        ;
    p->pumping = false;
    ahci_update_irq(p->hba);
}
