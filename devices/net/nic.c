/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option ROMs of network adapters; see nic.h. PCI Firmware Specification 3.0, 5.1: headers. */
#include "devices/net/nic.h"

#include "base/bits.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define ROM_MAX (1u << 20)

enum {
    ROM_SPARE = 6, /* of the 18 bytes that are the image's own: one that takes up the checksum */
    ROM_PCIR = 0x18,
    PCIR_VENDOR = 4,
    PCIR_DEVICE = 6,
    PCIR_SIZE = 0x18,
};

/* Firmware runs an image only for the adapter that it names. One that was built for all of a
 * family, under the newest id, is made to name d; its bytes add up to zero as before. */
static void adapt(const struct pci_device *d, uint8_t *rom, size_t len)
{
    size_t at = len > ROM_PCIR + 2 ? ld_le16(rom + ROM_PCIR) : len;
    uint8_t *pcir = rom + at, sum = 0;

    if (at + PCIR_SIZE > len || memcmp(pcir, "PCIR", 4) != 0 ||
        memcmp(pcir + PCIR_VENDOR, d->config + PCI_VENDOR_ID, 2) != 0)
        return;
    for (unsigned k = 0; k < 2; k++) {
        uint8_t *id = pcir + PCIR_DEVICE + k, want = d->config[PCI_DEVICE_ID + k];

        sum = (uint8_t)(sum + *id - want);
        *id = want;
    }
    rom[ROM_SPARE] = (uint8_t)(rom[ROM_SPARE] + sum);
}

bool nic_add_rom(struct pci_device *d, const struct nic_config *cfg, void **mem, GError **err)
{
    size_t size = 4096;

    *mem = NULL;
    if (!cfg->rom || !cfg->rom_len)
        return true;
    if (cfg->rom_len > ROM_MAX) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "%s: its option ROM has %zu bytes: more than %u KiB", d->name, cfg->rom_len,
                    ROM_MAX >> 10);
        return false;
    }
    while (size < cfg->rom_len)
        size *= 2;
    *mem = aligned_alloc(4096, size);
    if (!*mem) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "no memory for an option ROM");
        return false;
    }
    memset(*mem, 0xff, size);
    memcpy(*mem, cfg->rom, cfg->rom_len);
    if (cfg->rom_adapts)
        adapt(d, *mem, cfg->rom_len);
    pci_rom_init(d, size, *mem);
    return true;
}
