/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See profile.h. */
#include "machine/profile.h"

#include <inttypes.h>
#include <string.h>

#include "base/lock.h"
#include "base/symbols.h"
#include "cpu/backtrace.h"

#define MAX_DEPTH 64

struct profile {
    struct lock lock;   /* innermost; protects the next two */
    GHashTable *stacks; /* char * to guint64 * */
    uint64_t samples;
    GThread *thread;
    _Atomic bool stop;
    struct cpu *const *cpus;
    unsigned n_cpus;
};

struct profile *profile_new(void)
{
    struct profile *p = g_new0(struct profile, 1);

    lock_init(&p->lock);
    p->stacks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return p;
}

static const char *world(const struct cpu *cpu)
{
    if (cpu->in_smm)
        return "smm";
    if (cpu_real_or_v86(cpu))
        return cpu->rflags & FL_VM ? "v86" : "real";
    return cpu->cpl == 3 ? "user" : "kernel";
}

/* The function; without its name, the page. */
static void add_frame(GString *s, uint64_t pc)
{
    char name[128], *plus;

    g_string_append_c(s, ';');
    if (!symbols_name(pc, name, sizeof(name))) {
        g_string_append_printf(s, "0x%" PRIx64, pc & PAGE_MASK);
        return;
    }
    plus = strrchr(name, '+');
    if (plus)
        *plus = 0;
    for (char *c = name; *c; c++) /* what separates */
        *c = *c == ';' || *c == ' ' ? '_' : *c;
    g_string_append(s, name);
}

void profile_take(struct profile *p, struct cpu *cpu)
{
    uint64_t pc[MAX_DEPTH], *count;
    unsigned n = cpu_backtrace(cpu, pc, MAX_DEPTH);
    GString *s = g_string_new(world(cpu));

    while (n-- > 0)
        add_frame(s, n ? pc[n] - 1 : pc[0]); /* a call may be its function's last instruction */
    lock_take(&p->lock);
    p->samples++;
    count = g_hash_table_lookup(p->stacks, s->str);
    if (count) {
        ++*count;
        g_string_free(s, TRUE);
    } else {
        count = g_new(uint64_t, 1);
        *count = 1;
        g_hash_table_insert(p->stacks, g_string_free(s, FALSE), count);
    }
    lock_drop(&p->lock);
}

uint64_t profile_samples(struct profile *p)
{
    uint64_t n;

    lock_take(&p->lock);
    n = p->samples;
    lock_drop(&p->lock);
    return n;
}

/* ---- asking ---- */

static gpointer ask(gpointer opaque)
{
    struct profile *p = opaque;

    while (!atomic_load(&p->stop)) {
        g_usleep(G_USEC_PER_SEC / PROFILE_HZ);
        for (unsigned k = 0; k < p->n_cpus; k++)
            cpu_set_event(p->cpus[k], EV_SAMPLE); /* one that halts hears of it when it wakes */
    }
    return NULL;
}

void profile_start(struct profile *p, struct cpu *const *cpus, unsigned n)
{
    p->cpus = cpus;
    p->n_cpus = n;
    p->thread = g_thread_new("profile", ask, p);
}

void profile_stop(struct profile *p)
{
    if (!p->thread)
        return;
    atomic_store(&p->stop, true);
    g_thread_join(p->thread);
    p->thread = NULL;
}

/* ---- the file ---- */

bool profile_write(struct profile *p, const char *path, GError **err)
{
    GString *out = g_string_new(NULL);
    GList *keys;
    bool ok;

    lock_take(&p->lock);
    keys = g_list_sort(g_hash_table_get_keys(p->stacks), (GCompareFunc)strcmp);
    for (GList *k = keys; k; k = k->next)
        g_string_append_printf(out, "%s %" PRIu64 "\n", (char *)k->data,
                               *(uint64_t *)g_hash_table_lookup(p->stacks, k->data));
    g_list_free(keys);
    lock_drop(&p->lock);
    ok = g_file_set_contents(path, out->str, (gssize)out->len, err);
    g_string_free(out, TRUE);
    return ok;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    profile_stop(p);
    g_hash_table_destroy(p->stacks);
    lock_clear(&p->lock);
    g_free(p);
}
