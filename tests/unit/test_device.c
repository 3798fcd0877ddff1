/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State tables (devices/device.h): what a reset clears, keeps and leaves to the device; and for
 * every device of a whole board that its table is sound, that a reset after any use gives the state
 * of power-on, and that state written out and read back through the table is the same.
 */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/bits.h"
#include "base/lock.h"
#include "cpu/cpu.h"
#include "machine/board.h"
#include "machine/device_kind.h"

/* ---- the mechanism ---- */

struct gadget {
    int before, scalar;
    uint16_t array[5];
    struct {
        uint8_t a;
        uint64_t b;
    } plain;
    uint32_t kept, after;
    unsigned resets, scalar_at_reset, destroyed;
};

static void gadget_reset(void *self)
{
    struct gadget *g = self;

    g->resets++;
    g->scalar_at_reset = (unsigned)g->scalar;
    g->array[1] = 0x55;
}

static void gadget_destroy(void *self)
{
    ((struct gadget *)self)->destroyed++;
}

static const struct state_field gadget_fields[] = {
    STATE_FIELD(struct gadget, scalar), STATE_ARRAY(struct gadget, array),
    STATE_FIELD(struct gadget, plain), STATE_KEEP(struct gadget, kept), STATE_END};

static void test_macros(void **state)
{
    const struct state_field *f = gadget_fields;

    (void)state;
    assert_string_equal(f[1].name, "array");
    assert_int_equal(f[1].size, 2);
    assert_int_equal(f[1].count, 5);
    assert_int_equal(f[1].offset, offsetof(struct gadget, array));
    assert_int_equal(f[2].size, 16);
    assert_int_equal(f[2].count, 1);
    assert_int_equal(f[0].version, 1);
    assert_false(f[0].keep || f[1].keep || f[2].keep);
    assert_true(f[3].keep);
    assert_null(f[4].name);
}

static void test_reset(void **state)
{
    struct device_type type = {.name = "gadget",
                               .version = 1,
                               .fields = gadget_fields,
                               .reset = gadget_reset,
                               .destroy = gadget_destroy};
    struct gadget g;
    struct device d = {&type, &g};

    (void)state;
    memset(&g, 0x77, sizeof(g));
    g.resets = g.destroyed = 0;
    device_reset(&d);
    assert_int_equal(g.resets, 1);
    assert_int_equal(g.scalar_at_reset, 0); /* the fields come first */
    assert_int_equal(g.scalar, 0);
    for (unsigned k = 0; k < 5; k++)
        assert_int_equal(g.array[k], k == 1 ? 0x55 : 0);
    assert_true(g.plain.a == 0 && g.plain.b == 0);
    assert_int_equal(g.kept, 0x77777777);
    assert_int_equal(g.before, 0x77777777); /* what is not listed is not touched */
    assert_int_equal(g.after, 0x77777777);
    device_destroy(&d);
    assert_int_equal(g.destroyed, 1);
    /* both are optional, and so is the table */
    type.reset = NULL;
    type.destroy = NULL;
    type.fields = NULL;
    g.scalar = 3;
    device_reset(&d);
    device_destroy(&d);
    assert_int_equal(g.scalar, 3);
}

/* ---- every device of a board ---- */

static struct board board;
static struct lock lock;
static char *dir, *rom;
static GRand *rnd;

/* Each kind of -device, with what it needs; a test below sees to it that none is forgotten. */
static const char *const configured[] = {
    "AC97",
    "ahci,id=ahci0",
    "ide-cd,drive=cd,bus=ahci0.1",
    "ide-hd,drive=hd,bus=ahci0.0",
    "e1000",
    "isa-debug-exit,iobase=0x501,iosize=4",
    "ne2k_isa",
    "ne2k_pci",
    "pc-testdev",
    "pci-testdev",
    "rtl8139",
    "virtio-balloon-pci",
    "virtio-blk-pci,drive=disk,num-queues=2",
    "virtio-net-pci",
    "virtio-rng-pci",
    "virtio-serial-pci",
    "virtconsole",
    "virtserialport,name=line", /* clang-format: one a line */
};

static void add_devices(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(configured); k++) {
        struct device_config *c = device_config_new(configured[k], NULL);

        assert_non_null(c);
        board.cfg.device[board.cfg.n_devices++] = c;
    }
}

static int setup(void **state)
{
    uint8_t *image = g_malloc0(0x10000);
    GError *err = NULL;

    (void)state;
    dir = g_dir_make_tmp("penumbra-device-XXXXXX", NULL);
    rom = g_build_filename(dir, "rom", NULL);
    if (!g_file_set_contents(rom, (char *)image, 0x10000, NULL))
        return -1;
    g_free(image);
    lock_init(&lock);
    rnd = g_rand_new_with_seed(99);
    memset(&board, 0, sizeof(board));
    board.cfg = (struct machine_config){.name = "test",
                                        .lock = &lock,
                                        .ram_size = 16 << 20,
                                        .cpu_model = "max",
                                        .accel = "interp",
                                        .mmu = "walk",
                                        .bios = rom,
                                        .no_vga = true};
    add_devices();
    board.cfg.drive[8] = (struct machine_drive){.present = true,
                                                .interface = MACHINE_IF_NONE,
                                                .id = "disk",
                                                .file = rom,
                                                .format = "raw",
                                                .snapshot = true};
    board.cfg.drive[2] = (struct machine_drive){.present = true, .cd = true};
    board.cfg.drive[4] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_NONE, .id = "hd", .file = rom, .readonly = true};
    board.cfg.drive[5] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_NONE, .id = "cd", .cd = true};
    board.cfg.drive[6] = (struct machine_drive){
        .present = true, .interface = MACHINE_IF_FLOPPY, .file = rom, .readonly = true};
    board.cfg.drive[7] =
        (struct machine_drive){.present = true, .interface = MACHINE_IF_FLOPPY, .index = 1};

    board.lock = &lock;
    board.clock = clock_new_manual();
    if (!board_build(&board, &err) || !board_reset(&board, &err)) {
        print_error("%s\n", err->message);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    board_destroy(&board);
    while (board.cfg.n_devices)
        device_config_free(
            (struct device_config *)(uintptr_t)board.cfg.device[--board.cfg.n_devices]);
    clock_free(board.clock);
    g_rand_free(rnd);
    lock_clear(&lock);
    g_unlink(rom);
    g_rmdir(dir);
    g_free(rom);
    g_free(dir);
    return 0;
}

static size_t bytes(const struct state_field *f)
{
    return f->size * f->count;
}

#define FOREACH_FIELD(f, d) for (const struct state_field *f = (d)->type->fields; f && f->name; f++)

static void test_tables_are_sound(void **state)
{
    (void)state;
    assert_true(board.n_devices > 15);
    for (unsigned n = 0; n < board.n_devices; n++) {
        const struct device *d = board.device[n];

        assert_non_null(d->self);
        assert_true(d->type->name && *d->type->name);
        assert_true(d->type->version >= 1);
        FOREACH_FIELD(f, d)
        {
            if (!bytes(f) || bytes(f) > 64 << 20 || !f->version || f->version > d->type->version)
                fail_msg("%s: field %s is odd", d->type->name, f->name);
            FOREACH_FIELD(g, d)
            {
                if (g == f)
                    break;
                if (!strcmp(f->name, g->name) ||
                    (f->offset < g->offset + bytes(g) && g->offset < f->offset + bytes(f)))
                    fail_msg("%s: fields %s and %s overlap", d->type->name, f->name, g->name);
            }
        }
    }
}

/* All state of all devices, one after the other, then where the lines between them stand. */
static GByteArray *save(void)
{
    GByteArray *a = g_byte_array_new();

    for (unsigned n = 0; n < board.n_devices; n++)
        FOREACH_FIELD(f, board.device[n])
    g_byte_array_append(a, (uint8_t *)board.device[n]->self + f->offset, (guint)bytes(f));
    g_byte_array_append(a, board.irq.level, sizeof(board.irq.level));
    g_byte_array_append(a, board.irq.gated, sizeof(board.irq.gated));
    return a;
}

static void load(const GByteArray *a)
{
    size_t at = 0;

    for (unsigned n = 0; n < board.n_devices; n++) {
        FOREACH_FIELD(f, board.device[n])
        {
            memcpy((uint8_t *)board.device[n]->self + f->offset, a->data + at, bytes(f));
            at += bytes(f);
        }
    }
    memcpy(board.irq.level, a->data + at, sizeof(board.irq.level));
    at += sizeof(board.irq.level);
    memcpy(board.irq.gated, a->data + at, sizeof(board.irq.gated));
    assert_int_equal(at + sizeof(board.irq.gated), a->len);
    for (unsigned n = 0; n < board.n_devices; n++) {
        if (board.device[n]->type->post_load)
            board.device[n]->type->post_load(board.device[n]->self);
    }
}

/* The state now is what `was` holds, but (if told so) for what outlives a reset. */
static void expect_state(const GByteArray *was, bool but_kept, const char *when)
{
    size_t at = 0;

    for (unsigned n = 0; n < board.n_devices; n++) {
        FOREACH_FIELD(f, board.device[n])
        {
            const uint8_t *now = (const uint8_t *)board.device[n]->self + f->offset;

            for (size_t k = 0; k < bytes(f) && !(f->keep && but_kept); k++) {
                if (now[k] != was->data[at + k])
                    fail_msg("%s: %s.%s, byte %zu, is %02x and was %02x", when,
                             board.device[n]->type->name, f->name, k, now[k], was->data[at + k]);
            }
            at += bytes(f);
        }
    }
    assert_memory_equal(board.irq.level, was->data + at, sizeof(board.irq.level));
    at += sizeof(board.irq.level);
    assert_memory_equal(board.irq.gated, was->data + at, sizeof(board.irq.gated));
}

/* A guest that writes whatever to all ports that somebody answers, and into the chips' memory. */
struct ports {
    uint16_t all[4096];
    unsigned n;
};

static void note_ports(const struct bus_region *r, void *opaque)
{
    struct ports *p = opaque;

    for (uint64_t k = 0; k < r->len && p->n < ARRAY_SIZE(p->all); k++)
        p->all[p->n++] = (uint16_t)(r->base + k);
}

static void misuse(unsigned accesses)
{
    static const uint64_t chips[] = {0xfec00000, 0xfee00000, 0xfed00000};
    struct ports p = {.n = 0};

    bus_foreach(board.ports, note_ports, &p);
    assert_true(p.n > 50);
    for (unsigned k = 0; k < accesses; k++) {
        uint16_t port = p.all[g_rand_int(rnd) % p.n];
        unsigned size = 1u << g_rand_int(rnd) % 3;
        uint64_t mmio = chips[g_rand_int(rnd) % 3] + (g_rand_int(rnd) % 0x400 & ~3u);

        if (g_rand_boolean(rnd))
            bus_write(board.ports, port, g_rand_int(rnd), size);
        else
            bus_read(board.ports, port, size);
        if (g_rand_boolean(rnd))
            bus_write(board.mmio, mmio, g_rand_int(rnd), 4);
        else
            bus_read(board.mmio, mmio, 4);
    }
}

/* The clock stands still: whatever differs was forgotten by a reset. */
static void test_reset_after_use(void **state)
{
    GByteArray *fresh = save();
    GError *err = NULL;

    (void)state;
    assert_true(board_reset(&board, &err));
    expect_state(fresh, true, "reset again");
    for (unsigned round = 0; round < 40; round++) {
        misuse(500);
        assert_true(board_reset(&board, &err));
        expect_state(fresh, true, "reset after use");
    }
    g_byte_array_unref(fresh);
}

/* Devices keep some state as of its last use and bring it up to the present when they are loaded:
 * so what counts is that one saved state always gives the same, whatever it is loaded over, and
 * that this is loaded unchanged. */
static void test_save_and_load(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        GByteArray *was, *loaded;

        misuse(300);
        was = save();
        load(was);
        loaded = save();
        load(loaded);
        expect_state(loaded, false, "loaded over itself");
        misuse(300);
        load(was);
        expect_state(loaded, false, "loaded over another state");
        misuse(300);
        device_reset(board.device[round % board.n_devices]);
        load(loaded);
        expect_state(loaded, false, "loaded over a third state");
        g_byte_array_unref(was);
        g_byte_array_unref(loaded);
    }
}

static void test_every_kind_is_here(void **state)
{
    const struct device_kind *kind;

    (void)state;
    for (unsigned n = 0; (kind = device_kind(n)); n++) {
        bool found = false;

        for (unsigned k = 0; k < board.cfg.n_devices; k++)
            found |= device_config_kind(board.cfg.device[k]) == kind;
        if (!found)
            fail_msg("no '%s' is among the devices that are tested", kind->name);
    }
}

#define BOARD_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_macros),     cmocka_unit_test(test_reset),
        BOARD_TEST(test_tables_are_sound), BOARD_TEST(test_reset_after_use),
        BOARD_TEST(test_save_and_load),    BOARD_TEST(test_every_kind_is_here),
    };
    return unit_main(tests);
}
