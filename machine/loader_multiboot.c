/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See loader_multiboot.h. Sections of the Multiboot specification: 3.1 header, 3.2 machine
 * state, 3.3 information structure.
 */
#include "machine/loader_multiboot.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "machine/elf.h"

#define MAGIC        0x1badb002u
#define LOADER_MAGIC 0x2badb002u
#define SEARCH       8192u
#define CONV_TOP     0x9fc00u /* end of conventional memory: the EBDA */
#define MIB          UINT64_C(0x100000)
#define PAGE_MASK    UINT64_C(0xfff)
#define LOADER_NAME  "Penumbra"

/* Header flags. */
enum {
    H_ALIGN = 1 << 0,
    H_MEMINFO = 1 << 1,
    H_VIDEO = 1 << 2, /* a wish; the information structure then says nothing of a framebuffer */
    H_KNOWN = H_ALIGN | H_MEMINFO | H_VIDEO,
    H_MUST = 0xffff, /* the flags that a loader may not ignore */
    H_ADDRESSES = 1 << 16,
};

/* Information structure: flags and offsets. */
enum {
    I_MEMORY = 1 << 0,
    I_CMDLINE = 1 << 2,
    I_MODULES = 1 << 3,
    I_MMAP = 1 << 6,
    I_NAME = 1 << 9,

    AT_FLAGS = 0,
    AT_MEM_LOWER = 4,
    AT_MEM_UPPER = 8,
    AT_CMDLINE = 16,
    AT_MODS_COUNT = 20,
    AT_MODS_ADDR = 24,
    AT_MMAP_LEN = 44,
    AT_MMAP_ADDR = 48,
    AT_NAME = 64,
    INFO_SIZE = 120,
    MOD_SIZE = 16,
    MMAP_SIZE = 24,
};

/* A piece of the kernel: `filesz` bytes at `off` of the file, zeroes up to `memsz`. */
struct piece {
    uint64_t gpa;
    uint32_t off, filesz, memsz;
    bool headers; /* nothing but the ELF headers */
};

struct plan {
    struct piece *pieces;
    unsigned n;
    uint32_t entry;
};

static bool bad(GError **err, const char *path, const char *why)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "kernel '%s' %s", path, why);
    return false;
}

/* Offset of the header, or -1. */
static int find_header(const GByteArray *f)
{
    uint32_t end = MIN(f->len, SEARCH);

    for (uint32_t at = 0; at + 12 <= end; at += 4) {
        const uint8_t *h = f->data + at;

        if (ld_le32(h) == MAGIC && ld_le32(h) + ld_le32(h + 4) + ld_le32(h + 8) == 0)
            return (int)at;
    }
    return -1;
}

bool multiboot_is_image(const GByteArray *file)
{
    return find_header(file) >= 0;
}

/* The header's own address fields (3.1.3). */
static bool plan_addresses(const GByteArray *f, const char *path, uint32_t at, struct plan *p,
                           GError **err)
{
    const uint8_t *h = f->data + at;
    uint32_t header, load, load_end, bss_end, before, size;

    if (f->len < at + 32)
        return bad(err, path, "is truncated: it ends inside its Multiboot header");
    header = ld_le32(h + 12);
    load = ld_le32(h + 16);
    load_end = ld_le32(h + 20);
    bss_end = ld_le32(h + 24);
    if (load > header || header - load > at)
        return bad(err, path, "has a damaged Multiboot header: it loads from before its start");
    before = at - (header - load);
    size = load_end ? load_end - load : f->len - before;
    if (load_end && (load_end < load || size > f->len - before))
        return bad(err, path, "is truncated: it is shorter than its Multiboot header says");
    if (bss_end && (bss_end < load || bss_end - load < size))
        return bad(err, path, "has a damaged Multiboot header: its bss ends before its data");
    p->pieces = g_new(struct piece, 1);
    p->pieces[0] = (struct piece){
        .gpa = load,
        .off = before,
        .filesz = size,
        .memsz = bss_end ? bss_end - load : size,
    };
    p->n = 1;
    p->entry = ld_le32(h + 28);
    return true;
}

/* Multiboot asks for 32-bit ELF files; those of 64 bits, which GRUB loads too, begin in 32-bit mode
 * just the same, below 4 GiB. */
static bool plan_elf(const GByteArray *f, const char *path, struct plan *p, GError **err)
{
    struct elf_file elf;
    struct elf_segment seg;
    const char *why;

    if (f->len < 4 || memcmp(f->data, "\177ELF", 4))
        return bad(err, path, "is Multiboot, but neither ELF nor with load addresses of its own");
    why = elf_open(f->data, f->len, &elf);
    if (why)
        return bad(err, path, why);
    p->entry = (uint32_t)elf.entry;
    p->pieces = g_new(struct piece, elf.phnum);
    for (unsigned k = 0; k < elf.phnum; k++) {
        why = elf_segment(&elf, k, &seg);
        if (why)
            return bad(err, path, why);
        if (!seg.load)
            continue;
        if (seg.paddr > UINT32_MAX || seg.memsz > UINT32_MAX)
            return bad(err, path, "wants to be loaded above 4 GiB, where Multiboot does not reach");
        p->pieces[p->n++] = (struct piece){
            .gpa = seg.paddr,
            .off = (uint32_t)seg.off,
            .filesz = (uint32_t)seg.filesz,
            .memsz = (uint32_t)seg.memsz,
            .headers = seg.headers,
        };
        /* the entry point is a linear address; ours are physical */
        if (elf.entry >= seg.vaddr && elf.entry - seg.vaddr < seg.memsz)
            p->entry = (uint32_t)(elf.entry - seg.vaddr + seg.paddr);
    }
    return p->n ? true : bad(err, path, "has nothing to load");
}

static bool make_plan(const GByteArray *f, const char *path, struct plan *p, GError **err)
{
    int at = find_header(f);
    uint32_t flags;

    *p = (struct plan){0};
    if (at < 0)
        return bad(err, path, "has no Multiboot header");
    flags = ld_le32(f->data + at + 4);
    if (flags & H_MUST & ~(uint32_t)H_KNOWN)
        return bad(err, path, "requires Multiboot features that do not exist");
    return flags & H_ADDRESSES ? plan_addresses(f, path, (uint32_t)at, p, err)
                               : plan_elf(f, path, p, err);
}

bool multiboot_check(const GByteArray *file, const char *path, GError **err)
{
    struct plan p;
    bool ok = make_plan(file, path, &p, err);

    g_free(p.pieces);
    return ok;
}

/* Memory that the map gives to the guest and that lies below `top`. */
static uint8_t *usable(const struct guest_ram *ram, uint64_t top, const struct e820_map *map,
                       uint64_t gpa, uint64_t len)
{
    if (gpa > top || len > top - gpa)
        return NULL;
    for (unsigned k = 0; k < map->n; k++) {
        const struct e820_entry *e = &map->e[k];

        if (e->type == E820_RAM && gpa >= e->base && gpa - e->base <= e->len &&
            len <= e->len - (gpa - e->base))
            return guest_ram_at(ram, gpa, len);
    }
    return NULL;
}

/* Copies the pieces; *end gets the first address above them and 1 MiB. */
static bool place_pieces(const struct multiboot_boot *b, const struct guest_ram *ram, uint64_t top,
                         const struct e820_map *map, const struct plan *p, uint64_t *end,
                         GError **err)
{
    *end = MIB;
    for (unsigned k = 0; k < p->n; k++) {
        const struct piece *s = &p->pieces[k];
        uint8_t *to = usable(ram, top, map, s->gpa, s->memsz);

        if (!to && s->headers)
            continue; /* nobody will miss them */
        if (!to) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                        "kernel '%s' does not fit: it wants 0x%" PRIx32 " bytes at 0x%" PRIx64
                        ", where the guest has no free RAM",
                        b->path, s->memsz, s->gpa);
            return false;
        }
        memcpy(to, b->kernel->data + s->off, s->filesz);
        memset(to + s->filesz, 0, s->memsz - s->filesz);
        *end = MAX(*end, s->gpa + s->memsz);
        log_msg(LOG_BOOT, "boot: segment at 0x%" PRIx64 ", 0x%x bytes, 0x%x of the file", s->gpa,
                s->memsz, s->filesz);
    }
    return true;
}

/* Page-aligned one after the other above the kernel. */
static bool place_modules(const struct multiboot_boot *b, const struct guest_ram *ram, uint64_t top,
                          const struct e820_map *map, uint32_t *where, uint64_t *end, GError **err)
{
    for (unsigned k = 0; k < b->n_modules; k++) {
        const GByteArray *data = b->modules[k].data;
        uint64_t at = (*end + PAGE_MASK) & ~PAGE_MASK;
        uint8_t *to = usable(ram, top, map, at, data->len);

        if (!to) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                        "module '%s' does not fit in the guest's RAM", b->modules[k].cmdline);
            return false;
        }
        memcpy(to, data->data, data->len);
        where[k] = (uint32_t)at;
        log_msg(LOG_BOOT, "boot: module %s at 0x%" PRIx64 ", %u bytes", b->modules[k].cmdline, at,
                data->len);
        *end = at + data->len;
    }
    return true;
}

/* Appends at a multiple of 8 and returns the offset. */
static uint32_t put(GByteArray *a, const void *data, size_t len)
{
    static const uint8_t zeroes[8];
    uint32_t at;

    g_byte_array_append(a, zeroes, -a->len & 7);
    at = a->len;
    g_byte_array_append(a, data, (guint)len);
    return at;
}

static void put_string(GByteArray *a, uint32_t field, const char *s, uint32_t base)
{
    uint32_t at = put(a, s, strlen(s) + 1);

    st_le32(a->data + field, base + at);
}

static void put_modules(GByteArray *a, const struct multiboot_boot *b, const uint32_t *where,
                        uint32_t base)
{
    g_autofree uint8_t *list = g_malloc0((size_t)b->n_modules * MOD_SIZE + 1);
    uint32_t at = put(a, list, (size_t)b->n_modules * MOD_SIZE);

    for (unsigned k = 0; k < b->n_modules; k++) {
        uint32_t m = at + k * MOD_SIZE;

        st_le32(a->data + m, where[k]);
        st_le32(a->data + m + 4, where[k] + b->modules[k].data->len);
        put_string(a, m + 8, b->modules[k].cmdline, base);
    }
    st_le32(a->data + AT_MODS_COUNT, b->n_modules);
    st_le32(a->data + AT_MODS_ADDR, base + at);
}

static void put_mmap(GByteArray *a, const struct e820_map *map, uint32_t base)
{
    uint8_t list[E820_MAX * MMAP_SIZE];
    uint32_t at;

    for (unsigned k = 0; k < map->n; k++) {
        st_le32(list + k * MMAP_SIZE, sizeof(map->e[k]));
        memcpy(list + k * MMAP_SIZE + 4, &map->e[k], sizeof(map->e[k]));
    }
    at = put(a, list, (size_t)map->n * MMAP_SIZE); /* may move the array */
    st_le32(a->data + AT_MMAP_LEN, map->n * MMAP_SIZE);
    st_le32(a->data + AT_MMAP_ADDR, base + at);
}

/* The information structure and what it points to, as it will read at `base`; the GDT comes last.
 */
static GByteArray *make_info(const struct multiboot_boot *b, uint64_t top,
                             const struct e820_map *map, const uint32_t *where, uint32_t base,
                             uint32_t *gdt)
{
    static const uint8_t blank[INFO_SIZE], gdt_room[KERNEL_GDT_SIZE];
    GByteArray *a = g_byte_array_new();
    g_autofree char *cmdline =
        g_strconcat(b->path, b->cmdline && *b->cmdline ? " " : "", b->cmdline, NULL);

    put(a, blank, sizeof(blank));
    st_le32(a->data + AT_FLAGS, I_MEMORY | I_CMDLINE | I_MODULES | I_MMAP | I_NAME);
    st_le32(a->data + AT_MEM_LOWER, CONV_TOP >> 10);
    st_le32(a->data + AT_MEM_UPPER, (uint32_t)((top - MIB) >> 10));
    put_string(a, AT_CMDLINE, cmdline, base);
    put_string(a, AT_NAME, LOADER_NAME, base);
    put_modules(a, b, where, base);
    put_mmap(a, map, base);
    *gdt = put(a, gdt_room, sizeof(gdt_room));
    return a;
}

static bool overlaps(const struct plan *p, uint64_t gpa, uint64_t len)
{
    for (unsigned k = 0; k < p->n; k++) {
        if (gpa < p->pieces[k].gpa + p->pieces[k].memsz && p->pieces[k].gpa < gpa + len)
            return true;
    }
    return false;
}

/* At the top of conventional memory, where kernels expect it, or else above the last module. */
static bool place_info(const struct multiboot_boot *b, const struct guest_ram *ram, uint64_t top,
                       const struct e820_map *map, const struct plan *p, const uint32_t *where,
                       uint64_t end, struct kernel_entry *out, GError **err)
{
    GByteArray *info;
    uint32_t gdt, base, len;
    uint8_t *to;

    info = make_info(b, top, map, where, 0, &gdt); /* for its size */
    len = info->len;
    g_byte_array_unref(info);
    base = len <= CONV_TOP - MIB / 16 ? (uint32_t)((CONV_TOP - len) & ~PAGE_MASK) : 0;
    if (!base || overlaps(p, base, len))
        base = (uint32_t)((end + PAGE_MASK) & ~PAGE_MASK);
    to = usable(ram, top, map, base, len);
    if (!to)
        return bad(err, b->path, "leaves no room for the Multiboot information");
    info = make_info(b, top, map, where, base, &gdt);
    memcpy(to, info->data, info->len);
    g_byte_array_unref(info);
    invariant(kernel_entry_prot32(out, ram, base + gdt));
    out->rip = p->entry;
    out->rax = LOADER_MAGIC;
    out->rbx = base;
    log_msg(LOG_BOOT, "boot: Multiboot %s entered at 0x%" PRIx64 ", information at 0x%x", b->path,
            out->rip, base);
    return true;
}

bool multiboot_place(const struct multiboot_boot *b, const struct guest_ram *ram, uint64_t top,
                     const struct e820_map *map, struct kernel_entry *out, GError **err)
{
    g_autofree uint32_t *where = g_new0(uint32_t, b->n_modules + 1);
    struct plan p;
    uint64_t end;
    bool ok;

    ok = make_plan(b->kernel, b->path, &p, err) && place_pieces(b, ram, top, map, &p, &end, err) &&
         place_modules(b, ram, top, map, where, &end, err) &&
         place_info(b, ram, top, map, &p, where, end, out, err);
    g_free(p.pieces);
    return ok;
}
