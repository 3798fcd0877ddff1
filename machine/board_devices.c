/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configured devices: their places on the PCI bus and in the boot order; see board_build.h. */
#include "machine/board_build.h"

#include "base/error.h"
#include "devices/pci/pci_bus.h"

#define FIRST_FREE_SLOT 3u /* behind host bridge, south bridge and display adapter */
#define NUM_SLOTS       32u

bool board_add(struct board *b, struct device *d)
{
    invariant(b->n_devices < BOARD_MAX_DEVICES);
    b->device[b->n_devices++] = d;
    return true;
}

/* Too many of one kind? */
static bool within_limit(const struct board *b, unsigned n, GError **err)
{
    const struct device_kind *kind = device_config_kind(b->cfg.device[n]);
    unsigned count = 1;

    for (unsigned k = 0; k < n; k++)
        count += device_config_kind(b->cfg.device[k]) == kind;
    if (!kind->limit || count <= kind->limit)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "%s: there can be %s%u in a machine",
                kind->name, kind->limit == 1 ? "only " : "at most ", kind->limit);
    return false;
}

static bool id_is_free(const struct board *b, unsigned n, GError **err)
{
    const char *id = device_config_id(b->cfg.device[n]);

    for (unsigned k = 0; id && k < n; k++) {
        if (!g_strcmp0(device_config_id(b->cfg.device[k]), id)) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "two devices have the id '%s'",
                        id);
            return false;
        }
    }
    return true;
}

bool board_build_devices(struct board *b, GError **err)
{
    for (unsigned n = 0; n < b->cfg.n_devices; n++) {
        const struct device_config *c = b->cfg.device[n];

        if (!within_limit(b, n, err) || !id_is_free(b, n, err) ||
            !device_config_kind(c)->build(b, c, err))
            return false;
    }
    return true;
}

bool board_pci_place(struct board *b, const struct device_config *c, uint8_t *devfn, GError **err)
{
    if (device_given(c, "addr")) { /* pci_attach says when it is taken */
        *devfn = (uint8_t)device_number(c, "addr");
        return true;
    }
    for (unsigned slot = FIRST_FREE_SLOT; slot < NUM_SLOTS; slot++) {
        *devfn = PCI_DEVFN(slot, 0);
        if (!pci_bus_find(b->pci, *devfn))
            return true;
    }
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "%s: no PCI slot is left",
                device_config_kind(c)->name);
    return false;
}

void board_bootable(struct board *b, char letter, uint64_t index, char *path)
{
    invariant(b->n_boot < BOARD_MAX_DEVICES);
    b->boot[b->n_boot++] = (struct boot_entry){letter, index, path};
}

static int by_index(const void *a, const void *b)
{
    uint64_t ia = (*(const struct boot_entry *const *)a)->index;
    uint64_t ib = (*(const struct boot_entry *const *)b)->index;

    return ia < ib ? -1 : ia > ib;
}

char *board_boot_order(struct board *b)
{
    const char *order = b->cfg.boot_order ? b->cfg.boot_order : b->fdc ? "cad" : "cd";
    GPtrArray *sorted = g_ptr_array_new();
    GString *out = g_string_new(NULL);

    for (unsigned n = 0; n < b->n_boot; n++) {
        if (b->boot[n].index != BOOT_NO_INDEX)
            g_ptr_array_add(sorted, &b->boot[n]);
    }
    g_ptr_array_sort(sorted, by_index);
    for (; *order; order++) {
        for (unsigned n = 0; n < b->n_boot; n++) {
            if (b->boot[n].index == BOOT_NO_INDEX && b->boot[n].letter == *order)
                g_ptr_array_add(sorted, &b->boot[n]);
        }
    }
    for (unsigned n = 0; n < sorted->len; n++)
        g_string_append_printf(out, "%s\n", ((struct boot_entry *)sorted->pdata[n])->path);
    g_ptr_array_free(sorted, TRUE);
    return g_string_free(out, FALSE);
}
