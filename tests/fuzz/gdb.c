/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing gdb's side of a session with a machine of two processors: lines of the input are packets,
 * those that begin with '!' bytes as they are. What comes back must be packets; a machine that was
 * let go must stop when it is asked to.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "frontends/gdb/session_int.h"
#include "tests/fuzz/target.h"

#define ROM_SIZE 0x10000
#define LIMIT_S  60

const size_t fuzz_max_len = 2048;

static char *dir, *rom;
static struct lock lock;
static struct machine *machine;
static struct debugger *set;
static struct gdb_session *session;

void fuzz_show(void)
{
    if (machine)
        machine_dump(machine);
}

static void leave(void)
{
    machine_free(machine);
    g_unlink(rom);
    g_rmdir(dir);
}

/* Counts in RAM, by a subroutine. */
static void make_rom(void)
{
    static const uint8_t code[] = {0xff, 0x06, 0x00, 0x05, 0xe8, 0x02, 0x00,
                                   0xeb, 0xf7, 0xff, 0x06, 0x02, 0x05, 0xc3};
    uint8_t *image = g_malloc0(ROM_SIZE);

    dir = g_dir_make_tmp("penumbra-fuzz-XXXXXX", NULL);
    rom = g_build_filename(dir, "rom", NULL);
    memcpy(image, code, sizeof(code));
    memcpy(image + 0xfff0, (uint8_t[]){0xe9, 0x0d, 0x00}, 3);
    fuzz_expect(g_file_set_contents(rom, (char *)image, ROM_SIZE, NULL));
    g_free(image);
    lock_init(&lock);
    atexit(leave);
}

static void told(void *opaque, const struct machine_note *note)
{
    (void)opaque;
    if (session && note->event == MACHINE_EVENT_PAUSED)
        gdb_session_paused(session);
    else if (session && note->event == MACHINE_EVENT_END)
        gdb_session_ended(session, machine_exit_status(machine));
}

static void make_machine(void)
{
    struct machine_config cfg = {.name = "fuzz",
                                 .lock = &lock,
                                 .ram_size = 1 << 20,
                                 .cpu_model = "max",
                                 .cpus = 2,
                                 .accel = "interp",
                                 .mmu = "shadow",
                                 .bios = rom,
                                 .no_vga = true,
                                 .start_paused = true};

    machine = machine_new(&cfg, NULL);
    fuzz_expect(machine);
    set = debugger_new();
    for (unsigned n = 0; n < machine_cpus(machine); n++)
        debugger_attach(set, machine_cpu(machine, n));
    machine_listen(machine, told, NULL);
    fuzz_expect(machine_start(machine, NULL));
}

/* What was said are packets and acknowledgements. */
static void check_output(void)
{
    static struct gdb_framer f;
    GString *out = gdb_session_output(session);

    f.state = GDB_IDLE;
    for (size_t k = 0; k < out->len; k++) {
        switch (gdb_framer_byte(&f, (uint8_t)out->str[k])) {
        case GDB_INPUT_NONE: fuzz_expect(f.state != GDB_IDLE); break;
        case GDB_INPUT_BAD:
        case GDB_INPUT_LONG:
        case GDB_INPUT_INTERRUPT: fuzz_expect(!"a packet"); break;
        default: break;
        }
    }
    fuzz_expect(f.state == GDB_IDLE);
    g_string_truncate(out, 0);
}

/* A machine that runs is asked to stop, and does. False when the session is over. */
static bool settle(void)
{
    int64_t end = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;
    bool on = true;

    if (session->running)
        on = gdb_session_input(session, (const uint8_t *)"\3", 1);
    while (on && session->running && machine_exit_status(machine) < 0) {
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(10);
        fuzz_expect(g_get_monotonic_time() < end);
    }
    return on;
}

static bool send_line(const char *line, size_t len)
{
    GString *g = g_string_new(NULL);
    bool on;

    if (len && *line == '!')
        g_string_append_len(g, line + 1, (gssize)len - 1);
    else
        gdb_frame(g, line, len);
    on = gdb_session_input(session, (const uint8_t *)g->str, g->len);
    g_string_free(g, TRUE);
    on = on && settle();
    check_output();
    return on;
}

void fuzz_one(const uint8_t *data, size_t size)
{
    bool on = true;

    if (!rom)
        make_rom();
    if (!machine)
        make_machine();
    machine_reset(machine);
    session = gdb_session_new(machine, set);
    for (size_t at = 0; on && at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;

        on = send_line((const char *)data + at, len);
        at += len + 1;
    }
    gdb_session_free(session);
    session = NULL;
    while (g_main_context_iteration(NULL, FALSE))
        ;
    if (machine_exit_status(machine) >= 0) {
        machine_free(machine);
        machine = NULL;
        debugger_free(set);
    }
}
