/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Multiboot guests share: the information structure, and fw_cfg by ports. Multiboot
 * Specification 0.6.96, 3.3; "QEMU Firmware Configuration (fw_cfg) Device".
 */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include "test.h"

struct mb_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    uint32_t mmap_length, mmap_addr;
};

struct mb_module {
    uint32_t start, end, string, reserved;
};

struct mb_mmap {
    uint32_t size; /* of the rest */
    uint64_t base, len;
    uint32_t type;
} __attribute__((packed));

extern uint32_t multiboot_magic, multiboot_info;

static inline const struct mb_info *mb_info(void)
{
    return (const struct mb_info *)(word)multiboot_info;
}

enum { FW_SIGNATURE = 0, FW_RAM_SIZE = 3, FW_NB_CPUS = 5, FW_MAX_CPUS = 15 };

static inline uint64_t fw_cfg(uint16_t key, unsigned bytes)
{
    uint64_t v = 0;

    outw(0x510, key);
    for (unsigned k = 0; k < bytes; k++)
        v |= (uint64_t)inb(0x511) << (8 * k);
    return v;
}

static inline bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

#endif
