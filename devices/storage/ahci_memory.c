/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an AHCI port reads and writes in guest memory besides command headers: data by its
 * descriptors (Serial ATA AHCI 1.3.1, 4.2.3.3) and received FISes (4.2.1; their layouts are those
 * of Serial ATA 3.0, 10.3). Every address and length is the guest's; a descriptor is for two bytes
 * at least, so that a command's data needs no more of them than half its bytes.
 */
#include "devices/storage/ahci_internal.h"

#include "base/bits.h"

enum {
    DESCRIPTOR_BYTES = 16,
    DESCRIPTOR_INTERRUPT = 1u << 31,

    FIS_REGISTER = 0x34, /* types */
    FIS_DMA_SETUP = 0x41,
    FIS_PIO_SETUP = 0x5f,
    FIS_DEVICE_BITS = 0xa1,
    FIS_TO_HOST = 0x20, /* flags, in byte 1 */
    FIS_INTERRUPT = 0x40,

    AT_DMA_SETUP = 0x00, /* in the receive area */
    AT_PIO_SETUP = 0x20,
    AT_REGISTER = 0x40,
    AT_DEVICE_BITS = 0x58,
};

void ahci_cursor_init(struct ahci_cursor *c, uint64_t table, uint32_t descriptors)
{
    *c = (struct ahci_cursor){.table = table, .descriptors = descriptors};
}

static enum ahci_move fetch(struct ahci_port *p, struct ahci_cursor *c)
{
    uint8_t d[DESCRIPTOR_BYTES];

    if (!c->descriptors)
        return AHCI_OVERFLOW;
    if (!pci_dma_read(&p->hba->pci, c->table, d, sizeof(d)))
        return AHCI_BUS_ERROR;
    c->table += DESCRIPTOR_BYTES;
    c->descriptors--;
    c->addr = ld_le64(d) & ~UINT64_C(1);
    c->left = (uint32_t)bits(ld_le32(d + 12), 21, 0) + 1;
    c->left += c->left & 1; /* bit 0 of the count is to be set */
    c->tells = ld_le32(d + 12) & DESCRIPTOR_INTERRUPT;
    return AHCI_MOVED;
}

enum ahci_move ahci_move(struct ahci_port *p, struct ahci_cursor *c, void *buf, uint32_t n,
                         bool to_memory)
{
    uint8_t *at = buf;

    while (n) {
        enum ahci_move how = c->left ? AHCI_MOVED : fetch(p, c);
        uint32_t part;

        if (how != AHCI_MOVED)
            return how;
        part = MIN(n, c->left);
        if (to_memory ? !pci_dma_write(&p->hba->pci, c->addr, at, part)
                      : !pci_dma_read(&p->hba->pci, c->addr, at, part))
            return AHCI_BUS_ERROR;
        at += part;
        n -= part;
        c->addr += part;
        c->left -= part;
        c->moved += part;
        if (!c->left && c->tells)
            ahci_port_event(p, AHCI_IS_DPS);
    }
    return AHCI_MOVED;
}

static void post(struct ahci_port *p, unsigned at, const uint8_t *fis, unsigned len)
{
    if ((p->s.cmd & AHCI_CMD_FRE) && !pci_dma_write(&p->hba->pci, p->s.fb + at, fis, len))
        ahci_port_fatal(p, AHCI_IS_HBFS);
}

/* Bytes 2 to 13 of the FISes that bring the task file. */
static void put_task_file(uint8_t *fis, const struct ide_unit_state *s)
{
    const uint8_t all[] = {s->status, s->error,  s->low[0],  s->mid[0], s->high[0],  s->device,
                           s->low[1], s->mid[1], s->high[1], 0,         s->count[0], s->count[1]};

    memcpy(fis + 2, all, sizeof(all));
}

void ahci_post_register(struct ahci_port *p, bool interrupt)
{
    const struct ide_unit_state *s = &p->unit.s;
    uint8_t fis[20] = {FIS_REGISTER, interrupt ? FIS_INTERRUPT : 0};

    put_task_file(fis, s);
    p->s.tfd = s->status | (uint32_t)s->error << 8;
    post(p, AT_REGISTER, fis, sizeof(fis));
    if (interrupt)
        ahci_port_event(p, AHCI_IS_DHRS);
}

void ahci_post_pio_setup(struct ahci_port *p, bool to_host, uint32_t bytes)
{
    const struct ide_unit_state *s = &p->unit.s;
    uint8_t fis[20] = {FIS_PIO_SETUP, FIS_INTERRUPT | (to_host ? FIS_TO_HOST : 0)};

    put_task_file(fis, s);
    fis[2] = IDE_DRDY | IDE_DSC | IDE_DRQ; /* before the data … */
    fis[15] = s->status;                   /* … and behind it */
    st_le16(fis + 16, (uint16_t)bytes);
    p->s.tfd = s->status | (uint32_t)s->error << 8;
    post(p, AT_PIO_SETUP, fis, sizeof(fis));
    ahci_port_event(p, AHCI_IS_PSS);
}

void ahci_post_dma_setup(struct ahci_port *p, unsigned tag, bool to_host, uint32_t bytes)
{
    uint8_t fis[28] = {FIS_DMA_SETUP, to_host ? FIS_TO_HOST : 0, 0, 0, (uint8_t)tag};

    st_le32(fis + 20, bytes);
    post(p, AT_DMA_SETUP, fis, sizeof(fis));
}

void ahci_post_device_bits(struct ahci_port *p, uint8_t status, uint8_t error, uint32_t done)
{
    uint8_t fis[8] = {FIS_DEVICE_BITS, FIS_INTERRUPT, status & 0x77, error};

    st_le32(fis + 4, done);
    p->s.tfd = (p->s.tfd & (IDE_BSY | IDE_DRQ)) | (status & 0x77u) | (uint32_t)error << 8;
    p->s.sact &= ~done;
    post(p, AT_DEVICE_BITS, fis, sizeof(fis));
    ahci_port_event(p, AHCI_IS_SDBS);
}
