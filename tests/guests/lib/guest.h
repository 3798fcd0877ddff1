/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that every guest shares, for assembler and C: where things are, the selectors of
 * lib/enter.S's GDT, and the ports and values by which a guest reports.
 */
#ifndef GUEST_H
#define GUEST_H

/* Selectors. The order suits SYSCALL/SYSRET and SYSENTER/SYSEXIT. */
#define SEL_KCODE   0x08
#define SEL_KDATA   0x10
#define SEL_UCODE32 0x1b
#define SEL_UDATA   0x23
#define SEL_UCODE64 0x2b
#define SEL_UDATA2  0x33
#define SEL_TSS     0x38 /* two slots */
#define SEL_KCODE32                                                                                \
    0x48 /* a second flat 32-bit kernel code segment, in 64-bit guests the only one */
#define SEL_KCODE16 0x50 /* base 0, 16 bits */
#define SEL_KDATA16 0x58 /* base 0, limit 0xffff */
#define SEL_FREE    0x60 /* up to GDT_ENTRIES: the tests' own */
#define GDT_ENTRIES 64

#ifndef PORT_DEBUG             /* Multiboot guests have others, on the compiler's command line */
#define PORT_DEBUG      0xe9   /* text */
#define PORT_EXIT       0x501  /* isa-debug-exit: the emulator's status is value * 2 + 1 */
#define EXIT_PASS       0x10   /* status 33 */
#define EXIT_FAIL       0x11   /* status 35 */
#endif
#define PORT_BOCHS_EXIT 0x8900 /* Bochs ends when "Shutdown" is written */

#endif
