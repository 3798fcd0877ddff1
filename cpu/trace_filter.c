/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See trace_filter.h. */
#include "cpu/trace_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct filter {
    unsigned n_ranges, n_spaces;
    struct {
        uint64_t first, last;
    } range[TRACE_FILTER_MAX];
    uint64_t space[TRACE_FILTER_MAX];
    unsigned cpls; /* a bit a level; 0: any */
};

static struct filter filter;

/* A number in C's notations, which *end points behind; false when there is none. */
static bool number(const char *s, const char **end, uint64_t *v)
{
    char *e;

    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    *v = strtoull(s, &e, 0);
    *end = e;
    return !errno;
}

static const char *add_range(struct filter *f, const char *s, const char *end)
{
    uint64_t a, b, first, last;
    const char *p;
    char kind;

    if (!number(s, &p, &a) || p >= end)
        return "is not FIRST..LAST, FROM+SIZE or FROM-SIZE";
    kind = *p++;
    if (kind == '.' && *p++ != '.')
        return "is not FIRST..LAST, FROM+SIZE or FROM-SIZE";
    if (!strchr(".+-", kind) || !number(p, &p, &b) || p != end)
        return "is not FIRST..LAST, FROM+SIZE or FROM-SIZE";
    if (kind != '.' && !b)
        return "has the size 0";
    first = kind == '-' ? a - (b - 1) : a;
    last = kind == '.' ? b : kind == '+' ? a + (b - 1) : a;
    if (last < first)
        return "ends before it begins";
    if (f->n_ranges == TRACE_FILTER_MAX)
        return "is one range too many";
    f->range[f->n_ranges].first = first;
    f->range[f->n_ranges++].last = last;
    return NULL;
}

static const char *add_item(struct filter *f, const char *s, const char *end)
{
    const char *p;
    uint64_t v;

    if (!strncmp(s, "cpl=", 4)) {
        if (!number(s + 4, &p, &v) || p != end || v > 3)
            return "is not cpl=0 to cpl=3";
        f->cpls |= 1u << v;
        return NULL;
    }
    if (!strncmp(s, "cr3=", 4)) {
        if (!number(s + 4, &p, &v) || p != end)
            return "is not cr3=VALUE";
        if (f->n_spaces == TRACE_FILTER_MAX)
            return "is one address space too many";
        f->space[f->n_spaces++] = v >> PAGE_SHIFT;
        return NULL;
    }
    return add_range(f, s, end);
}

const char *trace_filter_add(const char *list, const char **bad)
{
    struct filter f = filter;

    for (const char *s = list; *s;) {
        size_t len = strcspn(s, ",");
        const char *why = add_item(&f, s, s + len);

        if (why) {
            *bad = s;
            return why;
        }
        s += len + (s[len] == ',');
    }
    filter = f;
    return NULL;
}

void trace_filter_clear(void)
{
    filter = (struct filter){0};
}

bool trace_wanted(const struct cpu *cpu)
{
    uint64_t at = cpu->code_base + cpu->gpr[REG_RIP];
    bool here = !filter.n_ranges, space = !filter.n_spaces;

    if (filter.cpls && !(filter.cpls >> cpu->cpl & 1))
        return false;
    for (unsigned k = 0; k < filter.n_spaces; k++)
        space |= filter.space[k] == cpu->cr3 >> PAGE_SHIFT;
    for (unsigned k = 0; k < filter.n_ranges; k++)
        here |= at >= filter.range[k].first && at <= filter.range[k].last;
    return here && space;
}
