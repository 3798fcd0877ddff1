/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See screen.h. */
#include "frontends/sdl/screen.h"

SDL_Rect screen_place(SDL_Rect room, int w, int h, bool smooth)
{
    SDL_Rect r = {.w = w, .h = h};
    int n = room.w / w < room.h / h ? room.w / w : room.h / h;

    if (n >= 1 && !smooth) {
        r.w = w * n;
        r.h = h * n;
    } else if ((int64_t)room.w * h < (int64_t)room.h * w) {
        r.w = room.w;
        r.h = (int)((int64_t)h * room.w / w);
    } else {
        r.w = (int)((int64_t)w * room.h / h);
        r.h = room.h;
    }
    r.x = room.x + (room.w - r.w) / 2;
    r.y = room.y + (room.h - r.h) / 2;
    return r;
}

static int along(int at, int shown, int pixels, int max)
{
    int64_t pixel = shown > 0 ? (int64_t)at * pixels / shown : 0;

    pixel = at <= 0 ? 0 : pixel >= pixels ? pixels - 1 : pixel;
    return pixels > 1 ? (int)((pixel * max + pixels - 2) / (pixels - 1)) : 0;
}

SDL_Point screen_point(const struct screen *s, SDL_Rect shown, SDL_Point at, int max)
{
    return (SDL_Point){along(at.x - shown.x, shown.w, s->w, max),
                       along(at.y - shown.y, shown.h, s->h, max)};
}

void screen_lost(struct screen *s)
{
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->texture = NULL;
    s->stale = true;
}

static void upload(struct screen *s, const struct vga_surface *picture, unsigned first, unsigned n)
{
    const SDL_Rect lines = {.y = (int)first, .w = s->w, .h = (int)n};

    SDL_UpdateTexture(s->texture, &lines, picture->pixels + first * picture->stride,
                      (int)(picture->stride * 4));
    s->lines_uploaded += n;
}

bool screen_update(struct screen *s, struct vga_view *view)
{
    const struct vga_surface *picture = vga_view_picture(view);
    const struct vga_run *run;
    int w = (int)picture->width, h = (int)picture->height;
    bool resized = s->w != w || s->h != h;
    unsigned n;

    if (!w || !h)
        return false;
    if (!s->texture || resized) {
        screen_lost(s);
        s->w = w;
        s->h = h;
        s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_RGB888,
                                       SDL_TEXTUREACCESS_STREAMING, w, h);
        if (!s->texture)
            return resized;
    }
    run = vga_view_runs(view, &n);
    if (s->stale)
        upload(s, picture, 0, picture->height);
    for (unsigned k = 0; k < n && !s->stale; k++)
        upload(s, picture, run[k].first, run[k].n);
    s->stale = false;
    return resized;
}

SDL_Rect screen_draw(const struct screen *s, SDL_Rect room)
{
    SDL_Rect to = room;

    if (!s->texture)
        return to;
    to = screen_place(room, s->w, s->h, s->smooth);
    SDL_SetTextureScaleMode(s->texture, to.w % s->w || to.h % s->h ? SDL_ScaleModeLinear
                                                                   : SDL_ScaleModeNearest);
    SDL_RenderCopy(s->renderer, s->texture, NULL, &to);
    return to;
}
