// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Soft off by ACPI, as firmware and an operating system do it together: the PIIX4's power
 * management block is found on PCI, given an address and enabled; SLP_EN with the S5 type in its
 * control register ends the machine. Before that the PM timer must count at 3.579545 MHz in 24
 * bits. PIIX4 data sheet (function 3), ACPI 4.8.
 */
// ends: status 0
// not on: bochs (its block sits elsewhere)
#include "test.h"

static uint32_t pci_read(unsigned dev, unsigned fn, unsigned reg)
{
    outl(0xcf8, 0x80000000 | dev << 11 | fn << 8 | reg);
    return inl(0xcfc);
}
static void pci_write(unsigned dev, unsigned fn, unsigned reg, uint32_t v)
{
    outl(0xcf8, 0x80000000 | dev << 11 | fn << 8 | reg);
    outl(0xcfc, v);
}

void main(void)
{
    check_eq("host bridge", pci_read(0, 0, 0), 0x12378086);
    for (unsigned dev = 1; dev < 32; dev++) {
        if (pci_read(dev, 3, 0) != 0x71138086)
            continue;
        pci_write(dev, 3, 0x40, 0x601);
        pci_write(dev, 3, 0x80, pci_read(dev, 3, 0x80) | 1);
        check_eq("PM base reads back", pci_read(dev, 3, 0x40), 0x601);
        uint32_t a = inl(0x608), b;
        do {
            b = inl(0x608);
        } while (b == a);
        check("the PM timer advances by little", ((b - a) & 0xffffff) < 0x400000);
        puts("powering off\n");
        outw(0x604, 0x2000);
        for (;;)
            asm volatile("hlt");
    }
    check("PIIX4 power management on PCI", false);
}
