/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: memory and addresses. Nothing that is shown is changed by it. */
#include <inttypes.h>
#include <string.h>

#include "cpu/disas.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/peek.h"
#include "frontends/monitor/hmp.h"
#include "frontends/monitor/walk.h"

#define MAX_COUNT 65536u

/* How `x` shows memory: a count, one of x d u o c i, and a size b h w g. */
struct format {
    unsigned count, size;
    char how;
};

static bool parse_format(const char *text, struct format *f, GError **err)
{
    static const char sizes[] = "bhwg";
    const char *at = text + (*text == '/');
    guint64 n = 0;

    *f = (struct format){.count = 1, .size = 4, .how = 'x'};
    for (; g_ascii_isdigit(*at); at++) {
        n = MIN(n * 10 + (guint64)(*at - '0'), MAX_COUNT + 1);
        f->count = (unsigned)n;
    }
    if (n > MAX_COUNT)
        return monitor_fail(err, "'%s' is more than %u", text, MAX_COUNT);
    for (; *at; at++) {
        if (strchr("xduoci", *at)) {
            f->how = *at;
            if (*at == 'c')
                f->size = 1;
        } else if (strchr(sizes, *at)) {
            f->size = 1u << (strchr(sizes, *at) - sizes);
        } else {
            return monitor_fail(err,
                                "'%s' is no format: a count, one of x d u o c i, one of b h "
                                "w g",
                                text);
        }
    }
    return true;
}

static void print_value(GString *out, const struct format *f, uint64_t v)
{
    int64_t s = (int64_t)(v << (64 - f->size * 8)) >> (64 - f->size * 8);

    switch (f->how) {
    case 'd': g_string_append_printf(out, "%" PRId64, s); break;
    case 'u': g_string_append_printf(out, "%" PRIu64, v); break;
    case 'o': g_string_append_printf(out, "0%" PRIo64, v); break;
    case 'c':
        g_string_append_printf(out, g_ascii_isprint((gchar)v) ? "'%c'" : "'\\x%02x'", (unsigned)v);
        break;
    default: g_string_append_printf(out, "0x%0*" PRIx64, (int)f->size * 2, v);
    }
}

struct dump {
    struct hmp *h;
    struct format f;
    bool physical;
    uint64_t at;
    GString *out;
};

static size_t fetch(const struct dump *d, void *buf, size_t len)
{
    struct cpu *cpu = hmp_cpu(d->h);

    return d->physical ? cpu_peek_physical(cpu, d->at, buf, len) : cpu_peek(cpu, d->at, buf, len);
}

static void say_unreadable(const struct dump *d)
{
    g_string_append_printf(d->out, "%016" PRIx64 ": no memory can be read here\n", d->at);
}

static void dump_code(struct dump *d)
{
    char text[128];
    uint8_t bytes[15];

    for (unsigned k = 0; k < d->f.count && !hmp_enough(d->out); k++) {
        size_t n = fetch(d, bytes, sizeof(bytes)), len;

        if (!n) {
            say_unreadable(d);
            return;
        }
        len = disas(bytes, n, hmp_cpu(d->h)->mode, d->at, text, sizeof(text));
        g_string_append_printf(d->out, "%016" PRIx64 ":  ", d->at);
        for (size_t b = 0; b < 15 && b < MAX(len, 1); b++)
            g_string_append_printf(d->out, "%02x", bytes[b]);
        g_string_append_printf(d->out, "%*s %s\n", MAX(0, 20 - 2 * (int)len), "",
                               len ? text : "(no instruction)");
        d->at += MAX(len, 1);
    }
}

static void dump_data(struct dump *d)
{
    unsigned a_line = d->f.how == 'c' ? 8 : 16 / d->f.size;

    for (unsigned k = 0; k < d->f.count && !hmp_enough(d->out); k++) {
        uint64_t v = 0;

        if (fetch(d, &v, d->f.size) != d->f.size) {
            if (k % a_line)
                g_string_append_c(d->out, '\n');
            say_unreadable(d);
            return;
        }
        if (k % a_line == 0)
            g_string_append_printf(d->out, "%016" PRIx64 ":", d->at);
        g_string_append_c(d->out, ' ');
        print_value(d->out, &d->f, v);
        if ((k + 1) % a_line == 0 || k + 1 == d->f.count)
            g_string_append_c(d->out, '\n');
        d->at += d->f.size;
    }
}

static void dump(void *opaque)
{
    struct dump *d = opaque;

    if (d->f.how == 'i')
        dump_code(d);
    else
        dump_data(d);
}

static bool examine(struct hmp *h, json_t *args, GString *out, bool physical, GError **err)
{
    struct dump d = {.h = h, .physical = physical, .out = out};

    d.at = (uint64_t)args_int(args, "addr", (int64_t)h->next);
    if (!parse_format(args_string(args, "format", ""), &d.f, err) ||
        !monitor_visit(h->mon, dump, &d, err))
        return false;
    h->next = d.at;
    return true;
}

static bool x(struct hmp *h, json_t *args, GString *out, GError **err)
{
    return examine(h, args, out, false, err);
}

static bool xp(struct hmp *h, json_t *args, GString *out, GError **err)
{
    return examine(h, args, out, true, err);
}

static bool p(struct hmp *h, json_t *args, GString *out, GError **err)
{
    struct format f;

    (void)h;
    if (!parse_format(args_string(args, "format", ""), &f, err))
        return false;
    if (f.how == 'i')
        return monitor_fail(err, "a value has no format i");
    f.size = 8;
    if (f.how == 'x')
        g_string_append_printf(out, "0x%" PRIx64, (uint64_t)args_int(args, "expr", 0));
    else
        print_value(out, &f, (uint64_t)args_int(args, "expr", 0));
    g_string_append_c(out, '\n');
    return true;
}

/* ---- addresses ---- */

struct question {
    struct hmp *h;
    uint64_t addr;
    GString *out;
};

static void tell_gva2gpa(void *opaque)
{
    struct question *q = opaque;
    gpa_t gpa;

    if (cpu_peek_gpa(hmp_cpu(q->h), q->addr, &gpa))
        g_string_append_printf(q->out, "gpa: 0x%" PRIx64 "\n", gpa);
    else
        g_string_append(q->out, "not mapped\n");
}

static void tell_gpa2hva(void *opaque)
{
    struct question *q = opaque;
    const struct memslot *s = memslots_find(hmp_cpu(q->h)->slots, q->addr >> PAGE_SHIFT);

    if (!s)
        g_string_append(q->out, "no memory there: a device, or nothing\n");
    else
        g_string_append_printf(q->out,
                               "hva: %p (memory slot %d, 0x%" PRIx64 " to 0x%" PRIx64 "%s)\n",
                               (void *)memslot_hva(s, q->addr), s->id, s->base_gfn << PAGE_SHIFT,
                               ((s->base_gfn + s->npages) << PAGE_SHIFT) - 1,
                               memslot_readonly(s) ? ", read-only" : "");
}

static void tell_walk(void *opaque)
{
    struct question *q = opaque;

    walk_explain(hmp_cpu(q->h), q->addr, q->out);
}

static bool ask(struct hmp *h, json_t *args, GString *out, void (*tell)(void *opaque), GError **err)
{
    struct question q = {h, (uint64_t)args_int(args, "addr", 0), out};

    return monitor_visit(h->mon, tell, &q, err);
}

static bool gva2gpa(struct hmp *h, json_t *args, GString *out, GError **err)
{
    return ask(h, args, out, tell_gva2gpa, err);
}

static bool gpa2hva(struct hmp *h, json_t *args, GString *out, GError **err)
{
    return ask(h, args, out, tell_gpa2hva, err);
}

static bool walk(struct hmp *h, json_t *args, GString *out, GError **err)
{
    return ask(h, args, out, tell_walk, err);
}

static const struct mon_command commands[] = {
    {"x", "format:f?,addr:i?", "shows memory at a linear address; /COUNT, x d u o c i, b h w g",
     .hmp = x},
    {"xp", "format:f?,addr:i?", "shows memory at a physical address", .hmp = xp},
    {"p", "format:f?,expr:i", "the value of an expression", .hmp = p},
    {"gva2gpa", "addr:i", "where a linear address lies in physical memory", .hmp = gva2gpa},
    {"gpa2hva", "addr:i", "where a physical address lies in Penumbra's memory", .hmp = gpa2hva},
    {"walk", "addr:i", "the page walk of a linear address, level by level", .hmp = walk},
};
const struct mon_group hmp_memory = {commands, G_N_ELEMENTS(commands)};
