/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See smbios.h. Each function below builds one structure type of chapter 7. */
#include "machine/smbios.h"

#include <stdarg.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"

#define ANCHOR_SIZE 31
#define DIMM_MAX    (UINT64_C(16) << 30)
#define NO_HANDLE   0xfffe /* "no error information" */

enum {
    HANDLE_BIOS = 0x000,
    HANDLE_SYSTEM = 0x100,
    HANDLE_CHASSIS = 0x300,
    HANDLE_CPU = 0x400,
    HANDLE_ARRAY = 0x1000,
    HANDLE_DIMM = 0x1100,
    HANDLE_MAP = 0x1300,
    HANDLE_BOOT = 0x2000,
    HANDLE_END = 0x7f00,
};

struct builder {
    GByteArray *a;
    unsigned count;
    unsigned largest;
};

static uint8_t checksum(const uint8_t *p, size_t len)
{
    uint8_t sum = 0;

    while (len--)
        sum = (uint8_t)(sum + *p++);
    return (uint8_t)-sum;
}

/* Appends a structure: its formatted area (`len` bytes, the header filled in here), then its
 * strings, which the area refers to as 1, 2, ...; the list ends with NULL. */
static void add(struct builder *b, uint8_t type, uint16_t handle, uint8_t *area, unsigned len, ...)
{
    guint start = b->a->len;
    const char *s;
    unsigned n = 0;
    va_list ap;

    area[0] = type;
    area[1] = (uint8_t)len;
    st_le16(area + 2, handle);
    g_byte_array_append(b->a, area, len);
    va_start(ap, len);
    while ((s = va_arg(ap, const char *))) {
        /* an empty string would end the list */
        g_byte_array_append(b->a, (const uint8_t *)(*s ? s : " "), (guint)(*s ? strlen(s) : 1) + 1);
        n++;
    }
    va_end(ap);
    g_byte_array_append(b->a, (const uint8_t *)"\0", n ? 1 : 2);
    b->count++;
    b->largest = MAX(b->largest, b->a->len - start);
}

static void add_bios(struct builder *b, const struct smbios_config *cfg)
{
    uint8_t t[0x18] = {0};

    t[0x04] = 1; /* vendor */
    t[0x05] = 2; /* version */
    st_le16(t + 0x06, 0xe800);
    t[0x08] = 3;               /* release date */
    st_le64(t + 0x0a, 1 << 3); /* characteristics are not given */
    t[0x13] = 1 << 4;          /* a virtual machine */
    t[0x16] = t[0x17] = 0xff;  /* no embedded controller */
    add(b, 0, HANDLE_BIOS, t, sizeof(t), cfg->bios_vendor ? cfg->bios_vendor : "SeaBIOS",
        "Penumbra", "04/01/2014", NULL);
}

static void add_system(struct builder *b, const struct smbios_config *cfg)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t t[0x1b] = {0};

    t[0x04] = 1;
    t[0x05] = 2;
    t[0x06] = 3;
    t[0x07] = cfg->serial ? 4 : 0;
    for (unsigned k = 0; k < 16; k++)
        t[0x08 + k] = cfg->uuid[order[k]]; /* the first three fields are little-endian */
    t[0x18] = 6;                           /* woken by the power switch */
    add(b, 1, HANDLE_SYSTEM, t, sizeof(t), "Penumbra", cfg->product ? cfg->product : "Penumbra PC",
        "i440FX + PIIX", cfg->serial, NULL);
}

static void add_chassis(struct builder *b)
{
    uint8_t t[0x16] = {0};

    t[0x04] = 1;
    t[0x05] = 1; /* other */
    t[0x06] = 2;
    t[0x09] = t[0x0a] = t[0x0b] = 3; /* boot-up, power supply, thermal: safe */
    t[0x0c] = 2;                     /* security unknown */
    add(b, 3, HANDLE_CHASSIS, t, sizeof(t), "Penumbra", "i440FX + PIIX", NULL);
}

static void add_cpu(struct builder *b, const struct smbios_config *cfg, unsigned socket)
{
    uint8_t t[0x2a] = {0};
    char name[16];

    g_snprintf(name, sizeof(name), "CPU %u", socket);
    t[0x04] = 1;    /* socket */
    t[0x05] = 3;    /* central processor */
    t[0x06] = 0x01; /* family: other */
    t[0x07] = 2;
    st_le32(t + 0x08, cfg->cpu_signature);
    st_le32(t + 0x0c, cfg->cpu_features);
    t[0x10] = 3;
    st_le16(t + 0x14, 2000); /* MHz, at most and now */
    st_le16(t + 0x16, 2000);
    t[0x18] = 0x41;            /* populated and enabled */
    t[0x19] = 1;               /* upgrade: other */
    memset(t + 0x1a, 0xff, 6); /* no cache structures */
    t[0x23] = t[0x24] = (uint8_t)MIN(cfg->cores_per_socket, 255u);
    t[0x25] = (uint8_t)MIN(cfg->threads_per_socket, 255u);
    st_le16(t + 0x26, 1 << 1); /* characteristics unknown */
    st_le16(t + 0x28, 0x01);
    add(b, 4, (uint16_t)(HANDLE_CPU + socket), t, sizeof(t), name,
        cfg->cpu_vendor ? cfg->cpu_vendor : "Penumbra", cfg->cpu_model ? cfg->cpu_model : "Unknown",
        NULL);
}

static void add_array(struct builder *b, uint64_t total, unsigned dimms)
{
    uint8_t t[0x17] = {0};
    uint64_t kib = total >> 10;

    t[0x04] = 1; /* other */
    t[0x05] = 3; /* system memory */
    t[0x06] = 3; /* no error correction */
    if (kib < 0x80000000u) {
        st_le32(t + 0x07, (uint32_t)kib);
    } else {
        st_le32(t + 0x07, 0x80000000u);
        st_le64(t + 0x0f, total);
    }
    st_le16(t + 0x0b, NO_HANDLE);
    st_le16(t + 0x0d, (uint16_t)dimms);
    add(b, 16, HANDLE_ARRAY, t, sizeof(t), NULL);
}

static void add_dimm(struct builder *b, unsigned n, uint64_t size)
{
    uint8_t t[0x28] = {0};
    char name[16];

    g_snprintf(name, sizeof(name), "DIMM %u", n);
    st_le16(t + 0x04, HANDLE_ARRAY);
    st_le16(t + 0x06, NO_HANDLE);
    st_le16(t + 0x08, 0xffff); /* widths unknown */
    st_le16(t + 0x0a, 0xffff);
    /* in MiB, or in KiB with the top bit set; at most DIMM_MAX, so it always fits */
    if (size < (UINT64_C(1) << 20) || size % (1 << 20))
        st_le16(t + 0x0c, (uint16_t)(0x8000 | MIN(size >> 10, 0x7ffe)));
    else
        st_le16(t + 0x0c, (uint16_t)(size >> 20));
    t[0x0e] = 9; /* DIMM */
    t[0x10] = 1;
    t[0x12] = 7;               /* RAM */
    st_le16(t + 0x13, 1 << 1); /* other */
    t[0x17] = 2;
    add(b, 17, (uint16_t)(HANDLE_DIMM + n), t, sizeof(t), name, "Penumbra", NULL);
}

static void add_map(struct builder *b, unsigned n, uint64_t base, uint64_t len, unsigned dimms)
{
    uint8_t t[0x1f] = {0};

    if (!len)
        return;
    if ((base + len) >> 10 < UINT32_MAX) {
        st_le32(t + 0x04, (uint32_t)(base >> 10));
        st_le32(t + 0x08, (uint32_t)(((base + len) >> 10) - 1));
    } else {
        st_le32(t + 0x04, UINT32_MAX);
        st_le32(t + 0x08, UINT32_MAX);
        st_le64(t + 0x0f, base);
        st_le64(t + 0x17, base + len - 1);
    }
    st_le16(t + 0x0c, HANDLE_ARRAY);
    t[0x0e] = (uint8_t)dimms;
    add(b, 19, (uint16_t)(HANDLE_MAP + n), t, sizeof(t), NULL);
}

static void add_memory(struct builder *b, const struct smbios_config *cfg)
{
    uint64_t total = cfg->low_size + cfg->high_size, left = total;
    unsigned dimms = (unsigned)MIN((total + DIMM_MAX - 1) / DIMM_MAX, 128u);

    add_array(b, total, dimms);
    for (unsigned k = 0; k < dimms; k++) {
        add_dimm(b, k, MIN(left, DIMM_MAX));
        left -= MIN(left, DIMM_MAX);
    }
    add_map(b, 0, 0, cfg->low_size, dimms);
    add_map(b, 1, RAM_HIGH_BASE, cfg->high_size, dimms);
}

static void make_anchor(struct smbios_blobs *s, const struct builder *b)
{
    uint8_t t[ANCHOR_SIZE] = {0};

    memcpy(t, "_SM_", 4);
    t[0x05] = ANCHOR_SIZE;
    t[0x06] = 2;
    t[0x07] = 8;
    st_le16(t + 0x08, (uint16_t)b->largest);
    memcpy(t + 0x10, "_DMI_", 5);
    st_le16(t + 0x16, (uint16_t)s->tables->len);
    st_le16(t + 0x1c, (uint16_t)b->count);
    t[0x1e] = 0x28;
    t[0x15] = checksum(t + 0x10, 0x0f);
    t[0x04] = checksum(t, ANCHOR_SIZE);
    g_byte_array_append(s->anchor, t, sizeof(t));
}

struct smbios_blobs *smbios_build(const struct smbios_config *cfg)
{
    struct smbios_blobs *s = g_new0(struct smbios_blobs, 1);
    struct builder b = {.a = g_byte_array_new()};
    uint8_t boot[0x0b] = {0}, end[0x04] = {0};

    invariant(cfg->sockets >= 1 && cfg->sockets <= 64);
    add_bios(&b, cfg);
    add_system(&b, cfg);
    add_chassis(&b);
    for (unsigned k = 0; k < cfg->sockets; k++)
        add_cpu(&b, cfg, k);
    add_memory(&b, cfg);
    add(&b, 32, HANDLE_BOOT, boot, sizeof(boot), NULL);
    add(&b, 127, HANDLE_END, end, sizeof(end), NULL);
    invariant(b.a->len <= UINT16_MAX);
    s->tables = b.a;
    s->anchor = g_byte_array_new();
    make_anchor(s, &b);
    return s;
}

void smbios_blobs_free(struct smbios_blobs *b)
{
    if (!b)
        return;
    g_byte_array_unref(b->tables);
    g_byte_array_unref(b->anchor);
    g_free(b);
}

bool smbios_place(const struct smbios_blobs *b, const struct guest_ram *ram, uint32_t tables_gpa,
                  uint32_t anchor_gpa)
{
    uint8_t *tables = guest_ram_at(ram, tables_gpa, b->tables->len);
    uint8_t *anchor = guest_ram_at(ram, anchor_gpa, b->anchor->len);

    if (!tables || !anchor || anchor_gpa % 16)
        return false;
    memcpy(tables, b->tables->data, b->tables->len);
    memcpy(anchor, b->anchor->data, b->anchor->len);
    st_le32(anchor + 0x18, tables_gpa);
    anchor[0x15] = anchor[0x04] = 0;
    anchor[0x15] = checksum(anchor + 0x10, 0x0f);
    anchor[0x04] = checksum(anchor, ANCHOR_SIZE);
    return true;
}
