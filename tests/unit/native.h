/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One user-mode instruction on the host's processor, from given general registers and arithmetic
 * flags. It must not fault, branch or use RSP.
 */
#ifndef TESTS_UNIT_NATIVE_H
#define TESTS_UNIT_NATIVE_H

#include <stddef.h>
#include <stdint.h>

struct native_state {
    uint64_t gpr[16]; /* by the numbers of enum gpr; that of RSP is not looked at */
    uint64_t rflags;
};

/* Runs the instruction from *s, which then holds what it left. */
void native_run(struct native_state *s, const uint8_t *code, size_t len);

#endif
