/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of whole machines: a machine made of one ROM file with a few bytes of code, the main
 * loop, and a guard against hangs; with RIG_ICOUNT its time is counted. MACHINE_TEST and
 * MACHINE_TEST_SMP wrap a test in it.
 */
#ifndef TESTS_UNIT_MACHINE_RIG_H
#define TESTS_UNIT_MACHINE_RIG_H

#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/lock.h"
#include "machine/device_kind.h"
#include "machine/machine.h"

#define ROM_SIZE 0x10000
#define LIMIT_S  30 /* a guard against hangs */

static struct lock lock;
static GMainLoop *loop;
static char *dir, *rom;
static struct machine *machine;
static struct machine_config cfg;
static unsigned ends;
static GThread *main_thread, *ended_on;

/* ---- guests, in 16-bit code from the reset vector ---- */

#define OUT_DX(port, v) 0xba, (port)&0xff, (port) >> 8, 0xb0, (v), 0xee /* mov dx; mov al; out */
#define OUT(port, v)    0xb0, (v), 0xe6, (port)
#define FOREVER         0xf4, 0xeb, 0xfd /* hlt; again */
#define EXIT(v)         OUT_DX(0x501, v), FOREVER
/* Counts in RAM, which a reset leaves alone; ends with the count once it is 3. */
#define COUNT_TO_3                                                                                 \
    0xfe, 0x06, 0x00, 0x05,              /* inc byte [0x500] */                                    \
        0x80, 0x3e, 0x00, 0x05, 0x03,    /* cmp byte [0x500], 3 */                                 \
        0x75, 0x0a,                      /* jne over the exit */                                   \
        0xba, 0x01, 0x05,                /* mov dx, 0x501 */                                       \
        0xa0, 0x00, 0x05, 0xee, FOREVER, /* mov al, [0x500]; out */
#define EDX_OUT(port, v)                                                                           \
    0xba, (port)&0xff, (port) >> 8, 0x66, 0xb8, (v)&0xff, (v) >> 8 & 0xff, (v) >> 16 & 0xff,       \
        (v) >> 24 & 0xff, 0x66, 0xef /* mov dx; mov eax; out dx, eax */
#define PM_INIT                                                                                    \
    EDX_OUT(0xcf8, 0x80000b40u), EDX_OUT(0xcfc, 0x601u), EDX_OUT(0xcf8, 0x80000b80u),              \
        EDX_OUT(0xcfc, 1u) /* its registers at port 0x600 */

static inline void write_rom(const uint8_t *code, size_t len)
{
    uint8_t *image = g_malloc0(ROM_SIZE);

    memcpy(image, code, len);
    memcpy(image + 0xfff0, (uint8_t[]){0xe9, 0x0d, 0x00}, 3); /* jmp to the first byte */
    assert_true(g_file_set_contents(rom, (char *)image, ROM_SIZE, NULL));
    g_free(image);
}

/* ---- the rig ---- */

static inline void ended(void *opaque)
{
    assert_ptr_equal(opaque, &cfg);
    ends++;
    ended_on = g_thread_self();
    g_main_loop_quit(loop);
}

/* Freed by teardown. */
static inline void rig_add_device(const char *text)
{
    struct device_config *c = device_config_new(text, NULL);

    assert_non_null(c);
    cfg.device[cfg.n_devices++] = c;
}

static inline int setup(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("penumbra-machine-XXXXXX", NULL);
    rom = g_build_filename(dir, "rom", NULL);
    lock_init(&lock);
    loop = g_main_loop_new(NULL, FALSE);
    main_thread = g_thread_self();
    ends = 0;
    cfg = (struct machine_config){.name = "test",
                                  .lock = &lock,
                                  .ram_size = 4 << 20,
                                  .cpu_model = "max",
                                  .accel = "interp",
                                  .mmu = "walk",
                                  .bios = rom,
                                  .no_vga = true,
                                  .ended = ended,
                                  .opaque = &cfg};
    rig_add_device("isa-debug-exit,iobase=0x501,iosize=1");
#ifdef RIG_ICOUNT
    cfg.icount = true;
#endif
    return 0;
}

/* The same with several processors. */
static inline int setup_smp(void **state)
{
    setup(state);
    cfg.cpus = 4;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    machine_free(machine);
    machine = NULL;
    while (cfg.n_devices)
        device_config_free((struct device_config *)(uintptr_t)cfg.device[--cfg.n_devices]);
    g_main_loop_unref(loop);
    lock_clear(&lock);
    g_unlink(rom);
    g_rmdir(dir);
    g_free(rom);
    g_free(dir);
    return 0;
}

static inline void build(const uint8_t *code, size_t len)
{
    GError *err = NULL;

    write_rom(code, len);
    machine = machine_new(&cfg, &err);
    if (!machine)
        fail_msg("%s", err->message);
    assert_int_equal(machine_exit_status(machine), -1);
}

static inline void start(void)
{
    GError *err = NULL;

    if (!machine_start(machine, &err))
        fail_msg("%s", err->message);
}

static inline gboolean hangs(gpointer opaque)
{
    *(bool *)opaque = true;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

/* The main loop until the machine says that it is over. */
static inline void wait_end(void)
{
    bool hung = false;
    guint guard = g_timeout_add_seconds(LIMIT_S, hangs, &hung);

    g_main_loop_run(loop);
    if (hung)
        fail_msg("the guest did not end in %d s", LIMIT_S);
    g_source_remove(guard);
    assert_int_equal(ends, 1);
    assert_ptr_equal(ended_on, main_thread);
}

static inline int run(const uint8_t *code, size_t len)
{
    int status;

    machine_free(machine);
    ends = 0;
    build(code, len);
    start();
    wait_end();
    status = machine_exit_status(machine);
    /* the end is told once */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_int_equal(ends, 1);
    return status;
}

#define RUN(...) run((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

#define MACHINE_TEST(fn)     cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define MACHINE_TEST_SMP(fn) cmocka_unit_test_setup_teardown(fn, setup_smp, teardown)

#endif
