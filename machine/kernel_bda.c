/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See kernel_bda.h. The BIOS data area is that of the IBM PS/2 and PC BIOS Interface Technical
 * Reference, section 3.
 */
#include "machine/kernel_bda.h"

#include <string.h>

#include "base/bits.h"
#include "machine/acpi.h"

#define BDA       0x400u
#define EBDA      0x9fc00u
#define EBDA_KIB  1
#define BASE_KIB  639
#define FSEG      0xf0000u
#define IRET_AT   0xff53u /* where PC BIOSes have always kept a bare IRET */
#define RESET_AT  0xfff0u
#define VECTORS   0x78u   /* up to here; 0x78-0xff are for programs and stay zero */
#define EQUIPMENT 0x0026u /* FPU, PS/2 mouse, 80x25 colour */

static void fill_ports(uint8_t *bda, unsigned chips)
{
    static const uint16_t com[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    unsigned n = 0;

    for (unsigned k = 0; k < 4; k++) {
        if (chips & ((unsigned)ACPI_CHIP_COM1 << k))
            st_le16(bda + 2 * n++, com[k]);
    }
    if (chips & ACPI_CHIP_LPT1)
        st_le16(bda + 0x08, 0x378);
    st_le16(bda + 0x10, (uint16_t)(EQUIPMENT | n << 9 | (chips & ACPI_CHIP_LPT1 ? 1u << 14 : 0u)));
}

static void fill_bda(uint8_t *bda, unsigned chips)
{
    memset(bda, 0, 0x100);
    fill_ports(bda, chips);
    st_le16(bda + 0x0e, EBDA >> 4);
    st_le16(bda + 0x13, BASE_KIB);
    st_le16(bda + 0x1a, 0x1e); /* keyboard buffer: head, tail, empty */
    st_le16(bda + 0x1c, 0x1e);
    bda[0x49] = 3; /* video mode */
    st_le16(bda + 0x4a, 80);
    st_le16(bda + 0x4c, 0x1000); /* bytes of a screen page */
    st_le16(bda + 0x60, 0x0d0e); /* cursor lines */
    st_le16(bda + 0x63, 0x3d4);
    bda[0x65] = 0x29;          /* mode control, as of mode 3 */
    st_le16(bda + 0x80, 0x1e); /* keyboard buffer: start, end */
    st_le16(bda + 0x82, 0x3e);
    bda[0x84] = 24; /* rows less one */
    st_le16(bda + 0x85, 16);
    bda[0x87] = 0x60; /* 256 KiB of video memory */
    bda[0x89] = 0x51; /* VGA active, 400 lines */
    bda[0x96] = 0x10; /* a keyboard of 101 keys */
}

bool kernel_bda_fill(const struct guest_ram *ram, unsigned chips)
{
    /* pulse the processor's reset line through the keyboard controller, and wait for it */
    static const uint8_t reset[] = {0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd};
    uint8_t *low = guest_ram_at(ram, 0, 0x100000);

    if (!low)
        return false;
    memset(low, 0, BDA);
    for (unsigned k = 0; k < VECTORS; k++)
        st_le32(low + 4 * k, (FSEG >> 4) << 16 | IRET_AT);
    fill_bda(low + BDA, chips);
    memset(low + EBDA, 0, EBDA_KIB << 10);
    low[EBDA] = EBDA_KIB;
    low[FSEG + IRET_AT] = 0xcf;
    memcpy(low + FSEG + RESET_AT, reset, sizeof(reset));
    return true;
}
