/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Menus, buttons and fields for a window of SDL's: Dear ImGui behind functions that C can call, so
 * that gui.cpp is the only C++ here. As everywhere in Dear ImGui, a widget is drawn by calling it
 * between gui_begin and gui_end, once a frame, and what it returns is what the person did to it.
 * Labels are its identities within a panel; what follows "##" is not shown.
 *
 * One at a time in a process; the thread of the window. Sizes are in points of the window.
 *
 * With PENUMBRA_GUI_MAP=PATH in the environment each frame's widgets go to PATH.ROLE, a line
 * "X Y WIDTH HEIGHT KIND LABEL" each, and where the pointer was seen, its WIDTH 1 while the button
 * was down: tests find there what a person sees (docs/testing.md).
 */
#ifndef FRONTENDS_SDL_GUI_H
#define FRONTENDS_SDL_GUI_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gui;
struct SDL_Window;
struct SDL_Renderer;
struct SDL_Texture;
union SDL_Event;

/* role: what the process is, for PENUMBRA_GUI_MAP. NULL when SDL's renderer cannot draw it. */
struct gui *gui_new(struct SDL_Window *window, struct SDL_Renderer *renderer, const char *role);
void gui_free(struct gui *g); /* NULL: no effect */

/* Hands over an event; it is looked at in a frame to come. */
void gui_event(struct gui *g, const union SDL_Event *e);

/* The driver lost our pixels. */
void gui_textures_lost(struct gui *g);

/* Is there something that the next frame would show: input, or an animation that goes on? */
bool gui_busy(const struct gui *g);

/* Is a menu or a dialog open? Then the keyboard is theirs. */
bool gui_has_popup(const struct gui *g);

/* Is the pointer over something of ours? Of the last frame. */
bool gui_has_pointer(const struct gui *g);

/* Keeps its hands off the mouse while the guest has it. */
void gui_ignore_mouse(struct gui *g, bool ignore);

/* A frame: gui_end draws it on what the renderer has so far, and presents all of that. */
void gui_begin(struct gui *g);
void gui_end(struct gui *g);

/* How high a menu bar, or a line of text with room around it, is. */
float gui_bar_height(const struct gui *g);

/* ---- panels ---- */

/* A part of the window at a fixed place, without a frame. Always to be ended. */
void gui_panel_begin(struct gui *g, const char *name, float x, float y, float w, float h);
void gui_panel_end(struct gui *g);

/* A part of a panel that scrolls by itself; h 0: what is left. Always to be ended. */
void gui_part_begin(struct gui *g, const char *name, float w, float h, bool frame);
void gui_part_end(struct gui *g);

/* A floating window with a title; *open becomes false when the person closes it. x, y and w are
 * where it appears. False while it is rolled up. Always to be ended. */
bool gui_float_begin(struct gui *g, const char *title, bool *open, float x, float y, float w);
void gui_float_end(struct gui *g);

/* A dialog that everything else waits for. Opened by name; begin is true while it is open, and
 * then to be ended. The first field or button has the keyboard. */
void gui_dialog_open(struct gui *g, const char *title);
bool gui_dialog_begin(struct gui *g, const char *title, float w);
void gui_dialog_close(struct gui *g); /* between begin and end */
void gui_dialog_end(struct gui *g);

/* ---- menus ---- */

bool gui_menu_bar_begin(struct gui *g);
void gui_menu_bar_end(struct gui *g);
bool gui_menu_begin(struct gui *g, const char *label, bool enabled); /* true: to be ended */
void gui_menu_end(struct gui *g);
/* keys (may be NULL) tells of another way; nothing listens for them here. */
bool gui_menu_item(struct gui *g, const char *label, const char *keys, bool checked, bool enabled);

/* ---- what is in them ---- */

enum gui_colour { GUI_NORMAL, GUI_DIM, GUI_GOOD, GUI_WARN, GUI_BAD };

__attribute__((format(printf, 3, 4))) void gui_text(struct gui *g, enum gui_colour colour,
                                                    const char *fmt, ...);
/* The same in lines as wide as there is room. */
void gui_paragraph(struct gui *g, enum gui_colour colour, const char *text);
/* What is said when the pointer rests on the widget before. */
void gui_hint(struct gui *g, const char *text);
void gui_separator(struct gui *g);
void gui_gap(struct gui *g);
void gui_same_line(struct gui *g, float x); /* x 0: behind the one before */
bool gui_button(struct gui *g, const char *label, bool enabled);
bool gui_check(struct gui *g, const char *label, bool *on);
/* A line of text; `wrong` (may be NULL) stands below it. True when it changed. */
bool gui_field(struct gui *g, const char *label, char *text, size_t size, const char *hint,
               const char *wrong);
/* True when Enter was pressed in the field before, or Escape anywhere in the dialog. */
bool gui_entered(struct gui *g);
bool gui_escaped(struct gui *g);
/* One of the words (NULL at the end). */
bool gui_choice(struct gui *g, const char *label, const char *const *words, unsigned *n,
                bool enabled);
/* A line of a list; clicked once, and *twice whether it was the second time. */
bool gui_row(struct gui *g, const char *label, bool chosen, bool *twice);
void gui_picture(struct gui *g, struct SDL_Texture *t, float w, float h);
/* Values from 0 up, the label on them. */
void gui_plot(struct gui *g, const char *label, const float *value, unsigned n, float h);
void gui_progress(struct gui *g, float part, const char *text);

/* What follows has the keyboard when the dialog appears. */
void gui_focus(struct gui *g);

/* Something that is not ours is there: for PENUMBRA_GUI_MAP alone. */
void gui_note(struct gui *g, const char *kind, float x, float y, float w, float h,
              const char *label);

#ifdef __cplusplus
}
#endif

#endif
