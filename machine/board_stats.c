/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_stats.h. */
#include "machine/board_stats.h"

#include <inttypes.h>
#include <stdarg.h>

#include "cpu/mmu_shadowed.h"

/* Where lines go. */
struct reader {
    void (*line)(void *opaque, const char *text);
    void *opaque;
};

__attribute__((format(printf, 2, 3))) static void say(const struct reader *to, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    to->line(to->opaque, text);
    g_free(text);
}

static void print_shadow(const struct shadow_stats *s, const struct reader *to)
{
    say(to,
        "shadow: %" PRIu64 " fills, of them %" PRIu64 " prefetched (%" PRIu64 " used), %" PRIu64
        " retries",
        s->fills, s->prefetched, s->prefetch_hits, s->retries);
    say(to,
        "shadow pages: %" PRIu64 " made, %" PRIu64 " zapped, of them %" PRIu64
        " evicted and %" PRIu64 " flooded, %" PRIu64 " huge pages recovered",
        s->pages_made, s->pages_zapped, s->pages_evicted, s->floods, s->recoveries);
    say(to,
        "guest tables: %" PRIu64 " tracked writes, %" PRIu64 " unsyncs, %" PRIu64 " syncs, %" PRIu64
        " flushes",
        s->tracked_writes, s->unsyncs, s->syncs, s->flushes);
}

void board_stats_print(const struct board_stats *s, void (*line)(void *opaque, const char *text),
                       void *opaque)
{
    const struct reader to = {.line = line, .opaque = opaque};

    say(&to, "mmu=%s: %" PRIu64 " TLB fills, %" PRIu64 " guest walks",
        s->has_shadow ? "shadow" : "walk", s->tlb_fills, s->walks);
    if (s->has_shadow)
        print_shadow(&s->shadow, &to);
    if (s->audits)
        say(&to, "audits: %" PRIu64 ", nothing found", s->audits);
    say(&to, "code: %" PRIu64 " blocks decoded, %" PRIu64 " of them written to", s->blocks, s->smc);
}

static void print_images(const struct board *b, const struct reader *to)
{
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        const struct block *image = b->drive[n].block;
        struct block_stats s;

        if (!image)
            continue;
        s = block_stats(image);
        say(to,
            "%s: %" PRIu64 " reads of %" PRIu64 " bytes, %" PRIu64 " writes of %" PRIu64
            " bytes, %" PRIu64 " flushes, %" PRIu64 " times made durable",
            block_name(image), s.reads, s.read_bytes, s.writes, s.write_bytes, s.flushes, s.syncs);
    }
}

void board_print_stats(const struct board *b, void (*line)(void *opaque, const char *text),
                       void *opaque)
{
    struct board_stats s = {.audits = b->audits, .has_shadow = b->shadow != NULL};

    for (unsigned n = 0; n < b->n_cpus; n++) {
        const struct cpu *cpu = b->cpu[n].cpu;

        s.tlb_fills += cpu->stat_tlb_fills;
        s.walks += cpu->stat_walks;
        s.blocks += cpu->stat_blocks;
        s.smc += cpu->stat_smc;
    }
    if (b->shadow) {
        mmu_shadow_stats(b->shadow, &s.shadow);
        s.walks += s.shadow.walks;
    }
    board_stats_print(&s, line, opaque);
    print_images(b, &(const struct reader){.line = line, .opaque = opaque});
}

/* Counters that a vCPU's thread changes meanwhile. */
static uint64_t look(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void board_count(const struct board *b, struct machine_counters *out)
{
    struct shadow_stats s;

    *out =
        (struct machine_counters){.time_ns = clock_now(b->clock), .has_shadow = b->shadow != NULL};
    for (unsigned n = 0; n < b->n_cpus; n++) {
        const struct cpu *cpu = b->cpu[n].cpu;

        out->instructions += look(&cpu->icount);
        out->tlb_fills += look(&cpu->stat_tlb_fills);
        out->walks += look(&cpu->stat_walks);
        out->blocks += look(&cpu->stat_blocks);
        out->smc += look(&cpu->stat_smc);
    }
    if (!b->shadow)
        return;
    mmu_shadow_stats(b->shadow, &s);
    out->walks += s.walks;
    out->shadow_fills = s.fills;
    out->prefetched = s.prefetched;
    out->pages_made = s.pages_made;
    out->pages_zapped = s.pages_zapped;
    out->tracked_writes = s.tracked_writes;
    out->syncs = s.syncs;
    out->flushes = s.flushes;
}
