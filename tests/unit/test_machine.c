/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole machine's life (machine/machine.h): how it is built or refused, started, reset, ended and
 * freed, and with which status. The guests are a few bytes of firmware each, run by the real vCPU
 * thread and main loop.
 */
#include "tests/unit/machine_rig.h"

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "machine/board.h"
#include "machine/board_stats.h"

/* ---- how guests end it ---- */

static void test_exit_device(void **state)
{
    (void)state;
    assert_int_equal(RUN(EXIT(0x21)), 0x43);
    assert_int_equal(RUN(EXIT(0)), 1);
    assert_int_equal(RUN(EXIT(0xff)), 0xff); /* as a process's status has it */
    assert_true(machine_instructions(machine) >= 4);
    assert_true(machine_instructions(machine) < 1000);
}

/* SDM volume 3A, table 9-1: RFLAGS is 2 after a reset. */
static void test_reset_flags(void **state)
{
    (void)state;
    assert_int_equal(RUN(0x9c, 0x58, 0xba, 0x01, 0x05, 0xee, FOREVER), 2 << 1 | 1);
}

/* Of several ends the first counts. */
static void test_first_end_counts(void **state)
{
    (void)state;
    assert_int_equal(RUN(OUT_DX(0x501, 5), EXIT(7)), 11);
    machine_quit(machine, 9);
    assert_int_equal(machine_exit_status(machine), 11);
    /* also against a reset asked for after it */
    assert_int_equal(RUN(OUT_DX(0x501, 5), OUT_DX(0xcf9, 2), OUT_DX(0xcf9, 6), FOREVER), 11);
}

static void test_power_off(void **state)
{
    (void)state;
    cfg.no_reboot = true;
    assert_int_equal(RUN(PM_INIT, 0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, FOREVER), 0);
}

/* Waits for the button's bit in PM1_STS, then ends. */
static void test_power_button(void **state)
{
    static const uint8_t code[] = {
        PM_INIT, EDX_OUT(0x80, 0u), 0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xfa, EXIT(3)};

    (void)state;
    build(code, sizeof(code));
    start();
    g_usleep(20000);
    assert_int_equal(machine_exit_status(machine), -1);
    machine_power_button(machine);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 7);
}

#define TRIPLE_FAULT 0x0f, 0x01, 0x1e, 0x00, 0x06, 0xcc /* lidt [0x600] (zeroes); int3 */

static void test_no_reboot(void **state)
{
    (void)state;
    cfg.no_reboot = true;
    assert_int_equal(RUN(OUT_DX(0xcf9, 2), OUT_DX(0xcf9, 6), EXIT(8)), MACHINE_EXIT_RESET);
    assert_int_equal(RUN(OUT(0x64, 0xfe), EXIT(8)), MACHINE_EXIT_RESET);
    assert_int_equal(RUN(OUT(0x92, 1), EXIT(8)), MACHINE_EXIT_RESET);
}

static void test_triple_fault(void **state)
{
    (void)state;
    cfg.no_reboot = true;
    assert_int_equal(RUN(TRIPLE_FAULT, EXIT(8)), MACHINE_EXIT_TRIPLE_FAULT);
    cfg.no_reboot = false;
    assert_int_equal(RUN(COUNT_TO_3 TRIPLE_FAULT, EXIT(8)), 7);
}

/* A reset starts at the reset vector again, as often as it is asked for; RAM keeps its bytes. */
/* What it ran last is told at the fault, and not again at the end. */
static void test_ring_file(void **state)
{
    char *path = g_build_filename(dir, "ring", NULL), *text;

    (void)state;
    cfg.no_reboot = true;
    cfg.ring = 4;
    cfg.ring_file = path;
    /* lidt [cs:0x20], where zeros are; nop; nop; nop; int3 */
    assert_int_equal(RUN(0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x00, 0x90, 0x90, 0x90, 0xcc),
                     MACHINE_EXIT_TRIPLE_FAULT);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "cpu0 0 f000:0000000000000006 nop\n"
                              "cpu0 0 f000:0000000000000007 nop\n"
                              "cpu0 0 f000:0000000000000008 nop\n"
                              "cpu0 0 f000:0000000000000009 int3\n"
                              "cpu0 0 f000:000000000000000a -- vector 03\n"
                              "cpu0 0 f000:0000000000000009 -- vector 0d\n"
                              "cpu0 0 f000:0000000000000009 -- vector 08\n");
    g_free(text);
    g_unlink(path);
    machine_free(machine);
    machine = NULL;
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_free(path);
}

static void test_resets(void **state)
{
    (void)state;
    assert_int_equal(RUN(COUNT_TO_3 OUT_DX(0xcf9, 2), OUT_DX(0xcf9, 6), FOREVER), 7);
    assert_int_equal(RUN(COUNT_TO_3 OUT(0x64, 0xfe), FOREVER), 7);
    assert_int_equal(RUN(COUNT_TO_3 OUT(0x92, 1), FOREVER), 7);
}

/* The INIT pin resets the processor alone: it is no reset of the machine, and a chip (here the
 * PIC's mask) keeps what it was told; a reset of the machine clears that. */
static void test_reset_kinds(void **state)
{
    /* in al, 0x21; cmp al, 0x5a; je done; mov al, 0x5a; out 0x21, al; reset; done: exit with the
     * count */
#define MASK_SURVIVES(how)                                                                         \
    0xfe, 0x06, 0x00, 0x05, 0xe4, 0x21, 0x3c, 0x5a, 0x74, 0x1a, 0x80, 0x3e, 0x00, 0x05, 0x02,      \
        0x74, 0x13, OUT(0x21, 0x5a), OUT_DX(0xcf9, (how) & ~4), OUT_DX(0xcf9, how), FOREVER, 0xe4, \
        0x21, 0xba, 0x01, 0x05, 0xee, FOREVER

    (void)state;
    cfg.no_reboot = true;
    assert_int_equal(RUN(MASK_SURVIVES(4)), (0x5a << 1 | 1) & 0xff);
    cfg.no_reboot = false;
    assert_int_not_equal(RUN(MASK_SURVIVES(6)), (0x5a << 1 | 1) & 0xff);
}

/* HLT until the PIT's interrupt, by way of the PIC, with the time that the main loop keeps. */
static void test_timer_interrupt(void **state)
{
    static const uint8_t code[] = {
        0x66,
        0xb9,
        0x1b,
        0x00,
        0x00,
        0x00,
        0x0f,
        0x32, /* rdmsr IA32_APIC_BASE */
        0x80,
        0xe4,
        0xf7,
        0x0f,
        0x30, /* APIC off; wrmsr */
        0xbc,
        0x00,
        0x20, /* mov sp, 0x2000 */
        0xc7,
        0x06,
        0x20,
        0x00,
        0x00,
        0x01, /* vector 8 to f000:0100 */
        0xc7,
        0x06,
        0x22,
        0x00,
        0x00,
        0xf0, /* */
        OUT(0x20, 0x11),
        OUT(0x21, 8),
        OUT(0x21, 4),
        OUT(0x21, 1), /* PIC */
        OUT(0x21, 0xfe),
        OUT(0x43, 0x34),
        OUT(0x40, 0),
        OUT(0x40, 0x20), /* PIT: 145 times a second */
        0xfb,
        0xf4,
        0xeb,
        0xfd, /* sti; hlt; again */
    };
    /* at 0x100: the third interrupt ends it */
    static const uint8_t handler[] = {COUNT_TO_3 OUT(0x20, 0x20), 0xcf};
    uint8_t image[0x200] = {0};

    (void)state;
    memcpy(image, code, sizeof(code));
    memcpy(image + 0x100, handler, sizeof(handler));
    assert_int_equal(run(image, sizeof(image)), 7);
}

/* ---- how people end it ---- */

static gpointer quit_soon(gpointer opaque)
{
    (void)opaque;
    g_usleep(10000);
    machine_quit(machine, 130);
    machine_quit(machine, 143);
    return NULL;
}

static void quit_a_guest(const uint8_t *code, size_t len)
{
    GThread *t;

    machine_free(machine);
    ends = 0;
    build(code, len);
    start();
    t = g_thread_new("quit", quit_soon, NULL);
    wait_end();
    g_thread_join(t);
    assert_int_equal(machine_exit_status(machine), 130);
}

static void test_quit(void **state)
{
    static const uint8_t spins[] = {0xeb, 0xfe}, halts[] = {0xfa, 0xf4},
                         resets[] = {OUT(0x92, 1), 0xeb, 0xfa};

    (void)state;
    quit_a_guest(spins, sizeof(spins));
    quit_a_guest(halts, sizeof(halts));
    quit_a_guest(resets, sizeof(resets));
}

/* Asked for before it began: it ends as soon as it starts. */
static void test_quit_before_start(void **state)
{
    static const uint8_t spins[] = {0xeb, 0xfe};

    (void)state;
    build(spins, sizeof(spins));
    machine_quit(machine, 5);
    start();
    wait_end();
    assert_int_equal(machine_exit_status(machine), 5);
}

static void test_free_at_any_time(void **state)
{
    static const uint8_t spins[] = {0xeb, 0xfe}, leaves[] = {EXIT(1)};

    (void)state;
    build(spins, sizeof(spins)); /* never started */
    machine_free(machine);
    build(spins, sizeof(spins)); /* while it runs */
    start();
    machine_free(machine);
    build(leaves, sizeof(leaves)); /* ended, and nobody was told yet */
    start();
    g_usleep(50000);
    machine_free(machine);
    machine = NULL;
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_int_equal(ends, 0);
    machine_free(NULL);
}

/* ---- what cannot be built ---- */

static void refuse(const char *what)
{
    GError *err = NULL;

    machine = machine_new(&cfg, &err);
    assert_null(machine);
    assert_non_null(err);
    assert_null(strchr(err->message, '\n'));
    if (!strstr(err->message, what))
        fail_msg("'%s' is not in: %s", what, err->message);
    g_error_free(err);
}

/* With these in place of the rig's; `second` may be NULL. */
static void refuse_devices(const char *what, const char *first, const char *second)
{
    const struct machine_config good = cfg;

    cfg.n_devices = 0;
    rig_add_device(first);
    if (second)
        rig_add_device(second);
    refuse(what);
    while (cfg.n_devices)
        device_config_free((struct device_config *)(uintptr_t)cfg.device[--cfg.n_devices]);
    cfg = good;
}

static void refuse_no_slot(void)
{
    const struct machine_config good = cfg;
    struct device_config *c = device_config_new("pci-testdev", NULL);

    for (cfg.n_devices = 0; cfg.n_devices < 30; cfg.n_devices++)
        cfg.device[cfg.n_devices] = c;
    refuse("no PCI slot is left");
    device_config_free(c);
    cfg = good;
}

static void test_refusals(void **state)
{
    struct machine_config good = cfg;
    char *name = g_strnfill(5000, 'n');

    (void)state;
    refuse("rom"); /* no such file yet */
    write_rom((const uint8_t[]){0xf4}, 1);
    cfg.cpu_model = "nosuch";
    refuse("unknown CPU model 'nosuch'");
    cfg = good;
    cfg.accel = "nosuch";
    refuse("unknown accelerator 'nosuch'");
    cfg = good;
    cfg.bios = NULL;
    cfg.kernel = name;
    refuse("could not load kernel 'nnn");
    cfg.kernel = rom;
    refuse("is not a kernel");
    cfg = good;
    refuse_devices("iosize 3", "isa-debug-exit,iosize=3", NULL);
    refuse_devices("overlaps", "isa-debug-exit,iobase=0x60", NULL); /* the keyboard controller's */
    refuse_devices("out of range", "isa-debug-exit,iobase=0xffff,iosize=2", NULL);
    refuse_devices("only 1", "isa-debug-exit,iobase=0x10", "isa-debug-exit,iobase=0x20");
    refuse_devices("id 'x'", "pc-testdev,id=x", "pci-testdev,id=x");
    refuse_devices("already there", "pci-testdev,addr=7", "pci-testdev,addr=7");
    refuse_devices("i440fx", "pci-testdev,addr=0", NULL);
    refuse_no_slot();
    cfg = good;
    cfg.drive[3] = (struct machine_drive){.file = "/nowhere/disk", .present = true};
    refuse("/nowhere/disk");
    cfg.drive[3].file = name;
    refuse("nnn");
    cfg.drive[3] = (struct machine_drive){.present = true, .file = ""};
    refuse("''");
    cfg = good;
    cfg.ram_size = UINT64_C(1) << 50;
    refuse("cannot allocate");
    g_free(name);
}

/* A broken invariant dumps the machine there is, and none once it is gone. */
static void test_dump_hook(void **state)
{
    static const uint8_t spins[] = {0xeb, 0xfe};
    char *text;

    (void)state;
    assert_null(invariant_dump);
    build(spins, sizeof(spins));
    assert_non_null(invariant_dump);
    invariant_dump();
    text = machine_screen_text(machine);
    assert_string_equal(text, "(no display)\n");
    g_free(text);
    machine_free(machine);
    machine = NULL;
    assert_null(invariant_dump);
}

/* ---- counters ---- */

static void add_line(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

/* Every counter is in its place, and two vCPUs' are added up. */
static void test_stats(void **state)
{
    static struct board b;
    const struct shadow_stats shadow = {.walks = 1000,
                                        .fills = 11,
                                        .prefetched = 12,
                                        .prefetch_hits = 13,
                                        .retries = 14,
                                        .pages_made = 15,
                                        .pages_zapped = 16,
                                        .pages_evicted = 17,
                                        .floods = 18,
                                        .recoveries = 19,
                                        .tracked_writes = 20,
                                        .unsyncs = 21,
                                        .syncs = 22,
                                        .flushes = 23};
    static struct cpu cpus[2] = {
        {.stat_tlb_fills = 1, .stat_walks = 20, .stat_blocks = 300, .stat_smc = 4000},
        {.stat_tlb_fills = 2, .stat_walks = 30, .stat_blocks = 400, .stat_smc = 5000}};
    struct board_stats s = {.tlb_fills = 3,
                            .walks = 1050,
                            .blocks = 700,
                            .smc = 9000,
                            .audits = 24,
                            .has_shadow = true,
                            .shadow = shadow};
    GString *text = g_string_new(NULL);

    (void)state;
    b.n_cpus = 2;
    b.cpu[0].cpu = &cpus[0];
    b.cpu[1].cpu = &cpus[1];
    board_print_stats(&b, add_line, text);
    assert_string_equal(text->str, "mmu=walk: 3 TLB fills, 50 guest walks\n"
                                   "code: 700 blocks decoded, 9000 of them written to\n");
    g_string_truncate(text, 0);
    board_stats_print(&s, add_line, text);
    assert_string_equal(
        text->str, "mmu=shadow: 3 TLB fills, 1050 guest walks\n"
                   "shadow: 11 fills, of them 12 prefetched (13 used), 14 retries\n"
                   "shadow pages: 15 made, 16 zapped, of them 17 evicted and 18 flooded, 19 huge "
                   "pages recovered\n"
                   "guest tables: 20 tracked writes, 21 unsyncs, 22 syncs, 23 flushes\n"
                   "audits: 24, nothing found\n"
                   "code: 700 blocks decoded, 9000 of them written to\n");
    g_string_free(text, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(test_exit_device),
        MACHINE_TEST(test_reset_flags),
        MACHINE_TEST(test_first_end_counts),
        MACHINE_TEST(test_power_off),
        MACHINE_TEST(test_power_button),
        MACHINE_TEST(test_no_reboot),
        MACHINE_TEST(test_triple_fault),
        MACHINE_TEST(test_ring_file),
        MACHINE_TEST(test_resets),
        MACHINE_TEST(test_reset_kinds),
        MACHINE_TEST(test_timer_interrupt),
        MACHINE_TEST(test_quit),
        MACHINE_TEST(test_quit_before_start),
        MACHINE_TEST(test_free_at_any_time),
        MACHINE_TEST(test_refusals),
        MACHINE_TEST(test_dump_hook),
        {"test_first_end_counts_smp", test_first_end_counts, setup_smp, teardown, NULL},
        {"test_power_off_smp", test_power_off, setup_smp, teardown, NULL},
        {"test_no_reboot_smp", test_no_reboot, setup_smp, teardown, NULL},
        {"test_triple_fault_smp", test_triple_fault, setup_smp, teardown, NULL},
        {"test_resets_smp", test_resets, setup_smp, teardown, NULL},
        {"test_reset_kinds_smp", test_reset_kinds, setup_smp, teardown, NULL},
        {"test_quit_smp", test_quit, setup_smp, teardown, NULL},
        {"test_quit_before_start_smp", test_quit_before_start, setup_smp, teardown, NULL},
        {"test_free_at_any_time_smp", test_free_at_any_time, setup_smp, teardown, NULL},
        cmocka_unit_test(test_stats),
    };
    return unit_main(tests);
}
