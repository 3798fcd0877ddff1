/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fusing pairs: a comparison and the conditional branch behind it become one handler, and so do the
 * clearing of a vector register and a conversion into it. */
#ifndef CPU_FUSE_H
#define CPU_FUSE_H

#include "cpu/blocks.h"

/* Looks at the pairs of a bound block and replaces the handler of the first instruction by one that
 * does both. The instructions themselves stay as they are, so that each can still be entered
 * or left. */
void fuse_block(struct block *b);

/* The handler for both i and j, which stand side by side and are bound; or NULL. */
insn_fn *sse_fuse(const struct insn *i, const struct insn *j);

#endif
