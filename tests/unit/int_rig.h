/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One piece of user-mode code on the emulated CPU and on the host's, from the same whole register
 * file and with the same 64 KiB of memory at the same linear addresses: in 64-bit mode, or in a 16-
 * or 32-bit code segment of the local descriptor table. The code ends in an exception (INT3 stands
 * wherever it may run on to), and what that exception finds is the result; natively it arrives as a
 * signal. The guest's machine is fpu_rig's, in long mode with the host kernel's selectors.
 */
#ifndef TESTS_UNIT_INT_RIG_H
#define TESTS_UNIT_INT_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

/* The region, by linear address; pages not named are not mapped. */
#define INT_BASE  0x20000000u
#define INT_SIZE  0x10000u
#define INT_CODE  (INT_BASE + 0x1000) /* two pages, executable, full of INT3 */
#define INT_DATA  (INT_BASE + 0x4000) /* two pages */
#define INT_ROM   (INT_BASE + 0x7000) /* a page that cannot be written */
#define INT_STACK (INT_BASE + 0x9000) /* two pages */
#define INT_HOLE  (INT_BASE + 0xc000) /* nothing for four pages */

/* Bits 31..16 of ESP under a 16-bit stack segment: an IRET to one leaves them. */
#define INT_ESP_HIGH 0x21230000u

/* Selectors: the host kernel's for user code, and the local ones. */
enum {
    INT_DS_USER = 0x2b,
    INT_CS64 = 0x33,
    INT_CS32 = 0x07,    /* base 0, 4 GiB */
    INT_DS32 = 0x0f,    /* base 0, 4 GiB */
    INT_CS16 = 0x17,    /* the region, 16 bits */
    INT_DS16 = 0x1f,    /* the region, 16-bit stack */
    INT_CS32B = 0x27,   /* the region, 32 bits */
    INT_DS32B = 0x2f,   /* the region, 32-bit stack */
    INT_ROM_SEG = 0x37, /* the region, read-only */
    INT_ABSENT = 0x3f,  /* not present */
    INT_DOWN = 0x47,    /* the region, expand-down above its first page */
    INT_XONLY = 0x4f,   /* the region, 32-bit code that cannot be read */
    INT_CONF = 0x57,    /* conforming code, not present: the host's kernel gives no other */
    INT_BEYOND = 0x7f,  /* behind the table's end */
};

struct int_state {
    uint64_t gpr[16];
    uint64_t rip; /* an offset in CS */
    uint64_t rflags;
    uint16_t sel[6]; /* enum x86_seg; FS is not used */
    /* results */
    uint64_t gs_base; /* 0 when the host cannot tell */
    uint64_t cr2;
    uint32_t error;
    unsigned vector; /* INT_LOST: the guest did not come back */
};
#define INT_LOST 0xffffu

struct int_rig {
    struct rig *machine;
    uint8_t *host;  /* the region in this process, at INT_BASE */
    uint8_t *guest; /* the same in the guest's RAM */
    uint64_t fs_base;
    bool has_ldt; /* else only 64-bit mode, and GS is null */
    bool has_gs_base;
};

/* Sets the host's LDT up; false when the kernel has no modify_ldt(2). */
bool int_host_has_ldt(void);

/* NULL when the region cannot be had at its address. Takes SIGSEGV, SIGBUS, SIGILL, SIGTRAP and
 * SIGFPE until int_rig_free. */
struct int_rig *int_rig_new(void);
void int_rig_free(struct int_rig *r);

/* Both memories: bytes at a linear address; what is not writable memory is left out. */
void int_poke(struct int_rig *r, uint64_t linear, uint64_t val, unsigned size);
void int_poke_code(struct int_rig *r, uint64_t linear, const uint8_t *bytes, size_t len);
/* Host memory; bytes that are not mapped read as 0. */
uint64_t int_peek(const struct int_rig *r, uint64_t linear, unsigned size);

/* Lets the guest forget the code that it has decoded. */
void int_forget_code(struct int_rig *r);

/* Linear address of the first byte that differs, 0 when none does; then makes the guest's the
 * host's. */
uint64_t int_memory_differs(struct int_rig *r);

/* Runs from *s until an exception; *s then holds what it found. `stepped`: the guest goes one
 * instruction at a time. */
void int_run_host(struct int_rig *r, struct int_state *s);
void int_run_guest(struct int_rig *r, struct int_state *s, bool stepped);

#endif
