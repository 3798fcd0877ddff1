// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends with the number that the command line has behind the kernel's name.
 */
#include "multiboot.h"

void main(void)
{
    const char *p = (const char *)(word)mb_info()->cmdline;
    uint32_t code = 0;

    while (*p && *p != ' ')
        p++;
    while (*p == ' ')
        p++;
    for (; *p >= '0' && *p <= '9'; p++)
        code = code * 10 + (uint32_t)(*p - '0');
    outl(PORT_EXIT, code);
}
