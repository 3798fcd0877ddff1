/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See run.h: the command line of the runner, and which guests it means. */
#include "frontends/headless/run.h"

#include "base/error.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "frontends/headless/guest.h"
#include "frontends/headless/spec.h"
#include "frontends/headless/suite.h"

#define MAX_JOBS 256
#define MAX_SLOW 1000

struct args {
    gboolean list, tap, keep, keep_going, fail_fast, no_skip, verbose, one;
    int jobs, slow;
    char **only, *tags, *junit, *artefacts, *with;
    char **paths;
    GPtrArray *specs; /* of struct spec */
};

static bool parse_args(struct args *a, int argc, char **argv, GError **err)
{
    const GOptionEntry entries[] = {
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &a->jobs, "run so many guests at a time (1)", "N"},
        {"only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &a->only,
         "those whose whole name matches; may be repeated", "REGEX"},
        {"tags", 0, 0, G_OPTION_ARG_STRING, &a->tags,
         "those with one of these tags, without one behind !", "TAG,!TAG..."},
        {"with", 0, 0, G_OPTION_ARG_STRING, &a->with, "more options for every machine", "OPTIONS"},
        {"list", 0, 0, G_OPTION_ARG_NONE, &a->list, "list the guests and run none", NULL},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &a->tap, "print TAP 13", NULL},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &a->junit, "write JUnit's XML", "FILE"},
        {"artifacts", 0, 0, G_OPTION_ARG_FILENAME, &a->artefacts,
         "where failures leave a folder (build/artifacts)", "DIR"},
        {"keep", 0, 0, G_OPTION_ARG_NONE, &a->keep, "keep the folders of those that pass", NULL},
        {"keep-going", 0, 0, G_OPTION_ARG_NONE, &a->keep_going, "after a failure, too (so it is)",
         NULL},
        {"fail-fast", 0, 0, G_OPTION_ARG_NONE, &a->fail_fast, "start no guest after a failure",
         NULL},
        {"no-skip", 0, 0, G_OPTION_ARG_NONE, &a->no_skip,
         "a guest whose image cannot be had has failed", NULL},
        {"slow", 0, 0, G_OPTION_ARG_INT, &a->slow, "multiply the guards against hangs (1)", "N"},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &a->verbose, "say what each guest waits for", NULL},
        {"one", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &a->one, NULL, NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->paths, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    GOptionContext *c = g_option_context_new("SPEC... - run guests after their specs");
    bool ok;

    g_option_context_add_main_entries(c, entries, NULL);
    g_option_context_set_description(c, "SPEC is a file, or a directory of files *.ini.");
    ok = g_option_context_parse(c, &argc, &argv, err);
    g_option_context_free(c);
    if (ok && !a->paths)
        return error_option(err, "no spec was given (penumbra run --help)");
    if (ok && (a->jobs < 1 || a->jobs > MAX_JOBS))
        return error_option(err, "-j is a number from 1 to %d", MAX_JOBS);
    if (ok && (a->slow < 1 || a->slow > MAX_SLOW))
        return error_option(err, "--slow is a number from 1 to %d", MAX_SLOW);
    return ok;
}

/* ---- which guests ---- */

static bool matches(const char *const *only, const char *name, bool *yes, GError **err)
{
    *yes = !only;
    for (; only && *only && !*yes; only++) {
        char *whole = g_strdup_printf("^(?:%s)$", *only);
        GRegex *r = g_regex_new(whole, 0, 0, err);

        g_free(whole);
        if (!r)
            return false;
        *yes = g_regex_match(r, name, 0, NULL);
        g_regex_unref(r);
    }
    return true;
}

/* One of the tags, if any is asked for, and none of those behind an exclamation mark. */
static bool tagged(const struct spec *s, const char *tags)
{
    char **tag = g_strsplit(tags ? tags : "", ",", -1);
    bool asked = false, has = false, bad = false;

    for (char **t = tag; *t; t++) {
        if (**t == '!')
            bad |= spec_has_tag(s, *t + 1);
        else if (**t) {
            asked = true;
            has |= spec_has_tag(s, *t);
        }
    }
    g_strfreev(tag);
    return !bad && (has || !asked);
}

static bool add_file(struct args *a, const char *path, GError **err)
{
    struct spec *s = spec_load(path, err);
    bool wanted = false;

    if (!s)
        return false;
    if (!matches((const char *const *)a->only, s->name, &wanted, err)) {
        spec_free(s);
        return false;
    }
    for (unsigned k = 0; k < a->specs->len; k++) {
        const struct spec *other = g_ptr_array_index(a->specs, k);

        if (!strcmp(other->name, s->name)) {
            error_option(err, "%s:1: a guest named %s is in %s, too", path, s->name, other->path);
            spec_free(s);
            return false;
        }
    }
    if (wanted && tagged(s, a->tags))
        g_ptr_array_add(a->specs, s);
    else
        spec_free(s);
    return true;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_directory(struct args *a, const char *path, GError **err)
{
    GDir *d = g_dir_open(path, 0, err);
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    bool ok = d != NULL;

    while (ok && (name = g_dir_read_name(d))) {
        if (g_str_has_suffix(name, ".ini"))
            g_ptr_array_add(files, g_build_filename(path, name, NULL));
    }
    g_ptr_array_sort(files, compare_names);
    for (unsigned k = 0; ok && k < files->len; k++)
        ok = add_file(a, g_ptr_array_index(files, k), err);
    if (ok && !files->len)
        ok = error_option(err, "there is no spec (*.ini) in %s", path);
    g_ptr_array_free(files, TRUE);
    if (d)
        g_dir_close(d);
    return ok;
}

static bool add_all(struct args *a, GError **err)
{
    for (char **p = a->paths; *p; p++) {
        bool dir = g_file_test(*p, G_FILE_TEST_IS_DIR);

        if (!(dir ? add_directory(a, *p, err) : add_file(a, *p, err)))
            return false;
    }
    if (!a->specs->len)
        return error_option(err, "no guest has such a name and such tags");
    return true;
}

/* ---- what is done ---- */

static int list(const struct args *a)
{
    for (unsigned k = 0; k < a->specs->len; k++) {
        const struct spec *s = g_ptr_array_index(a->specs, k);
        char *tags = g_strjoinv(",", s->tags);

        printf("%s\t%s\t%s\n", s->name, tags, s->description);
        g_free(tags);
    }
    return 0;
}

/* In the process of one guest, whose standard output is the suite's to read: nothing else may be
 * written there. It does not outlive the suite. */
static int run_one(const struct args *a)
{
    struct guest_config cfg = {.spec = g_ptr_array_index(a->specs, 0),
                               .folder = a->artefacts,
                               .with = a->with,
                               .keep = a->keep,
                               .out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    guest_run(&cfg);
    return 0;
}

static int run_suite(const struct args *a)
{
    char *artefacts = g_canonicalize_filename(a->artefacts, NULL);
    struct suite_config cfg = {.specs = a->specs,
                               .artefacts = artefacts,
                               .with = a->with,
                               .junit = a->junit,
                               .jobs = (unsigned)a->jobs,
                               .slow = (unsigned)a->slow,
                               .tap = a->tap,
                               .keep = a->keep,
                               .fail_fast = a->fail_fast,
                               .no_skip = a->no_skip,
                               .verbose = a->verbose};
    int status = suite_run(&cfg);

    g_free(artefacts);
    return status;
}

static void free_spec(gpointer s)
{
    spec_free(s);
}

int headless_run(int argc, char **argv)
{
    struct args a = {.jobs = 1, .slow = 1, .specs = g_ptr_array_new_with_free_func(free_spec)};
    GError *err = NULL;
    int status;

    g_set_prgname("penumbra run");
    if (!parse_args(&a, argc, argv, &err) || !add_all(&a, &err)) {
        log_user("%s", err->message);
        g_error_free(err);
        status = 1;
    } else {
        if (!a.artefacts)
            a.artefacts = g_strdup("build/artifacts");
        status = a.list ? list(&a) : a.one ? run_one(&a) : run_suite(&a);
    }
    g_ptr_array_free(a.specs, TRUE);
    g_strfreev(a.only);
    g_strfreev(a.paths);
    g_free(a.tags);
    g_free(a.junit);
    g_free(a.artefacts);
    g_free(a.with);
    return status;
}
