/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What firmware and kernels are told of the board: memory map, ACPI and SMBIOS tables, firmware
 * images and the fw_cfg files (machine/e820.h, acpi.h, smbios.h, firmware.h, firmware_cfg.h).
 *
 * With a directory as argument the tables of a two-processor board are written there, one file
 * each, for tests/unit/check-tables to disassemble.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/acpi.h"
#include "machine/acpi_linker.h"
#include "machine/firmware.h"
#include "machine/firmware_cfg.h"
#include "machine/smbios.h"

#define KIB     UINT64_C(1024)
#define MIB     (1024 * KIB)
#define GIB     (1024 * MIB)
#define RAM     (2 * MIB)
#define TABLES  0x1f0000
#define RSDP    0xf0000
#define ANCHOR  0xf0040
#define SMTABLE 0x1e0000

static struct guest_ram ram_new(void)
{
    return (struct guest_ram){.low = calloc(1, RAM), .low_size = RAM};
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t s = 0;

    while (len--)
        s = (uint8_t)(s + *p++);
    return s;
}

static void entry_is(const struct e820_map *m, unsigned k, uint64_t base, uint64_t end,
                     uint32_t type)
{
    assert_true(k < m->n);
    assert_true(m->e[k].base == base);
    assert_true(m->e[k].base + m->e[k].len == end);
    assert_int_equal(m->e[k].type, type);
}

static void test_e820_firmware(void **state)
{
    struct e820_map m;
    uint64_t low, high;

    (void)state;
    e820_split(512 * MIB, &low, &high);
    assert_true(low == 512 * MIB && high == 0);
    e820_for_firmware(&m, low, high);
    assert_int_equal(m.n, 1);
    entry_is(&m, 0, 0, 512 * MIB, E820_RAM);
    e820_split(3 * GIB, &low, &high);
    assert_true(low == 3 * GIB && high == 0);
    e820_split(3 * GIB + 4 * KIB, &low, &high);
    assert_true(low == 3 * GIB && high == 4 * KIB);
    e820_split(8 * GIB, &low, &high);
    e820_for_firmware(&m, low, high);
    assert_int_equal(m.n, 2);
    entry_is(&m, 0, 0, 3 * GIB, E820_RAM);
    entry_is(&m, 1, 4 * GIB, 9 * GIB, E820_RAM);
    assert_int_equal(sizeof(m.e[0]), 20);
    assert_int_equal(e820_pci_hole(512 * MIB), 0x80000000);
    assert_int_equal(e820_pci_hole(2 * GIB), 0x80000000);
    assert_int_equal(e820_pci_hole(2 * GIB + 4 * KIB), 0xc0000000);
    assert_int_equal(e820_pci_hole(3 * GIB), 0xc0000000);
}

static void test_e820_kernel(void **state)
{
    struct e820_map m;

    (void)state;
    e820_for_kernel(&m, 64 * MIB, 0, 64 * MIB - 8 * KIB, 8 * KIB);
    assert_int_equal(m.n, 5);
    entry_is(&m, 0, 0, 0x9fc00, E820_RAM);
    entry_is(&m, 1, 0x9fc00, 0xa0000, E820_RESERVED);
    entry_is(&m, 2, 0xf0000, 0x100000, E820_RESERVED);
    entry_is(&m, 3, 0x100000, 64 * MIB - 8 * KIB, E820_RAM);
    entry_is(&m, 4, 64 * MIB - 8 * KIB, 64 * MIB, E820_NVS);
    e820_for_kernel(&m, 3 * GIB, GIB, 0, 0);
    assert_int_equal(m.n, 5);
    entry_is(&m, 3, 0x100000, 3 * GIB, E820_RAM);
    entry_is(&m, 4, 4 * GIB, 5 * GIB, E820_RAM);
}

static void test_e820_set(void **state)
{
    struct e820_map m = {.n = 0};

    (void)state;
    e820_set(&m, 0x1000, 0x1000, E820_RAM);
    e820_set(&m, 0x3000, 0x1000, E820_RAM);
    e820_set(&m, 0x2000, 0x1000, E820_RAM); /* closes the gap */
    assert_int_equal(m.n, 1);
    entry_is(&m, 0, 0x1000, 0x4000, E820_RAM);
    e820_set(&m, 0x1800, 0x1000, E820_RESERVED); /* in the middle */
    e820_set(&m, 0, 0x1400, E820_NVS);           /* over the start */
    e820_set(&m, 0x3c00, 0x1000, E820_ACPI);     /* over the end */
    e820_set(&m, 0x8000, 0, E820_RAM);           /* nothing */
    assert_int_equal(m.n, 5);
    entry_is(&m, 0, 0, 0x1400, E820_NVS);
    entry_is(&m, 1, 0x1400, 0x1800, E820_RAM);
    entry_is(&m, 2, 0x1800, 0x2800, E820_RESERVED);
    entry_is(&m, 3, 0x2800, 0x3c00, E820_RAM);
    entry_is(&m, 4, 0x3c00, 0x4c00, E820_ACPI);
    e820_set(&m, 0x1000, 0x4000, E820_RAM); /* swallows several */
    assert_int_equal(m.n, 2);
}

static void test_ram_at(void **state)
{
    uint8_t low[4096], high[4096];
    const struct guest_ram ram = {low, sizeof(low), high, sizeof(high)};

    (void)state;
    assert_ptr_equal(guest_ram_at(&ram, 0, 4096), low);
    assert_ptr_equal(guest_ram_at(&ram, 4095, 1), low + 4095);
    assert_null(guest_ram_at(&ram, 1, 4096));
    assert_null(guest_ram_at(&ram, 4097, 0));
    assert_null(guest_ram_at(&ram, 0, UINT64_MAX));
    assert_null(guest_ram_at(&ram, UINT64_MAX, 2));
    assert_ptr_equal(guest_ram_at(&ram, 4 * GIB + 8, 4088), high + 8);
    assert_null(guest_ram_at(&ram, 4 * GIB + 8, 4089));
    assert_null(guest_ram_at(&ram, 4 * GIB - 1, 1));
}

/* Tables placed in memory, to be walked as an operating system does. */
static struct guest_ram placed(unsigned cpus, unsigned chips)
{
    const struct acpi_config cfg = {.cpus = cpus,
                                    .chips = chips,
                                    .pci_hole_start = 0x80000000,
                                    .pci64_base = 0x8000000000,
                                    .pci64_len = 0x800000000};
    struct guest_ram ram = ram_new();
    struct acpi_blobs *b = acpi_build(&cfg);

    assert_true(acpi_place(b, &ram, TABLES, RSDP));
    acpi_blobs_free(b);
    return ram;
}

/* A table by its signature through the root table of `size`-byte pointers, or NULL. */
static uint8_t *table(const struct guest_ram *ram, const char *signature, unsigned size)
{
    uint8_t *rsdp = ram->low + RSDP;
    uint64_t root = size == 8 ? ld_le64(rsdp + 24) : ld_le32(rsdp + 16);
    uint32_t len;

    assert_true(root > TABLES && root < RAM - 36);
    assert_memory_equal(ram->low + root, size == 8 ? "XSDT" : "RSDT", 4);
    len = ld_le32(ram->low + root + 4);
    assert_int_equal(sum(ram->low + root, len), 0);
    for (uint32_t at = 36; at < len; at += size) {
        uint64_t gpa = ld_le(ram->low + root + at, size);

        assert_true(gpa >= TABLES && gpa < RAM - 36);
        assert_int_equal(sum(ram->low + gpa, ld_le32(ram->low + gpa + 4)), 0);
        if (!memcmp(ram->low + gpa, signature, 4))
            return ram->low + gpa;
    }
    return NULL;
}

static void test_acpi_walk(void **state)
{
    static const char *const names[] = {"FACP", "SSDT", "APIC", "HPET", "WAET"};
    struct guest_ram ram = placed(2, ACPI_CHIP_COM1 | ACPI_CHIP_HPET);
    uint8_t *rsdp = ram.low + RSDP, *fadt, *facs, *dsdt;

    (void)state;
    assert_memory_equal(rsdp, "RSD PTR ", 8);
    assert_int_equal(sum(rsdp, 20), 0);
    assert_int_equal(sum(rsdp, 36), 0);
    for (unsigned k = 0; k < ARRAY_SIZE(names); k++) {
        assert_non_null(table(&ram, names[k], 4));
        assert_ptr_equal(table(&ram, names[k], 4), table(&ram, names[k], 8));
    }
    fadt = table(&ram, "FACP", 4);
    assert_int_equal(ld_le32(fadt + 4), 244);
    facs = ram.low + ld_le32(fadt + 36);
    assert_memory_equal(facs, "FACS", 4);
    assert_int_equal((facs - ram.low) % 64, 0);
    dsdt = ram.low + ld_le32(fadt + 40);
    assert_memory_equal(dsdt, "DSDT", 4);
    assert_true(ld_le64(fadt + 140) == ld_le32(fadt + 40));
    assert_int_equal(sum(dsdt, ld_le32(dsdt + 4)), 0);
    free(ram.low);
}

/* Where firmware has moved the PM block the tables say so, and are no longer for that: it asked for
 * the sizes before. */
static void test_acpi_moved_pm(void **state)
{
    struct acpi_config cfg = {.cpus = 2, .chips = ACPI_CHIP_COM1, .pci_hole_start = 0x80000000};
    struct acpi_blobs *a = acpi_build(&cfg), *b;
    const uint8_t *at = NULL;

    (void)state;
    cfg.pm_base = 0xb000;
    b = acpi_build(&cfg);
    assert_int_equal(a->tables->len, b->tables->len);
    assert_int_equal(a->rsdp->len, b->rsdp->len);
    assert_int_equal(a->script->len, b->script->len);
    for (guint k = 0; k + 4 <= b->tables->len && !at; k++) {
        if (!memcmp(b->tables->data + k, "FACP", 4))
            at = b->tables->data + k;
    }
    assert_non_null(at);
    assert_int_equal(ld_le32(at + 56), 0xb000);
    assert_int_equal(ld_le32(at + 64), 0xb004);
    assert_int_equal(ld_le32(at + 76), 0xb008);
    assert_int_equal(ld_le32(at + 80), 0xb00c);
    assert_true(ld_le64(at + 176) == 0xb004);
    acpi_blobs_free(a);
    acpi_blobs_free(b);
}

static void test_acpi_fadt(void **state)
{
    struct guest_ram ram = placed(1, 0), big = placed(9, 0);
    uint8_t *t = table(&ram, "FACP", 4);

    (void)state;
    assert_int_equal(t[8], 3);
    assert_int_equal(ld_le16(t + 46), 9); /* SCI */
    assert_int_equal(ld_le32(t + 48), 0xb2);
    assert_int_equal(t[52], 0xf1);
    assert_int_equal(t[53], 0xf0);
    assert_int_equal(ld_le32(t + 56), 0x600);
    assert_int_equal(ld_le32(t + 64), 0x604);
    assert_int_equal(ld_le32(t + 76), 0x608);
    assert_int_equal(ld_le32(t + 80), 0x60c);
    assert_true(ld_le64(t + 152) == 0x600 && t[149] == 32 && t[148] == 1);
    assert_true(ld_le64(t + 176) == 0x604 && t[173] == 16);
    assert_true(ld_le64(t + 212) == 0x608 && t[209] == 32);
    assert_true(ld_le64(t + 224) == 0x60c && t[221] == 32);
    assert_true(ld_le64(t + 120) == 0xcf9 && t[128] == 0x0f);
    assert_int_equal(t[108], 0x32);
    assert_int_equal(ld_le32(t + 112) & (1 << 10), 1 << 10); /* reset register */
    assert_int_equal(ld_le32(t + 112) & (1 << 4), 0);        /* fixed power button */
    assert_int_equal(ld_le32(t + 112) & (1 << 19), 0);
    assert_int_equal(ld_le32(table(&big, "FACP", 4) + 112) & (1 << 19), 1 << 19);
    assert_null(table(&ram, "HPET", 8));
    free(ram.low);
    free(big.low);
}

static void test_acpi_madt(void **state)
{
    struct guest_ram ram = placed(64, 0);
    uint8_t *t = table(&ram, "APIC", 8), *p;
    unsigned cpus = 0, ioapics = 0, overrides = 0, nmis = 0;

    (void)state;
    assert_int_equal(ld_le32(t + 36), 0xfee00000);
    for (p = t + 44; p < t + ld_le32(t + 4); p += p[1]) {
        assert_true(p[1] >= 6);
        if (p[0] == 0) {
            assert_int_equal(p[2], cpus);
            assert_int_equal(p[3], cpus++);
        } else if (p[0] == 1) {
            assert_int_equal(ld_le32(p + 4), 0xfec00000);
            ioapics++;
        } else if (p[0] == 2) {
            assert_int_equal(ld_le32(p + 4), p[3] ? p[3] : 2);
            assert_int_equal(ld_le16(p + 8), p[3] ? 0x0d : 0);
            overrides |= 1u << p[3];
        } else {
            assert_int_equal(p[0], 4);
            assert_int_equal(p[5], 1);
            nmis++;
        }
    }
    assert_ptr_equal(p, t + ld_le32(t + 4));
    assert_int_equal(cpus, 64);
    assert_int_equal(ioapics, 1);
    assert_int_equal(overrides, 1 << 0 | 1 << 9 | 1 << 10 | 1 << 11);
    assert_int_equal(nmis, 1);
    free(ram.low);
}

/* The word that the DSDT's _STA methods look at. */
static uint32_t chips_in_dsdt(unsigned chips)
{
    struct guest_ram ram = placed(1, chips);
    uint8_t *dsdt = ram.low + ld_le32(table(&ram, "FACP", 4) + 40);
    uint32_t value = 0;

    for (uint32_t k = 36; k < ld_le32(dsdt + 4) - 10; k++) {
        if (!memcmp(dsdt + k,
                    "\x08"
                    "CHIP\x0c",
                    6))
            value = ld_le32(dsdt + k + 6);
    }
    free(ram.low);
    return value;
}

static void test_acpi_chips(void **state)
{
    (void)state;
    assert_int_equal(chips_in_dsdt(0), 0);
    assert_int_equal(chips_in_dsdt(ACPI_CHIP_COM2 | ACPI_CHIP_HPET), 0x42);
}

static void test_acpi_place(void **state)
{
    const struct acpi_config cfg = {.cpus = 1, .pci_hole_start = 0x80000000};
    struct acpi_blobs *b = acpi_build(&cfg);
    struct guest_ram ram = ram_new();

    (void)state;
    assert_false(acpi_place(b, &ram, RAM - 64, RSDP));
    assert_false(acpi_place(b, &ram, TABLES + 16, RSDP));
    assert_false(acpi_place(b, &ram, TABLES, RSDP + 1));
    assert_false(acpi_place(b, &ram, TABLES, 4 * GIB));
    acpi_blobs_free(b);
    free(ram.low);
}

static void test_linker(void **state)
{
    struct guest_ram ram = ram_new();
    const struct linker_file files[] = {{"a", 0x1000, 16}, {"b", 0x2000, 32}};
    GByteArray *s = g_byte_array_new();

    (void)state;
    linker_allocate(s, "a", 16, LINKER_HIGH);
    linker_allocate(s, "b", 16, LINKER_FSEG);
    assert_int_equal(s->len, 256);
    linker_pointer(s, "a", 8, 8, "b");
    linker_checksum(s, "b", 0, 0, 32);
    st_le64(ram.low + 0x1008, 5);
    ram.low[0x2001] = 7;
    assert_true(linker_run(s, files, 2, &ram));
    assert_true(ld_le64(ram.low + 0x1008) == 0x2005);
    assert_int_equal(ram.low[0x2000], 0xf9);
    assert_false(linker_run(s, files, 1, &ram)); /* b is not there */
    linker_pointer(s, "a", 9, 8, "b");           /* leaves the file */
    assert_false(linker_run(s, files, 2, &ram));
    g_byte_array_set_size(s, 256);
    linker_checksum(s, "b", 0, 1, UINT32_MAX);
    assert_false(linker_run(s, files, 2, &ram));
    g_byte_array_set_size(s, 200); /* half a command */
    assert_false(linker_run(s, files, 2, &ram));
    g_byte_array_unref(s);
    free(ram.low);
}

static struct smbios_config smbios_cfg(uint64_t low, uint64_t high)
{
    return (struct smbios_config){
        .uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88},
        .sockets = 2,
        .cores_per_socket = 4,
        .threads_per_socket = 4,
        .low_size = low,
        .high_size = high,
    };
}

/* The structure after p: past the formatted area and the strings. */
static const uint8_t *next_structure(const uint8_t *p)
{
    p += p[1];
    while (p[0] || p[1])
        p++;
    return p + 2;
}

static void test_smbios(void **state)
{
    static const uint8_t uuid[9] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88};
    const struct smbios_config cfg = smbios_cfg(3 * GIB, 29 * GIB);
    struct smbios_blobs *b = smbios_build(&cfg);
    struct guest_ram ram = ram_new();
    const uint8_t *a = ram.low + ANCHOR, *p = ram.low + SMTABLE, *end;
    unsigned seen[256] = {0}, n = 0;

    (void)state;
    assert_int_equal(sum(b->anchor->data, 31), 0); /* as SeaBIOS gets it */
    assert_int_equal(sum(b->anchor->data + 16, 15), 0);
    assert_false(smbios_place(b, &ram, (uint32_t)RAM - 16, ANCHOR));
    assert_true(smbios_place(b, &ram, SMTABLE, ANCHOR));
    assert_memory_equal(a, "_SM_", 4);
    assert_memory_equal(a + 16, "_DMI_", 5);
    assert_int_equal(sum(a, 31), 0);
    assert_int_equal(sum(a + 16, 15), 0);
    assert_int_equal(ld_le32(a + 0x18), SMTABLE);
    for (end = p + ld_le16(a + 0x16); p < end; p = next_structure(p), n++) {
        seen[p[0]]++;
        assert_true(next_structure(p) - p <= ld_le16(a + 8));
        if (p[0] == 1)
            assert_memory_equal(p + 8, uuid, sizeof(uuid));
        if (p[0] == 4)
            assert_int_equal(p[0x23], 4);
        if (p[0] == 17)
            assert_int_equal(ld_le16(p + 0x0c), 16384); /* two of 16 GiB */
    }
    assert_ptr_equal(p, end);
    assert_int_equal(n, ld_le16(a + 0x1c));
    assert_true(seen[0] == 1 && seen[1] == 1 && seen[3] == 1 && seen[4] == 2 && seen[16] == 1);
    assert_true(seen[17] == 2 && seen[19] == 2 && seen[32] == 1 && seen[127] == 1);
    smbios_blobs_free(b);
    free(ram.low);
}

static void test_fill(void **state)
{
    const struct acpi_config acfg = {.cpus = 1, .pci_hole_start = 0x80000000};
    const struct smbios_config scfg = smbios_cfg(GIB, 0);
    struct acpi_blobs *acpi = acpi_build(&acfg);
    struct smbios_blobs *smbios = smbios_build(&scfg);
    struct bus *ports = bus_new("port", 0xffff);
    struct fw_cfg *f = fw_cfg_new(&(struct fw_cfg_config){.ports = ports}, NULL);
    g_autofree char *path = firmware_ide_path(1, 1, 1, 0);
    struct firmware_cfg cfg = {.low_size = 3 * GIB,
                               .high_size = GIB,
                               .cpus = 1,
                               .acpi = acpi,
                               .smbios = smbios,
                               .bootorder = path,
                               .boot_menu_wait_ms = 100000};
    const uint8_t *data;
    size_t len;

    (void)state;
    assert_string_equal(path, "/pci@i0cf8/ide@1,1/drive@1/disk@0");
    assert_true(firmware_cfg_fill(f, &cfg, NULL));
    data = fw_cfg_file(f, "etc/e820", &len);
    assert_int_equal(len, 40);
    assert_true(ld_le64(data + 20) == 4 * GIB && ld_le64(data + 28) == GIB);
    data = fw_cfg_file(f, "etc/table-loader", &len);
    assert_int_equal(len % 128, 0);
    assert_true(len > 256 && ld_le32(data) == 1);
    assert_string_equal((const char *)data + 4, "etc/acpi/tables");
    assert_non_null(fw_cfg_file(f, "etc/acpi/rsdp", &len));
    assert_int_equal(len, 36);
    assert_non_null(fw_cfg_file(f, "etc/smbios/smbios-anchor", &len));
    assert_int_equal(len, 31);
    data = fw_cfg_file(f, "etc/boot-menu-wait", &len);
    assert_true(len == 2 && ld_le16(data) == 65535);
    data = fw_cfg_file(f, "etc/boot-fail-wait", &len);
    assert_true(len == 4 && ld_le32(data) == UINT32_MAX);
    data = fw_cfg_file(f, "bootorder", &len);
    assert_string_equal((const char *)data, path);
    data = fw_cfg_file(f, "etc/system-states", &len);
    assert_true(len == 6 && data[5] == 0x80 && data[3] == 0x81);
    device_destroy(fw_cfg_device(f));
    bus_free(ports);
    acpi_blobs_free(acpi);
    smbios_blobs_free(smbios);
}

/* A file of `len` bytes in a fresh directory; the path is the caller's. */
static char *make_file(const char *dir, const char *name, const void *data, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    return path;
}

static void fails(struct firmware_image *(*load)(const char *, const char *, GError **),
                  const char *name, const char *where)
{
    GError *err = NULL;

    assert_null(load(name, where, &err));
    assert_non_null(err);
    assert_non_null(strstr(err->message, name));
    assert_null(strchr(err->message, '\n'));
    g_error_free(err);
}

static void test_firmware(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("penumbra-XXXXXX", NULL);
    g_autofree uint8_t *big = g_malloc0(0x20000);
    g_autofree char *good = make_file(dir, "good.bin", big, 0x20000);
    g_autofree char *odd = make_file(dir, "odd.bin", big, 1000);
    g_autofree char *empty = make_file(dir, "empty.bin", "", 0);
    g_autofree char *rom = NULL, *bad = make_file(dir, "bad.rom", big, 1024);
    g_autofree char *cut = make_file(dir, "cut.rom", "\x55\xaa\x08", 3);
    g_autofree char *none = g_build_filename(dir, "none.bin", NULL);
    struct firmware_image *f;
    GError *err = NULL;

    (void)state;
    f = firmware_load_bios("good.bin", dir, &err);
    assert_non_null(f);
    assert_int_equal(f->size, 0x20000);
    firmware_free(f);
    fails(firmware_load_bios, odd, NULL);
    fails(firmware_load_bios, empty, NULL);
    fails(firmware_load_bios, none, NULL);
    fails(firmware_load_bios, dir, NULL);
    fails(firmware_load_bios, "no-such-name.bin", dir);
    fails(firmware_load_rom, bad, NULL);
    fails(firmware_load_rom, cut, NULL);
    memcpy(big, "\x55\xaa\x05", 3); /* five sectors */
    rom = make_file(dir, "good.rom", big, 2560);
    f = firmware_load_rom(rom, NULL, &err);
    assert_non_null(f);
    assert_int_equal(f->size, 4096);
    assert_int_equal(f->data[2559], 0);
    assert_int_equal(f->data[2560], 0xff);
    firmware_free(f);
    unlink(good);
    unlink(odd);
    unlink(empty);
    unlink(bad);
    unlink(cut);
    unlink(rom);
    rmdir(dir);
}

static int dump(const char *dir)
{
    static const char *const names[] = {"FACP", "SSDT", "APIC", "HPET", "WAET"};
    struct guest_ram ram = placed(2, ACPI_CHIP_COM1 | ACPI_CHIP_HPET);
    const uint8_t *dsdt = ram.low + ld_le32(table(&ram, "FACP", 4) + 40);
    g_autofree char *path = make_file(dir, "DSDT.dat", dsdt, ld_le32(dsdt + 4));

    for (unsigned k = 0; k < ARRAY_SIZE(names); k++) {
        const uint8_t *t = table(&ram, names[k], 4);
        g_autofree char *name = g_strconcat(names[k], ".dat", NULL);

        g_free(make_file(dir, name, t, ld_le32(t + 4)));
    }
    free(ram.low);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_e820_firmware), cmocka_unit_test(test_e820_kernel),
        cmocka_unit_test(test_e820_set),      cmocka_unit_test(test_ram_at),
        cmocka_unit_test(test_acpi_walk),     cmocka_unit_test(test_acpi_fadt),
        cmocka_unit_test(test_acpi_moved_pm), cmocka_unit_test(test_acpi_madt),
        cmocka_unit_test(test_acpi_chips),    cmocka_unit_test(test_acpi_place),
        cmocka_unit_test(test_linker),        cmocka_unit_test(test_smbios),
        cmocka_unit_test(test_fill),          cmocka_unit_test(test_firmware),
    };
    return argc > 1 ? dump(argv[1]) : unit_main(tests);
}
