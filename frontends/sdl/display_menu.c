/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The menus of a machine's window, and the dialogs that they open. */
#include <string.h>

#include "base/bits.h"
#include "frontends/screenshot.h"
#include "frontends/sdl/display_int.h"
#include "machine/drives.h"

#define QUIT_TITLE "Quit?"
#define CD_TITLE   "A CD for the drive"

/* ---- what the menus do ---- */

static void notice_error(struct sdl_display *d, GError *err)
{
    display_notice(d, true, err->message);
    g_error_free(err);
}

/* NAME-DATE-TIME.png in the person's pictures. */
static void screenshot(struct sdl_display *d)
{
    const char *dir = g_get_user_special_dir(G_USER_DIRECTORY_PICTURES);
    GDateTime *now = g_date_time_new_now_local();
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%d-%H%M%S");
    g_autofree char *name = g_strdelimit(g_strdup(d->name), "/", '_');
    g_autofree char *file = g_strdup_printf("%s-%s.png", name, stamp);
    g_autofree char *path = g_build_filename(
        dir && g_file_test(dir, G_FILE_TEST_IS_DIR) ? dir : g_get_home_dir(), file, NULL);
    GError *err = NULL;

    g_date_time_unref(now);
    if (screenshot_write_png(path, vga_view_picture(d->view), &err)) {
        g_autofree char *text = g_strdup_printf("saved %s", path);

        display_notice(d, false, text);
    } else {
        notice_error(d, err);
    }
}

static void paste(struct sdl_display *d)
{
    char *text = SDL_GetClipboardText();
    unsigned missing = 0;

    if (!text || !*text)
        display_notice(d, true, "there is no text in the clipboard");
    else
        missing = input_type(d->input, keyboard_layout_find(d->layout), text);
    if (missing) {
        g_autofree char *why = g_strdup_printf(
            "%u characters of the text are not on the keyboard layout '%s'", missing, d->layout);

        display_notice(d, true, why);
    }
    SDL_free(text);
}

static void change_cd(struct sdl_display *d, unsigned drive, const char *file)
{
    g_autofree char *text = NULL;
    GError *err = NULL;

    if (!machine_change_medium(d->cfg.machine, drive, file, false, &err)) {
        notice_error(d, err);
        return;
    }
    text = file ? g_strdup_printf("the CD is %s", file) : g_strdup("the CD drive is empty");
    display_notice(d, false, text);
}

static void pause_or_resume(struct sdl_display *d)
{
    if (d->paused)
        machine_resume(d->cfg.machine);
    else
        machine_ask_pause(d->cfg.machine);
}

static void send(struct sdl_display *d, const enum pkey *keys, unsigned n)
{
    input_release_keys(d->input);
    input_chord(d->input, keys, n);
}

/* ---- the menus ---- */

static void machine_menu(struct sdl_display *d, struct gui *g)
{
    if (!gui_menu_begin(g, "Machine", true))
        return;
    if (gui_menu_item(g, d->paused ? "Resume" : "Pause", NULL, false, true))
        pause_or_resume(d);
    if (gui_menu_item(g, "Reset", NULL, false, true))
        machine_reset(d->cfg.machine);
    if (gui_menu_item(g, "Power button (ACPI)", NULL, false, !d->paused))
        machine_power_button(d->cfg.machine);
    gui_separator(g);
    if (gui_menu_item(g, "Screenshot", NULL, false, true))
        screenshot(d);
    gui_separator(g);
    if (gui_menu_item(g, "Quit...", NULL, false, true))
        d->ask_quit = true;
    gui_menu_end(g);
}

static void layouts_menu(struct sdl_display *d, struct gui *g)
{
    if (!gui_menu_begin(g, "Keyboard layout of the guest", true))
        return;
    for (unsigned n = 0; keyboard_layout_names[n]; n++) {
        const char *name = keyboard_layout_names[n];

        if (gui_menu_item(g, name, NULL, !strcmp(name, d->layout), true))
            d->layout = name;
    }
    gui_menu_end(g);
}

static void input_menu(struct sdl_display *d, struct gui *g)
{
    static const enum pkey del[] = {PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_DELETE};
    static const enum pkey terminals[][3] = {{PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_F1},
                                             {PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_F2},
                                             {PKEY_LEFTCTRL, PKEY_LEFTALT, PKEY_F7}};
    static const char *const terminal_names[] = {"Send Ctrl+Alt+F1", "Send Ctrl+Alt+F2",
                                                 "Send Ctrl+Alt+F7"};
    unsigned left = input_typing(d->input);

    if (!gui_menu_begin(g, "Input", true))
        return;
    if (gui_menu_item(g, "Grab keyboard and mouse", "Ctrl+Alt+G", d->grabbed, true))
        display_grab(d, !d->grabbed);
    gui_separator(g);
    if (gui_menu_item(g, "Send Ctrl+Alt+Del", NULL, false, true))
        send(d, del, ARRAY_SIZE(del));
    for (unsigned n = 0; n < ARRAY_SIZE(terminals); n++) {
        if (gui_menu_item(g, terminal_names[n], NULL, false, true))
            send(d, terminals[n], 3);
    }
    gui_separator(g);
    if (gui_menu_item(g, "Type the clipboard's text", NULL, false, true))
        paste(d);
    if (gui_menu_item(g, "Stop typing", NULL, false, left > 0))
        input_stop_typing(d->input);
    layouts_menu(d, g);
    gui_menu_end(g);
}

static void drive_items(struct sdl_display *d, struct gui *g, unsigned n)
{
    struct machine_drive_info info;
    g_autofree char *change = NULL, *eject = NULL, *base = NULL;

    if (!machine_drive_info(d->cfg.machine, n, &info))
        return;
    base = info.medium ? g_path_get_basename(info.file) : g_strdup("empty");
    if (!info.cd) {
        gui_text(g, GUI_DIM, "%s: %s", info.name, base);
    } else {
        gui_text(g, GUI_NORMAL, "%s: %s%s", info.name, info.tray_open ? "open" : base,
                 info.tray_locked ? ", locked by the guest" : "");
        change = g_strdup_printf("Change...##%u", n);
        eject = g_strdup_printf("Eject##%u", n);
        if (gui_menu_item(g, change, NULL, false, true)) {
            d->drive = n;
            file_dialog_open(&d->files, CD_TITLE, info.medium ? info.file : "");
        }
        if (gui_menu_item(g, eject, NULL, false, info.medium))
            change_cd(d, n, NULL);
    }
    gui_separator(g);
    g_free(info.file);
}

static void media_menu(struct sdl_display *d, struct gui *g)
{
    if (!gui_menu_begin(g, "Media", true))
        return;
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++)
        drive_items(d, g, n);
    gui_menu_end(g);
}

static void view_menu(struct sdl_display *d, struct gui *g)
{
    static const char *const sizes[] = {"Normal size", "Double size", "Triple size"};

    if (!gui_menu_begin(g, "View", true))
        return;
    if (gui_menu_item(g, "Full screen", "Ctrl+Alt+F", d->fullscreen, true))
        display_fullscreen(d, !d->fullscreen);
    if (gui_menu_item(g, "Fill the window, smoothly", NULL, d->screen.smooth, true)) {
        d->screen.smooth = !d->screen.smooth;
        d->exposed = true;
    }
    gui_separator(g);
    for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++) {
        if (gui_menu_item(g, sizes[n], NULL, false, !d->fullscreen))
            display_scale(d, (int)n + 1);
    }
    gui_separator(g);
    if (gui_menu_item(g, "Statistics", NULL, d->statistics, true))
        d->statistics = !d->statistics;
    gui_menu_end(g);
}

void display_menus(struct sdl_display *d)
{
    struct gui *g = d->gui;

    if (!gui_menu_bar_begin(g))
        return;
    machine_menu(d, g);
    input_menu(d, g);
    media_menu(d, g);
    view_menu(d, g);
    gui_menu_bar_end(g);
}

/* ---- the dialogs ---- */

static void quit_dialog(struct sdl_display *d, struct gui *g)
{
    bool done = false;

    if (d->ask_quit)
        gui_dialog_open(g, QUIT_TITLE);
    d->ask_quit = false;
    if (!gui_dialog_begin(g, QUIT_TITLE, 420))
        return;
    gui_paragraph(g, GUI_NORMAL,
                  d->paused ? "The guest is paused. What it has not written to its disks is lost."
                            : "The guest is running. To quit now is to pull its plug: what it has "
                              "not written to its disks is lost.");
    gui_gap(g);
    gui_focus(g);
    if (gui_button(g, "Keep running", true) || gui_escaped(g))
        done = true;
    gui_same_line(g, 0);
    if (gui_button(g, "Press the power button", !d->paused)) {
        machine_power_button(d->cfg.machine);
        done = true;
    }
    gui_same_line(g, 0);
    if (gui_button(g, "Quit now", true)) {
        d->quitting = true;
        machine_quit(d->cfg.machine, MACHINE_EXIT_OFF);
        done = true;
    }
    if (done)
        gui_dialog_close(g);
    gui_dialog_end(g);
}

void display_dialogs(struct sdl_display *d)
{
    quit_dialog(d, d->gui);
    if (file_dialog_draw(&d->files, d->gui))
        change_cd(d, d->drive, d->files.path);
}
