/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI test device; see pci_testdev.h. Its tests are named after the ways in which a hypervisor
 * may be told of a write. Here each write takes the same way, so that all are counted.
 */
#include "devices/pci/pci_testdev.h"

#include <string.h>

#include "base/bits.h"

#define NO_TEST    0xffu
#define DATA_MATCH 0xfau
#define DATA_ANY   0xceu

/* What stands behind one BAR. */
struct test_bar {
    const char *kind; /* begins the tests' names */
    uint32_t first;   /* where test 0 writes to; test n a byte each behind it */
    uint8_t current;  /* state: the test that runs, or NO_TEST */
    uint32_t count;   /* state: its writes */
};

struct pci_testdev {
    struct device dev;
    struct pci_device pci;
    struct test_bar mem, io;
};

static const struct {
    const char *name;
    bool any_data; /* is counted, and not only what the header says */
} tests[PCI_TESTDEV_NUM_TESTS] = {
    {"no-eventfd", false},
    {"wildcard-eventfd", true},
    {"datamatch-eventfd", false},
};

static uint8_t test_data(const struct test_bar *b)
{
    return tests[b->current].any_data ? DATA_ANY : DATA_MATCH;
}

static uint8_t name_byte(const struct test_bar *b, uint64_t at)
{
    size_t kind = strlen(b->kind);
    const char *name = tests[b->current].name;

    if (at < kind)
        return (uint8_t)b->kind[at];
    return at - kind < strlen(name) ? (uint8_t)name[at - kind] : 0;
}

static uint8_t header_byte(const struct test_bar *b, uint64_t off)
{
    unsigned shift = 8 * (off & 3);

    if (b->current == NO_TEST)
        return 0;
    if (off == PCI_TESTDEV_WIDTH)
        return 1;
    switch (off & ~UINT64_C(3)) {
    case PCI_TESTDEV_TEST: return 0;
    case PCI_TESTDEV_OFFSET: return (uint8_t)((b->first + b->current) >> shift);
    case PCI_TESTDEV_DATA: return (uint8_t)(test_data(b) >> shift);
    case PCI_TESTDEV_COUNT: return (uint8_t)(b->count >> shift);
    default: return name_byte(b, off - PCI_TESTDEV_NAME);
    }
}

static uint64_t test_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    for (unsigned k = 0; k < size; k++)
        val |= (uint64_t)header_byte(opaque, off + k) << (8 * k);
    return val;
}

static void test_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct test_bar *b = opaque;

    if (off == PCI_TESTDEV_TEST) {
        b->current = (uint8_t)val < PCI_TESTDEV_NUM_TESTS ? (uint8_t)val : NO_TEST;
        b->count = 0;
        return;
    }
    if (b->current == NO_TEST || off != b->first + b->current || size != 1)
        return;
    if (tests[b->current].any_data || val == test_data(b))
        b->count++;
}

static const struct bus_ops test_ops = {test_read, test_write, 1, 4};

static void testdev_reset(void *self)
{
    struct pci_testdev *t = self;

    pci_device_reset(&t->pci);
    t->mem.current = t->io.current = NO_TEST;
    t->mem.count = t->io.count = 0;
}

static void testdev_post_load(void *self)
{
    struct pci_testdev *t = self;

    if (t->mem.current >= PCI_TESTDEV_NUM_TESTS)
        t->mem.current = NO_TEST;
    if (t->io.current >= PCI_TESTDEV_NUM_TESTS)
        t->io.current = NO_TEST;
    pci_device_post_load(&t->pci);
}

static void testdev_destroy(void *self)
{
    struct pci_testdev *t = self;

    pci_detach(&t->pci);
    g_free(t);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct pci_testdev, pci),  STATE_FIELD(struct pci_testdev, mem.current),
    STATE_FIELD(struct pci_testdev, mem.count), STATE_FIELD(struct pci_testdev, io.current),
    STATE_FIELD(struct pci_testdev, io.count),  STATE_END,
};

static const struct device_type testdev_type = {
    .name = "pci-testdev",
    .version = 1,
    .fields = fields,
    .reset = testdev_reset,
    .post_load = testdev_post_load,
    .destroy = testdev_destroy,
};

struct pci_testdev *pci_testdev_new(const struct pci_testdev_config *cfg, GError **err)
{
    struct pci_testdev *t = g_new0(struct pci_testdev, 1);

    t->dev = (struct device){&testdev_type, t};
    t->mem = (struct test_bar){.kind = "mmio-", .first = PCI_TESTDEV_MEM_SIZE / 2};
    t->io = (struct test_bar){.kind = "portio-", .first = PCI_TESTDEV_IO_SIZE / 2};
    pci_device_init(&t->pci, "pci-testdev", 0x1b36, 0x0005, 0xff0000, 0, 0, t);
    pci_bar_init(&t->pci, 0, false, PCI_TESTDEV_MEM_SIZE, &test_ops, &t->mem);
    pci_bar_init(&t->pci, 1, true, PCI_TESTDEV_IO_SIZE, &test_ops, &t->io);
    if (!pci_attach(cfg->bus, &t->pci, cfg->devfn, err)) {
        testdev_destroy(t);
        return NULL;
    }
    device_reset(&t->dev);
    return t;
}

struct device *pci_testdev_device(struct pci_testdev *t)
{
    return &t->dev;
}
