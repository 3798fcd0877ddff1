/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one test case of the differential fuzzer is made of: where its memory lies, which selectors
 * there are, and the whole user-visible state of a processor before and after. Both processors, the
 * host's and the emulated one, have the same 64 KiB at the same linear addresses, and the same
 * descriptors.
 */
#ifndef TESTS_DIFF_STATE_H
#define TESTS_DIFF_STATE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/x86.h"

/* The region, by linear address; pages not named are not mapped. */
#define DIFF_BASE  0x20000000u
#define DIFF_SIZE  0x10000u
#define DIFF_CODE  (DIFF_BASE + 0x1000) /* two pages, executable, full of INT3 */
#define DIFF_DATA  (DIFF_BASE + 0x4000) /* two pages */
#define DIFF_ROM   (DIFF_BASE + 0x7000) /* a page that cannot be written */
#define DIFF_STACK (DIFF_BASE + 0x9000) /* two pages */
#define DIFF_HOLE  (DIFF_BASE + 0xc000) /* nothing for four pages */

/* Bits 31..16 of ESP under a 16-bit stack segment: an IRET to one leaves them. */
#define DIFF_ESP_HIGH 0x21230000u

/* Selectors: the host kernel's for user code, and the local ones. */
enum {
    DIFF_CS32_USER = 0x23,
    DIFF_DS_USER = 0x2b,
    DIFF_CS64 = 0x33,
    DIFF_CS32 = 0x07,    /* base 0, 4 GiB */
    DIFF_DS32 = 0x0f,    /* base 0, 4 GiB */
    DIFF_CS16 = 0x17,    /* the region, 16 bits */
    DIFF_DS16 = 0x1f,    /* the region, 16-bit stack */
    DIFF_CS32B = 0x27,   /* the region, 32 bits */
    DIFF_DS32B = 0x2f,   /* the region, 32-bit stack */
    DIFF_ROM_SEG = 0x37, /* the region, read-only */
    DIFF_ABSENT = 0x3f,  /* not present */
    DIFF_DOWN = 0x47,    /* the region, expand-down above its first page */
    DIFF_XONLY = 0x4f,   /* the region, 32-bit code that cannot be read */
    DIFF_CONF = 0x57,    /* conforming code, not present: the host's kernel gives no other */
    DIFF_BEYOND = 0x7f,  /* behind the table's end */
};

/* x87, SSE and AVX state as XSAVE64 stores it in its standard form (SDM volume 1, 13.4). */
struct diff_fpu {
    uint8_t fx[512];
    uint64_t xstate_bv;
    uint64_t header[7];
    uint8_t ymmh[16][16];
} __attribute__((aligned(64)));
static_assert(offsetof(struct diff_fpu, ymmh) == 576, "where CPUID leaf 0DH puts it everywhere");

/* Offsets in diff_fpu.fx. */
enum { FX_CW = 0, FX_SW = 2, FX_TAGS = 4, FX_FOP = 6, FX_FIP = 8, FX_FDP = 16, FX_MXCSR = 24 };
#define FX_ST(n)  (32 + 16 * (n))
#define FX_XMM(n) (160 + 16 * (n))

struct diff_state {
    uint64_t gpr[16];
    uint64_t rip; /* an offset in CS */
    uint64_t rflags;
    uint16_t sel[6]; /* enum x86_seg */
    uint64_t fs_base, gs_base;
    /* results */
    uint64_t cr2;
    uint32_t error;
    unsigned vector; /* DIFF_LOST: it did not come back */
    struct diff_fpu fpu;
};
#define DIFF_LOST 0xffffu

/* A mode: code segment, and what the other segment registers hold at first. */
struct diff_setup {
    const char *name;
    unsigned mode; /* MODE_16, MODE_32, MODE_64 */
    uint16_t cs, ds, ss;
    bool ss16;
};
extern const struct diff_setup diff_setups[];
extern const unsigned diff_setup_count;

/* Bytes at a linear address of memory, other than the pattern that is there else. */
struct diff_poke {
    uint32_t at;
    uint8_t len;
    uint8_t bytes[16];
};

#define DIFF_CODE_MAX  128
#define DIFF_POKES_MAX 128

/* All that a case is: a line of text holds as much. */
struct diff_case {
    const struct diff_setup *setup;
    uint8_t code[DIFF_CODE_MAX];
    unsigned len;
    uint64_t linear; /* of the code */
    bool with_fpu;   /* x87 and vector registers are loaded and compared */
    bool stepped;    /* the emulator goes one instruction at a time */
    bool portable;   /* and leaves the host's vector extensions unused */
    struct diff_state in;
    unsigned pokes;
    struct diff_poke poke[DIFF_POKES_MAX];
};

/* The base of the segment that a selector names. */
uint64_t diff_selector_base(uint16_t sel);

/* The power-on-like state that cases start from: FNINIT's, all masked, all zero. */
void diff_fpu_init(struct diff_fpu *f);

#endif
