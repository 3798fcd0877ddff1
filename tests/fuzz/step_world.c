/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine around the vCPU of the target `step`: memory, slots, hooks, what happens from
 * outside.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/blocks.h"
#include "cpu/cpuid.h"
#include "cpu/mmu.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "tests/fuzz/code.h"
#include "tests/fuzz/step.h"
#include "tests/fuzz/target.h"

enum { SLOT_RAM, SLOT_ROM, SLOT_LOG, SLOT_HIGH };

/* ---- hooks ---- */

static uint64_t port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    return zext(UINT64_C(0x9e3779b97f4a7c15) * port, size);
}

static void port_write(void *opaque, uint16_t port, uint64_t val, unsigned size)
{
    struct step *st = opaque;

    (void)val, (void)size;
    if (port == 0xf4)
        cpu_set_event(st->cpu, EV_STOP);
}

static uint64_t mmio_read(void *opaque, gpa_t gpa, unsigned size)
{
    (void)opaque;
    return zext(UINT64_C(0x9e3779b97f4a7c15) * (gpa + 1), size);
}

static void mmio_write(void *opaque, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)opaque, (void)gpa, (void)val, (void)size;
}

static int int_ack(void *opaque)
{
    struct step *st = opaque;
    int v = st->vector;

    st->vector = -1;
    cpu_clear_event(st->cpu, EV_INTR);
    return v;
}

static uint8_t get_cr8(void *opaque)
{
    return ((struct step *)opaque)->cr8;
}

static void set_cr8(void *opaque, uint8_t v)
{
    ((struct step *)opaque)->cr8 = v;
}

static uint64_t get_apic_base(void *opaque)
{
    return ((struct step *)opaque)->apic_base;
}

static bool set_apic_base(void *opaque, uint64_t v)
{
    ((struct step *)opaque)->apic_base = v;
    return !(v & 1);
}

static uint64_t get_tsc_deadline(void *opaque)
{
    (void)opaque;
    return 0;
}

static void set_tsc_deadline(void *opaque, uint64_t tsc)
{
    (void)opaque, (void)tsc;
}

static void smm_changed(void *opaque, bool in_smm)
{
    (void)opaque, (void)in_smm;
}

static int64_t now(void *opaque)
{
    return ((struct step *)opaque)->now += 1000;
}

static void wait_for_event(void *opaque)
{
    cpu_set_event(((struct step *)opaque)->cpu, EV_STOP);
}

static void ferr(void *opaque, bool level)
{
    (void)opaque, (void)level;
}

/* ---- the map, as a board has it ---- */

static void map_changed(void *opaque, const struct memslots *was, const struct memslots *is)
{
    struct step *st = opaque;

    if (!memslots_same_memory(was, is))
        cpu_set_event(st->cpu, EV_FLUSH);
    cpu_group_flush(st->group, NULL);
    if (st->shadow)
        mmu_shadow_synchronize(st->shadow);
}

static void tracked_written(void *opaque, gpa_t gpa, size_t len)
{
    struct step *st = opaque;

    cpu_group_code_written(st->group, NULL, gpa, len);
    if (st->shadow)
        mmu_shadow_written(st->shadow, gpa, len);
}

static void log_protect(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask)
{
    mmu_shadow_write_protect(((struct step *)opaque)->shadow, s, first, mask);
}

static void log_flush(void *opaque)
{
    cpu_group_flush(((struct step *)opaque)->group, NULL);
}

static bool log_stopped(void *opaque)
{
    (void)opaque;
    return true;
}

static void change(struct step *st, enum memslots_op op, int id, gpa_t gpa, uint64_t size,
                   uint8_t *hva, uint32_t flags)
{
    struct memslots_change c = {
        .op = op, .id = id, .gpa = gpa, .size = size, .hva = hva, .flags = flags};

    fuzz_expect(memslots_change(st->slots, &c) == MEMSLOTS_OK);
}

static uint8_t *pages(size_t size)
{
    uint8_t *p = aligned_alloc(4096, size);

    memset(p, 0, size);
    return p;
}

/* ---- the log ---- */

static uint32_t log_flags(const struct step *st)
{
    return st->logging ? MEMSLOT_LOG_DIRTY : 0;
}

void step_harvest(struct step *st)
{
    uint64_t dirty[1] = {0};

    if (!st->log_at || !st->logging)
        return;
    dirty_log_harvest(st->slots, SLOT_LOG, dirty);
    for (unsigned k = 0; k < STEP_LOG_SIZE >> 12; k++) {
        if (memcmp(st->log + k * 4096, st->log_seen + k * 4096, 4096) != 0)
            fuzz_expect(dirty[0] >> k & 1);
    }
    memcpy(st->log_seen, st->log, STEP_LOG_SIZE);
}

/* The slot that is logged goes, comes, moves, or is logged or not. */
static void change_map(struct step *st)
{
    static const gpa_t places[] = {STEP_LOG, 0x40000, 0x100000, 0xfee00000, UINT64_C(0x100000000)};
    gpa_t to = places[fuzz_below(&st->events, ARRAY_SIZE(places))];

    step_harvest(st);
    switch (fuzz_below(&st->events, 3)) {
    case 0:
        if (st->log_at)
            change(st, MEMSLOTS_DELETE, SLOT_LOG, 0, 0, NULL, 0);
        else
            change(st, MEMSLOTS_CREATE, SLOT_LOG, to, STEP_LOG_SIZE, st->log, log_flags(st));
        st->log_at = st->log_at ? 0 : to;
        break;
    case 1:
        if (!st->log_at)
            return;
        change(st, MEMSLOTS_MOVE, SLOT_LOG, to, STEP_LOG_SIZE, st->log, log_flags(st));
        st->log_at = to;
        break;
    default:
        if (!st->log_at)
            return;
        st->logging = !st->logging;
        change(st, MEMSLOTS_FLAGS, SLOT_LOG, st->log_at, STEP_LOG_SIZE, st->log, log_flags(st));
        break;
    }
    memcpy(st->log_seen, st->log, STEP_LOG_SIZE);
}

/* ---- events ---- */

static void dma(struct step *st)
{
    static const unsigned first[] = {STEP_CODE, STEP_TABLES, STEP_GDT, STEP_STACK};
    unsigned page = first[fuzz_below(&st->events, 4)] + fuzz_below(&st->events, 2);
    gpa_t gpa = (gpa_t)page << 12 | fuzz_below(&st->events, 4096);
    uint8_t buf[16];

    fuzz_fill(&st->events, buf, sizeof(buf));
    memslots_write(st->slots, gpa, buf, 1 + fuzz_below(&st->events, 16));
}

static void toggle_a20(struct step *st)
{
    st->a20 = !st->a20;
    cpu_set_a20(st->cpu, st->a20);
}

void step_event(struct step *st)
{
    struct fuzz_input *in = &st->events;

    switch (fuzz_below(in, 64)) {
    case 1: cpu_set_event(st->cpu, EV_NMI); break;
    case 2: cpu_set_event(st->cpu, EV_SMI); break;
    case 3:
        st->vector = fuzz_u8(in);
        cpu_set_event(st->cpu, EV_INTR);
        break;
    case 4: cpu_set_event(st->cpu, EV_INIT); break;
    case 5:
        st->cpu->sipi_vector = fuzz_u8(in);
        cpu_set_event(st->cpu, EV_SIPI);
        break;
    case 6: toggle_a20(st); break;
    case 7: cpu_set_event(st->cpu, EV_FLUSH); break;
    case 8: cpu_group_flush(st->group, NULL); break;
    case 9: step_harvest(st); break;
    case 10: change_map(st); break;
    case 11:
    case 12:
    case 13: dma(st); break;
    default: break;
    }
}

/* ---- life ---- */

/* Any model, and now and then a feature that it has not or is to be without. */
static void pick_model(struct step *st, char *spec, size_t size)
{
    unsigned n, n_names;
    const struct cpu_model *models = cpu_models_list(&n);
    const char *const *names = cpu_feature_names(&n_names);
    unsigned k = fuzz_below(&st->in, 2) ? 0 : fuzz_below(&st->in, n);
    struct cpu_spec parsed;
    char word[64];

    snprintf(spec, size, "%s,%c%s", models[k].name, fuzz_below(&st->in, 2) ? '+' : '-',
             names[fuzz_below(&st->in, n_names)]);
    if (cpu_spec_parse(spec, &parsed, word, sizeof(word)) != CPU_SPEC_OK)
        snprintf(spec, size, "%s", models[k].name);
}

static void make_memory(struct step *st)
{
    st->ram = pages(STEP_RAM);
    st->rom = pages(STEP_ROM_SIZE);
    st->log = pages(STEP_LOG_SIZE);
    st->log_seen = pages(STEP_LOG_SIZE);
    st->high = pages(STEP_HIGH_SIZE);
    st->slots = memslots_new();
    st->log_at = STEP_LOG;
    change(st, MEMSLOTS_CREATE, SLOT_RAM, 0, STEP_RAM, st->ram, 0);
    change(st, MEMSLOTS_CREATE, SLOT_ROM, STEP_ROM, STEP_ROM_SIZE, st->rom, MEMSLOT_READONLY);
    change(st, MEMSLOTS_CREATE, SLOT_HIGH, STEP_HIGH, STEP_HIGH_SIZE, st->high, 0);
    change(st, MEMSLOTS_CREATE, SLOT_LOG, STEP_LOG, STEP_LOG_SIZE, st->log, 0);
}

void step_make(struct step *st)
{
    struct dirty_protect protect = {.opaque = st, .flush = log_flush, .stopped = log_stopped};
    char spec[64];
    struct cpu_config cfg = {
        .model = spec,
        .mmu = &mmu_walk_ops,
        .tsc_khz = 1000000,
        .hooks = {.opaque = st,
                  .port_read = port_read,
                  .port_write = port_write,
                  .mmio_read = mmio_read,
                  .mmio_write = mmio_write,
                  .int_ack = int_ack,
                  .get_cr8 = get_cr8,
                  .set_cr8 = set_cr8,
                  .get_apic_base = get_apic_base,
                  .set_apic_base = set_apic_base,
                  .get_tsc_deadline = get_tsc_deadline,
                  .set_tsc_deadline = set_tsc_deadline,
                  .smm_changed = smm_changed,
                  .now = now,
                  .wait_for_event = wait_for_event,
                  .ferr = ferr},
    };

    st->vector = -1;
    st->a20 = true;
    st->apic_base = 0xfee00900;
    pick_model(st, spec, sizeof(spec));
    make_memory(st);
    st->group = cpu_group_new();
    cfg.slots = st->slots;
    cfg.group = st->group;
    if ((fuzz_below(&st->in, 4) != 0) != st->other_mmu) {
        st->shadow = mmu_shadow_new(st->group, st->slots);
        protect.protect = log_protect;
    }
    memslots_set_dirty_protect(st->slots, &protect);
    st->cpu = cpu_new(&cfg);
    fuzz_expect(st->cpu);
    st->cpu->features &= ~(FEAT(RDRAND) | FEAT(RDSEED)); /* the same each time */
    if (st->shadow)
        mmu_shadow_attach(st->cpu, st->shadow);
    memslots_set_hooks(st->slots, st, map_changed, tracked_written);
    st->logging = fuzz_below(&st->in, 2);
    change(st, MEMSLOTS_FLAGS, SLOT_LOG, STEP_LOG, STEP_LOG_SIZE, st->log, log_flags(st));
}

void step_free(struct step *st)
{
    if (st->shadow)
        mmu_shadow_detach(st->cpu);
    cpu_free(st->cpu);
    mmu_shadow_free(st->shadow);
    cpu_group_free(st->group);
    memslots_free(st->slots);
    free(st->ram);
    free(st->rom);
    free(st->log);
    free(st->log_seen);
    free(st->high);
}
