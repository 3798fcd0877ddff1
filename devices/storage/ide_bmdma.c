/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bus master transfers between guest memory and an IDE channel; see ide_bmdma.h. */
#include "devices/storage/ide_bmdma.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

enum {
    COMMAND_START = 0x01,
    COMMAND_TO_MEMORY = 0x08,
    STATUS_ACTIVE = 0x01,
    STATUS_ERROR = 0x02,
    STATUS_INTERRUPT = 0x04,
    STATUS_CAPABLE = 0x60, /* two bits of software's own */
    PRD_BYTES = 8,
};

#define PRD_LAST 0x80000000u

static void stop_with_error(struct ide_bmdma *bm, const char *why)
{
    log_guest("ide: bus master: %s", why);
    bm->s.status &= (uint8_t)~STATUS_ACTIVE;
    bm->s.status |= STATUS_ERROR;
}

/* ---- strict mode ---- */

static void lint_prd(const struct ide_bmdma_state *s, uint32_t base, uint32_t count)
{
    if ((base & 1) || (count & 1))
        lint_report(LINT_BMIDE_PRD, "ide: bus master: odd region 0x%08x, 0x%x bytes", base,
                    count & 0xffff);
    if (count & 0x7fff0000)
        lint_report(LINT_BMIDE_PRD, "ide: bus master: reserved bits set in a descriptor (0x%08x)",
                    count);
    if ((s->addr & 0xffff) + s->left > 0x10000)
        lint_report(LINT_BMIDE_PRD,
                    "ide: bus master: region 0x%08x, 0x%x bytes, crosses a 64 KiB boundary", base,
                    s->left);
}

static void lint_start(const struct ide_bmdma *bm)
{
    if (!bm->s.table)
        lint_report(LINT_BMIDE_PRD, "ide: bus master: started with no descriptor table set");
}

static void lint_direction(const struct ide_unit *u)
{
    lint_report(LINT_BMIDE_START, "ide: bus master: set to the wrong direction for command 0x%02x",
                u->s.command);
}

/* Bits 0 and 1 of the table's address. */
static void lint_table(const struct ide_bmdma_state *s, unsigned off, uint8_t val)
{
    if (off == 4 && (val & 3))
        lint_report(LINT_BMIDE_PRD,
                    "ide: bus master: descriptor table at a misaligned address "
                    "(0x..%02x)",
                    val);
    if (s->status & STATUS_ACTIVE)
        lint_report(LINT_BMIDE_START,
                    "ide: bus master: descriptor table changed during a transfer");
}

/* ---- transfers ---- */

/* Fetches the next descriptor. The table may not cross a 64 KiB line, which also keeps one without
 * an end short. */
static bool fetch(struct ide_bmdma *bm)
{
    struct ide_bmdma_state *s = &bm->s;
    uint8_t prd[PRD_BYTES];
    uint32_t count;

    if (s->fetched && ((s->next ^ s->table) & 0xffff0000u)) {
        lint_report(LINT_BMIDE_PRD,
                    "ide: bus master: the descriptor table at 0x%08x crosses a "
                    "64 KiB boundary",
                    s->table);
        stop_with_error(bm, "descriptor table without an end");
        return false;
    }
    if (!pci_dma_read(bm->pci, s->next, prd, sizeof(prd))) {
        stop_with_error(bm, "descriptor table outside RAM");
        return false;
    }
    s->next += PRD_BYTES;
    s->fetched = true;
    s->addr = ld_le32(prd) & ~1u;
    count = ld_le32(prd + 4);
    s->left = count & 0xfffe ? count & 0xfffe : 0x10000;
    s->last = count & PRD_LAST;
    if (lint_on(LINT_BMIDE_PRD))
        lint_prd(s, ld_le32(prd), count);
    return true;
}

/* Moves up to the end of the region or of the device's block; false when nothing more can be moved.
 */
static bool step(struct ide_bmdma *bm, struct ide_unit *u)
{
    struct ide_bmdma_state *s = &bm->s;
    bool to_memory = u->s.phase == IDE_PHASE_IN;
    uint32_t n = u->s.end - u->s.pos;
    bool ok;

    if (to_memory != !!(s->command & COMMAND_TO_MEMORY)) {
        log_guest("ide: bus master set to the wrong direction for command %02x", u->s.command);
        lint_direction(u);
        return false;
    }
    if (!s->left && !fetch(bm))
        return false;
    if (n > s->left)
        n = s->left;
    ok = to_memory ? pci_dma_write(bm->pci, s->addr, u->buf + u->s.pos, n)
                   : pci_dma_read(bm->pci, s->addr, u->buf + u->s.pos, n);
    if (!ok) {
        stop_with_error(bm, "region outside RAM");
        return false;
    }
    s->addr += n;
    s->left -= n;
    /* before the device may interrupt: the guest then finds the transfer complete */
    if (!s->left && s->last)
        s->status &= (uint8_t)~STATUS_ACTIVE;
    ide_unit_advance(u, n);
    return true;
}

void ide_bmdma_run(struct ide_bmdma *bm)
{
    struct ide_unit *u;

    if (bm->running)
        return;
    bm->running = true;
    while ((bm->s.status & STATUS_ACTIVE) && (u = ide_channel_dma_unit(bm->channel)))
        if (!step(bm, u))
            break;
    bm->running = false;
}

void ide_bmdma_interrupt(struct ide_bmdma *bm)
{
    bm->s.status |= STATUS_INTERRUPT;
}

static void write_command(struct ide_bmdma *bm, uint8_t val)
{
    struct ide_bmdma_state *s = &bm->s;
    bool was = s->command & COMMAND_START, start = val & COMMAND_START;

    if (was && start && ((val ^ s->command) & COMMAND_TO_MEMORY)) {
        log_guest("ide: bus master direction changed during a transfer");
        lint_report(LINT_BMIDE_START, "ide: bus master: direction changed during a transfer");
    }
    s->command = val & (COMMAND_START | COMMAND_TO_MEMORY);
    if (start && !was) {
        lint_start(bm);
        s->next = s->table;
        s->left = 0;
        s->last = s->fetched = false;
        s->status |= STATUS_ACTIVE;
        ide_bmdma_run(bm);
    } else if (!start) {
        s->status &= (uint8_t)~STATUS_ACTIVE;
    }
}

static void write_byte(struct ide_bmdma *bm, unsigned off, uint8_t val)
{
    struct ide_bmdma_state *s = &bm->s;
    unsigned shift = 8 * (off & 3);

    if (off == 0) {
        write_command(bm, val);
    } else if (off == 2) {
        s->status &= (uint8_t) ~(val & (STATUS_ERROR | STATUS_INTERRUPT));
        s->status = (uint8_t)((s->status & ~STATUS_CAPABLE) | (val & STATUS_CAPABLE));
    } else if (off >= 4) {
        lint_table(s, off, val);
        s->table = (s->table & ~(0xffu << shift)) | (uint32_t)val << shift;
        s->table &= ~3u;
    }
}

static uint8_t read_byte(const struct ide_bmdma *bm, unsigned off)
{
    switch (off) {
    case 0: return bm->s.command;
    case 2: return bm->s.status;
    case 1:
    case 3: return 0;
    default: return (uint8_t)(bm->s.table >> (8 * (off & 3)));
    }
}

uint32_t ide_bmdma_read(struct ide_bmdma *bm, unsigned off, unsigned size)
{
    uint32_t val = 0;

    for (unsigned k = 0; k < size; k++)
        val |= (uint32_t)read_byte(bm, (off + k) & 7) << (8 * k);
    return val;
}

void ide_bmdma_write(struct ide_bmdma *bm, unsigned off, uint32_t val, unsigned size)
{
    for (unsigned k = 0; k < size; k++)
        write_byte(bm, (off + k) & 7, (uint8_t)(val >> (8 * k)));
}
