/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines of the same input, but one under mmu=shadow and the other under mmu=walk, go the
 * same way, instruction by instruction: registers and memory, accessed and dirty bits too. Both
 * begin each instruction with empty TLBs, since how long what a guest has not flushed is remembered
 * is each MMU's own.
 */
#include <stdio.h>

#include "tests/fuzz/step.h"
#include "tests/fuzz/target.h"

static bool same_bytes(const char *what, const uint8_t *a, const uint8_t *b, size_t size)
{
    if (memcmp(a, b, size) == 0)
        return true;
    for (size_t k = 0; k < size; k++) {
        if (a[k] != b[k]) {
            fprintf(stderr, "%s differs at %zx: %02x and %02x\n", what, k, a[k], b[k]);
            break;
        }
    }
    return false;
}

static void compare(const struct step *a, const struct step *b)
{
    struct x86_state sa, sb;
    bool same;

    cpu_get_state(a->cpu, &sa);
    cpu_get_state(b->cpu, &sb);
    sa.tsc = sb.tsc;
    same = same_bytes("state", (uint8_t *)&sa, (uint8_t *)&sb, sizeof(sa));
    same &= same_bytes("RAM", a->ram, b->ram, STEP_RAM);
    same &= same_bytes("logged RAM", a->log, b->log, STEP_LOG_SIZE);
    same &= same_bytes("high RAM", a->high, b->high, STEP_HIGH_SIZE);
    if (!same)
        cpu_dump(b->cpu, stderr);
    fuzz_expect(same);
}

void step_run_twins(struct step *a, struct step *b)
{
    unsigned turns = 1 + fuzz_below(&a->events, 6);

    while (turns--) {
        cpu_tlb_flush(a->cpu, true);
        cpu_tlb_flush(b->cpu, true);
        fuzz_expect(cpu_run(a->cpu, 1) == cpu_run(b->cpu, 1));
        compare(a, b);
    }
}
