/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port's registers (Serial ATA AHCI 1.3.1, 3.3) and the link behind them: reset by SControl
 * (10.4.2; Serial ATA 3.0, 14), spin-up (10.1.1, 5.3.2), the signature (10.1.2). The link is up at
 * once where there is a drive.
 */
#include "devices/storage/ahci_internal.h"

#include "base/bits.h"
#include "base/log.h"

enum reg {
    PX_CLB = 0x00,
    PX_CLBU = 0x04,
    PX_FB = 0x08,
    PX_FBU = 0x0c,
    PX_IS = 0x10,
    PX_IE = 0x14,
    PX_CMD = 0x18,
    PX_TFD = 0x20,
    PX_SIG = 0x24,
    PX_SSTS = 0x28,
    PX_SCTL = 0x2c,
    PX_SERR = 0x30,
    PX_SACT = 0x34,
    PX_CI = 0x38,
};

enum {
    DET = 0x0f, /* of SControl */
    DET_RESET = 1,
    DET_OFF = 4,
    SERR_N = 1 << 16, /* the link came or went */
    SERR_X = 1 << 26, /* a device was exchanged, or reset */
    TFD_NONE = 0x7f,
    CMD_WRITABLE = AHCI_CMD_ST | AHCI_CMD_FRE | AHCI_CMD_ATAPI | AHCI_CMD_DLAE,
};

#define IS_WRITABLE                                                                                \
    (AHCI_IS_DHRS | AHCI_IS_PSS | AHCI_IS_DSS | AHCI_IS_SDBS | AHCI_IS_DPS | AHCI_IS_OFS |         \
     AHCI_IS_IFS | AHCI_IS_HBFS | AHCI_IS_TFES)
#define IE_WRITABLE 0xfdc000ffu

static bool present(const struct ahci_port *p)
{
    return p->unit.kind != IDE_KIND_NONE;
}

bool ahci_port_link(const struct ahci_port *p)
{
    return present(p) && (p->s.cmd & AHCI_CMD_SUD) && !(p->s.sctl & DET);
}

void ahci_port_event(struct ahci_port *p, uint32_t events)
{
    p->s.is |= events;
}

static void unit_event(struct ide_unit *u)
{
    ahci_port_pump(container_of(u, struct ahci_port, unit));
}

const struct ide_host ahci_port_host = {unit_event, unit_event};

void ahci_port_signature(struct ahci_port *p)
{
    const struct ide_unit_state *s = &p->unit.s;

    p->s.sig = s->count[0] | (uint32_t)s->low[0] << 8 | (uint32_t)s->mid[0] << 16 |
               (uint32_t)s->high[0] << 24;
    ahci_post_register(p, false);
    p->s.signature_due = !(p->s.cmd & AHCI_CMD_FRE);
}

static void serr(struct ahci_port *p, uint32_t set)
{
    p->s.serr |= set;
    p->s.is &= ~(uint32_t)(AHCI_IS_PCS | AHCI_IS_PRCS);
    if (p->s.serr & SERR_X)
        p->s.is |= AHCI_IS_PCS;
    if (p->s.serr & SERR_N)
        p->s.is |= AHCI_IS_PRCS;
}

/* Follows SControl and spin-up: the link comes up with a reset of the drive, or is down. */
static void link_changed(struct ahci_port *p)
{
    ahci_port_drop(p);
    p->s.resetting = p->s.signature_due = false;
    p->s.sig = 0xffffffff;
    p->s.tfd = TFD_NONE;
    if (!present(p))
        return;
    if (ahci_port_link(p)) {
        ide_unit_reset(&p->unit, IDE_RESET_HARD);
        serr(p, SERR_N | SERR_X);
        ahci_port_signature(p);
    } else {
        serr(p, SERR_N);
    }
}

void ahci_port_reset(struct ahci_port *p)
{
    struct ahci_port_state old = p->s;

    p->s = (struct ahci_port_state){.clb = old.clb, .fb = old.fb, .cmd = AHCI_CMD_POD};
    if (!p->hba->cfg.staggered)
        p->s.cmd |= AHCI_CMD_SUD;
    if (present(p) && ahci_port_link(p))
        link_changed(p);
    else {
        ahci_port_drop(p);
        p->s.sig = 0xffffffff;
        p->s.tfd = TFD_NONE;
    }
}

static uint32_t link_status(const struct ahci_port *p)
{
    unsigned speed = p->s.sctl >> 4 & 15, det = p->s.sctl & DET;

    if (det == DET_OFF)
        return 4;
    if (!present(p) || !(p->s.cmd & AHCI_CMD_SUD))
        return 0;
    if (det)
        return 1;
    return 0x103u | (speed && speed < 3 ? speed : 3) << 4;
}

uint32_t ahci_port_read(const struct ahci_port *p, unsigned reg)
{
    const struct ahci_port_state *s = &p->s;

    switch (reg) {
    case PX_CLB: return (uint32_t)s->clb;
    case PX_CLBU: return (uint32_t)(s->clb >> 32);
    case PX_FB: return (uint32_t)s->fb;
    case PX_FBU: return (uint32_t)(s->fb >> 32);
    case PX_IS: return s->is;
    case PX_IE: return s->ie;
    case PX_CMD: return s->cmd;
    case PX_TFD: return s->tfd;
    case PX_SIG: return s->sig;
    case PX_SSTS: return link_status(p);
    case PX_SCTL: return s->sctl;
    case PX_SERR: return s->serr;
    case PX_SACT: return s->sact;
    case PX_CI: return s->ci;
    default: return 0;
    }
}

/* ---- writes ---- */

static void stop(struct ahci_port *p)
{
    if (p->slot >= 0 || ahci_queue_busy(p))
        log_guest("ahci: port %u is stopped with commands under way", p->index);
    if (p->slot >= 0)
        p->s.tfd |= IDE_BSY; /* the drive was in the middle of it: a reset is due */
    ahci_port_drop(p);
    p->s.ci = p->s.sact = 0;
    p->s.cmd &= ~0x1f00u;
    p->s.stopped = false;
}

static void write_cmd(struct ahci_port *p, uint32_t val)
{
    uint32_t old = p->s.cmd, writable = CMD_WRITABLE;

    if (p->hba->cfg.staggered)
        writable |= AHCI_CMD_SUD;
    if ((val & AHCI_CMD_ST) && !(val & AHCI_CMD_FRE)) {
        log_guest("ahci: port %u started without a place for received FISes", p->index);
        val &= ~(uint32_t)AHCI_CMD_ST;
    }
    p->s.cmd = (old & ~(writable | AHCI_CMD_FR | AHCI_CMD_CR)) | (val & writable);
    if (val & AHCI_CMD_FRE)
        p->s.cmd |= AHCI_CMD_FR;
    if (val & AHCI_CMD_ST)
        p->s.cmd |= AHCI_CMD_CR;
    if ((old & AHCI_CMD_ST) && !(val & AHCI_CMD_ST))
        stop(p);
    if (!(old & AHCI_CMD_ST))
        p->s.stopped = false; /* also by a FIS that nobody could take meanwhile */
    if (val & AHCI_CMD_CLO)
        p->s.tfd &= ~(uint32_t)(IDE_BSY | IDE_DRQ);
    if ((old ^ p->s.cmd) & AHCI_CMD_SUD)
        link_changed(p);
    if ((p->s.cmd & AHCI_CMD_FRE) && p->s.signature_due)
        ahci_port_signature(p);
}

static void write_sctl(struct ahci_port *p, uint32_t val)
{
    unsigned was = p->s.sctl & DET;

    p->s.sctl = val & 0xfff;
    if (was != (val & DET))
        link_changed(p);
}

static void write_ci(struct ahci_port *p, uint32_t val)
{
    if (p->s.cmd & AHCI_CMD_ST)
        p->s.ci |= val;
    else
        log_guest("ahci: port %u is given commands while it is stopped", p->index);
}

static uint64_t low_half(uint64_t v, uint32_t val, uint32_t mask)
{
    return (v & ~UINT64_C(0xffffffff)) | (val & mask);
}

static uint64_t high_half(uint64_t v, uint32_t val)
{
    return (uint32_t)v | (uint64_t)val << 32;
}

void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t val)
{
    struct ahci_port_state *s = &p->s;
    struct block_engine *batch;

    switch (reg) {
    case PX_CLB: s->clb = low_half(s->clb, val, ~0x3ffu); break;
    case PX_CLBU: s->clb = high_half(s->clb, val); break;
    case PX_FB: s->fb = low_half(s->fb, val, ~0xffu); break;
    case PX_FBU: s->fb = high_half(s->fb, val); break;
    case PX_IS: s->is &= ~(val & IS_WRITABLE); break;
    case PX_IE: s->ie = val & IE_WRITABLE; break;
    case PX_CMD: write_cmd(p, val); break;
    case PX_SCTL: write_sctl(p, val); break;
    case PX_SERR:
        s->serr &= ~val;
        serr(p, 0);
        break;
    case PX_SACT:
        if (s->cmd & AHCI_CMD_ST)
            s->sact |= val;
        break;
    case PX_CI: write_ci(p, val); break;
    default: break;
    }
    batch = block_batch_begin(p->unit.block);
    ahci_port_pump(p);
    block_batch_end(batch);
}
