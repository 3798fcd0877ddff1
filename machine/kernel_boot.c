/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See kernel_boot.h. */
#include "machine/kernel_boot.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "machine/kernel_bda.h"
#include "machine/loader_file.h"
#include "machine/loader_multiboot.h"

#define KERNEL_MAX  (UINT64_C(1) << 30)
#define INITRD_MAX  (UINT64_C(2) << 30)
#define MIN_RAM     (UINT64_C(2) << 20)
#define PAGE        UINT64_C(4096)
#define RSDP_GPA    0xf0000u
#define ANCHOR_GPA  0xf0040u
#define MAX_MODULES 1000u

struct kernel_boot {
    char *path, *append;
    GByteArray *kernel;
    bool multiboot;
    enum linux_entry entry;
    bool long_mode;
    struct multiboot_module *files; /* the modules; of Linux, the initrd alone */
    unsigned n_files;
};

/* Splits "a,b,,c" into "a" and "b,c". */
static GPtrArray *split_modules(const char *list)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    GString *part = g_string_new(NULL);

    for (const char *p = list; *p; p++) {
        if (*p != ',') {
            g_string_append_c(part, *p);
        } else if (p[1] == ',') {
            g_string_append_c(part, *p++);
        } else {
            g_ptr_array_add(out, g_string_free(part, FALSE));
            part = g_string_new(NULL);
        }
    }
    g_ptr_array_add(out, g_string_free(part, FALSE));
    return out;
}

static bool load_modules(struct kernel_boot *k, const char *list, GError **err)
{
    g_autoptr(GPtrArray) parts = split_modules(list);

    if (parts->len > MAX_MODULES) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "more than %u modules for '%s'",
                    MAX_MODULES, k->path);
        return false;
    }
    k->files = g_new0(struct multiboot_module, parts->len);
    for (guint n = 0; n < parts->len; n++) {
        const char *text = g_ptr_array_index(parts, n);
        g_autofree char *path = g_strndup(text, strcspn(text, " "));
        GByteArray *data = loader_read_file("module", path, INITRD_MAX, err);

        if (!data)
            return false;
        k->files[k->n_files++] = (struct multiboot_module){data, g_strdup(text)};
    }
    return true;
}

static bool load_initrd(struct kernel_boot *k, const char *path, GError **err)
{
    GByteArray *data = loader_read_file("initrd", path, INITRD_MAX, err);

    if (!data)
        return false;
    k->files = g_new0(struct multiboot_module, 1);
    k->files[0] = (struct multiboot_module){data, g_strdup(path)};
    k->n_files = 1;
    if (data->len)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "initrd '%s' is empty", path);
    return false;
}

static bool load(struct kernel_boot *k, const struct kernel_boot_config *cfg, GError **err)
{
    k->kernel = loader_read_file("kernel", cfg->kernel, KERNEL_MAX, err);
    if (!k->kernel)
        return false;
    if (linux_is_image(k->kernel)) {
        return linux_check(k->kernel, k->path, err) &&
               (!cfg->initrd || load_initrd(k, cfg->initrd, err));
    }
    if (multiboot_is_image(k->kernel)) {
        k->multiboot = true;
        return multiboot_check(k->kernel, k->path, err) &&
               (!cfg->initrd || load_modules(k, cfg->initrd, err));
    }
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                "'%s' is not a kernel: it is neither a Linux bzImage nor Multiboot%s", cfg->kernel,
                k->kernel->len < 1024 ? " (and too short for either)" : "");
    return false;
}

struct kernel_boot *kernel_boot_load(const struct kernel_boot_config *cfg, GError **err)
{
    struct kernel_boot *k = g_new0(struct kernel_boot, 1);

    k->path = g_strdup(cfg->kernel);
    k->append = g_strdup(cfg->append ? cfg->append : "");
    k->entry = cfg->entry;
    k->long_mode = cfg->long_mode;
    if (load(k, cfg, err))
        return k;
    kernel_boot_free(k);
    return NULL;
}

void kernel_boot_free(struct kernel_boot *k)
{
    if (!k)
        return;
    for (unsigned n = 0; n < k->n_files; n++) {
        g_byte_array_unref(k->files[n].data);
        g_free(k->files[n].cmdline);
    }
    g_free(k->files);
    if (k->kernel)
        g_byte_array_unref(k->kernel);
    g_free(k->path);
    g_free(k->append);
    g_free(k);
}

static uint64_t pages(uint64_t len)
{
    return (len + PAGE - 1) & ~(PAGE - 1);
}

/* Where place_tables puts the ACPI tables, the SMBIOS ones behind them. */
static uint64_t tables_at(const struct guest_ram *ram, const struct acpi_blobs *acpi,
                          const struct smbios_blobs *smbios)
{
    return (ram->low_size & ~(PAGE - 1)) - (acpi ? pages(acpi->tables->len) : 0) -
           (smbios ? pages(smbios->tables->len) : 0);
}

/* Puts the tables at the top of low RAM. Returns where they begin: the end of what the kernel may
 * use; 0 when they do not fit. */
static uint64_t place_tables(const struct guest_ram *ram, const struct acpi_blobs *acpi,
                             const struct smbios_blobs *smbios)
{
    uint64_t acpi_len = acpi ? pages(acpi->tables->len) : 0;
    uint64_t top = tables_at(ram, acpi, smbios);

    if (acpi && !acpi_place(acpi, ram, top, RSDP_GPA))
        return 0;
    if (smbios && !smbios_place(smbios, ram, (uint32_t)(top + acpi_len), ANCHOR_GPA))
        return 0;
    log_msg(LOG_BOOT, "boot: ACPI tables at 0x%" PRIx64 ", %" PRIu64 " KiB; SMBIOS at 0x%" PRIx64,
            top, acpi_len >> 10, top + acpi_len);
    return top;
}

static void log_map(const struct e820_map *map)
{
    for (unsigned n = 0; n < map->n; n++)
        log_msg(LOG_BOOT, "boot: e820 0x%09" PRIx64 "-0x%09" PRIx64 " type %u", map->e[n].base,
                map->e[n].base + (map->e[n].len - 1), map->e[n].type);
}

static bool place_linux(const struct kernel_boot *k, const struct guest_ram *ram, uint64_t top,
                        const struct e820_map *map, uint64_t rsdp, struct kernel_entry *out,
                        GError **err)
{
    const struct linux_boot b = {
        .path = k->path,
        .kernel = k->kernel,
        .initrd_path = k->n_files ? k->files[0].cmdline : NULL,
        .initrd = k->n_files ? k->files[0].data : NULL,
        .cmdline = k->append,
        .entry = k->entry,
        .long_mode = k->long_mode,
    };

    return linux_place(&b, ram, top, map, rsdp, out, err);
}

static bool place_multiboot(const struct kernel_boot *k, const struct guest_ram *ram, uint64_t top,
                            const struct e820_map *map, struct kernel_entry *out, GError **err)
{
    const struct multiboot_boot b = {
        .path = k->path,
        .kernel = k->kernel,
        .cmdline = k->append,
        .modules = k->files,
        .n_modules = k->n_files,
    };

    return multiboot_place(&b, ram, top, map, out, err);
}

bool kernel_boot_place(const struct kernel_boot *k, const struct guest_ram *ram,
                       const struct acpi_blobs *acpi, const struct smbios_blobs *smbios,
                       unsigned chips, struct kernel_entry *out, GError **err)
{
    struct e820_map map;
    uint64_t top = 0;

    if (ram->low_size >= MIN_RAM && kernel_bda_fill(ram, chips))
        top = place_tables(ram, acpi, smbios);
    if (!top) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "%" PRIu64 " KiB of RAM are too little to start kernel '%s'",
                    ram->low_size >> 10, k->path);
        return false;
    }
    e820_for_kernel(&map, ram->low_size, ram->high_size, top, ram->low_size - top);
    log_map(&map);
    return k->multiboot ? place_multiboot(k, ram, top, &map, out, err)
                        : place_linux(k, ram, top, &map, acpi ? RSDP_GPA : 0, out, err);
}

bool kernel_boot_resume(const struct guest_ram *ram, const struct acpi_blobs *acpi,
                        const struct smbios_blobs *smbios, struct kernel_entry *out)
{
    enum { WAKING_VECTOR = 12, FACS_LEN = 64 };
    const uint8_t *facs = guest_ram_at(ram, tables_at(ram, acpi, smbios) + acpi->facs, FACS_LEN);
    uint32_t vector = facs ? ld_le32(facs + WAKING_VECTOR) : 0;

    if (!vector || vector >= 0x100000) {
        log_guest("acpi: the waking vector 0x%x cannot be entered", vector);
        return false;
    }
    kernel_entry_real(out, vector);
    log_msg(LOG_BOOT, "boot: woken, entered at 0x%x", vector);
    return true;
}
