/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where guest RAM is, and the memory map that says so to firmware (fw_cfg "etc/e820") and to
 * kernels that are started without one (the zero page, the Multiboot map). ACPI specification 6,
 * chapter 15.
 *
 * RAM begins at 0. What does not fit below the 3 GiB line, where the PCI hole starts, continues at
 * 4 GiB.
 */
#ifndef MACHINE_E820_H
#define MACHINE_E820_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_LOW_MAX   UINT64_C(0xc0000000) /* most RAM below 4 GiB */
#define RAM_HIGH_BASE UINT64_C(0x100000000)

/* Guest RAM as the board owns it. `low` is at guest address 0, `high` (NULL when there is none) at
 * 4 GiB. Sizes are multiples of 4 KiB. */
struct guest_ram {
    uint8_t *low;
    uint64_t low_size;
    uint8_t *high;
    uint64_t high_size;
};

enum e820_type {
    E820_RAM = 1,
    E820_RESERVED = 2,
    E820_ACPI = 3, /* tables; usable once they were read */
    E820_NVS = 4,  /* must be left alone */
};

struct e820_entry {
    uint64_t base;
    uint64_t len;
    uint32_t type;
} __attribute__((packed)); /* 20 bytes, as every interface wants them */

#define E820_MAX 32

/* Entries do not overlap and are sorted by base. */
struct e820_map {
    struct e820_entry e[E820_MAX];
    unsigned n;
};

/* Splits `total` bytes of RAM around the PCI hole. */
void e820_split(uint64_t total, uint64_t *low, uint64_t *high);

/* Where the 32-bit PCI window starts for that much low RAM; it is the choice SeaBIOS makes too, so
 * that the BARs it assigns lie in the window that the ACPI tables declare. */
uint32_t e820_pci_hole(uint64_t low_size);

/* Makes [base, base+len) of `type`, cutting it out of whatever it overlaps; neighbours of one type
 * are joined. An empty range does nothing. At most E820_MAX entries may come to exist. */
void e820_set(struct e820_map *m, uint64_t base, uint64_t len, enum e820_type type);

/* The map for SeaBIOS: RAM below and above the hole, nothing else (it adds its own reservations).
 */
void e820_for_firmware(struct e820_map *m, uint64_t low_size, uint64_t high_size);

/* The map for a kernel that no firmware starts: RAM less the EBDA, the adapter and BIOS area; then
 * `nvs_base`, `nvs_len` (0: none) where the board's tables lie. */
void e820_for_kernel(struct e820_map *m, uint64_t low_size, uint64_t high_size, uint64_t nvs_base,
                     uint64_t nvs_len);

/* A pointer to `len` bytes of guest RAM at `gpa`, or NULL when they are not all RAM. */
void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa, uint64_t len);

#endif
