/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks for 16-bit assembler guests. All keep registers and spoil the flags.
 */
#ifndef CHECK16_H
#define CHECK16_H

#include "guest.h"

/* Condition `cond` (as in j<cond>) must hold now. */
.macro CHECK cond, name:vararg
    j\cond 771f
    push %si
    mov $772f, %si
    call fail16
    pop %si
771: incw %ds:checks16
    .pushsection .data
772: .asciz \name
    .popsection
    .endm

    /* `got` (register or memory, not an immediate) equals the immediate `want`. w is the suffix: b, w or l. */
    .macro CHECK_EQ w, want, got, name:vararg
    cmp\w $\want, \got
    CHECK e, \name
    .endm

    /* The flags under `mask` are `want`; call it before anything changes them. Keeps the flags too. */
    .macro CHECK_FLAGS mask, want, name:vararg
    pushfw
    push %bp
    mov %sp, %bp
    push %ax
    mov 2(%bp), %ax
    and $\mask, %ax
    cmp $\want, %ax
    CHECK e, \name
    pop %ax
    pop %bp
    popfw
    .endm

#endif
