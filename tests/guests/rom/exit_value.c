// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The value written to isa-debug-exit comes out as value * 2 + 1.
 */
// ends: status 171
// not on: bochs
#include "test.h"

void main(void)
{
    outb(PORT_EXIT, 0x55);
}
