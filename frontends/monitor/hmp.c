/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See hmp.h: which command a line is, its words to arguments as the registry describes them, help.
 */
#include "frontends/monitor/hmp.h"

#include <string.h>

#include "cpu/state.h"
#include "frontends/monitor/expr.h"
#include "machine/machine.h"

struct cpu *hmp_cpu(struct hmp *h)
{
    return machine_cpu(h->mon->machine, h->cpu);
}

/* ---- help ---- */

/* "x [/FORMAT] ADDR" from what the registry has. */
static void print_usage(const struct mon_command *c, GString *out)
{
    const char *spec = c->args;
    struct arg_spec a;

    g_string_append(out, c->name);
    while (args_next(&spec, &a)) {
        char *name = g_ascii_strup(a.name, -1);

        if (a.type == 'b')
            g_string_append_printf(out, " [-%s]", a.name);
        else if (a.type == 'f')
            g_string_append(out, " [/FORMAT]");
        else
            g_string_append_printf(out, a.optional ? " [%s]" : " %s", name);
        g_free(name);
    }
}

static void print_help(const struct mon_command *c, GString *out)
{
    GString *usage = g_string_new(NULL);

    print_usage(c, usage);
    g_string_append_printf(out, usage->len > 32 ? "%s\n%34s-- %s\n" : "%-33s %s-- %s\n", usage->str,
                           "", c->what);
    g_string_free(usage, TRUE);
}

static bool help(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const char *name = args_string(args, "command", NULL);
    bool found = !name;

    (void)h;
    for (unsigned g = 0; hmp_groups[g]; g++) {
        for (unsigned k = 0; k < hmp_groups[g]->n; k++) {
            const struct mon_command *c = &hmp_groups[g]->command[k];
            size_t len = name ? strlen(name) : 0;

            if (name && (strncmp(c->name, name, len) || (c->name[len] && c->name[len] != ' ')))
                continue;
            print_help(c, out);
            found = true;
        }
    }
    return found || monitor_fail(err, "there is no command '%s'", name);
}

static const struct mon_command commands[] = {
    {"help", "command:S?", "tells of the commands, or of one", .hmp = help},
};
static const struct mon_group hmp_help = {commands, G_N_ELEMENTS(commands)};

const struct mon_group *const hmp_groups[] = {
    &hmp_help, &hmp_vm,    &hmp_memory,  &hmp_info, &hmp_chips,
    &hmp_net,  &hmp_input, &hmp_balloon, NULL,
};

/* ---- a line's words ---- */

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"?", "help"}, {"c", "cont"}, {"q", "quit"}, {"s", "stop"}, {"print", "p"},
};

static void skip_space(const char **at)
{
    while (**at == ' ' || **at == '\t')
        ++*at;
}

static char *next_word(const char **at)
{
    const char *from;

    skip_space(at);
    from = *at;
    while (**at && **at != ' ' && **at != '\t')
        ++*at;
    return g_strndup(from, (gsize)(*at - from));
}

/* One word, or several in quotation marks, with backslashes before those. */
static char *next_string(const char **at, GError **err)
{
    GString *s;

    skip_space(at);
    if (**at != '"')
        return next_word(at);
    s = g_string_new(NULL);
    for (++*at; **at != '"'; ++*at) {
        if (**at == '\\' && (*at)[1])
            ++*at;
        if (!**at) {
            g_string_free(s, TRUE);
            monitor_fail(err, "a \" is missing");
            return NULL;
        }
        g_string_append_c(s, **at);
    }
    ++*at;
    return g_string_free(s, FALSE);
}

/* The command whose name the line begins with, which is of one word or two; *at behind it. */
static const struct mon_command *find_command(const char **at, GError **err)
{
    char *first = next_word(at), *both;
    const struct mon_command *c;
    const char *rest = *at;

    for (unsigned k = 0; k < G_N_ELEMENTS(aliases); k++) {
        if (!strcmp(aliases[k].alias, first)) {
            g_free(first);
            first = g_strdup(aliases[k].name);
        }
    }
    c = command_find(hmp_groups, first);
    if (!c) {
        char *second = next_word(&rest);

        both = g_strdup_printf("%s %s", first, second);
        c = command_find(hmp_groups, both);
        if (c)
            *at = rest;
        else if (!strcmp(first, "info"))
            monitor_fail(err,
                         *second ? "there is nothing about '%s' ('help info' lists what there "
                                   "is)"
                                 : "info needs a word%s; 'help info' lists them",
                         second);
        else
            monitor_fail(err, "unknown command '%s' ('help' lists them)", first);
        g_free(second);
        g_free(both);
    }
    g_free(first);
    return c;
}

/* ---- arguments ---- */

static void get_state(void *opaque)
{
    void **p = opaque;

    cpu_get_state(p[0], p[1]);
}

/* `more`: arguments follow. */
static bool parse_expression(struct hmp *h, const char **at, json_t *args, const char *name,
                             bool more, GError **err)
{
    struct x86_state state;
    void *visit[2] = {hmp_cpu(h), &state};
    uint64_t value;

    if (strchr(*at, '$') && !monitor_visit(h->mon, get_state, visit, err))
        return false;
    if (!expr_eval(at, strchr(*at, '$') ? &state : NULL, more, &value, err))
        return false;
    json_object_set_new(args, name, json_integer((json_int_t)value));
    return true;
}

static bool parse_argument(struct hmp *h, const struct arg_spec *a, const char **at, json_t *args,
                           bool more, GError **err)
{
    char flag[40], *text = NULL;

    skip_space(at);
    g_snprintf(flag, sizeof(flag), "-%s", a->name);
    switch (a->type) {
    case 'b':
        if (g_str_has_prefix(*at, flag) && strchr(" \t", (*at)[strlen(flag)])) {
            *at += strlen(flag);
            json_object_set_new(args, a->name, json_true());
        }
        return true;
    case 'f':
        if (**at == '/')
            text = next_word(at);
        break;
    case 'i':
        if (**at)
            return parse_expression(h, at, args, a->name, more, err);
        break;
    case 'S':
        if (**at) {
            text = g_strchomp(g_strdup(*at));
            *at += strlen(*at);
        }
        break;
    default:
        if (**at && !(text = next_string(at, err)))
            return false;
    }
    if (!text)
        return a->optional || monitor_fail(err, "%s is missing", a->name);
    json_object_set_new(args, a->name, json_text(text));
    g_free(text);
    return true;
}

static bool parse_arguments(struct hmp *h, const struct mon_command *c, const char *at,
                            json_t *args, GError **err)
{
    const char *spec = c->args;
    struct arg_spec a;

    while (args_next(&spec, &a)) {
        if (!parse_argument(h, &a, &at, args, *spec != 0, err))
            return false;
    }
    skip_space(&at);
    return !*at || monitor_fail(err, "'%s' is too much", at);
}

static bool run(struct hmp *h, const char *line, GString *out, GError **err)
{
    const struct mon_command *c = find_command(&line, err);
    json_t *args;
    bool ok;

    if (!c)
        return false;
    args = json_object();
    ok = parse_arguments(h, c, line, args, err) && c->hmp(h, args, out, err);
    json_decref(args);
    return ok;
}

void hmp_run(struct hmp *h, const char *line, GString *out)
{
    GError *err = NULL;

    skip_space(&line);
    if (!*line || *line == '#')
        return;
    if (strlen(line) > HMP_LINE_MAX)
        monitor_fail(&err, "the line is too long");
    else
        run(h, line, out, &err);
    if (err) {
        g_string_append_printf(out, "Error: %s\n", err->message);
        g_error_free(err);
    }
    if (hmp_enough(out)) {
        g_string_truncate(out, HMP_OUTPUT_MAX);
        g_string_append(out, "\n(cut off here)\n");
    }
}

char *monitor_human_line(struct monitor *mon, const char *line, unsigned cpu)
{
    struct hmp h = {.mon = mon, .cpu = cpu};
    GString *out = g_string_new(NULL);

    hmp_run(&h, line, out);
    return g_string_free(out, FALSE);
}
