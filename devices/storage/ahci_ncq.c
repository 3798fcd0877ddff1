/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Native command queuing: READ and WRITE FPDMA QUEUED of up to 32 commands at once, each with its
 * own buffer and its own I/O. ATA8-ACS (T13 1699D) 4.15, 7.27 and 7.70; Serial ATA 3.0, 13.6; AHCI
 * 1.3.1, 5.6.4 and 6.2.2.2. After an error all that is queued ends, and the drive waits for the
 * host to read log 10h.
 */
#include "devices/storage/ahci_internal.h"

#include "base/bits.h"
#include "base/log.h"

#define CHUNK (UINT32_C(256) << 10) /* bytes of one I/O */

static void next(struct ahci_queued *q);

static unsigned tag_of(const struct ahci_queued *q)
{
    return (unsigned)(q - q->port->queued);
}

bool ahci_queue_busy(const struct ahci_port *p)
{
    for (unsigned k = 0; k < AHCI_SLOTS; k++)
        if (p->queued[k].active)
            return true;
    return false;
}

static void drop(struct ahci_queued *q)
{
    if (!q->active)
        return;
    block_cancel(&q->req);
    q->active = false;
    g_free(q->buf);
    q->buf = NULL;
}

void ahci_queue_drop(struct ahci_port *p)
{
    for (unsigned k = 0; k < AHCI_SLOTS; k++)
        drop(&p->queued[k]);
}

/* The command of this tag, at `lba`, has failed, and with it the queue. */
static void fail(struct ahci_port *p, unsigned tag, uint64_t lba, uint8_t error)
{
    uint8_t *log = p->unit.disk.queue_error, status = IDE_DRDY | IDE_ERR;

    ahci_queue_drop(p);
    memset(log, 0, sizeof(p->unit.disk.queue_error));
    log[0] = (uint8_t)tag;
    log[2] = status;
    log[3] = error;
    for (unsigned k = 0; k < 3; k++) {
        log[4 + k] = (uint8_t)(lba >> 8 * k);
        log[8 + k] = (uint8_t)(lba >> (24 + 8 * k));
    }
    log[7] = IDE_DEV_LBA;
    p->unit.disk.queue_halted = true;
    p->s.stopped = true;
    ahci_post_device_bits(p, status, error, 0);
    ahci_port_event(p, AHCI_IS_TFES);
}

static bool move(struct ahci_queued *q, bool to_memory)
{
    struct ahci_port *p = q->port;

    switch (ahci_move(p, &q->cursor, q->buf, q->chunk * IDE_SECTOR, to_memory)) {
    case AHCI_BUS_ERROR: ahci_port_fatal(p, AHCI_IS_HBFS); return false;
    case AHCI_OVERFLOW:
        if (!to_memory) {
            ahci_port_fatal(p, AHCI_IS_OFS);
            return false;
        }
        ahci_port_event(p, AHCI_IS_OFS);
        return true;
    default: return true;
    }
}

static void io_done(struct block_request *req, int rc)
{
    struct ahci_queued *q = container_of(req, struct ahci_queued, req);
    struct ahci_port *p = q->port;
    uint64_t lba = q->lba;

    if (rc) {
        if (q->write)
            p->unit.write_errors++;
        else
            p->unit.read_errors++;
        fail(p, tag_of(q), lba, q->write ? IDE_ERR_ABRT : IDE_ERR_UNC);
    } else if (q->write || move(q, true)) {
        q->lba += q->chunk;
        q->left -= q->chunk;
        next(q);
    }
    ahci_port_pump(p);
}

/* The next part of the transfer, or its end. */
static void next(struct ahci_queued *q)
{
    struct ahci_port *p = q->port;
    unsigned tag = tag_of(q);

    if (!q->left) {
        drop(q);
        ahci_post_device_bits(p, IDE_DRDY | IDE_DSC, 0, 1u << tag);
        return;
    }
    q->chunk = MIN(q->left, CHUNK / IDE_SECTOR);
    if (q->write && !move(q, false))
        return;
    q->req.off = q->lba * IDE_SECTOR;
    q->req.len = (uint64_t)q->chunk * IDE_SECTOR;
    q->req.buf = q->buf;
    p->unit.activity++;
    block_submit(p->unit.block, &q->req);
}

static bool durable(const struct ide_unit *u)
{
    return (u->s.device & 0x80) || (!u->disk.write_cache && block_write_cache(u->block));
}

void ahci_queue(struct ahci_port *p, unsigned slot, const struct ahci_cursor *data)
{
    struct ide_unit *u = &p->unit;
    const struct ide_unit_state *s = &u->s;
    bool write = s->command == ATA_WRITE_FPDMA;
    uint32_t count = s->feature[0] | (uint32_t)s->feature[1] << 8;
    uint64_t lba = s->low[0] | (uint64_t)s->mid[0] << 8 | (uint64_t)s->high[0] << 16 |
                   (uint64_t)s->low[1] << 24 | (uint64_t)s->mid[1] << 32 |
                   (uint64_t)s->high[1] << 40;
    struct ahci_queued *q = &p->queued[slot];

    count = count ? count : 0x10000;
    ide_unit_done_quietly(u);
    p->s.ci &= ~(1u << slot);
    ahci_post_register(p, false); /* it is taken; the bus is free for others */
    if (p->s.stopped)
        return;
    ide_unit_accessed(u);
    if (s->count[0] >> 3 != slot || q->active || (write && block_readonly(u->block))) {
        log_guest("ahci: queued command %02x of slot %u is refused", s->command, slot);
        fail(p, slot, lba, IDE_ERR_ABRT);
        return;
    }
    if (lba >= u->sectors || count > u->sectors - lba) {
        log_guest("ahci: queued command %02x beyond the end of the disk", s->command);
        fail(p, slot, lba, IDE_ERR_IDNF);
        return;
    }
    q->req = (struct block_request){.op = write ? BLOCK_WRITE : BLOCK_READ,
                                    .flags = write && durable(u) ? BLOCK_FUA : 0,
                                    .done = io_done};
    q->port = p;
    q->active = true;
    q->write = write;
    q->cursor = *data;
    q->lba = lba;
    q->left = count;
    q->buf = g_malloc(MIN(count * IDE_SECTOR, CHUNK));
    ahci_post_dma_setup(p, slot, !write, count * IDE_SECTOR);
    if (!p->s.stopped)
        next(q);
}
