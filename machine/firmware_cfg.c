/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See firmware_cfg.h. The names and formats are those that SeaBIOS documents in its
 * "Runtime_config" page and the fw_cfg specification lists.
 */
#include "machine/firmware_cfg.h"

#include <string.h>

#include "base/bits.h"

/* The items with fixed selectors. */
static void fill_items(struct fw_cfg *f, const struct firmware_cfg *cfg)
{
    static const uint8_t no_uuid[16];
    g_autofree uint64_t *numa = g_new0(uint64_t, 1 + cfg->max_cpus); /* no nodes */

    fw_cfg_set_bytes(f, FW_CFG_UUID, cfg->uuid ? cfg->uuid : no_uuid, 16);
    fw_cfg_set_u64(f, FW_CFG_RAM_SIZE, cfg->low_size + cfg->high_size);
    fw_cfg_set_u16(f, FW_CFG_NOGRAPHIC, !cfg->graphic);
    fw_cfg_set_u16(f, FW_CFG_NB_CPUS, (uint16_t)cfg->cpus);
    fw_cfg_set_u16(f, FW_CFG_MAX_CPUS, (uint16_t)cfg->max_cpus);
    fw_cfg_set_u32(f, FW_CFG_MACHINE_ID, 0);
    fw_cfg_set_u16(f, FW_CFG_BOOT_MENU, cfg->boot_menu);
    fw_cfg_set_bytes(f, FW_CFG_NUMA, numa, (1 + cfg->max_cpus) * sizeof(*numa));
    /* ISA interrupt 0 is input 2 of the I/O APIC */
    fw_cfg_set_u32(f, FW_CFG_IRQ0_OVERRIDE, 1);
    /* no kernel is passed this way: sizes of zero */
    fw_cfg_set_u32(f, FW_CFG_KERNEL_SIZE, 0);
    fw_cfg_set_u32(f, FW_CFG_INITRD_SIZE, 0);
    fw_cfg_set_u32(f, FW_CFG_CMDLINE_SIZE, 0);
    fw_cfg_set_u32(f, FW_CFG_SETUP_SIZE, 0);
    /* older firmware asks for tables one by one: none */
    fw_cfg_set_u16(f, FW_CFG_ACPI_TABLES, 0);
    fw_cfg_set_u16(f, FW_CFG_SMBIOS_ENTRIES, 0);
}

static bool add_bytes(struct fw_cfg *f, const char *name, const GByteArray *b,
                      const struct fw_cfg_hooks *hooks, GError **err)
{
    return fw_cfg_add_file(f, name, b->data, b->len, hooks, err);
}

static bool add_tables(struct fw_cfg *f, const struct firmware_cfg *cfg, GError **err)
{
    const struct acpi_blobs *a = cfg->acpi;
    const struct smbios_blobs *s = cfg->smbios;

    if (a && !(add_bytes(f, ACPI_FILE_TABLES, a->tables, cfg->acpi_hooks, err) &&
               add_bytes(f, ACPI_FILE_RSDP, a->rsdp, cfg->acpi_hooks, err) &&
               add_bytes(f, ACPI_FILE_SCRIPT, a->script, cfg->acpi_hooks, err)))
        return false;
    return !s || (add_bytes(f, SMBIOS_FILE_TABLES, s->tables, NULL, err) &&
                  add_bytes(f, SMBIOS_FILE_ANCHOR, s->anchor, NULL, err));
}

static bool add_boot(struct fw_cfg *f, const struct firmware_cfg *cfg, GError **err)
{
    /* one byte a state S0..S5, bit 7: it exists */
    static const uint8_t states[6] = {0x80, 0, 0, 0x81, 0x02, 0x80};
    uint16_t menu_wait = (uint16_t)MIN(cfg->boot_menu_wait_ms, (unsigned)UINT16_MAX);
    uint32_t fail_wait = cfg->boot_fail_wait_ms ? cfg->boot_fail_wait_ms : UINT32_MAX;

    if (!fw_cfg_add_file(f, "etc/system-states", states, sizeof(states), NULL, err) ||
        !fw_cfg_add_file(f, "etc/boot-fail-wait", &fail_wait, sizeof(fail_wait), NULL, err))
        return false;
    if (cfg->boot_menu_wait_ms &&
        !fw_cfg_add_file(f, "etc/boot-menu-wait", &menu_wait, sizeof(menu_wait), NULL, err))
        return false;
    return !cfg->bootorder ||
           fw_cfg_add_file(f, "bootorder", cfg->bootorder, strlen(cfg->bootorder) + 1, NULL, err);
}

bool firmware_cfg_fill(struct fw_cfg *f, const struct firmware_cfg *cfg, GError **err)
{
    struct e820_map map;

    fill_items(f, cfg);
    e820_for_firmware(&map, cfg->low_size, cfg->high_size);
    return fw_cfg_add_file(f, "etc/e820", map.e, map.n * sizeof(map.e[0]), NULL, err) &&
           add_tables(f, cfg, err) && add_boot(f, cfg, err);
}

char *firmware_ide_path(unsigned slot, unsigned fn, unsigned channel, unsigned unit)
{
    g_autofree char *at_fn = fn ? g_strdup_printf(",%x", fn) : g_strdup("");

    return g_strdup_printf("/pci@i0cf8/ide@%x%s/drive@%x/disk@%x", slot, at_fn, channel, unit);
}

char *firmware_ahci_path(unsigned slot, unsigned fn, unsigned port)
{
    g_autofree char *at_fn = fn ? g_strdup_printf(",%x", fn) : g_strdup("");

    return g_strdup_printf("/pci@i0cf8/*@%x%s/drive@%x/disk@0", slot, at_fn, port);
}

char *firmware_floppy_path(unsigned drive)
{
    return g_strdup_printf("/pci@i0cf8/isa@1/fdc@03f0/floppy@%x", drive);
}

char *firmware_usb_path(unsigned slot, unsigned fn, unsigned port)
{
    g_autofree char *at_fn = fn ? g_strdup_printf(",%x", fn) : g_strdup("");

    return g_strdup_printf("/pci@i0cf8/usb@%x%s/storage@%x/channel@0/disk@0,0", slot, at_fn, port);
}
