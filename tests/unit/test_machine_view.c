/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of a real machine's screen, kept up to date (devices/display/vga_view.h) while all its
 * vCPUs draw into the linear framebuffer: at every halt of the guest it is that of a full drawing,
 * pixel for pixel. What the dirty log loses (mail 003) is missing there for ever. The guest is
 * fb_guest.S.
 */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/lock.h"
#include "devices/display/vga_view.h"
#include "machine/device_kind.h"
#include "machine/machine.h"

#define ROM_SIZE 0x10000
#define MODES    6
#define MAILBOX  0xf00000 /* in video memory */
#define LIMIT_S  120      /* a guard against hangs */

extern const uint8_t fb_guest[], fb_guest_paging[], fb_guest_others[], fb_guest_end[];

static struct {
    struct lock lock;
    GMainLoop *loop;
    struct machine *machine;
    struct vga *vga;
    struct vga_view *view;
    struct vga_surface full;
    _Atomic uint32_t *mail;
    unsigned halts;              /* of the guest, each compared */
    unsigned refreshes, partial; /* while it drew; that drew some lines but not all */
    const char *bad;
} rig;

static void ended(void *opaque)
{
    (void)opaque;
    g_main_loop_quit(rig.loop);
}

static gboolean hangs(gpointer opaque)
{
    (void)opaque;
    rig.bad = "the guest did not end";
    g_main_loop_quit(rig.loop);
    return G_SOURCE_CONTINUE;
}

/* The guest stands still; after a refresh the view has all that it drew. */
static void compare(void)
{
    const struct vga_surface *p = vga_view_picture(rig.view);

    vga_render(rig.vga, 0, &rig.full);
    if (p->width != rig.full.width || p->height != rig.full.height)
        rig.bad = "the picture has another size";
    else if (memcmp(p->pixels, rig.full.pixels, p->width * p->height * sizeof(*p->pixels)))
        rig.bad = "the picture is another than a full drawing's";
}

static unsigned lines_drawn(void)
{
    unsigned n, lines = 0;
    const struct vga_run *run = vga_view_runs(rig.view, &n);

    for (unsigned k = 0; k < n; k++)
        lines += run[k].n;
    return lines;
}

static gboolean tick(gpointer opaque)
{
    uint32_t phase;

    (void)opaque;
    lock_take(&rig.lock);
    phase = rig.mail[0];
    vga_view_refresh(rig.view, 0);
    rig.refreshes++;
    if (lines_drawn() && lines_drawn() < vga_view_picture(rig.view)->height)
        rig.partial++;
    if (phase == rig.halts + 1) {
        compare();
        rig.halts++;
        rig.mail[1] = phase;
    }
    lock_drop(&rig.lock);
    if (rig.bad)
        g_main_loop_quit(rig.loop);
    return G_SOURCE_CONTINUE;
}

static void write_rom(const char *path, bool paging, unsigned others)
{
    uint8_t *image = g_malloc0(ROM_SIZE);

    memcpy(image, fb_guest, (size_t)(fb_guest_end - fb_guest));
    image[fb_guest_paging - fb_guest] = paging;
    image[fb_guest_others - fb_guest] = (uint8_t)others;
    memcpy(image + 0xfff0, (uint8_t[]){0xe9, 0x0d, 0x00}, 3); /* jmp to the first byte */
    assert_true(g_file_set_contents(path, (char *)image, ROM_SIZE, NULL));
    g_free(image);
}

static void build_and_start(const struct machine_config *cfg)
{
    GError *err = NULL;
    size_t len;

    rig.machine = machine_new(cfg, &err);
    if (!rig.machine)
        fail_msg("%s", err->message);
    rig.vga = machine_vga(rig.machine);
    rig.mail = (_Atomic uint32_t *)((uint8_t *)vga_vram(rig.vga, &len) + MAILBOX);
    lock_take(&rig.lock);
    rig.view = vga_view_new(rig.vga);
    lock_drop(&rig.lock);
    if (!machine_start(rig.machine, &err))
        fail_msg("%s", err->message);
}

static void draw_with(const char *mmu, unsigned cpus, bool paging)
{
    char *dir = g_dir_make_tmp("penumbra-view-XXXXXX", NULL);
    char *rom = g_build_filename(dir, "rom", NULL);
    struct device_config *exit_port =
        device_config_new("isa-debug-exit,iobase=0x501,iosize=1", NULL);
    const struct machine_config cfg = {.name = "test",
                                       .lock = &rig.lock,
                                       .ram_size = 4 << 20,
                                       .cpu_model = "max",
                                       .accel = "interp",
                                       .mmu = mmu,
                                       .cpus = cpus,
                                       .bios = rom,
                                       .device = {exit_port},
                                       .n_devices = 1,
                                       .ended = ended};
    guint ticks, guard;

    memset(&rig, 0, sizeof(rig));
    lock_init(&rig.lock);
    rig.loop = g_main_loop_new(NULL, FALSE);
    write_rom(rom, paging, cpus - 1);
    build_and_start(&cfg);
    ticks = g_timeout_add(1, tick, NULL);
    guard = g_timeout_add_seconds(LIMIT_S, hangs, NULL);
    g_main_loop_run(rig.loop);
    g_source_remove(ticks);
    g_source_remove(guard);

    print_message("# mmu=%s, %u vCPUs, paging %s: %u refreshes, %u of them partial\n", mmu, cpus,
                  paging ? "on" : "off", rig.refreshes, rig.partial);
    if (rig.bad)
        fail_msg("mode %u: %s", rig.halts, rig.bad);
    assert_int_equal(rig.halts, MODES);
    assert_true(rig.partial > 0); /* else nothing was put together from parts */
    lock_take(&rig.lock);
    vga_view_free(rig.view);
    lock_drop(&rig.lock);
    machine_free(rig.machine);
    vga_surface_free(&rig.full);
    g_main_loop_unref(rig.loop);
    lock_clear(&rig.lock);
    g_unlink(rom);
    g_rmdir(dir);
    g_free(rom);
    g_free(dir);
    device_config_free(exit_port);
}

static void test_mail003_picture_with_walk(void **state)
{
    (void)state;
    draw_with("walk", 1, false);
    draw_with("walk", 4, true);
}

static void test_mail003_picture_with_shadow(void **state)
{
    (void)state;
    draw_with("shadow", 1, true);
    draw_with("shadow", 4, true);
    draw_with("shadow", 4, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail003_picture_with_walk),
        cmocka_unit_test(test_mail003_picture_with_shadow),
    };

    return unit_main(tests);
}
