/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case as one line of text: mode, hex bytes, then NAME=VALUE for each thing that is not as it is
 * by default, all in hex.
 *
 *   64 0f58c1 rax=5 fl=11 mxcsr=1f80 xmm0=3ff00000000000003ff0000000000000 mem=20004000:0102
 *
 *   MODE          of diff_setups
 *   at=           linear address of the code
 *   rax= .. r15=, fl=, es= .. gs= (selectors), fsbase=, gsbase=
 *   fpu           x87 and vector registers are compared; so with any of those that follow
 *   cw= sw= tags= mxcsr= fop= fip= fdp= st0= .. st7= xmm0= .. xmm15= ymm0= .. ymm15= (high halves)
 *   mem=AT:BYTES  in the order in which they stand
 *   stepped       the emulator goes one instruction at a time,
 *   portable      or leaves the host's vector extensions unused
 *   #             what follows is a comment
 */
#ifndef TESTS_DIFF_LINE_H
#define TESTS_DIFF_LINE_H

#include "tests/diff/state.h"

#define DIFF_LINE_MAX 8192

void diff_line_print(const struct diff_case *c, char *out, size_t size);

/* False when the line says no case; *word is then what was not understood. */
bool diff_line_parse(const char *line, struct diff_case *c, char word[64]);

/* The result as far as it is not as it was before, for people. */
void diff_line_result(const struct diff_case *c, const struct diff_state *s, char *out,
                      size_t size);

#endif
