/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio disks: those of -device virtio-blk-pci, and those that -drive if=virtio makes. */
#include "base/error.h"
#include "devices/virtio/virtio_blk.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/devices_virtio.h"

static bool fail(GError **err, const char *what, const char *value)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "virtio-blk-pci: %s%s", what, value);
    return false;
}

static bool power_of_two(uint64_t n)
{
    return n && !(n & (n - 1));
}

static bool sizes(const struct device_config *c, struct virtio_blk_config *cfg, GError **err)
{
    uint64_t logical = device_number(c, "logical_block_size");
    uint64_t physical = MAX(device_number(c, "physical_block_size"), logical);

    if (!virtio_queue_size(c, err))
        return false;
    if (!power_of_two(logical) || !power_of_two(physical))
        return fail(err, "logical_block_size and physical_block_size must be powers of two", "");
    if (device_given(c, "physical_block_size") && device_number(c, "physical_block_size") < logical)
        return fail(err, "physical_block_size is less than logical_block_size", "");
    cfg->queue_size = (uint16_t)device_number(c, "queue-size");
    cfg->logical = (uint32_t)logical;
    cfg->physical = (uint32_t)physical;
    return true;
}

/* One queue for each processor, unless told. */
static unsigned queues(const struct board *b, const struct device_config *c)
{
    unsigned n = (unsigned)device_number(c, "num-queues");

    return n ? n : MIN(b->n_cpus, VIRTIO_BLK_MAX_QUEUES);
}

static void resized(void *device)
{
    virtio_blk_resized(device);
}

static bool build(struct board *b, const struct device_config *c, struct board_drive *drive,
                  const struct machine_drive *d, GError **err)
{
    struct virtio_blk_config cfg = {.bus = b->pci,
                                    .block = drive->block,
                                    .serial = d->serial,
                                    .queues = queues(b, c),
                                    .config_wce = device_flag(c, "config-wce"),
                                    .discard = device_flag(c, "discard"),
                                    .write_zeroes = device_flag(c, "write-zeroes")};
    struct virtio_blk *disk;

    if (!drive->block)
        return fail(err, "a disk needs an image; the drive has none", "");
    if (device_given(c, "serial"))
        cfg.serial = device_text(c, "serial");
    if (!virtio_form_of(c, &cfg.form, err) || !sizes(c, &cfg, err) ||
        !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    disk = virtio_blk_new(&cfg, err);
    if (!disk)
        return false;
    drive->device = disk;
    drive->resized = resized;
    board_bootable(b, 'c',
                   device_given(c, "bootindex") ? device_number(c, "bootindex") : BOOT_NO_INDEX,
                   cfg.devfn & 7 ? g_strdup_printf("/pci@i0cf8/scsi@%x,%x/disk@0,0", cfg.devfn >> 3,
                                                   cfg.devfn & 7u)
                                 : g_strdup_printf("/pci@i0cf8/scsi@%x/disk@0,0", cfg.devfn >> 3));
    return board_add(b, virtio_blk_device(disk));
}

static bool build_blk(struct board *b, const struct device_config *c, GError **err)
{
    const char *id = device_text(c, "drive");
    const struct machine_drive *d;
    struct board_drive *drive;

    if (!id)
        return fail(err, "drive=ID says which drive it is (-drive if=none,id=ID,file=…)", "");
    drive = board_take_drive(b, id, &d, err);
    return drive && build(b, c, drive, d, err);
}

bool board_build_virtio_drives(struct board *b, GError **err)
{
    const struct machine_drive *d;
    struct board_drive *drive;
    bool ok = true;

    while (ok && (drive = board_next_drive(b, MACHINE_IF_VIRTIO, &d))) {
        struct device_config *c = device_config_new(virtio_blk_kind.name, err);

        ok = c && build(b, c, drive, d, err);
        device_config_free(c);
    }
    return ok;
}

static const struct device_prop blk_props[] = {
    {.name = "drive", .type = PROP_TEXT, .what = "the image: the id of a -drive if=none"},
    {"bootindex", PROP_NUMBER, "its place in the boot order", .max = INT32_MAX},
    {.name = "serial", .type = PROP_TEXT, .what = "its serial number, up to 20 characters"},
    {"num-queues", PROP_NUMBER, "queues; 0: one for each processor", .max = VIRTIO_BLK_MAX_QUEUES},
    {"queue-size", PROP_NUMBER, "requests that a queue holds, a power of two", .min = 4,
     .max = VIRTQUEUE_MAX, .number = 256},
    {"logical_block_size", PROP_SIZE, "the least that can be read or written", .min = 512,
     .max = 32768, .number = 512},
    {"physical_block_size", PROP_SIZE, "what is good to write at once", .min = 512, .max = 32768,
     .number = 512},
    {"config-wce", PROP_ON_OFF, "the guest may turn the write cache off", .number = 1},
    {"discard", PROP_ON_OFF, "the guest may discard, where the image can", .number = 1},
    {"write-zeroes", PROP_ON_OFF, "the guest may write zeros without sending them", .number = 1},
    VIRTIO_PROPS,
    DEVICE_PROPS_END,
};

const struct device_kind virtio_blk_kind = {
    .name = "virtio-blk-pci",
    .bus = "PCI",
    .what = "a disk",
    .family = FAMILY_STORAGE,
    .props = blk_props,
    .build = build_blk,
};
