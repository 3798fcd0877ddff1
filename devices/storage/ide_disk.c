/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of an ATA disk: ATA/ATAPI-6 (T13 1410D) clause 8, with the older codes (RECALIBRATE,
 * SEEK, INITIALIZE DEVICE PARAMETERS, the variants "without retries") of ATA-1 to ATA-5 that
 * DOS-era drivers still send. Protocols: clause 9.
 *
 * A write that was reported done is in the host's cache, which is this disk's write cache: FLUSH
 * CACHE, the FUA commands, a disabled cache and going to standby make it durable with a flush of
 * the image.
 */
#include "devices/storage/ide_disk.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

#define DMA_BLOCK (IDE_BUF_SIZE / IDE_SECTOR)

enum {
    F_EXT = 1 << 0,   /* 48-bit address and 16-bit count */
    F_DMA = 1 << 1,   /* by DMA */
    F_MULTI = 1 << 2, /* in blocks of SET MULTIPLE MODE */
    F_WRITE = 1 << 3,
    F_FUA = 1 << 4, /* durable before the end of the command */
};

/* The address in the task file, as the first sector and the count; false when it is no address. */
static bool get_address(struct ide_unit *u)
{
    const struct ide_unit_state *s = &u->s;
    struct ide_disk_state *d = &u->disk;
    unsigned cylinder = s->mid[0] | s->high[0] << 8, head = s->device & IDE_DEV_HEAD;
    uint32_t low24 = s->low[0] | s->mid[0] << 8 | (uint32_t)s->high[0] << 16;

    d->chs = false;
    if (d->flags & F_EXT) {
        d->lba = low24 | (uint64_t)s->low[1] << 24 | (uint64_t)s->mid[1] << 32 |
                 (uint64_t)s->high[1] << 40;
        return true;
    }
    if (s->device & IDE_DEV_LBA) {
        d->lba = low24 | (uint32_t)head << 24;
        return true;
    }
    d->chs = true;
    d->lba = ((uint64_t)cylinder * d->heads + head) * d->spt + s->low[0] - 1;
    return s->low[0] >= 1 && s->low[0] <= d->spt && head < d->heads && cylinder < d->cylinders;
}

static uint32_t get_count(const struct ide_unit *u)
{
    uint32_t n = u->s.count[0];

    if (!(u->disk.flags & F_EXT))
        return n ? n : 0x100;
    n |= (uint32_t)u->s.count[1] << 8;
    return n ? n : 0x10000;
}

/* Puts an address into the task file, in the form the host used. */
static void put_address(struct ide_unit *u, uint64_t lba)
{
    struct ide_unit_state *s = &u->s;
    struct ide_disk_state *d = &u->disk;

    if (d->chs) {
        uint64_t track = lba / d->spt;

        s->low[0] = (uint8_t)(lba % d->spt + 1);
        s->mid[0] = (uint8_t)(track / d->heads);
        s->high[0] = (uint8_t)(track / d->heads >> 8);
        s->device = (uint8_t)((s->device & ~IDE_DEV_HEAD) | track % d->heads);
        return;
    }
    s->low[0] = (uint8_t)lba;
    s->mid[0] = (uint8_t)(lba >> 8);
    s->high[0] = (uint8_t)(lba >> 16);
    if (d->flags & F_EXT) {
        s->low[1] = (uint8_t)(lba >> 24);
        s->mid[1] = (uint8_t)(lba >> 32);
        s->high[1] = (uint8_t)(lba >> 40);
    } else {
        s->device = (uint8_t)((s->device & ~IDE_DEV_HEAD) | (lba >> 24 & IDE_DEV_HEAD));
    }
}

/* Ends the command with `error` at `lba`. */
static void fail_at(struct ide_unit *u, uint64_t lba, uint8_t status, uint8_t error)
{
    put_address(u, lba);
    ide_unit_fail(u, status, error);
}

/* ---- strict mode ---- */

/* What ATA-4 to ATA/ATAPI-6 have dropped of the commands that are served here. */
static bool dropped(uint8_t code)
{
    switch (code) {
    case 0x10 ... 0x1f: /* RECALIBRATE */
    case 0x21:          /* those "without retries" */
    case 0x31:
    case 0x41:
    case 0xc9:
    case 0xcb:
    case 0x91: /* INITIALIZE DEVICE PARAMETERS */
    case 0x94 ... 0x99: /* power management's first codes */ return true;
    default: return false;
    }
}

static void lint_command(uint8_t code)
{
    if (dropped(code))
        lint_report_of(LINT_ATA_DEPRECATED, code, "ide: command 0x%02x is obsolete", code);
}

static void lint_address(const struct ide_unit *u)
{
    if (u->disk.chs)
        lint_report(LINT_ATA_DEPRECATED, "ide: command 0x%02x has a CHS address", u->s.command);
}

/* ---- commands ---- */

/* Takes address and count; false when the command has ended with an error because of them. */
static bool begin(struct ide_unit *u, uint8_t flags)
{
    struct ide_disk_state *d = &u->disk;
    uint64_t lba;

    d->flags = flags;
    if ((flags & F_MULTI) && !d->multiple) {
        ide_unit_abort(u);
        return false;
    }
    if (!get_address(u)) {
        log_guest("ide: command %02x with a bad CHS address", u->s.command);
        ide_unit_fail(u, 0, IDE_ERR_IDNF);
        return false;
    }
    lint_address(u);
    lba = d->lba;
    d->left = get_count(u);
    d->block = flags & F_DMA ? DMA_BLOCK : flags & F_MULTI ? d->multiple : 1;
    u->s.dma = flags & F_DMA;
    ide_unit_accessed(u);
    if (lba >= u->sectors || d->left > u->sectors - lba) {
        log_guest("ide: command %02x beyond the end of the disk", u->s.command);
        fail_at(u, lba >= u->sectors ? lba : u->sectors, 0, IDE_ERR_IDNF);
        return false;
    }
    return true;
}

static uint32_t next_block(const struct ide_disk_state *d)
{
    return d->left < d->block ? d->left : d->block;
}

/* The task file after a transfer without error: the last sector, as ATA-1 hosts expect it. */
static void finish_address(struct ide_unit *u)
{
    if (u->disk.flags & F_EXT)
        return;
    put_address(u, u->disk.lba - 1);
    u->s.count[0] = 0;
}

static void find_bad(struct ide_unit *u, uint32_t n);

static void sector_tested(struct ide_unit *u, int rc)
{
    if (rc) {
        fail_at(u, u->disk.lba, 0, IDE_ERR_UNC);
        return;
    }
    u->disk.lba++;
    find_bad(u, u->disk.io_count - 1);
}

/* Ends the command after an error in n sectors from lba, at the first that cannot be read. */
static void find_bad(struct ide_unit *u, uint32_t n)
{
    u->disk.io_count = n;
    if (n > 1)
        ide_unit_io(u, IDE_IO_READ, u->disk.lba * IDE_SECTOR, IDE_SECTOR, sector_tested);
    else
        fail_at(u, u->disk.lba, 0, IDE_ERR_UNC);
}

static void read_next(struct ide_unit *u);

static void read_completed(struct ide_unit *u, int rc)
{
    struct ide_disk_state *d = &u->disk;

    if (rc && d->io_count > 1 && u->s.dma) {
        d->block = 1; /* what comes before the bad sector still reaches the host */
        read_next(u);
        return;
    }
    if (rc) {
        find_bad(u, d->io_count);
        return;
    }
    d->lba += d->io_count;
    d->left -= d->io_count;
    ide_unit_offer(u, 0, d->io_count * IDE_SECTOR, true);
}

static void read_next(struct ide_unit *u)
{
    struct ide_disk_state *d = &u->disk;

    d->io_count = next_block(d);
    ide_unit_io(u, IDE_IO_READ, d->lba * IDE_SECTOR, (uint64_t)d->io_count * IDE_SECTOR,
                read_completed);
}

static void cmd_read(struct ide_unit *u, uint8_t flags)
{
    if (begin(u, flags))
        read_next(u);
}

static void write_next(struct ide_unit *u, bool first)
{
    ide_unit_accept(u, 0, next_block(&u->disk) * IDE_SECTOR, !first);
}

static void write_flushed(struct ide_unit *u, int rc)
{
    if (rc)
        ide_unit_fail(u, IDE_DF, IDE_ERR_ABRT);
    else
        ide_unit_done(u);
}

static void write_completed(struct ide_unit *u, int rc)
{
    struct ide_disk_state *d = &u->disk;

    if (rc) {
        fail_at(u, d->lba, IDE_DF, IDE_ERR_ABRT);
        return;
    }
    d->lba += d->io_count;
    d->left -= d->io_count;
    if (d->left) {
        write_next(u, false);
        return;
    }
    finish_address(u);
    if (((d->flags & F_FUA) || !d->write_cache) && block_write_cache(u->block))
        ide_unit_io(u, IDE_IO_FLUSH, 0, 0, write_flushed);
    else
        ide_unit_done(u);
}

static void cmd_write(struct ide_unit *u, uint8_t flags)
{
    if (!begin(u, flags))
        return;
    if (block_readonly(u->block))
        ide_unit_abort(u);
    else
        write_next(u, true);
}

static void verify_completed(struct ide_unit *u, int rc)
{
    struct ide_disk_state *d = &u->disk;

    if (rc) {
        find_bad(u, d->left);
        return;
    }
    d->lba += d->left;
    finish_address(u);
    ide_unit_done(u);
}

static void cmd_verify(struct ide_unit *u, uint8_t flags)
{
    if (begin(u, flags))
        ide_unit_io(u, IDE_IO_VERIFY, u->disk.lba * IDE_SECTOR, (uint64_t)u->disk.left * IDE_SECTOR,
                    verify_completed);
}

static void cmd_seek(struct ide_unit *u, uint8_t flags)
{
    u->disk.flags = flags;
    if (get_address(u) && u->disk.lba < u->sectors)
        ide_unit_done(u);
    else
        ide_unit_fail(u, 0, IDE_ERR_IDNF);
}

static void disk_block_done(struct ide_unit *u)
{
    struct ide_disk_state *d = &u->disk;

    if (u->s.command == ATA_DATA_SET_MANAGEMENT) {
        ide_disk_trim_received(u);
        return;
    }
    if (u->s.phase == IDE_PHASE_OUT) {
        d->io_count = u->s.end / IDE_SECTOR;
        ide_unit_io(u, IDE_IO_WRITE, d->lba * IDE_SECTOR, u->s.end, write_completed);
        return;
    }
    if (d->left) {
        read_next(u);
        return;
    }
    if (d->io_count)
        finish_address(u);
    if (u->s.dma)
        ide_unit_done(u);
    else
        ide_unit_done_quietly(u); /* PIO data-in: the last block's interrupt was its own */
}

void ide_disk_reply(struct ide_unit *u)
{
    u->disk.left = u->disk.io_count = 0;
    ide_unit_offer(u, 0, IDE_SECTOR, true);
}

static void cmd_identify(struct ide_unit *u, uint8_t flags)
{
    (void)flags;
    ide_disk_identify(u);
    ide_disk_reply(u);
}

static void cmd_nothing(struct ide_unit *u, uint8_t flags)
{
    (void)flags;
    ide_unit_done(u);
}

static void cmd_flush(struct ide_unit *u, uint8_t flags)
{
    (void)flags;
    ide_unit_io(u, IDE_IO_FLUSH, 0, 0, write_flushed);
}

static void cmd_set_multiple(struct ide_unit *u, uint8_t flags)
{
    uint8_t n = u->s.count[0];

    (void)flags;
    if (n > IDE_DISK_MAX_MULTIPLE || (n & (n - 1))) {
        ide_unit_abort(u);
        return;
    }
    u->disk.multiple = n;
    ide_unit_done(u);
}

static void cmd_set_geometry(struct ide_unit *u, uint8_t flags)
{
    struct ide_disk_state *d = &u->disk;
    unsigned heads = (u->s.device & IDE_DEV_HEAD) + 1u, spt = u->s.count[0];
    uint64_t cylinders;

    (void)flags;
    if (!spt) {
        ide_unit_abort(u);
        return;
    }
    cylinders = u->sectors / (heads * spt);
    d->heads = (uint16_t)heads;
    d->spt = (uint16_t)spt;
    d->cylinders = (uint16_t)(cylinders > 65535 ? 65535 : cylinders ? cylinders : 1);
    ide_unit_done(u);
}

static void cmd_native_max(struct ide_unit *u, uint8_t flags)
{
    uint64_t last = u->sectors - 1;

    u->disk.flags = flags;
    u->disk.chs = false;
    if (!(flags & F_EXT) && last > 0x0fffffff)
        last = 0x0fffffff;
    put_address(u, last);
    ide_unit_done(u);
}

static void cmd_set_features(struct ide_unit *u, uint8_t flags)
{
    (void)flags;
    if (ide_unit_set_features(u))
        return;
    switch (u->s.feature[0]) {
    case 0x02: u->disk.write_cache = true; break;
    case 0x82:
        u->disk.write_cache = false;
        ide_unit_io(u, IDE_IO_FLUSH, 0, 0, write_flushed);
        return;
    case 0xaa: u->disk.look_ahead = true; break;
    case 0x55: u->disk.look_ahead = false; break;
    default:
        log_guest("ide: SET FEATURES %02x is not supported", u->s.feature[0]);
        ide_unit_abort(u);
        return;
    }
    ide_unit_done(u);
}

static void cmd_smart(struct ide_unit *u, uint8_t flags)
{
    struct ide_unit_state *s = &u->s;
    uint8_t sub = s->feature[0];

    (void)flags;
    if (s->mid[0] != 0x4f || s->high[0] != 0xc2 || (!u->disk.smart && sub != 0xd8)) {
        ide_unit_abort(u);
        return;
    }
    switch (sub) {
    case 0xd0:
        ide_disk_smart_data(u);
        ide_disk_reply(u);
        return;
    case 0xd1:
        ide_disk_smart_thresholds(u);
        ide_disk_reply(u);
        return;
    case 0xd2: u->disk.smart_autosave = s->count[0] == 0xf1; break;
    case 0xd3: break; /* save attribute values: they are never anywhere else */
    case 0xd8: u->disk.smart = true; break;
    case 0xd9: u->disk.smart = false; break;
    case 0xda: break; /* no threshold exceeded: mid and high stay 4fh and c2h */
    default: ide_unit_abort(u); return;
    }
    ide_unit_done(u);
}

static const struct disk_command {
    uint8_t code, flags;
    void (*run)(struct ide_unit *u, uint8_t flags);
} commands[] = {
    {ATA_DATA_SET_MANAGEMENT, F_EXT | F_DMA, ide_disk_trim},
    {0x20, 0, cmd_read},
    {0x21, 0, cmd_read},
    {0x24, F_EXT, cmd_read},
    {0x25, F_EXT | F_DMA, cmd_read},
    {0x27, F_EXT, cmd_native_max},
    {0x29, F_EXT | F_MULTI, cmd_read},
    {ATA_READ_LOG_EXT, F_EXT, ide_disk_read_log},
    {0x30, F_WRITE, cmd_write},
    {0x31, F_WRITE, cmd_write},
    {0x34, F_WRITE | F_EXT, cmd_write},
    {0x35, F_WRITE | F_EXT | F_DMA, cmd_write},
    {0x39, F_WRITE | F_EXT | F_MULTI, cmd_write},
    {0x3d, F_WRITE | F_EXT | F_DMA | F_FUA, cmd_write},
    {0x40, 0, cmd_verify},
    {0x41, 0, cmd_verify},
    {0x42, F_EXT, cmd_verify},
    {0x91, 0, cmd_set_geometry},
    {0xb0, 0, cmd_smart},
    {0xc4, F_MULTI, cmd_read},
    {0xc5, F_WRITE | F_MULTI, cmd_write},
    {0xc6, 0, cmd_set_multiple},
    {0xc8, F_DMA, cmd_read},
    {0xc9, F_DMA, cmd_read},
    {0xca, F_WRITE | F_DMA, cmd_write},
    {0xcb, F_WRITE | F_DMA, cmd_write},
    {0xce, F_WRITE | F_EXT | F_MULTI | F_FUA, cmd_write},
    {0xe7, 0, cmd_flush},
    {0xea, F_EXT, cmd_flush},
    {ATA_IDENTIFY, 0, cmd_identify},
    {ATA_SET_FEATURES, 0, cmd_set_features},
    {0xf8, 0, cmd_native_max},
};

static void disk_command(struct ide_unit *u)
{
    uint8_t code = u->s.command;

    if (lint_on(LINT_ATA_DEPRECATED))
        lint_command(code);
    if (u->disk.queue_halted && code != ATA_READ_LOG_EXT) {
        ide_unit_abort(u);
        return;
    }
    if (code >> 4 == 1) { /* RECALIBRATE */
        cmd_nothing(u, 0);
        return;
    }
    if (code >> 4 == 7) { /* SEEK */
        cmd_seek(u, 0);
        return;
    }
    if (ide_unit_power_command(u))
        return;
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++) {
        if (commands[k].code == code) {
            commands[k].run(u, commands[k].flags);
            return;
        }
    }
    /* NOP ends here too: it is defined to abort */
    if (code != ATA_NOP && code != ATA_IDENTIFY_PACKET)
        log_guest("ide: disk command %02x is not supported", code);
    ide_unit_abort(u);
}

static void disk_reset(struct ide_unit *u, enum ide_reset how)
{
    struct ide_disk_state *d = &u->disk;

    d->left = d->io_count = 0;
    d->queue_halted = false;
    memset(d->queue_error, 0, sizeof(d->queue_error));
    if (how == IDE_RESET_HARD)
        d->smart = true;
    if (how == IDE_RESET_SOFT && u->s.keep_settings)
        return;
    d->write_cache = block_write_cache(u->block);
    d->look_ahead = true;
    d->multiple = 0;
    ide_disk_default_geometry(u->sectors, &d->cylinders, &d->heads, &d->spt);
}

static bool disk_valid(const struct ide_unit *u)
{
    const struct ide_disk_state *d = &u->disk;
    bool out = u->s.phase == IDE_PHASE_OUT;

    if (!d->heads || !d->spt || !d->cylinders || d->multiple > IDE_DISK_MAX_MULTIPLE)
        return false;
    if (u->s.command == ATA_DATA_SET_MANAGEMENT && out)
        return u->s.end % IDE_SECTOR == 0;
    if (u->s.phase == IDE_PHASE_IDLE || (!out && !d->left))
        return true;
    return d->block > 0 && d->block <= DMA_BLOCK && d->left > 0 && d->lba < u->sectors &&
           d->left <= u->sectors - d->lba && (!out || u->s.end == next_block(d) * IDE_SECTOR);
}

const struct ide_unit_ops ide_disk_ops = {
    .command = disk_command,
    .block_done = disk_block_done,
    .reset = disk_reset,
    .valid = disk_valid,
    .signature_mid = 0,
    .signature_high = 0,
    .reset_status = IDE_DRDY | IDE_DSC,
    .max_udma = 5,
};
