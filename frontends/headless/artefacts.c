/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See artefacts.h. A new kind of artefact is a function and a row of `files`. */
#include "frontends/headless/artefacts.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "cpu/cpu.h"
#include "devices/display/vga_render.h"
#include "frontends/screenshot.h"
#include "machine/board_ring.h"
#include "machine/machine.h"

static void write_cpus(struct machine *m, FILE *f)
{
    for (unsigned n = 0; n < machine_cpus(m); n++)
        cpu_dump(machine_cpu(m, n), f);
}

static void print_line(void *opaque, const char *text)
{
    fprintf(opaque, "%s\n", text);
}

static void write_counters(struct machine *m, FILE *f)
{
    fprintf(f, "%" PRIu64 " instructions in %.3f s of the guest's\n", machine_instructions(m),
            (double)machine_time(m) / 1e9);
    machine_print_stats(m, print_line, f);
}

static void write_instructions(struct machine *m, FILE *f)
{
    board_write_rings(machine_board(m), f);
}

/* Those that need the machine to stand still. */
static const struct {
    const char *name;
    void (*fn)(struct machine *m, FILE *f);
} files[] = {
    {"cpu.txt", write_cpus},
    {"insns.txt", write_instructions},
    {"mmu.txt", write_counters},
};

struct visit {
    struct machine *m;
    const char *folder;
};

static void write_files(void *opaque)
{
    const struct visit *v = opaque;

    for (unsigned k = 0; k < ARRAY_SIZE(files); k++) {
        char *path = g_build_filename(v->folder, files[k].name, NULL);
        FILE *f = fopen(path, "we");

        if (f) {
            files[k].fn(v->m, f);
            fclose(f);
        } else {
            log_user("cannot write %s: %s", path, g_strerror(errno));
        }
        g_free(path);
    }
}

bool artefacts_picture(struct machine *m, struct lock *lock, struct vga_surface *s)
{
    struct vga *vga = machine_vga(m);

    if (!vga)
        return false;
    lock_take(lock);
    vga_render(vga, 0, s);
    lock_drop(lock);
    return true;
}

static void write_screen(struct machine *m, struct lock *lock, const char *folder)
{
    char *path = g_build_filename(folder, "screen.txt", NULL), *text = machine_screen_text(m);
    struct vga_surface s = {0};
    GError *err = NULL;

    if (!g_file_set_contents(path, text, -1, &err)) {
        log_user("%s", err->message);
        g_clear_error(&err);
    }
    g_free(path);
    path = g_build_filename(folder, "screen.png", NULL);
    if (artefacts_picture(m, lock, &s) && !screenshot_write_png(path, &s, &err)) {
        log_user("%s", err->message);
        g_clear_error(&err);
    }
    vga_surface_free(&s);
    g_free(path);
    g_free(text);
}

void artefacts_write(struct machine *m, struct lock *lock, const char *folder)
{
    struct visit v = {m, folder};

    write_screen(m, lock, folder);
    if (!machine_while_stopped(m, write_files, &v))
        write_files(&v); /* it has ended, and stands still for good */
}

void artefacts_remove(const char *folder)
{
    GDir *d = g_dir_open(folder, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d))) {
        char *path = g_build_filename(folder, name, NULL);

        g_unlink(path);
        g_free(path);
    }
    if (d)
        g_dir_close(d);
    g_rmdir(folder);
}
