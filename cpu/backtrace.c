/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backtrace.h. The forms of CALL: SDM volume 2, CALL; frames: System V ABI, AMD64 supplement,
 * 3.2.2. */
#include "cpu/backtrace.h"

#include "base/bits.h"
#include "base/symbols.h"
#include "cpu/peek.h"

#define FRAME_MAX 0x10000u /* bytes that a frame pointer may lie above the stack pointer */
#define SCAN_MAX  256      /* words to look at for a return address */
#define FUNC_MAX  0x10000u /* bytes into a function that its caller may have entered at its start  \
                            */

struct walk {
    struct cpu *cpu;
    unsigned word;   /* bytes */
    uint64_t sp, fp; /* linear */
};

static bool read_word(const struct walk *w, uint64_t at, uint64_t *v)
{
    uint8_t b[8];

    if (cpu_peek(w->cpu, at, b, w->word) != w->word)
        return false;
    *v = ld_le(b, w->word);
    return true;
}

/* Is `inner` in the function that begins at `entry`? */
static bool within(uint64_t inner, uint64_t entry)
{
    uint64_t start;

    if (symbols_start(inner, &start))
        return start == entry;
    return inner - entry < FUNC_MAX;
}

/* An indirect call of n bytes that ends where b does: FF /2 with nothing or REX before it. */
static bool is_indirect_call(const uint8_t *b, unsigned n)
{
    unsigned rex = n > 2 && (b[0] & 0xf0) == 0x40, mod, rm, want = 2;

    b += rex;
    if (b[0] != 0xff || (b[1] & 0x38) != 0x10)
        return false;
    mod = b[1] >> 6;
    rm = b[1] & 7;
    if (mod != 3 && rm == 4) /* SIB */
        want += 1 + (mod == 0 && (b[2] & 7) == 5 ? 4 : 0);
    want += mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
    return want + rex == n;
}

/* Can code at `inner` return to `to`, since a call to its function stands before that? */
static bool returns_to(const struct walk *w, uint64_t inner, uint64_t to)
{
    uint8_t b[8];

    if (to < sizeof(b) || cpu_peek(w->cpu, to - sizeof(b), b, sizeof(b)) != sizeof(b))
        return false;
    if (b[3] == 0xe8) {
        uint64_t entry = to + (uint64_t)(int64_t)(int32_t)ld_le32(b + 4);

        if (within(inner, w->word == 8 ? entry : (uint32_t)entry))
            return true;
    }
    for (unsigned n = 2; n <= 8; n++) {
        if (is_indirect_call(b + sizeof(b) - n, n))
            return true;
    }
    return false;
}

static bool by_frame(struct walk *w, uint64_t inner, uint64_t *ret)
{
    uint64_t fp;

    if (w->fp - w->sp >= FRAME_MAX || w->fp % w->word || !read_word(w, w->fp, &fp) ||
        !read_word(w, w->fp + w->word, ret) || !returns_to(w, inner, *ret))
        return false;
    w->sp = w->fp + 2 * w->word;
    w->fp = fp;
    return true;
}

static bool by_scan(struct walk *w, uint64_t inner, uint64_t *ret)
{
    for (unsigned k = 0; k < SCAN_MAX; k++) {
        if (!read_word(w, w->sp + (uint64_t)k * w->word, ret))
            return false;
        if (returns_to(w, inner, *ret)) {
            w->sp += (uint64_t)(k + 1) * w->word;
            return true;
        }
    }
    return false;
}

unsigned cpu_backtrace(struct cpu *cpu, uint64_t *pc, unsigned max)
{
    unsigned code = cpu->mode & MODE_CODE, n = 1;
    uint64_t base = code == MODE_64 ? 0 : cpu->seg[SEG_SS].base;
    struct walk w = {.cpu = cpu, .word = code == MODE_64 ? 8 : 4};

    pc[0] = cpu->code_base + cpu->gpr[REG_RIP];
    if (code != MODE_64 && (code != MODE_32 || cpu->code_base))
        return 1;
    w.sp = (base + cpu->gpr[REG_RSP]) & ~(uint64_t)(w.word - 1);
    w.fp = base + cpu->gpr[REG_RBP];
    while (n < max && (by_frame(&w, pc[n - 1], &pc[n]) || by_scan(&w, pc[n - 1], &pc[n])))
        n++;
    return n;
}
