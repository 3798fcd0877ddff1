/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The AHCI controller, as a driver uses it: registers in memory, command lists, tables and received
 * FISes in RAM. Serial ATA AHCI 1.3.1; the sections are named where they say what is tested.
 */
#include "tests/unit/unit.h"

#include "backends/block_impl.h"
#include "base/bits.h"
#include "devices/pci/pci_bus.h"
#include "devices/storage/ahci.h"
#include "tests/unit/ide_rig.h"

#define SLOT      PCI_DEVFN(3, 0)
#define ABAR      0xf0000000u
#define LIST(n)   (0x1000u + (n)*0x1000u)
#define FISES(n)  (LIST(n) + 0x400)
#define TABLES(n) (0x10000u + (n)*0x8000u)
#define DATA      0x80000u

enum {
    PX_CLB = 0,
    PX_FB = 8,
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

    DHRS = 1,
    PSS = 2,
    SDBS = 8,
    DPS = 32,
    PCS = 64,
    OFS = 1 << 24,
    IFS = 1 << 27,
    HBFS = 1 << 29,
    TFES = 1 << 30,
};

struct hba {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct block_engine *engine;
    struct ahci *a;
    struct image *disk, *cd;
    uint8_t ram[RAM_SIZE];
    unsigned messages;
    bool unsettled;
};

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct hba *h = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(buf, h->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct hba *h = opaque;

    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return false;
    memcpy(h->ram + gpa, buf, len);
    return true;
}

static bool message(void *opaque, uint64_t addr, uint32_t data)
{
    struct hba *h = opaque;

    assert_int_equal(addr, 0xfee00000);
    assert_int_equal(data, 0x41);
    h->messages++;
    return true;
}

static uint32_t reg(struct hba *h, unsigned off)
{
    if (!h->unsettled)
        block_engine_drain(h->engine);
    return (uint32_t)bus_read(h->mmio, ABAR + off, 4);
}

static void set(struct hba *h, unsigned off, uint32_t val)
{
    bus_write(h->mmio, ABAR + off, val, 4);
    if (!h->unsettled)
        block_engine_drain(h->engine);
}

static uint32_t px(struct hba *h, unsigned port, unsigned off)
{
    return reg(h, 0x100 + 0x80 * port + off);
}

static void set_px(struct hba *h, unsigned port, unsigned off, uint32_t val)
{
    set(h, 0x100 + 0x80 * port + off, val);
}

static void start(struct hba *h, unsigned port)
{
    set_px(h, port, PX_CLB, LIST(port));
    set_px(h, port, PX_CLB + 4, 0);
    set_px(h, port, PX_FB, FISES(port));
    set_px(h, port, PX_FB + 4, 0);
    set_px(h, port, PX_SERR, ~0u);
    set_px(h, port, PX_IS, ~0u);
    set_px(h, port, PX_IE, 0x7dc0007f);
    set_px(h, port, PX_CMD, px(h, port, PX_CMD) | 0x10);
    set_px(h, port, PX_CMD, px(h, port, PX_CMD) | 1);
}

/* A disk at port 0, a CD at port 2; both started, interrupts on. */
static struct hba *hba_new(bool staggered)
{
    struct hba *h = g_new0(struct hba, 1);
    struct block_engine_config engine = {.counted = true};
    struct pci_bus_config bus = {.dma = {h, ram_read, ram_write}, .msi = {h, message}};
    struct ahci_config cfg = {.devfn = SLOT, .staggered = staggered};
    GError *err = NULL;

    h->ports = bus.ports = bus_new("port", 0xffff);
    h->mmio = bus.mmio = bus_new("mmio", ~0ull);
    h->clock = cfg.clock = engine.clock = clock_new_manual();
    h->engine = block_engine_new(&engine);
    h->pci = cfg.pci = pci_bus_new(&bus, NULL);
    h->a = ahci_new(&cfg, &err);
    assert_non_null(h->a);
    h->disk = image_new(SECTORS * 512u);
    image_number(h->disk);
    h->cd = image_new(100 * 2048u);
    image_number(h->cd);
    block_attach(&h->disk->block, h->engine);
    block_attach(&h->cd->block, h->engine);
    assert_true(ahci_attach(h->a, 0, AHCI_DISK, &h->disk->block, "SERIAL", &err));
    assert_true(ahci_attach(h->a, 2, AHCI_CD, &h->cd->block, NULL, &err));
    device_reset(ahci_device(h->a));
    pci_config_write(h->pci, 0, SLOT, 0x24, ABAR, 4);
    pci_config_write(h->pci, 0, SLOT, 0x04, 0x0006, 2);
    if (!staggered) {
        start(h, 0);
        start(h, 2);
        set(h, 0x04, 0x80000002);
    }
    return h;
}

static void hba_free(struct hba *h)
{
    device_destroy(ahci_device(h->a));
    block_free(&h->disk->block);
    block_free(&h->cd->block);
    block_engine_free(h->engine);
    pci_bus_free(h->pci);
    clock_free(h->clock);
    bus_free(h->ports);
    bus_free(h->mmio);
    g_free(h);
}

static uint8_t *table(struct hba *h, unsigned port, unsigned slot)
{
    return h->ram + TABLES(port) + slot * 0x400;
}

/* Header and command FIS of a slot: LBA48 form, one descriptor of `len` bytes (0: none) at addr. */
static uint8_t *prepare(struct hba *h, unsigned port, unsigned slot, unsigned cmd, uint64_t lba,
                        unsigned count, uint32_t addr, uint32_t len)
{
    uint8_t *t = table(h, port, slot), *head = h->ram + LIST(port) + slot * 32;

    memset(t, 0, 0x400);
    memset(head, 0, 32);
    st_le32(head, 5 | (len ? 1u << 16 : 0));
    st_le32(head + 8, TABLES(port) + slot * 0x400);
    t[0] = 0x27;
    t[1] = 0x80;
    t[2] = (uint8_t)cmd;
    for (unsigned k = 0; k < 3; k++) {
        t[4 + k] = (uint8_t)(lba >> 8 * k);
        t[8 + k] = (uint8_t)(lba >> (24 + 8 * k));
    }
    t[7] = 0x40;
    t[12] = (uint8_t)count;
    t[13] = (uint8_t)(count >> 8);
    if (len) {
        st_le32(t + 0x80, addr);
        st_le32(t + 0x8c, len - 1);
    }
    return t;
}

static void issue(struct hba *h, unsigned port, uint32_t slots)
{
    set_px(h, port, PX_CI, slots);
}

/* A queued command: the count is in the features, the tag in the count (13.6 of Serial ATA 3.0). */
static uint8_t *prepare_queued(struct hba *h, unsigned slot, bool write, uint64_t lba,
                               unsigned count, uint32_t addr)
{
    uint8_t *t = prepare(h, 0, slot, write ? 0x61 : 0x60, lba, slot << 3, addr, count * 512);

    t[3] = (uint8_t)count;
    t[11] = (uint8_t)(count >> 8);
    return t;
}

static uint32_t moved(struct hba *h, unsigned port, unsigned slot)
{
    return ld_le32(h->ram + LIST(port) + slot * 32 + 4);
}

/* ---- tests ---- */

static void test_registers(void **state)
{
    struct hba *h = hba_new(false);

    (void)state;
    assert_int_equal(pci_config_read(h->pci, 0, SLOT, 0, 4), 0x29228086);
    assert_int_equal(pci_config_read(h->pci, 0, SLOT, 8, 4) >> 8, 0x010601);
    assert_int_equal(reg(h, 0) & 0x1f, 5);       /* six ports … */
    assert_int_equal(reg(h, 0) >> 8 & 0x1f, 31); /* … of 32 slots */
    assert_int_equal(reg(h, 0) >> 30, 3);        /* NCQ, 64 bits */
    assert_int_equal(reg(h, 0x0c), 0x3f);        /* ports implemented */
    assert_int_equal(reg(h, 0x10), 0x00010301);  /* AHCI 1.3.1 */
    assert_int_equal(px(h, 0, PX_SSTS), 0x133);  /* up, 6 Gb/s, active */
    assert_int_equal(px(h, 0, PX_SIG), 0x00000101);
    assert_int_equal(px(h, 2, PX_SIG), 0xeb140101);
    assert_int_equal(px(h, 1, PX_SSTS), 0);
    assert_int_equal(px(h, 1, PX_TFD), 0x7f);
    assert_int_equal(px(h, 0, PX_CMD) & 0xc011, 0xc011); /* CR and FR follow ST and FRE */
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    assert_int_equal(px(h, 0, PX_CMD) & 0xc011, 0x4010);
    issue(h, 0, 1); /* not while it is stopped */
    assert_int_equal(px(h, 0, PX_CI), 0);
    hba_free(h);
}

static void test_identify(void **state)
{
    struct hba *h = hba_new(false);
    uint8_t *id = h->ram + DATA;

    (void)state;
    prepare(h, 0, 3, 0xec, 0, 0, DATA, 512);
    issue(h, 0, 1 << 3);
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_int_equal(px(h, 0, PX_IS), PSS); /* PIO data-in ends with its last PIO Setup */
    assert_int_equal(h->ram[FISES(0) + 0x20], 0x5f);
    assert_int_equal(h->ram[FISES(0) + 0x20 + 15], 0x50);
    assert_int_equal(moved(h, 0, 3), 512);
    assert_int_equal(ld_le32(id + 120), SECTORS);
    assert_int_equal(ld_le16(id + 150), 31);            /* queue depth */
    assert_int_equal(ld_le16(id + 152) & 0x10e, 0x10e); /* NCQ, three speeds */
    assert_memory_equal(id + 20, "ESIRLA", 6);
    hba_free(h);
}

static void test_dma(void **state)
{
    struct hba *h = hba_new(false);
    uint8_t *t = prepare(h, 0, 0, 0x25, 7, 300, 0, 0);

    (void)state;
    /* 300 sectors, more than the drive's buffer, to three places */
    st_le32(h->ram + LIST(0), 5 | 3u << 16);
    st_le32(t + 0x80, DATA);
    st_le32(t + 0x8c, (1000 - 1) | 1u << 31); /* tells */
    st_le32(t + 0x90, DATA + 1000);
    st_le32(t + 0x9c, 2 - 1);
    st_le32(t + 0xa0, DATA + 1002);
    st_le32(t + 0xac, 300 * 512 - 1002 - 1);
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_IS), DHRS | DPS);
    assert_int_equal(px(h, 0, PX_TFD), 0x50);
    assert_int_equal(moved(h, 0, 0), 300 * 512);
    assert_sectors(h->ram + DATA, 7, 300);

    memset(h->ram + DATA, 0x5a, 512);
    prepare(h, 0, 1, 0x35, 9, 1, DATA, 512);
    prepare(h, 0, 2, 0xea, 0, 0, 0, 0);
    issue(h, 0, 6); /* one after the other */
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_int_equal(h->disk->data[9 * 512 + 511], 0x5a);
    assert_int_equal(h->disk->data[10 * 512], image_byte(10 * 512));
    assert_int_equal(h->disk->flushes, 1);
    hba_free(h);
}

static void test_pio(void **state)
{
    struct hba *h = hba_new(false);

    (void)state;
    prepare(h, 0, 0, 0x24, 20, 5, DATA, 5 * 512);
    issue(h, 0, 1);
    assert_sectors(h->ram + DATA, 20, 5);
    assert_int_equal(px(h, 0, PX_IS), PSS);
    memset(h->ram + DATA, 0xa5, 1024);
    prepare(h, 0, 0, 0x34, 20, 2, DATA, 1024);
    issue(h, 0, 1);
    assert_int_equal(h->disk->data[21 * 512 + 511], 0xa5);
    assert_int_equal(px(h, 0, PX_IS), PSS | DHRS); /* data-out ends with the register FIS */
    hba_free(h);
}

static void test_queued(void **state)
{
    struct hba *h = hba_new(false);

    (void)state;
    prepare_queued(h, 31, false, 100, 700, DATA); /* in more than one part */
    prepare_queued(h, 4, true, 3000, 1, 0x20);
    memset(h->ram + 0x20, 0x77, 512);
    h->unsettled = true;
    set_px(h, 0, PX_SACT, 1u << 31 | 1 << 4);
    issue(h, 0, 1u << 31 | 1 << 4);
    assert_int_equal(px(h, 0, PX_CI), 0); /* taken, and both under way */
    assert_int_equal(px(h, 0, PX_SACT), 1u << 31 | 1 << 4);
    assert_int_equal(px(h, 0, PX_TFD), 0x50);
    assert_int_equal(px(h, 0, PX_IS) & (DHRS | SDBS), 0);
    h->unsettled = false;
    assert_int_equal(px(h, 0, PX_SACT), 0);
    assert_int_equal(px(h, 0, PX_IS), SDBS);
    assert_int_equal(h->ram[FISES(0) + 0x58], 0xa1);
    assert_sectors(h->ram + DATA, 100, 700);
    assert_int_equal(h->disk->data[3000 * 512], 0x77);
    hba_free(h);
}

/* 6.2.2.2, and log 10h (ATA8-ACS, annex A). */
static void test_queued_error(void **state)
{
    struct hba *h = hba_new(false);
    const uint8_t *log = h->ram + DATA;

    (void)state;
    h->disk->bad_from = 50 * 512;
    h->disk->bad_to = 51 * 512;
    prepare_queued(h, 2, false, 50, 1, DATA);
    set_px(h, 0, PX_SACT, 4);
    issue(h, 0, 4);
    assert_int_equal(px(h, 0, PX_IS), SDBS | TFES);
    assert_int_equal(px(h, 0, PX_TFD), 0x4041);
    assert_int_equal(px(h, 0, PX_SACT), 4); /* who it was is for the log to say */
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    assert_int_equal(px(h, 0, PX_SACT), 0);
    set_px(h, 0, PX_IS, ~0u);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) | 1);
    prepare(h, 0, 0, 0x25, 0, 1, DATA, 512); /* nothing else is done before that */
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_TFD), 0x0451);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    set_px(h, 0, PX_IS, ~0u);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) | 1);
    prepare(h, 0, 0, 0x2f, 0x10, 1, DATA, 512);
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_int_equal(log[0], 2);
    assert_int_equal(log[3], 0x40);
    assert_int_equal(log[4], 50);
    prepare_queued(h, 2, false, 49, 1, DATA);
    issue(h, 0, 4);
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_sectors(h->ram + DATA, 49, 1);
    hba_free(h);
}

/* 6.2.2.1: the slot stays, and nothing runs before ST is cleared. */
static void test_error(void **state)
{
    struct hba *h = hba_new(false);

    (void)state;
    prepare(h, 0, 5, 0x25, SECTORS, 1, DATA, 512);
    prepare(h, 0, 6, 0x25, 0, 1, DATA, 512);
    issue(h, 0, 1 << 5 | 1 << 6);
    assert_int_equal(px(h, 0, PX_IS), DHRS | TFES);
    assert_int_equal(px(h, 0, PX_TFD), 0x1051);
    assert_int_equal(px(h, 0, PX_CI), 1 << 5 | 1 << 6);
    assert_int_equal(px(h, 0, PX_CMD) >> 8 & 0x1f, 5);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    assert_int_equal(px(h, 0, PX_CI), 0);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) | 1);
    issue(h, 0, 1 << 6);
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_sectors(h->ram + DATA, 0, 1);
    hba_free(h);
}

static void expect_fatal(struct hba *h, uint32_t event)
{
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_IS) & (OFS | IFS | HBFS), event);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    set_px(h, 0, PX_SCTL, 1);
    set_px(h, 0, PX_SCTL, 0);
    start(h, 0);
}

/* Descriptors, tables, lists and FISes that lead nowhere. */
static void test_hostile_memory(void **state)
{
    struct hba *h = hba_new(false);
    uint8_t *t;

    (void)state;
    prepare(h, 0, 0, 0x25, 0, 4, 0xfffff000, 2048);
    expect_fatal(h, HBFS);
    prepare_queued(h, 0, true, 0, 4, 0xfffff000);
    expect_fatal(h, HBFS);
    prepare(h, 0, 0, 0x35, 0, 4, DATA, 1024); /* too few bytes to write */
    expect_fatal(h, OFS);
    prepare_queued(h, 0, true, 0, 4, DATA);
    st_le32(table(h, 0, 0) + 0x8c, 511);
    expect_fatal(h, OFS);
    assert_int_equal(h->disk->writes, 0);
    prepare(h, 0, 0, 0x25, 0, 4, DATA, 2048);
    st_le32(h->ram + LIST(0) + 8, 0xf0000000);
    expect_fatal(h, HBFS);
    t = prepare(h, 0, 0, 0x25, 0, 4, DATA, 2048);
    t[0] = 0x46;
    expect_fatal(h, IFS);
    set_px(h, 0, PX_CLB, 0xe0000000);
    expect_fatal(h, HBFS);
    set_px(h, 0, PX_FB, 0xe0000000);
    prepare(h, 0, 0, 0x25, 0, 4, DATA, 2048);
    expect_fatal(h, HBFS);
    /* 65535 descriptors of which the table has two, and a read with too few */
    t = prepare(h, 0, 0, 0x25, 0, 4, DATA, 1024);
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_IS), DHRS | OFS);
    assert_int_equal(px(h, 0, PX_CI), 0);
    assert_int_equal(moved(h, 0, 0), 1024);
    assert_sectors(h->ram + DATA, 0, 2);
    hba_free(h);
}

static void packet(struct hba *h, const uint8_t *cdb, unsigned features, uint32_t len)
{
    uint8_t *t = prepare(h, 2, 0, 0xa0, 0, 0, DATA, len);

    t[3] = (uint8_t)features;
    t[5] = 0xfe;
    t[6] = 0xff;
    memcpy(t + 0x40, cdb, 12);
    st_le32(h->ram + LIST(2), 5 | 1 << 5 | 1u << 16);
    set_px(h, 2, PX_IS, ~0u);
    issue(h, 2, 1);
}

static void restart(struct hba *h, unsigned port)
{
    set_px(h, port, PX_CMD, px(h, port, PX_CMD) & ~1u);
    set_px(h, port, PX_IS, ~0u);
    set_px(h, port, PX_CMD, px(h, port, PX_CMD) | 1);
}

static void test_packet(void **state)
{
    static const uint8_t ready[12] = {0x00}, sense[12] = {0x03, 0, 0, 0, 18},
                         read[12] = {0x28, 0, 0, 0, 0, 10, 0, 0, 40},
                         eject[12] = {0x1b, 0, 0, 0, 2}, lock[12] = {0x1e, 0, 0, 0, 1};
    struct hba *h = hba_new(false);
    struct block *old = NULL;
    GError *err = NULL;

    (void)state;
    packet(h, ready, 0, 512); /* the attention after power-on is an error of the task file */
    assert_int_equal(px(h, 2, PX_IS), DHRS | TFES);
    assert_int_equal(px(h, 2, PX_TFD) & 1, 1);
    restart(h, 2);
    packet(h, sense, 0, 18);
    assert_int_equal(h->ram[DATA + 12], 0x29);
    assert_int_equal(moved(h, 2, 0), 18);
    for (unsigned dma = 0; dma < 2; dma++) { /* 40 sectors: more than the buffer, by either way */
        memset(h->ram + DATA, 0, 40 * 2048);
        packet(h, read, dma, 40 * 2048);
        assert_int_equal(px(h, 2, PX_IS), dma ? DHRS : DHRS | PSS);
        assert_memory_equal(h->ram + DATA, h->cd->data + 10 * 2048, 40 * 2048);
        assert_int_equal(moved(h, 2, 0), 40 * 2048);
    }
    packet(h, lock, 0, 2);
    assert_true(ahci_tray_locked(h->a, 2));
    assert_false(ahci_change_medium(h->a, 2, NULL, false, &old, &err));
    g_clear_error(&err);
    packet(h, eject, 0, 2);
    assert_int_equal(px(h, 2, PX_IS), DHRS | TFES);
    assert_true(ahci_change_medium(h->a, 2, NULL, true, &old, &err));
    assert_ptr_equal(old, &h->cd->block);
    restart(h, 2);
    packet(h, ready, 0, 2);
    restart(h, 2);
    packet(h, sense, 0, 18);
    assert_int_equal(h->ram[DATA + 12], 0x3a);
    hba_free(h);
}

/* 10.4.1: SRST by two control FISes. 10.4.2: COMRESET by SControl. */
static void test_resets(void **state)
{
    struct hba *h = hba_new(false);
    uint8_t *t = prepare(h, 0, 0, 0, 0, 0, 0, 0);

    (void)state;
    t[1] = 0;
    t[15] = 4;
    st_le32(h->ram + LIST(0), 5 | 1 << 8 | 1 << 10);
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_CI), 0);
    t[15] = 0;
    h->ram[FISES(0) + 0x40] = 0;
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_TFD), 0x0150);
    assert_int_equal(h->ram[FISES(0) + 0x40], 0x34);
    assert_int_equal(px(h, 0, PX_SIG), 0x101);

    set_px(h, 0, PX_SERR, ~0u);
    assert_int_equal(px(h, 0, PX_IS) & PCS, 0);
    h->unsettled = true; /* with a command under way */
    prepare(h, 0, 0, 0x25, 0, 4, DATA, 2048);
    prepare_queued(h, 1, false, 50, 1, DATA);
    issue(h, 0, 1);
    set_px(h, 0, PX_CMD, px(h, 0, PX_CMD) & ~1u);
    assert_int_equal(px(h, 0, PX_TFD) & 0x80, 0x80);
    set_px(h, 0, PX_SCTL, 0x301);
    assert_int_equal(px(h, 0, PX_SSTS) & 15, 1);
    set_px(h, 0, PX_SCTL, 0x300);
    assert_int_equal(px(h, 0, PX_SSTS), 0x133);
    assert_int_equal(px(h, 0, PX_TFD), 0x0150);
    assert_int_equal(px(h, 0, PX_IS) & PCS, PCS);
    set_px(h, 0, PX_IS, ~0u); /* does not clear it, SERR does */
    assert_int_equal(px(h, 0, PX_IS) & PCS, PCS);
    set_px(h, 0, PX_SERR, ~0u);
    assert_int_equal(px(h, 0, PX_IS) & PCS, 0);
    start(h, 0);
    issue(h, 0, 2);
    set(h, 4, 0x80000001); /* the whole controller, in the middle of a queued one */
    assert_int_equal(reg(h, 4), 0x80000000);
    assert_int_equal(px(h, 0, PX_CI) | px(h, 0, PX_SACT), 0);
    assert_int_equal(px(h, 0, PX_CMD) & 0x11, 0);
    h->unsettled = false;
    assert_int_equal(px(h, 0, PX_IS) & (SDBS | DHRS), 0);
    hba_free(h);
}

static void test_interrupts(void **state)
{
    struct hba *h = hba_new(false);
    unsigned cap = pci_config_read(h->pci, 0, SLOT, 0x34, 1);

    (void)state;
    set(h, 8, ~0u);
    assert_int_equal(pci_config_read(h->pci, 0, SLOT, 6, 2) & 8, 0);
    prepare(h, 0, 0, 0xe7, 0, 0, 0, 0);
    issue(h, 0, 1);
    assert_int_equal(reg(h, 8), 1);
    assert_int_equal(pci_config_read(h->pci, 0, SLOT, 6, 2) & 8, 8);
    set(h, 8, 1); /* the port still has something to say */
    assert_int_equal(reg(h, 8), 1);
    set_px(h, 0, PX_IS, ~0u);
    set(h, 8, 1);
    assert_int_equal(reg(h, 8), 0);
    assert_int_equal(pci_config_read(h->pci, 0, SLOT, 6, 2) & 8, 0);

    pci_config_write(h->pci, 0, SLOT, cap + 4, 0xfee00000, 4);
    pci_config_write(h->pci, 0, SLOT, cap + 12, 0x41, 2);
    pci_config_write(h->pci, 0, SLOT, cap + 2, 1, 2);
    issue(h, 0, 1);
    assert_int_equal(h->messages, 1);
    issue(h, 0, 1);
    assert_int_equal(h->messages, 1); /* it has been told of this port */
    set(h, 8, 1);
    assert_int_equal(h->messages, 2); /* but there is more */
    set_px(h, 0, PX_IS, ~0u);
    set(h, 8, 1);
    assert_int_equal(h->messages, 2);
    hba_free(h);
}

static void test_trim(void **state)
{
    struct hba *h = hba_new(false);
    uint8_t *t;

    (void)state;
    st_le64(h->ram + DATA, 5 | UINT64_C(2) << 48);
    t = prepare(h, 0, 0, 0x06, 0, 1, DATA, 512);
    t[3] = 1;
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_TFD), 0x50); /* this image cannot: a hint need not be followed */
    st_le64(h->ram + DATA + 8, SECTORS - 1 | UINT64_C(2) << 48);
    issue(h, 0, 1);
    assert_int_equal(px(h, 0, PX_TFD), 0x1451);
    hba_free(h);
}

/* 5.3.2, 10.1.1 */
static void test_staggered(void **state)
{
    struct hba *h = hba_new(true);

    (void)state;
    assert_int_equal(reg(h, 0) >> 27 & 1, 1);
    assert_int_equal(px(h, 0, PX_SSTS), 0);
    assert_int_equal(px(h, 0, PX_TFD), 0x7f);
    set_px(h, 0, PX_CMD, 2);
    assert_int_equal(px(h, 0, PX_SSTS), 0x133);
    assert_int_equal(px(h, 0, PX_SIG), 0x101);
    assert_int_equal(px(h, 2, PX_SSTS), 0);
    hba_free(h);
}

/* Whatever a guest writes to it, and into the memory that it reads, the host is none the worse. */
static void test_noise(void **state)
{
    static const uint8_t commands[] = {0x25, 0x35, 0x60, 0x61, 0xec, 0xa0, 0x2f, 0x06, 0x24, 0x34};
    struct hba *h = hba_new(false);
    GRand *r = g_rand_new_with_seed(5);

    (void)state;
    for (unsigned k = 0; k < 40000; k++) {
        unsigned port = g_rand_boolean(r) ? 0 : 2, slot = g_rand_int(r) & 31;

        h->unsettled = g_rand_int(r) % 3;
        prepare(h, port, slot, commands[g_rand_int(r) % sizeof(commands)],
                g_rand_int(r) % (SECTORS + 50), g_rand_int(r) % 300,
                g_rand_int(r) % (RAM_SIZE + 0x4000), 1 + g_rand_int(r) % 0x20000);
        table(h, port, slot)[3] = (uint8_t)g_rand_int(r);
        table(h, port, slot)[g_rand_int(r) % 0x100] = (uint8_t)g_rand_int(r);
        h->ram[LIST(port) + slot * 32 + g_rand_int(r) % 8] ^= (uint8_t)(1u << g_rand_int(r) % 8);
        issue(h, port, 1u << slot);
        if (g_rand_int(r) % 8 == 0)
            set(h, g_rand_int(r) % 0x300 & ~3u, g_rand_int(r));
        if (g_rand_int(r) % 4 == 0) {
            set_px(h, port, PX_CMD, 0);
            set_px(h, port, PX_SCTL, 1);
            set_px(h, port, PX_SCTL, 0);
            start(h, port);
        }
    }
    g_rand_free(r);
    hba_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers),  cmocka_unit_test(test_identify),
        cmocka_unit_test(test_dma),        cmocka_unit_test(test_pio),
        cmocka_unit_test(test_queued),     cmocka_unit_test(test_queued_error),
        cmocka_unit_test(test_error),      cmocka_unit_test(test_hostile_memory),
        cmocka_unit_test(test_packet),     cmocka_unit_test(test_resets),
        cmocka_unit_test(test_interrupts), cmocka_unit_test(test_trim),
        cmocka_unit_test(test_staggered),  cmocka_unit_test(test_noise),
    };

    return unit_main(tests);
}
