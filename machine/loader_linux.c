/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loader_linux.h. Field names are those of the boot protocol document. */
#include "machine/loader_linux.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

/* The setup header: offsets in the file and in the zero page alike. */
enum {
    SETUP_SECTS = 0x1f1,
    SYSSIZE = 0x1f4,
    VID_MODE = 0x1fa,
    BOOT_FLAG = 0x1fe,
    JUMP = 0x200,
    HEADER = 0x202,
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    CODE32_START = 0x214,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    KERNEL_ALIGNMENT = 0x230,
    RELOCATABLE = 0x234,
    XLOADFLAGS = 0x236,
    CMDLINE_SIZE = 0x238,
    PREF_ADDRESS = 0x258,
    INIT_SIZE = 0x260,
    HEADER_MAX = 0x290, /* what follows in the zero page is not the header's */
};

/* The rest of the zero page. */
enum {
    SI_EXT_MEM_K = 0x02,
    SI_VIDEO_MODE = 0x06,
    SI_VIDEO_COLS = 0x07,
    SI_EGA_BX = 0x0a,
    SI_VIDEO_LINES = 0x0e,
    SI_IS_VGA = 0x0f,
    SI_VIDEO_POINTS = 0x10,
    OLD_CL_MAGIC = 0x20,
    OLD_CL_OFFSET = 0x22,
    ACPI_RSDP_ADDR = 0x70,
    ALT_MEM_K = 0x1e0,
    E820_ENTRIES = 0x1e8,
    E820_TABLE = 0x2d0,
};

#define BOOT_MAGIC    0xaa55
#define HDRS          0x53726448u
#define LOADED_HIGH   0x01
#define XLF_KERNEL_64 0x01
#define LOADER_OTHER  0xff
#define CL_MAGIC      0xa33f

#define HIGH_LOAD      UINT64_C(0x100000) /* where a bzImage goes unless it says otherwise */
#define OLD_INITRD_MAX 0x37ffffffu
#define OLD_CMDLINE    255u
#define ENTRY_64       0x200
#define SECTOR         512u

/* Where things lie in low memory. The old command line offset has 16 bits, from the zero page. */
#define GDT_GPA     0x1000u
#define TABLES_GPA  0x2000u
#define STACK_TOP   0x9000u
#define ZERO_GPA    0x10000u
#define ZERO_SIZE   0x1000u
#define CMDLINE_GPA 0x18000u
#define CMDLINE_MAX 0xffffu

static bool bad(GError **err, const char *path, const char *why)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "kernel '%s' %s", path, why);
    return false;
}

bool linux_is_image(const GByteArray *file)
{
    return file->len >= VERSION + 2 && ld_le16(file->data + BOOT_FLAG) == BOOT_MAGIC &&
           ld_le32(file->data + HEADER) == HDRS;
}

static unsigned version(const uint8_t *h)
{
    return ld_le16(h + VERSION);
}

/* Bytes of boot sector and real-mode code before the kernel proper. */
static uint32_t setup_size(const uint8_t *h)
{
    unsigned sects = h[SETUP_SECTS] ? h[SETUP_SECTS] : 4u;

    return (sects + 1) * SECTOR;
}

/* The header's end; not all of it need be there in old versions. */
static uint32_t header_end(const uint8_t *h)
{
    return MIN(HEADER + (uint32_t)h[JUMP + 1], (uint32_t)HEADER_MAX);
}

static bool relocatable(const uint8_t *h)
{
    return version(h) >= 0x205 && h[RELOCATABLE];
}

static bool has_64(const uint8_t *h)
{
    return version(h) >= 0x20c && (ld_le16(h + XLOADFLAGS) & XLF_KERNEL_64);
}

bool linux_check(const GByteArray *file, const char *path, GError **err)
{
    const uint8_t *h = file->data;

    if (file->len < HEADER_MAX || file->len < setup_size(h) + ENTRY_64)
        return bad(err, path, "is truncated: it ends inside its setup code");
    if (version(h) < 0x200)
        return bad(err, path, "has a setup header older than version 2.00");
    if (!(h[LOADFLAGS] & LOADED_HIGH))
        return bad(err, path, "is a zImage; only bzImage kernels can be started");
    if (version(h) >= 0x204) {
        /* in units of 16 bytes; some kernels do not fill the last one */
        uint64_t want = setup_size(h) + (uint64_t)ld_le32(h + SYSSIZE) * 16;

        if ((uint64_t)file->len + 15 < want) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                        "kernel '%s' is truncated: %u bytes of %" PRIu64, path, file->len, want);
            return false;
        }
    }
    if (relocatable(h)) {
        uint32_t align = ld_le32(h + KERNEL_ALIGNMENT);

        if (!align || (align & (align - 1)))
            return bad(err, path, "has a damaged setup header: its alignment is no power of two");
    }
    if (version(h) >= 0x20a && ld_le64(h + PREF_ADDRESS) > RAM_LOW_MAX)
        return bad(err, path, "has a damaged setup header: its address is out of reach");
    return true;
}

/* Copies the protected-mode code to its place; *load gets the address, *end the first byte that the
 * kernel will not need before it knows the memory map. */
static bool place_kernel(const struct linux_boot *b, const struct guest_ram *ram, uint64_t top,
                         uint64_t *load, uint64_t *end, GError **err)
{
    const uint8_t *h = b->kernel->data;
    uint32_t skip = setup_size(h), size = b->kernel->len - skip;
    uint64_t pref = version(h) >= 0x20a ? ld_le64(h + PREF_ADDRESS) : HIGH_LOAD;
    uint64_t need = version(h) >= 0x20a ? MAX(ld_le32(h + INIT_SIZE), size) : size;
    uint8_t *to;

    *load = HIGH_LOAD;
    if (relocatable(h)) {
        uint64_t align = ld_le32(h + KERNEL_ALIGNMENT);

        *load = (MAX(pref, HIGH_LOAD) + align - 1) & ~(align - 1);
    }
    /* one that is loaded below its preferred address moves itself there */
    *end = MAX(*load, pref) + need;
    to = *end <= top ? guest_ram_at(ram, *load, size) : NULL;
    if (!to) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "kernel '%s' does not fit: it needs %" PRIu64
                    " MiB of RAM below 3 GiB, the guest has %" PRIu64 " MiB there",
                    b->path, (*end + (ram->low_size - top) + 0xfffff) >> 20, ram->low_size >> 20);
        return false;
    }
    memcpy(to, h + skip, size);
    return true;
}

/* As high as the kernel can reach. */
static bool place_initrd(const struct linux_boot *b, const struct guest_ram *ram, uint64_t top,
                         uint64_t kernel_end, uint8_t *zero, GError **err)
{
    const uint8_t *h = b->kernel->data;
    uint64_t max = version(h) >= 0x203 ? ld_le32(h + INITRD_ADDR_MAX) : OLD_INITRD_MAX;
    uint64_t limit = MIN(top, max + 1), size = b->initrd->len, base;
    uint8_t *to = NULL;

    base = limit >= size ? (limit - size) & ~UINT64_C(0xfff) : 0;
    if (base >= kernel_end)
        to = guest_ram_at(ram, base, size);
    if (!to) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "initrd '%s' (%" PRIu64
                    " MiB) does not fit in the guest's RAM beside the kernel",
                    b->initrd_path, (size + 0xfffff) >> 20);
        return false;
    }
    memcpy(to, b->initrd->data, size);
    log_msg(LOG_BOOT, "boot: initrd %s at 0x%" PRIx64 ", %" PRIu64 " bytes", b->initrd_path, base,
            size);
    st_le32(zero + RAMDISK_IMAGE, (uint32_t)base);
    st_le32(zero + RAMDISK_SIZE, (uint32_t)size);
    return true;
}

static bool place_cmdline(const struct linux_boot *b, const struct guest_ram *ram, uint8_t *zero,
                          GError **err)
{
    const uint8_t *h = b->kernel->data;
    const char *text = b->cmdline ? b->cmdline : "";
    size_t len = strlen(text);
    uint32_t max = version(h) >= 0x206 ? ld_le32(h + CMDLINE_SIZE) : OLD_CMDLINE;
    char *to = guest_ram_at(ram, CMDLINE_GPA, CMDLINE_MAX + 1);

    if (!to || len > MIN(max, CMDLINE_MAX)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "the kernel command line has %zu characters; '%s' takes %u at most", len,
                    b->path, MIN(max, CMDLINE_MAX));
        return false;
    }
    memcpy(to, text, len + 1);
    if (version(h) >= 0x202) {
        st_le32(zero + CMD_LINE_PTR, CMDLINE_GPA);
    } else {
        st_le16(zero + OLD_CL_MAGIC, CL_MAGIC);
        st_le16(zero + OLD_CL_OFFSET, CMDLINE_GPA - ZERO_GPA);
    }
    return true;
}

/* screen_info as the BIOS leaves it: VGA text mode 3. */
static void fill_screen(uint8_t *zero)
{
    zero[SI_VIDEO_MODE] = 3;
    zero[SI_VIDEO_COLS] = 80;
    st_le16(zero + SI_EGA_BX, 3); /* colour, 256 KiB */
    zero[SI_VIDEO_LINES] = 25;
    zero[SI_IS_VGA] = 1;
    st_le16(zero + SI_VIDEO_POINTS, 16);
}

static void fill_zero_page(uint8_t *zero, const struct linux_boot *b, uint64_t load, uint64_t top,
                           const struct e820_map *map, uint64_t rsdp)
{
    const uint8_t *h = b->kernel->data;
    uint64_t above_k = (top - HIGH_LOAD) >> 10;

    memset(zero, 0, ZERO_SIZE);
    memcpy(zero + SETUP_SECTS, h + SETUP_SECTS, header_end(h) - SETUP_SECTS);
    fill_screen(zero);
    st_le16(zero + SI_EXT_MEM_K, (uint16_t)MIN(above_k, 0xffff));
    st_le32(zero + ALT_MEM_K, (uint32_t)above_k);
    st_le64(zero + ACPI_RSDP_ADDR, rsdp);
    zero[E820_ENTRIES] = (uint8_t)map->n;
    memcpy(zero + E820_TABLE, map->e, map->n * sizeof(map->e[0]));
    st_le16(zero + VID_MODE, 0xffff); /* "normal" */
    zero[TYPE_OF_LOADER] = LOADER_OTHER;
    st_le32(zero + CODE32_START, (uint32_t)load);
    st_le32(zero + RAMDISK_IMAGE, 0);
    st_le32(zero + RAMDISK_SIZE, 0);
}

static bool choose_64(const struct linux_boot *b, bool *use, GError **err)
{
    bool can = has_64(b->kernel->data);

    *use = b->entry == LINUX_ENTRY_64 || (b->entry == LINUX_ENTRY_AUTO && can && b->long_mode);
    if (*use && !can)
        return bad(err, b->path, "has no 64-bit entry point");
    if (*use && !b->long_mode) {
        return bad(err, b->path,
                   "cannot be entered in 64-bit mode: the guest's processor has none");
    }
    return true;
}

bool linux_place(const struct linux_boot *b, const struct guest_ram *ram, uint64_t top,
                 const struct e820_map *map, uint64_t rsdp, struct kernel_entry *out, GError **err)
{
    uint8_t *zero = guest_ram_at(ram, ZERO_GPA, ZERO_SIZE);
    uint64_t load, end;
    bool use_64;

    if (!choose_64(b, &use_64, err) || !place_kernel(b, ram, top, &load, &end, err))
        return false;
    invariant(zero); /* the kernel fitted above 1 MiB */
    fill_zero_page(zero, b, load, top, map, rsdp);
    if (!place_cmdline(b, ram, zero, err) ||
        (b->initrd && !place_initrd(b, ram, top, end, zero, err)))
        return false;
    if (use_64)
        invariant(kernel_entry_long64(out, ram, GDT_GPA, TABLES_GPA));
    else
        invariant(kernel_entry_prot32(out, ram, GDT_GPA));
    out->rip = load + (use_64 ? ENTRY_64 : 0);
    log_msg(LOG_BOOT,
            "boot: Linux %s at 0x%" PRIx64 "-0x%" PRIx64 ", entered at 0x%" PRIx64 " (%d-bit)",
            b->path, load, end, out->rip, use_64 ? 64 : 32);
    out->rsp = STACK_TOP;
    out->rsi = ZERO_GPA;
    return true;
}
