/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See guest.h. The script is looked at every few milliseconds on the main loop; the vCPUs' threads
 * know nothing of it. */
#include "frontends/headless/guest.h"

#include "base/error.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "backends/char.h"
#include "base/lint_control.h"
#include "base/lock.h"
#include "devices/input/input_router.h"
#include "frontends/cli/options.h"
#include "frontends/headless/artefacts.h"
#include "frontends/headless/capture.h"
#include "frontends/headless/engine.h"
#include "frontends/headless/image.h"
#include "frontends/headless/picture.h"
#include "frontends/headless/result.h"
#include "frontends/screenshot.h"
#include "machine/drives.h"
#include "machine/machine.h"

#define POLL_MS      10
#define POLL_NS      (INT64_C(1000000) * POLL_MS) /* the same of the guest's, when that is counted */
#define LAST_INSNS   10000                        /* of each vCPU, in insns.txt */
#define SCREEN_EVERY 5  /* polls from one look at the screen to the next */
#define SAY_EVERY    25 /* polls from one line about how it goes to the next */

struct guest {
    const struct guest_config *cfg;
    struct image_names names;
    struct options o;
    char **argv; /* what o points into */
    struct lock lock;
    GMainLoop *loop;
    struct machine *machine;
    struct capture capture[SOURCE_STREAMS];
    struct engine engine;
    unsigned polls, resets;
    guint told;        /* the step that was told of last */
    uint64_t limit_at; /* instructions at which the machine stops by itself; UINT64_MAX: none */
    struct result result;
};

/* ---- what the script sees of the machine ---- */

static uint64_t op_instructions(void *opaque)
{
    return machine_instructions(((struct guest *)opaque)->machine);
}

static int64_t op_time(void *opaque)
{
    return machine_time(((struct guest *)opaque)->machine);
}

static int op_status(void *opaque)
{
    return machine_exit_status(((struct guest *)opaque)->machine);
}

static unsigned op_resets(void *opaque)
{
    return ((struct guest *)opaque)->resets;
}

static char *op_screen(void *opaque)
{
    return machine_screen_text(((struct guest *)opaque)->machine);
}

static void op_key(void *opaque, enum pkey key, bool down)
{
    struct guest *g = opaque;

    lock_take(&g->lock);
    input_router_key(machine_input(g->machine), key, down);
    lock_drop(&g->lock);
}

static bool op_keys_taken(void *opaque)
{
    struct guest *g = opaque;
    bool taken;

    lock_take(&g->lock);
    taken = input_router_taken(machine_input(g->machine));
    lock_drop(&g->lock);
    return taken;
}

static gsize op_send(void *opaque, unsigned line, const char *bytes, gsize len)
{
    struct guest *g = opaque;
    gsize n;

    lock_take(&g->lock);
    n = char_feed(g->capture[line].chr, (const uint8_t *)bytes, len);
    lock_drop(&g->lock);
    return n;
}

static void op_reset(void *opaque)
{
    machine_reset(((struct guest *)opaque)->machine);
}

static void op_power_button(void *opaque)
{
    machine_power_button(((struct guest *)opaque)->machine);
}

static bool op_medium(void *opaque, const struct step *s, GError **err)
{
    struct guest *g = opaque;
    char *file = s->file ? image_path(&g->names, s->file, err) : NULL;
    bool ok = (file || !s->file) && machine_change_medium(g->machine, s->drive, file, false, err);

    g_free(file);
    return ok;
}

/* Whether the picture is as the step wants it. */
static int judge(struct guest *g, const struct step *s, const struct vga_surface *p, char **why,
                 GError **err)
{
    struct picture_like like = {.tolerance = s->tolerance, .pixels = s->pixels};
    char *file, *mask, *sum;
    int ok = 1;

    if (s->hash) {
        sum = picture_sum(p);
        ok = !strcmp(sum, s->hash);
        if (ok)
            g_free(sum);
        else
            *why = g_strdup_printf("its sha256 is %s", sum), g_free(sum);
        return ok;
    }
    if (!s->file)
        return 1;
    file = image_path(&g->names, s->file, err);
    mask = file && s->mask ? image_path(&g->names, s->mask, err) : NULL;
    like.file = file;
    like.mask = mask;
    ok = file && (mask || !s->mask) ? picture_compare(p, &like, why, err) : -1;
    g_free(file);
    g_free(mask);
    return ok;
}

static int op_screenshot(void *opaque, const struct step *s, char **why, GError **err)
{
    struct guest *g = opaque;
    char *name = g_strconcat(s->name, ".png", NULL);
    char *path = g_build_filename(g->cfg->folder, name, NULL);
    struct vga_surface picture = {0};
    int ok = -1;

    if (!artefacts_picture(g->machine, &g->lock, &picture))
        error_option(err, "the machine has no display");
    else if (screenshot_write_png(path, &picture, err))
        ok = judge(g, s, &picture, why, err);
    vga_surface_free(&picture);
    g_free(path);
    g_free(name);
    return ok;
}

static const struct engine_ops ops = {
    .instructions = op_instructions,
    .time_ns = op_time,
    .status = op_status,
    .resets = op_resets,
    .screen = op_screen,
    .key = op_key,
    .keys_taken = op_keys_taken,
    .send = op_send,
    .reset = op_reset,
    .power_button = op_power_button,
    .medium = op_medium,
    .screenshot = op_screenshot,
};

/* ---- how it goes ---- */

static void say(struct guest *g)
{
    char *line;
    ssize_t n;

    if (g->machine) {
        g->result.instructions = machine_instructions(g->machine);
        g->result.time_ns = machine_time(g->machine);
    }
    line = result_line(&g->result);
    n = write(g->cfg->out_fd, line, strlen(line));
    (void)n; /* nobody listens: then nobody wants to know */
    g_free(line);
}

static void set_text(struct guest *g, const char *text)
{
    g_free(g->result.text);
    g->result.text = g_strdup(text);
}

static void end(struct guest *g, enum verdict v, const char *why)
{
    if (g->result.verdict != VERDICT_NONE)
        return;
    g->result.verdict = v;
    set_text(g, why);
    g_main_loop_quit(g->loop);
}

static void end_error(struct guest *g, enum verdict v, GError *err)
{
    end(g, v, err->message);
    g_error_free(err);
}

/* ---- the main loop ---- */

static void hear(struct guest *g)
{
    for (unsigned k = 0; k < SOURCE_STREAMS; k++) {
        GString *s;
        GArray *stamps;
        gsize from = 0;

        if (!g->capture[k].chr)
            continue;
        lock_take(&g->lock);
        s = capture_take(&g->capture[k], &stamps);
        lock_drop(&g->lock);
        for (guint n = 0; n < stamps->len; n++) {
            struct capture_stamp at = g_array_index(stamps, struct capture_stamp, n);

            engine_said(&g->engine, k, s->str + from, at.len - from, at.count);
            from = at.len;
        }
        g_array_unref(stamps);
        g_string_free(s, TRUE);
    }
}

/* It is looked at in each tick; but where a limit of instructions is over the machine stops by
 * itself and waits for the look, or a slow host would give it more. */
static void plan_limit(struct guest *g)
{
    uint64_t at = engine_limit_at(&g->engine);

    if (at == g->limit_at)
        return;
    g->limit_at = at;
    machine_pause_after(g->machine, at);
}

/* `runs`: the guest goes on meanwhile. */
static void poll_script(struct guest *g, bool runs)
{
    enum engine_state state;

    hear(g);
    g->engine.moving = runs;
    state = engine_poll(&g->engine);
    if (state != ENGINE_RUNS)
        end(g, state == ENGINE_PASSED ? VERDICT_PASSED : VERDICT_FAILED, g->engine.why);
    else if (!g->o.machine.icount)
        plan_limit(g);
}

/* With counted time the script is looked at when so much of that has passed, or the limit of a step
 * has, and the machine stands meanwhile: at the same instruction in each run, whatever the host
 * does. */
static void plan_poll(struct guest *g)
{
    struct step_limit left = engine_left(&g->engine);
    int64_t wait = POLL_NS;

    if (left.ns)
        wait = MIN(wait, left.ns);
    if (left.instructions) /* sooner than they can be over they are not */
        wait = MIN(wait, (int64_t)MIN(left.instructions, (uint64_t)POLL_NS)
                             << g->o.machine.icount_shift);
    machine_pause_at(g->machine, machine_time(g->machine) + wait);
}

/* It stands where it was to be looked at. */
static void look_at_standing(struct guest *g)
{
    if (g->result.verdict != VERDICT_NONE || machine_exit_status(g->machine) >= 0)
        return;
    g->limit_at = UINT64_MAX; /* it was that, and is over */
    poll_script(g, false);
    if (g->result.verdict != VERDICT_NONE)
        return;
    if (g->o.machine.icount)
        plan_poll(g);
    machine_resume(g->machine);
}

static gboolean tick(gpointer opaque)
{
    struct guest *g = opaque;

    g->polls++;
    /* ended() looks for the last time, after all that came before the end */
    if (!g->o.machine.icount && machine_exit_status(g->machine) < 0 &&
        (!engine_watches_screen(&g->engine) || g->polls % SCREEN_EVERY == 0))
        poll_script(g, true);
    if ((g->polls % SAY_EVERY == 0 || g->engine.at != g->told) &&
        g->result.verdict == VERDICT_NONE) {
        g->told = g->engine.at;
        set_text(g, engine_doing(&g->engine));
        say(g);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean last_look(gpointer opaque)
{
    poll_script(opaque, false);
    return G_SOURCE_REMOVE;
}

static void ended(void *opaque)
{
    g_idle_add_full(G_PRIORITY_LOW, last_look, opaque, NULL); /* when all notes were told */
}

static void noted(void *opaque, const struct machine_note *note)
{
    struct guest *g = opaque;

    if (note->event == MACHINE_EVENT_RESET)
        g->resets++;
    if (note->event == MACHINE_EVENT_PAUSED)
        look_at_standing(g);
    if (note->event == MACHINE_EVENT_IMAGE_ERROR && note->policy == BLOCK_ERROR_STOP) {
        char *why =
            g_strdup_printf("the machine stopped: cannot %s the image of drive %u: %s",
                            note->reading ? "read" : "write", note->drive, g_strerror(-note->err));

        end(g, VERDICT_HOST, why); /* going on, it would stop there again */
        g_free(why);
    }
}

static gboolean on_term(gpointer opaque)
{
    struct guest *g = opaque;
    char *why = g_strdup_printf("the host's guard of %u s ran out while it did: %s",
                                g->cfg->spec->guard_s, engine_doing(&g->engine));

    end(g, VERDICT_HOST, why);
    g_free(why);
    return G_SOURCE_CONTINUE;
}

static gboolean on_int(gpointer opaque)
{
    end(opaque, VERDICT_HOST, "interrupted");
    return G_SOURCE_CONTINUE;
}

/* ---- its machine ---- */

static const char *const capture_file[] = {"serial.log", "serial2.log", "serial3.log",
                                           "serial4.log", "debugcon.log"};

/* The spec's place stands before what is wrong in it. */
static bool spec_error(struct guest *g, GError *why, GError **err)
{
    error_option(err, "%s:%u: %s", g->cfg->spec->path, g->cfg->spec->options_line, why->message);
    g_error_free(why);
    return false;
}

static bool make_argv(struct guest *g, GError **err)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    char **with = NULL;
    bool ok = true;

    g_ptr_array_add(argv, g_strdup("penumbra"));
    for (char **s = g->cfg->spec->options; ok && *s; s++) {
        char *expanded = image_expand(&g->names, *s, err);

        ok = expanded != NULL;
        if (ok)
            g_ptr_array_add(argv, expanded);
    }
    if (ok && g->cfg->with && *g->cfg->with)
        ok = g_shell_parse_argv(g->cfg->with, NULL, &with, err);
    for (char **s = with; ok && s && *s; s++)
        g_ptr_array_add(argv, g_strdup(*s));
    g_strfreev(with);
    g_ptr_array_add(argv, NULL);
    g->argv = (char **)g_ptr_array_free(argv, FALSE);
    return ok;
}

/* What only makes sense for a person at the terminal, or is ours to give. */
static bool check_options(const struct options *o, GError **err)
{
    bool serial = strcmp(o->serial[0], "null") != 0;

    for (unsigned n = 1; n < MACHINE_MAX_SERIAL; n++)
        serial |= o->serial[n] != NULL;
    if (serial || o->port_e9)
        return error_option(err, "serial lines and the debug console are the script's: no -serial, "
                                 "-nographic, -debugcon");
    if (o->screendump || (o->display_given && o->display != DISPLAY_NONE))
        return error_option(err, "the screen is the script's: no -display, -screendump");
    if (o->gdb || o->n_monitors)
        return error_option(err, "debuggers and monitors are for the command line: no -gdb, -s, "
                                 "-monitor, -qmp, -mon");
    if (o->profile)
        return error_option(err, "-profile is for the command line");
    if (o->help || o->help_text || o->version || o->machine.start_paused)
        return error_option(err, "-help, -version and -S are for the command line");
    return true;
}

/* The first serial line always, others and the debug console if the script names them. */
static bool open_captures(struct guest *g, GError **err)
{
    const GArray *steps = g->cfg->spec->steps;
    unsigned lines = 1;
    bool console = false;

    for (guint k = 0; k < steps->len; k++) {
        const struct step *s = &g_array_index(steps, struct step, k);

        if ((s->regex || s->bytes) && s->source < SOURCE_DEBUGCON)
            lines = MAX(lines, s->source + 1);
        console |= s->regex && s->source == SOURCE_DEBUGCON;
    }
    for (unsigned k = 0; k < SOURCE_STREAMS; k++) {
        char *path = g_build_filename(g->cfg->folder, capture_file[k], NULL);
        bool wanted = k == SOURCE_DEBUGCON ? console : k < lines;
        bool ok = !wanted || capture_open(&g->capture[k], path, err);

        g_free(path);
        if (!ok)
            return false;
        g->capture[k].count = op_instructions;
        g->capture[k].opaque = g;
        if (k < SOURCE_DEBUGCON)
            g->o.machine.serial[k] = g->capture[k].chr;
        else
            g->o.machine.port_e9 = g->capture[k].chr;
    }
    return true;
}

static bool make_machine(struct guest *g, GError **err)
{
    GError *why = NULL;

    if (!make_argv(g, &why) || !options_parse(&g->o, (int)g_strv_length(g->argv), g->argv, &why) ||
        !check_options(&g->o, &why))
        return spec_error(g, why, err);
    if (!open_captures(g, err))
        return false;
    g->o.machine.lock = &g->lock;
    if (!g->o.machine.ring)
        g->o.machine.ring = LAST_INSNS;
    g->o.machine.ended = ended;
    g->o.machine.opaque = g;
    g->machine = machine_new(&g->o.machine, &why);
    if (!g->machine)
        return spec_error(g, why, err);
    machine_listen(g->machine, noted, g);
    return true;
}

/* SHA-256 of the guest's logs, one behind the other, in the order of capture_file. */
static void sum_logs(const struct guest *g, char *to)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (unsigned k = 0; k < SOURCE_STREAMS; k++) {
        char *path = g_build_filename(g->cfg->folder, capture_file[k], NULL);
        GMappedFile *f = g->capture[k].chr ? g_mapped_file_new(path, FALSE, NULL) : NULL;

        if (f) {
            g_checksum_update(sum, (const guchar *)g_mapped_file_get_contents(f),
                              (gssize)g_mapped_file_get_length(f));
            g_mapped_file_unref(f);
        }
        g_free(path);
    }
    g_strlcpy(to, g_checksum_get_string(sum), RESULT_SUM);
    g_checksum_free(sum);
}

static void hash_state(void *opaque)
{
    struct guest *g = opaque;
    char *state = machine_state_hash(g->machine);

    g_strlcpy(g->result.state, state, RESULT_SUM);
    g_free(state);
}

/* What is the same in each run with counted time. */
static void sum_up(struct guest *g)
{
    if (!machine_while_stopped(g->machine, hash_state, g))
        hash_state(g); /* it has ended */
    sum_logs(g, g->result.serial);
}

/* Until there is a verdict. */
static void run(struct guest *g)
{
    GError *err = NULL;

    if (!make_machine(g, &err)) {
        end_error(g, VERDICT_FAILED, err);
        return;
    }
    g_unix_signal_add(SIGTERM, on_term, g);
    g_unix_signal_add(SIGINT, on_int, g);
    if (g->o.machine.icount)
        machine_pause_at(g->machine, 0); /* the first look is before the first instruction */
    else
        machine_pause_after(g->machine, 0); /* soon after it */
    if (!machine_start(g->machine, &err)) {
        end_error(g, VERDICT_FAILED, err);
        return;
    }
    g->result.started = true;
    say(g);
    g_timeout_add(POLL_MS, tick, g);
    g_main_loop_run(g->loop);
    if (g->o.machine.icount)
        sum_up(g);
    if (g->result.verdict != VERDICT_PASSED || g->cfg->keep)
        artefacts_write(g->machine, &g->lock, g->cfg->folder);
}

void guest_run(const struct guest_config *cfg)
{
    struct guest *g = g_new0(struct guest, 1);
    GError *err = NULL;

    g->cfg = cfg;
    g->loop = g_main_loop_new(NULL, FALSE);
    lock_init(&g->lock);
    engine_init(&g->engine, cfg->spec->steps, &ops, g);
    image_names_init(&g->names, cfg->spec, cfg->folder);
    set_text(g, "gets its images");
    say(g);
    if (image_get_all(&g->names, &err))
        run(g);
    else
        end_error(g, VERDICT_SKIPPED, err);
    say(g);
    machine_free(g->machine);
    lint_close();
    for (unsigned k = 0; k < SOURCE_STREAMS; k++)
        capture_close(&g->capture[k]);
    image_names_clear(&g->names);
    engine_clear(&g->engine);
    result_clear(&g->result);
    options_free(&g->o);
    g_strfreev(g->argv);
    g_main_loop_unref(g->loop);
    lock_clear(&g->lock);
    g_free(g);
}
