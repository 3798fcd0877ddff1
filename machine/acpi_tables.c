/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the ACPI tables and the script that links them; see acpi.h. Sections are of the ACPI
 * specification 3.0b: 5.2.5 RSDP, 5.2.6 headers, 5.2.9 FADT, 5.2.10 FACS, 5.2.11 MADT; the HPET
 * table is in the IA-PC HPET specification 3.2.4; the WAET in Microsoft's "Windows ACPI Emulated
 * devices Table".
 */
#include "machine/acpi.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "devices/pc/acpi_pm.h"
#include "devices/pc/hpet.h"
#include "devices/pc/ioapic.h"
#include "machine/acpi_dsdt.h"
#include "machine/acpi_linker.h"
#include "machine/acpi_ssdt.h"

#define HEADER_SIZE 36
#define FACS_SIZE   64
#define FADT_SIZE   244
#define RSDP_SIZE   36
#define ALIGN       64 /* what the FACS needs */

#define LAPIC_BASE   0xfee00000u
#define CENTURY_CMOS 0x32
#define RESET_PORT   0xcf9
#define RESET_VALUE  0x0f /* hard reset, power cycled */

/* A table under construction at the end of the blob. */
struct table {
    GByteArray *a;
    guint start;
};

static void u8(GByteArray *a, unsigned v)
{
    uint8_t b = (uint8_t)v;

    g_byte_array_append(a, &b, 1);
}

static void u16(GByteArray *a, unsigned v)
{
    uint16_t w = (uint16_t)v;

    g_byte_array_append(a, (const uint8_t *)&w, 2);
}

static void u32(GByteArray *a, uint32_t v)
{
    g_byte_array_append(a, (const uint8_t *)&v, 4);
}

static void u64(GByteArray *a, uint64_t v)
{
    g_byte_array_append(a, (const uint8_t *)&v, 8);
}

static void pad(GByteArray *a, guint len)
{
    guint old = a->len;

    g_byte_array_set_size(a, old + len);
    memset(a->data + old, 0, len);
}

/* Every table starts on 16 bytes: nothing asks for it, but it dumps better. */
static void align(GByteArray *a, guint to)
{
    if (a->len % to)
        pad(a, to - a->len % to);
}

static struct table table_begin(GByteArray *a, const char *signature, unsigned revision)
{
    struct table t;

    align(a, 16);
    t = (struct table){a, a->len};
    g_byte_array_append(a, (const uint8_t *)signature, 4);
    u32(a, 0); /* length */
    u8(a, revision);
    u8(a, 0); /* checksum */
    g_byte_array_append(a, (const uint8_t *)"PENUMBPENUMBRA", 14);
    u32(a, 1);
    g_byte_array_append(a, (const uint8_t *)"PNMB", 4);
    u32(a, 1);
    return t;
}

/* Fills the length in and asks for the checksum. Returns where the table is. */
static guint table_end(struct table t, GByteArray *script)
{
    guint len = t.a->len - t.start;

    st_le32(t.a->data + t.start + 4, len);
    linker_checksum(script, ACPI_FILE_TABLES, t.start + 9, t.start, len);
    return t.start;
}

/* The pointer of `size` bytes at `at` in the tables gets the address of the table at `target`. */
static void point(struct acpi_blobs *b, guint at, unsigned size, guint target)
{
    st_le(b->tables->data + at, target, size);
    linker_pointer(b->script, ACPI_FILE_TABLES, at, size, ACPI_FILE_TABLES);
}

static guint add_facs(struct acpi_blobs *b)
{
    guint at;

    align(b->tables, ALIGN);
    at = b->tables->len;
    pad(b->tables, FACS_SIZE);
    memcpy(b->tables->data + at, "FACS", 4);
    st_le32(b->tables->data + at + 4, FACS_SIZE);
    b->tables->data[at + 32] = 1; /* version, with the 64-bit waking vector */
    b->facs = at;
    return at;
}

/* Where the compiled table says which chips there are: Name (CHIP, 0x50494843). */
static uint8_t *chips_word(uint8_t *dsdt)
{
    static const uint8_t name[] = {0x08, 'C', 'H', 'I', 'P', 0x0c, 'C', 'H', 'I', 'P'};
    uint8_t *found = NULL;

    for (guint k = HEADER_SIZE; k + sizeof(name) <= acpi_dsdt_len; k++) {
        if (!memcmp(dsdt + k, name, sizeof(name))) {
            invariant(!found);
            found = dsdt + k + 6;
        }
    }
    invariant(found);
    return found;
}

/* The compiled table with that word replaced. */
static guint add_dsdt(struct acpi_blobs *b, const struct acpi_config *cfg)
{
    uint8_t *dsdt;
    guint at;

    align(b->tables, 16);
    at = b->tables->len;
    g_byte_array_append(b->tables, acpi_dsdt, acpi_dsdt_len);
    dsdt = b->tables->data + at;
    st_le32(chips_word(dsdt), cfg->chips);
    dsdt[9] = 0;
    linker_checksum(b->script, ACPI_FILE_TABLES, at + 9, at, acpi_dsdt_len);
    return at;
}

/* Generic address of a register in port space. */
static void gas_io(uint8_t *at, uint16_t port, unsigned bit_width, unsigned access)
{
    at[0] = 1;
    at[1] = (uint8_t)bit_width;
    at[2] = 0;
    at[3] = (uint8_t)access;
    st_le64(at + 4, port);
}

static void fadt_blocks(uint8_t *t, unsigned base)
{
    const uint16_t evt = (uint16_t)(base + ACPI_PM1_EVT), cnt = (uint16_t)(base + ACPI_PM1_CNT),
                   tmr = (uint16_t)(base + ACPI_PM_TMR), gpe = (uint16_t)(base + ACPI_PM_GPE0);

    st_le32(t + 56, evt);
    st_le32(t + 64, cnt);
    st_le32(t + 76, tmr);
    st_le32(t + 80, gpe);
    t[88] = 4; /* PM1_EVT_LEN */
    t[89] = 2; /* PM1_CNT_LEN */
    t[91] = 4; /* PM_TMR_LEN */
    t[92] = ACPI_PM_GPE0_LEN;
    gas_io(t + 148, evt, 32, 2);
    gas_io(t + 172, cnt, 16, 2);
    gas_io(t + 208, tmr, 32, 3);
    gas_io(t + 220, gpe, 8 * ACPI_PM_GPE0_LEN, 1);
}

static guint add_fadt(struct acpi_blobs *b, const struct acpi_config *cfg, guint facs, guint dsdt)
{
    enum {
        WBINVD = 1 << 0,
        PROC_C1 = 1 << 2,
        NO_SLEEP_BUTTON = 1 << 5,
        RESET_REG = 1 << 10,
        APIC_PHYSICAL = 1 << 19,
        LEGACY_DEVICES = 1 << 0,
        HAS_8042 = 1 << 1,
    };
    struct table tab = table_begin(b->tables, "FACP", 3);
    uint8_t *t;

    pad(b->tables, FADT_SIZE - HEADER_SIZE);
    t = b->tables->data + tab.start;
    t[45] = 1; /* a desktop */
    st_le16(t + 46, ACPI_PM_SCI_IRQ);
    st_le32(t + 48, ACPI_PM_SMI_CMD);
    t[52] = ACPI_PM_CMD_ENABLE;
    t[53] = ACPI_PM_CMD_DISABLE;
    fadt_blocks(t, cfg->pm_base ? cfg->pm_base : ACPI_PM_BASE);
    st_le16(t + 96, 0xfff); /* no C2 */
    st_le16(t + 98, 0xfff); /* no C3 */
    t[108] = CENTURY_CMOS;
    st_le16(t + 109, LEGACY_DEVICES | HAS_8042);
    /* the flat logical mode names eight processors at most */
    st_le32(t + 112,
            WBINVD | PROC_C1 | NO_SLEEP_BUTTON | RESET_REG | (cfg->cpus > 8 ? APIC_PHYSICAL : 0u));
    gas_io(t + 116, RESET_PORT, 8, 1);
    t[128] = RESET_VALUE;
    point(b, tab.start + 36, 4, facs);
    point(b, tab.start + 40, 4, dsdt);
    point(b, tab.start + 140, 8, dsdt);
    return table_end(tab, b->script);
}

static void madt_override(GByteArray *a, unsigned irq, unsigned gsi, unsigned flags)
{
    u8(a, 2);
    u8(a, 10);
    u8(a, 0); /* ISA */
    u8(a, irq);
    u32(a, gsi);
    u16(a, flags);
}

static guint add_madt(struct acpi_blobs *b, const struct acpi_config *cfg)
{
    enum { PCAT_COMPAT = 1, CONFORMS = 0, LEVEL_HIGH = 0x0d };
    struct table tab = table_begin(b->tables, "APIC", 1);
    GByteArray *a = b->tables;

    u32(a, LAPIC_BASE);
    u32(a, PCAT_COMPAT);
    for (unsigned k = 0; k < cfg->cpus; k++) {
        u8(a, 0);
        u8(a, 8);
        u8(a, k);
        u8(a, k);
        u32(a, 1); /* enabled */
    }
    u8(a, 1);
    u8(a, 12);
    u8(a, 0); /* id */
    u8(a, 0);
    u32(a, (uint32_t)IOAPIC_DEFAULT_BASE);
    u32(a, 0); /* first GSI */
    madt_override(a, 0, 2, CONFORMS);
    /* the SCI, and the two that PIRQs are routed to */
    madt_override(a, ACPI_PM_SCI_IRQ, ACPI_PM_SCI_IRQ, LEVEL_HIGH);
    madt_override(a, 10, 10, LEVEL_HIGH);
    madt_override(a, 11, 11, LEVEL_HIGH);
    u8(a, 4); /* NMI on every processor's LINT1 */
    u8(a, 6);
    u8(a, 0xff);
    u16(a, CONFORMS);
    u8(a, 1);
    return table_end(tab, b->script);
}

static guint add_hpet(struct acpi_blobs *b)
{
    struct table tab = table_begin(b->tables, "HPET", 1);
    uint8_t gas[12] = {0};

    u32(b->tables, HPET_BLOCK_ID);
    st_le64(gas + 4, HPET_DEFAULT_BASE); /* memory space, no width given */
    g_byte_array_append(b->tables, gas, sizeof(gas));
    u8(b->tables, 0);
    u16(b->tables, 0x80); /* shortest period that loses no tick, in ticks */
    u8(b->tables, 0);
    return table_end(tab, b->script);
}

static guint add_waet(struct acpi_blobs *b)
{
    enum { PM_TIMER_GOOD = 1 << 1 }; /* one read of the PM timer is enough */
    struct table tab = table_begin(b->tables, "WAET", 1);

    u32(b->tables, PM_TIMER_GOOD);
    return table_end(tab, b->script);
}

static guint add_ssdt(struct acpi_blobs *b, const struct acpi_config *cfg)
{
    struct table tab = table_begin(b->tables, "SSDT", 1);

    acpi_ssdt_body(b->tables, cfg);
    return table_end(tab, b->script);
}

/* RSDT (size 4) or XSDT (size 8): pointers to the others. */
static guint add_root(struct acpi_blobs *b, const char *signature, unsigned size,
                      const guint *tables, unsigned n)
{
    struct table tab = table_begin(b->tables, signature, 1);

    pad(b->tables, n * size);
    for (unsigned k = 0; k < n; k++)
        point(b, tab.start + HEADER_SIZE + k * size, size, tables[k]);
    return table_end(tab, b->script);
}

static void add_rsdp(struct acpi_blobs *b, guint rsdt, guint xsdt)
{
    GByteArray *a = b->rsdp;

    g_byte_array_append(a, (const uint8_t *)"RSD PTR ", 8);
    u8(a, 0); /* checksum of the first 20 bytes */
    g_byte_array_append(a, (const uint8_t *)"PENUMB", 6);
    u8(a, 2);
    u32(a, rsdt);
    u32(a, RSDP_SIZE);
    u64(a, xsdt);
    u32(a, 0); /* checksum of all, and reserved */
    linker_pointer(b->script, ACPI_FILE_RSDP, 16, 4, ACPI_FILE_TABLES);
    linker_pointer(b->script, ACPI_FILE_RSDP, 24, 8, ACPI_FILE_TABLES);
    linker_checksum(b->script, ACPI_FILE_RSDP, 8, 0, 20);
    linker_checksum(b->script, ACPI_FILE_RSDP, 32, 0, RSDP_SIZE);
}

struct acpi_blobs *acpi_build(const struct acpi_config *cfg)
{
    struct acpi_blobs *b = g_new0(struct acpi_blobs, 1);
    guint facs, dsdt, tables[8], rsdt, xsdt;
    unsigned n = 0;

    invariant(cfg->cpus >= 1 && cfg->cpus <= ACPI_MAX_CPUS);
    b->tables = g_byte_array_new();
    b->rsdp = g_byte_array_new();
    b->script = g_byte_array_new();
    linker_allocate(b->script, ACPI_FILE_TABLES, ALIGN, LINKER_HIGH);
    linker_allocate(b->script, ACPI_FILE_RSDP, 16, LINKER_FSEG);
    facs = add_facs(b);
    dsdt = add_dsdt(b, cfg);
    tables[n++] = add_fadt(b, cfg, facs, dsdt);
    tables[n++] = add_ssdt(b, cfg);
    tables[n++] = add_madt(b, cfg);
    if (cfg->chips & ACPI_CHIP_HPET)
        tables[n++] = add_hpet(b);
    tables[n++] = add_waet(b);
    rsdt = add_root(b, "RSDT", 4, tables, n);
    xsdt = add_root(b, "XSDT", 8, tables, n);
    add_rsdp(b, rsdt, xsdt);
    return b;
}

void acpi_blobs_free(struct acpi_blobs *b)
{
    if (!b)
        return;
    g_byte_array_unref(b->tables);
    g_byte_array_unref(b->rsdp);
    g_byte_array_unref(b->script);
    g_free(b);
}

bool acpi_place(const struct acpi_blobs *b, const struct guest_ram *ram, uint64_t tables_gpa,
                uint64_t rsdp_gpa)
{
    const struct linker_file files[] = {
        {ACPI_FILE_TABLES, tables_gpa, b->tables->len},
        {ACPI_FILE_RSDP, rsdp_gpa, b->rsdp->len},
    };
    uint8_t *tables = guest_ram_at(ram, tables_gpa, b->tables->len);
    uint8_t *rsdp = guest_ram_at(ram, rsdp_gpa, b->rsdp->len);

    if (!tables || !rsdp || tables_gpa % ALIGN || rsdp_gpa % 16)
        return false;
    memcpy(tables, b->tables->data, b->tables->len);
    memcpy(rsdp, b->rsdp->data, b->rsdp->len);
    return linker_run(b->script, files, ARRAY_SIZE(files), ram);
}
