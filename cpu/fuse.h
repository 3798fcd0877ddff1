/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fusing pairs: a comparison and the conditional branch behind it become one handler. */
#ifndef CPU_FUSE_H
#define CPU_FUSE_H

#include "cpu/blocks.h"

/* Looks at the end of a bound block and replaces the handler of the last instruction but one by one
 * that does both. The instructions themselves stay as they are, so that each can still be entered
 * or left. */
void fuse_block(struct block *b);

#endif
