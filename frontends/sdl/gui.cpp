/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gui.h. Dear ImGui 1.86, as Debian's libimgui-dev has it: its platform part for SDL is in the
 * library; what draws its triangles with SDL's renderer is not, and is here.
 */
#include "frontends/sdl/gui.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <glib.h>
#include <SDL.h>
#include <string>
#include <vector>

#include <backends/imgui_impl_sdl.h>
#include <imgui.h>

/* Frames after the last input: popups appear, highlights settle. */
static const int SETTLE = 4;
static const float TEXT_SIZE = 15;

struct gui {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *font;
    std::vector<SDL_Event> events;
    int settle;
    bool ignore_mouse, popup, pointer, entered;
    char *map_path; /* NULL: nobody wants one */
    std::string map, map_written;
};

/* ---- drawing ---- */

static bool make_font(struct gui *g)
{
    ImGuiIO &io = ImGui::GetIO();
    unsigned char *pixels;
    int w, h;

    io.Fonts->GetTexDataAsRGBA32(&pixels, &w, &h);
    g->font =
        SDL_CreateTexture(g->renderer, SDL_PIXELFORMAT_ABGR8888, SDL_TEXTUREACCESS_STATIC, w, h);
    if (!g->font)
        return false;
    SDL_UpdateTexture(g->font, NULL, pixels, w * 4);
    SDL_SetTextureBlendMode(g->font, SDL_BLENDMODE_BLEND);
    SDL_SetTextureScaleMode(g->font, SDL_ScaleModeLinear);
    io.Fonts->SetTexID((ImTextureID)g->font);
    return true;
}

static void draw_list(struct gui *g, const ImDrawList *list)
{
    for (const ImDrawCmd &cmd : list->CmdBuffer) {
        const ImDrawVert *v = list->VtxBuffer.Data + cmd.VtxOffset;
        SDL_Rect clip = {(int)cmd.ClipRect.x, (int)cmd.ClipRect.y,
                         (int)(cmd.ClipRect.z - cmd.ClipRect.x),
                         (int)(cmd.ClipRect.w - cmd.ClipRect.y)};

        if (cmd.UserCallback || clip.w <= 0 || clip.h <= 0)
            continue;
        SDL_RenderSetClipRect(g->renderer, &clip);
        SDL_RenderGeometryRaw(g->renderer, (SDL_Texture *)cmd.GetTexID(), &v->pos.x, sizeof(*v),
                              (const SDL_Color *)&v->col, sizeof(*v), &v->uv.x, sizeof(*v),
                              list->VtxBuffer.Size - (int)cmd.VtxOffset,
                              list->IdxBuffer.Data + cmd.IdxOffset, (int)cmd.ElemCount,
                              sizeof(ImDrawIdx));
    }
}

static void draw(struct gui *g)
{
    const ImDrawData *data = ImGui::GetDrawData();
    float sx, sy;

    SDL_RenderGetScale(g->renderer, &sx, &sy);
    SDL_RenderSetScale(g->renderer, data->FramebufferScale.x, data->FramebufferScale.y);
    for (int n = 0; n < data->CmdListsCount; n++)
        draw_list(g, data->CmdLists[n]);
    SDL_RenderSetClipRect(g->renderer, NULL);
    SDL_RenderSetScale(g->renderer, sx, sy);
}

/* ---- life ---- */

/* Debian's usual font where there is one; else the small one that is built in. */
static void load_font(void)
{
    static const char *const paths[] = {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                                        "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf"};
    static const ImWchar ranges[] = {0x20, 0x17f, 0x370, 0x52f, 0x2010, 0x2027, 0x20ac, 0x20ac, 0};
    ImGuiIO &io = ImGui::GetIO();

    for (const char *path : paths) {
        if (g_file_test(path, G_FILE_TEST_EXISTS) &&
            io.Fonts->AddFontFromFileTTF(path, TEXT_SIZE, NULL, ranges))
            return;
    }
    io.Fonts->AddFontDefault();
}

struct gui *gui_new(struct SDL_Window *window, struct SDL_Renderer *renderer, const char *role)
{
    struct gui *g = new struct gui();
    const char *map = g_getenv("PENUMBRA_GUI_MAP");

    g->window = window;
    g->renderer = renderer;
    if (map && *map)
        g->map_path = g_strdup_printf("%s.%s", map, role);
    ImGui::CreateContext();
    ImGuiIO &io = ImGui::GetIO();
    io.IniFilename = NULL; /* nothing is to be kept in the working directory */
    io.ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
    io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
    load_font();
    ImGui::StyleColorsDark();
    ImGui::GetStyle().Colors[ImGuiCol_PopupBg] = ImVec4(0.10f, 0.10f, 0.11f, 1.0f);
    ImGui::GetStyle().WindowRounding = 4;
    ImGui::GetStyle().FrameRounding = 3;
    ImGui::GetStyle().WindowBorderSize = 1;
    ImGui_ImplSDL2_InitForSDLRenderer(window);
    g->settle = SETTLE;
    if (!make_font(g)) {
        gui_free(g);
        return NULL;
    }
    return g;
}

void gui_free(struct gui *g)
{
    if (!g)
        return;
    if (g->font)
        SDL_DestroyTexture(g->font);
    ImGui_ImplSDL2_Shutdown();
    ImGui::DestroyContext();
    g_free(g->map_path);
    delete g;
}

void gui_event(struct gui *g, const union SDL_Event *e)
{
    g->events.push_back(*e);
    g->settle = SETTLE;
}

void gui_textures_lost(struct gui *g)
{
    if (g->font)
        SDL_DestroyTexture(g->font);
    make_font(g);
    g->settle = SETTLE;
}

bool gui_busy(const struct gui *g)
{
    return g->settle > 0 || ImGui::GetIO().WantTextInput; /* the cursor blinks */
}

bool gui_has_popup(const struct gui *g)
{
    return g->popup;
}

bool gui_has_pointer(const struct gui *g)
{
    return g->pointer;
}

void gui_ignore_mouse(struct gui *g, bool ignore)
{
    ImGuiIO &io = ImGui::GetIO();
    int flags = ImGuiConfigFlags_NoMouse | ImGuiConfigFlags_NoMouseCursorChange;

    g->ignore_mouse = ignore;
    io.ConfigFlags = ignore ? io.ConfigFlags | flags : io.ConfigFlags & ~flags;
    g->settle = SETTLE;
}

/* The library's part asks SDL which modifiers are held: those of then are meant, not of now. */
static void process(const SDL_Event *e)
{
    SDL_Keymod now = SDL_GetModState();

    if (e->type == SDL_KEYDOWN || e->type == SDL_KEYUP)
        SDL_SetModState((SDL_Keymod)e->key.keysym.mod);
    ImGui_ImplSDL2_ProcessEvent(e);
    SDL_SetModState(now);
}

/* A key that comes up in the frame in which it went down would not have been seen: the rest waits
 * for the next one. */
static void take_events(struct gui *g)
{
    size_t n = 0;
    bool pressed = false;

    for (; n < g->events.size(); n++) {
        const SDL_Event &e = g->events[n];

        if (pressed && (e.type == SDL_KEYUP || e.type == SDL_KEYDOWN))
            break;
        pressed |= e.type == SDL_KEYDOWN;
        process(&e);
    }
    g->events.erase(g->events.begin(), g->events.begin() + (long)n);
}

void gui_begin(struct gui *g)
{
    take_events(g);
    if (!g->events.empty())
        g->settle = SETTLE;
    else if (g->settle > 0)
        g->settle--;
    g->map.clear();
    ImGui_ImplSDL2_NewFrame();
    /* where SDL last saw it: the other way to ask does not hear of a pointer that was moved by
     * software, as over VNC */
    ImGuiIO &io = ImGui::GetIO();
    int x, y;
    if (!g->ignore_mouse && SDL_GetMouseFocus() == g->window) {
        SDL_GetMouseState(&x, &y);
        io.MousePos = ImVec2((float)x, (float)y);
    }
    ImGui::NewFrame();
    if (ImGui::IsMousePosValid())
        gui_note(g, "pointer", io.MousePos.x, io.MousePos.y, io.MouseDown[0], 0, "");
}

static void write_map(struct gui *g)
{
    if (!g->map_path || g->map == g->map_written)
        return;
    if (g_file_set_contents(g->map_path, g->map.data(), (gssize)g->map.size(), NULL))
        g->map_written = g->map;
}

void gui_end(struct gui *g)
{
    ImGuiIO &io = ImGui::GetIO();

    g->popup = ImGui::IsPopupOpen(NULL, ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel);
    g->pointer = io.WantCaptureMouse;
    ImGui::Render();
    if (io.WantTextInput && !SDL_IsTextInputActive())
        SDL_StartTextInput();
    else if (!io.WantTextInput && SDL_IsTextInputActive())
        SDL_StopTextInput();
    draw(g);
    SDL_RenderPresent(g->renderer);
    write_map(g);
}

float gui_bar_height(const struct gui *g)
{
    (void)g;
    /* not GetFontSize(): that is 0 before the first frame */
    return ImGui::GetIO().Fonts->Fonts[0]->FontSize + 2 * ImGui::GetStyle().FramePadding.y;
}

/* ---- the map ---- */

void gui_note(struct gui *g, const char *kind, float x, float y, float w, float h,
              const char *label)
{
    char place[96];

    if (!g->map_path)
        return;
    snprintf(place, sizeof(place), "%d %d %d %d %s ", (int)x, (int)y, (int)w, (int)h, kind);
    g->map += place;
    g->map += label;
    g->map += '\n';
}

/* The widget before, where it can be seen. */
static void note_last(struct gui *g, const char *kind, const char *label)
{
    ImVec2 a = ImGui::GetItemRectMin(), size = ImGui::GetItemRectSize();

    if (g->map_path && ImGui::IsItemVisible())
        gui_note(g, kind, a.x, a.y, size.x, size.y, label);
}

/* ---- panels ---- */

void gui_panel_begin(struct gui *g, const char *name, float x, float y, float w, float h)
{
    (void)g;
    ImGui::SetNextWindowPos(ImVec2(x, y));
    ImGui::SetNextWindowSize(ImVec2(w, h));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0.0f);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 0.0f);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowMinSize, ImVec2(1, 1));
    if (h <= gui_bar_height(g) + 1)
        ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding,
                            ImVec2(8, ImGui::GetStyle().FramePadding.y));
    else
        ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(12, 12));
    ImGui::Begin(name, NULL,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                     ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoBringToFrontOnFocus |
                     ImGuiWindowFlags_NoFocusOnAppearing);
    ImGui::PopStyleVar(4);
}

void gui_panel_end(struct gui *g)
{
    (void)g;
    ImGui::End();
}

void gui_part_begin(struct gui *g, const char *name, float w, float h, bool frame)
{
    (void)g;
    ImGui::BeginChild(name, ImVec2(w, h), frame);
}

void gui_part_end(struct gui *g)
{
    (void)g;
    ImGui::EndChild();
}

bool gui_float_begin(struct gui *g, const char *title, bool *open, float x, float y, float w)
{
    bool shown;

    ImGui::SetNextWindowPos(ImVec2(x, y), ImGuiCond_Appearing);
    ImGui::SetNextWindowSize(ImVec2(w, 0), ImGuiCond_Appearing);
    ImGui::SetNextWindowBgAlpha(0.9f);
    shown = ImGui::Begin(title, open,
                         ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoSavedSettings |
                             ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoNav);
    if (shown) {
        ImVec2 at = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();

        gui_note(g, "float", at.x, at.y, size.x, size.y, title);
    }
    return shown;
}

void gui_float_end(struct gui *g)
{
    (void)g;
    ImGui::End();
}

void gui_dialog_open(struct gui *g, const char *title)
{
    ImGui::OpenPopup(title);
    g->popup = true;
    g->settle = SETTLE;
}

bool gui_dialog_begin(struct gui *g, const char *title, float w)
{
    ImVec2 room = ImGui::GetIO().DisplaySize;

    ImGui::SetNextWindowPos(ImVec2(room.x / 2, room.y / 2), ImGuiCond_Always, ImVec2(0.5f, 0.5f));
    ImGui::SetNextWindowSizeConstraints(ImVec2(w < room.x ? w : room.x, 0),
                                        ImVec2(w < room.x ? w : room.x, room.y));
    if (!ImGui::BeginPopupModal(title, NULL,
                                ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoMove |
                                    ImGuiWindowFlags_NoSavedSettings))
        return false;
    ImVec2 at = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();

    gui_note(g, "dialog", at.x, at.y, size.x, size.y, title);
    return true;
}

void gui_dialog_close(struct gui *g)
{
    ImGui::CloseCurrentPopup();
    g->settle = SETTLE;
}

void gui_dialog_end(struct gui *g)
{
    (void)g;
    ImGui::EndPopup();
}

/* ---- menus ---- */

bool gui_menu_bar_begin(struct gui *g)
{
    (void)g;
    return ImGui::BeginMainMenuBar();
}

void gui_menu_bar_end(struct gui *g)
{
    (void)g;
    ImGui::EndMainMenuBar();
}

bool gui_menu_begin(struct gui *g, const char *label, bool enabled)
{
    bool open = ImGui::BeginMenu(label, enabled);

    if (!open)
        note_last(g, "menu", label);
    return open;
}

void gui_menu_end(struct gui *g)
{
    (void)g;
    ImGui::EndMenu();
}

bool gui_menu_item(struct gui *g, const char *label, const char *keys, bool checked, bool enabled)
{
    bool hit = ImGui::MenuItem(label, keys, checked, enabled);

    note_last(g, enabled ? checked ? "checked" : "item" : "disabled", label);
    return hit;
}

/* ---- what is in them ---- */

static ImU32 colour_of(enum gui_colour c)
{
    switch (c) {
    case GUI_DIM: return ImGui::GetColorU32(ImGuiCol_TextDisabled);
    case GUI_GOOD: return IM_COL32(120, 210, 130, 255);
    case GUI_WARN: return IM_COL32(240, 200, 90, 255);
    case GUI_BAD: return IM_COL32(255, 120, 110, 255);
    default: return ImGui::GetColorU32(ImGuiCol_Text);
    }
}

void gui_text(struct gui *g, enum gui_colour colour, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    ImGui::PushStyleColor(ImGuiCol_Text, colour_of(colour));
    ImGui::TextUnformatted(text);
    ImGui::PopStyleColor();
    note_last(g, "text", text);
    g_free(text);
}

void gui_paragraph(struct gui *g, enum gui_colour colour, const char *text)
{
    ImGui::PushStyleColor(ImGuiCol_Text, colour_of(colour));
    ImGui::PushTextWrapPos(0.0f);
    ImGui::TextUnformatted(text);
    ImGui::PopTextWrapPos();
    ImGui::PopStyleColor();
    note_last(g, "text", text);
}

void gui_hint(struct gui *g, const char *text)
{
    (void)g;
    if (!ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled))
        return;
    ImGui::BeginTooltip();
    ImGui::PushTextWrapPos(ImGui::GetFontSize() * 30);
    ImGui::TextUnformatted(text);
    ImGui::PopTextWrapPos();
    ImGui::EndTooltip();
}

void gui_separator(struct gui *g)
{
    (void)g;
    ImGui::Separator();
}

void gui_gap(struct gui *g)
{
    (void)g;
    ImGui::Spacing();
}

void gui_same_line(struct gui *g, float x)
{
    (void)g;
    ImGui::SameLine(x);
}

bool gui_button(struct gui *g, const char *label, bool enabled)
{
    bool hit;

    ImGui::BeginDisabled(!enabled);
    hit = ImGui::Button(label);
    note_last(g, enabled ? "button" : "disabled", label);
    ImGui::EndDisabled();
    return hit;
}

bool gui_check(struct gui *g, const char *label, bool *on)
{
    bool hit = ImGui::Checkbox(label, on);

    note_last(g, *on ? "checked" : "check", label);
    return hit;
}

bool gui_field(struct gui *g, const char *label, char *text, size_t size, const char *hint,
               const char *wrong)
{
    bool changed;

    changed = ImGui::InputTextWithHint(label, hint, text, size);
    g->entered = ImGui::IsItemDeactivated() && (ImGui::IsKeyPressed(SDL_SCANCODE_RETURN, false) ||
                                                ImGui::IsKeyPressed(SDL_SCANCODE_KP_ENTER, false));
    note_last(g, ImGui::IsItemActive() ? "editing" : "field", label);
    if (g->map_path)
        gui_note(g, "value", 0, 0, 0, 0, text);
    if (wrong)
        gui_paragraph(g, GUI_BAD, wrong);
    return changed;
}

bool gui_entered(struct gui *g)
{
    return g->entered;
}

bool gui_escaped(struct gui *g)
{
    (void)g;
    return ImGui::IsKeyPressed(SDL_SCANCODE_ESCAPE, false) && !ImGui::IsAnyItemActive();
}

bool gui_choice(struct gui *g, const char *label, const char *const *words, unsigned *n,
                bool enabled)
{
    unsigned was = *n;
    bool open;

    ImGui::BeginDisabled(!enabled);
    open = ImGui::BeginCombo(label, words[*n]);
    note_last(g, enabled ? "choice" : "disabled", label);
    for (unsigned k = 0; open && words[k]; k++) {
        if (ImGui::Selectable(words[k], k == *n))
            *n = k;
        note_last(g, "option", words[k]);
    }
    if (open)
        ImGui::EndCombo();
    ImGui::EndDisabled();
    return *n != was;
}

bool gui_row(struct gui *g, const char *label, bool chosen, bool *twice)
{
    bool hit = ImGui::Selectable(label, chosen,
                                 ImGuiSelectableFlags_AllowDoubleClick |
                                     ImGuiSelectableFlags_DontClosePopups);

    note_last(g, chosen ? "chosen" : "row", label);
    *twice = hit && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left);
    return hit;
}

void gui_picture(struct gui *g, struct SDL_Texture *t, float w, float h)
{
    (void)g;
    if (t)
        ImGui::Image((ImTextureID)t, ImVec2(w, h));
    else
        ImGui::Dummy(ImVec2(w, h));
}

void gui_plot(struct gui *g, const char *label, const float *value, unsigned n, float h)
{
    float top = 1; /* so that nothing at all is at the bottom */

    for (unsigned k = 0; k < n; k++)
        top = value[k] > top ? value[k] : top;
    ImGui::PushID(label);
    ImGui::PlotLines("##plot", value, (int)n, 0, NULL, 0.0f, top * 1.6f,
                     ImVec2(ImGui::GetContentRegionAvail().x, h));
    ImGui::PopID();
    ImVec2 at = ImGui::GetItemRectMin();
    ImGui::GetWindowDrawList()->AddText(ImVec2(at.x + 6, at.y + 2), colour_of(GUI_NORMAL), label);
    note_last(g, "plot", label);
}

void gui_progress(struct gui *g, float part, const char *text)
{
    ImGui::ProgressBar(part, ImVec2(-1, 0), text);
    note_last(g, "text", text);
}

void gui_focus(struct gui *g)
{
    (void)g;
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
}
