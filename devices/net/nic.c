/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option ROMs of network adapters; see nic.h. */
#include "devices/net/nic.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define ROM_MAX (1u << 20)

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
    pci_rom_init(d, size, *mem);
    return true;
}
