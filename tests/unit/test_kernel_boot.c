/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting kernels without firmware, with synthetic images (machine/kernel_boot.h): where things
 * go, what the kernel is told, and one clear error for everything that is not a kernel.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/kernel_boot.h"

#define MIB    (UINT64_C(1) << 20)
#define SETUP  (5 * 512u) /* boot sector and four sectors */
#define BODY   0x2000u    /* of the synthetic bzImage */
#define ZERO   0x10000
#define MB_TOP 0x9fc00u

static char *dir;

static struct guest_ram ram_new(uint64_t mib)
{
    return (struct guest_ram){.low = calloc(1, mib * MIB), .low_size = mib * MIB};
}

static char *make_file(const char *name, const void *data, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    return path;
}

/* A relocatable 64-bit bzImage of protocol 2.15 that prefers 16 MiB; its body is bytes of 0xb0 with
 * recognisable first and last ones. */
static GByteArray *bzimage(void)
{
    GByteArray *a = g_byte_array_new();
    uint8_t *h;

    g_byte_array_set_size(a, SETUP + BODY);
    h = a->data;
    memset(h, 0, SETUP);
    memset(h + SETUP, 0xb0, BODY);
    h[SETUP] = 0x11;
    h[SETUP + BODY - 1] = 0x99;
    h[0x1f1] = 4;
    st_le32(h + 0x1f4, BODY / 16);
    st_le16(h + 0x1fe, 0xaa55);
    st_le16(h + 0x200, 0x6aeb);
    memcpy(h + 0x202, "HdrS", 4);
    st_le16(h + 0x206, 0x020f);
    h[0x211] = 1;
    st_le32(h + 0x214, 0x100000);
    st_le32(h + 0x22c, 0x7fffffff);
    st_le32(h + 0x230, 0x200000);
    h[0x234] = 1;
    st_le16(h + 0x236, 1);
    st_le32(h + 0x238, 255);
    st_le64(h + 0x258, 0x1000000);
    st_le32(h + 0x260, 0x800000);
    return a;
}

/* Loads and places; the caller frees ram.low. */
static void start(const struct kernel_boot_config *cfg, const struct guest_ram *ram,
                  struct kernel_entry *e)
{
    const struct acpi_config ac = {.cpus = 1, .pci_hole_start = 0x80000000};
    struct acpi_blobs *acpi = acpi_build(&ac);
    GError *err = NULL;
    struct kernel_boot *k = kernel_boot_load(cfg, &err);

    if (err)
        fail_msg("%s", err->message);
    if (!kernel_boot_place(k, ram, acpi, NULL, ACPI_CHIP_COM1, e, &err))
        fail_msg("%s", err->message);
    kernel_boot_free(k);
    acpi_blobs_free(acpi);
}

/* The load must fail with one line that names `path`. */
static void load_fails(const struct kernel_boot_config *cfg, const char *path, const char *word)
{
    GError *err = NULL;

    assert_null(kernel_boot_load(cfg, &err));
    assert_non_null(err);
    assert_non_null(strstr(err->message, path));
    assert_null(strchr(err->message, '\n'));
    if (!strstr(err->message, word))
        fail_msg("'%s' lacks '%s'", err->message, word);
    g_error_free(err);
}

static void kernel_fails(const char *name, const void *data, size_t len, const char *word)
{
    g_autofree char *path = make_file(name, data, len);

    load_fails(&(struct kernel_boot_config){.kernel = path}, path, word);
    unlink(path);
}

static void place_fails(const struct kernel_boot_config *cfg, uint64_t mib, const char *word)
{
    struct guest_ram ram = ram_new(mib);
    struct kernel_boot *k = kernel_boot_load(cfg, NULL);
    struct kernel_entry e;
    GError *err = NULL;

    assert_non_null(k);
    assert_false(kernel_boot_place(k, &ram, NULL, NULL, 0, &e, &err));
    assert_null(strchr(err->message, '\n'));
    if (!strstr(err->message, word))
        fail_msg("'%s' lacks '%s'", err->message, word);
    g_error_free(err);
    kernel_boot_free(k);
    free(ram.low);
}

static void test_linux_64(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    g_autofree char *path = make_file("vmlinuz", image->data, image->len);
    g_autofree char *initrd = make_file("initrd", "ramdisk!", 8);
    const struct kernel_boot_config cfg = {
        .kernel = path, .initrd = initrd, .append = "quiet", .long_mode = true};
    struct guest_ram ram = ram_new(32);
    uint8_t *z = ram.low + ZERO;
    struct kernel_entry e;

    (void)state;
    start(&cfg, &ram, &e);
    assert_int_equal(e.mode, KERNEL_LONG64);
    assert_true(e.rip == 0x1000200 && e.rsi == ZERO);
    assert_int_equal(ram.low[0x1000000], 0x11);
    assert_int_equal(ram.low[0x1000000 + BODY - 1], 0x99);
    /* segments as the protocol wants them, and the same in the GDT */
    assert_true(e.cs.selector == 0x10 && e.cs.attr == 0xa09b && e.ds.selector == 0x18);
    assert_true(ld_le64(ram.low + e.gdt_base + 0x10) == 0x00af9b000000ffff);
    assert_true(e.efer == 0x500 && (e.cr0 & 0x80000001) == 0x80000001 && (e.cr4 & 0x20));
    /* setup header copied, loader's fields filled in */
    assert_memory_equal(z + 0x202, "HdrS", 4);
    assert_true(z[0x210] == 0xff && ld_le32(z + 0x214) == 0x1000000);
    assert_string_equal((char *)ram.low + ld_le32(z + 0x228), "quiet");
    assert_int_equal(ld_le32(z + 0x21c), 8);
    assert_int_equal(ld_le32(z + 0x218) % 4096, 0);
    assert_memory_equal(ram.low + ld_le32(z + 0x218), "ramdisk!", 8);
    assert_true(z[0x06] == 3 && z[0x07] == 80 && z[0x0e] == 25 && z[0x0f] == 1);
    assert_true(ld_le64(z + 0x70) == 0xf0000);
    assert_memory_equal(ram.low + 0xf0000, "RSD PTR ", 8);
    assert_int_equal(z[0x1e8], 5);
    assert_true(ld_le64(z + 0x2d0) == 0 && ld_le64(z + 0x2d8) == 0x9fc00);
    assert_int_equal(z[0x1ef], 0);
    free(ram.low);
    unlink(path);
    unlink(initrd);
}

/* Walks the page tables at cr3 like a processor. */
static void test_identity_map(void **state)
{
    static const uint64_t addrs[] = {0, 0x1fffff, 0x200000, 0x3fffffff, 0x40000000, 0xffffffff};
    struct guest_ram ram = ram_new(2);
    struct kernel_entry e;

    (void)state;
    assert_false(kernel_entry_long64(&e, &ram, 0x1000, 0x2800)); /* not on a page */
    assert_false(kernel_entry_long64(&e, &ram, 0x1000, 2 * MIB - 0x1000));
    assert_false(kernel_entry_prot32(&e, &ram, 2 * MIB - 16));
    assert_true(kernel_entry_long64(&e, &ram, 0x1000, 0x2000));
    for (unsigned k = 0; k < ARRAY_SIZE(addrs); k++) {
        uint64_t a = addrs[k], t = e.cr3;

        for (unsigned shift = 39; shift >= 21; shift -= 9) {
            t = ld_le64(ram.low + (t & ~UINT64_C(0xfff)) + 8 * ((a >> shift) & 511));
            assert_int_equal(t & 3, 3);
        }
        assert_int_equal(t & 0x80, 0x80);
        assert_true((t & ~UINT64_C(0x1fffff)) == (a & ~UINT64_C(0x1fffff)));
    }
    free(ram.low);
}

static void test_linux_32(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    g_autofree char *path = NULL;
    struct kernel_boot_config cfg = {.long_mode = false};
    struct guest_ram ram = ram_new(32);
    struct kernel_entry e;

    (void)state;
    path = make_file("vmlinuz", image->data, image->len);
    cfg.kernel = path;
    start(&cfg, &ram, &e); /* the processor has no long mode */
    assert_int_equal(e.mode, KERNEL_PROT32);
    assert_true(e.rip == 0x1000000 && e.rsi == ZERO && e.cs.attr == 0xc09b);
    assert_true(e.rbp == 0 && e.rdi == 0 && e.rbx == 0 && e.cr3 == 0 && e.efer == 0);
    cfg.long_mode = true;
    cfg.entry = LINUX_ENTRY_32;
    start(&cfg, &ram, &e);
    assert_int_equal(e.mode, KERNEL_PROT32);
    cfg.long_mode = false;
    cfg.entry = LINUX_ENTRY_64;
    place_fails(&cfg, 32, "64-bit");
    unlink(path);
    free(ram.low);
}

static void test_linux_old(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    g_autofree char *path = NULL, *initrd = make_file("initrd", "x", 1);
    struct kernel_boot_config cfg = {.append = "root=/dev/hda1", .initrd = initrd};
    struct guest_ram ram = ram_new(8);
    uint8_t *z = ram.low + ZERO;
    struct kernel_entry e;

    (void)state;
    /* 2.01: not relocatable, command line by the old magic, header 0x22 bytes long */
    st_le16(image->data + 0x206, 0x0201);
    st_le16(image->data + 0x200, 0x22eb);
    path = make_file("vmlinuz", image->data, image->len);
    cfg.kernel = path;
    start(&cfg, &ram, &e);
    assert_true(e.mode == KERNEL_PROT32 && e.rip == 0x100000);
    assert_int_equal(ram.low[0x100000], 0x11);
    assert_int_equal(ld_le16(z + 0x20), 0xa33f);
    assert_string_equal((char *)z + ld_le16(z + 0x22), "root=/dev/hda1");
    assert_int_equal(ld_le32(z + 0x228), 0);
    assert_int_equal(ld_le32(z + 0x230), 0); /* past the header's end */
    assert_true(ld_le32(z + 0x218) < 0x38000000 && ld_le32(z + 0x21c) == 1);
    unlink(path);
    unlink(initrd);
    free(ram.low);
}

static void test_low_memory(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    g_autofree char *path = make_file("vmlinuz", image->data, image->len);
    struct guest_ram ram = ram_new(32);
    struct kernel_entry e;

    (void)state;
    start(&(struct kernel_boot_config){.kernel = path}, &ram, &e);
    assert_int_equal(ld_le16(ram.low + 0x40e), 0x9fc0);
    assert_int_equal(ram.low[0x9fc00], 1);
    assert_int_equal(ld_le16(ram.low + 0x413), 639);
    assert_int_equal(ld_le16(ram.low + 0x400), 0x3f8);
    assert_int_equal(ld_le16(ram.low + 0x402), 0);
    assert_int_equal(ram.low[0x449], 3);
    assert_int_equal(ld_le16(ram.low + 0x463), 0x3d4);
    assert_int_equal(ld_le32(ram.low + 0x10 * 4), 0xf000ff53);
    assert_int_equal(ram.low[0xfff53], 0xcf);
    unlink(path);
    free(ram.low);
}

static void test_not_kernels(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    uint8_t *h = image->data;
    g_autofree uint8_t *junk = g_malloc0(20000);
    g_autofree char *none = g_build_filename(dir, "none", NULL);

    (void)state;
    load_fails(&(struct kernel_boot_config){.kernel = none}, none, "No such file");
    load_fails(&(struct kernel_boot_config){.kernel = dir}, dir, "directory");
    load_fails(&(struct kernel_boot_config){.kernel = "/dev/zero"}, "/dev/zero", "regular");
    kernel_fails("empty", "", 0, "not a kernel");
    kernel_fails("two", "MZ", 2, "not a kernel");
    kernel_fails("junk", junk, 20000, "not a kernel");
    memcpy(junk, "\177ELF\2\1\1", 7);
    kernel_fails("elf64", junk, 20000, "not a kernel");
    kernel_fails("cut1", h, 0x208, "truncated");
    kernel_fails("cut2", h, 0x300, "truncated");
    kernel_fails("cut3", h, SETUP + BODY - 16, "truncated");
    h[0x211] = 0;
    kernel_fails("zimage", h, image->len, "zImage");
    h[0x211] = 1;
    st_le32(h + 0x230, 0x300000);
    kernel_fails("align", h, image->len, "damaged");
    st_le32(h + 0x230, 0x200000);
    st_le64(h + 0x258, UINT64_MAX);
    kernel_fails("pref", h, image->len, "damaged");
}

static void test_does_not_fit(void **state)
{
    g_autoptr(GByteArray) image = bzimage();
    g_autofree char *path = make_file("vmlinuz", image->data, image->len);
    g_autofree char *initrd = g_build_filename(dir, "initrd", NULL);
    g_autofree uint8_t *big = g_malloc0(9 * MIB);
    g_autofree char *line = g_strnfill(256, 'x');
    struct kernel_boot_config cfg = {.kernel = path, .initrd = initrd};

    (void)state;
    load_fails(&cfg, initrd, "No such file");
    g_free(make_file("initrd", "", 0));
    load_fails(&cfg, initrd, "empty");
    g_free(make_file("initrd", big, 9 * MIB));
    place_fails(&cfg, 32, "initrd"); /* 16 + 8 for the kernel leave 8 */
    cfg.initrd = NULL;
    place_fails(&cfg, 16, "needs 24 MiB");
    place_fails(&cfg, 1, "too little");
    cfg.append = line;
    place_fails(&cfg, 32, "command line");
    /* sizes from the header cannot wrap anything */
    st_le32(image->data + 0x260, UINT32_MAX);
    st_le64(image->data + 0x258, 0xc0000000);
    st_le32(image->data + 0x230, 0x80000000);
    g_free(make_file("vmlinuz", image->data, image->len));
    cfg.append = NULL;
    place_fails(&cfg, 32, "does not fit");
    unlink(path);
    unlink(initrd);
}

/* A Multiboot ELF32 image: header at 0x200, one segment of `filesz` bytes from 0x200 to `paddr`. */
static GByteArray *elf32(uint32_t paddr, uint32_t filesz, uint32_t memsz)
{
    GByteArray *a = g_byte_array_new();
    uint8_t *e, *p;

    g_byte_array_set_size(a, 0x200 + filesz);
    memset(a->data, 0, a->len);
    e = a->data;
    memcpy(e, "\177ELF\1\1\1", 7);
    st_le16(e + 16, 2);
    st_le16(e + 18, 3);
    st_le32(e + 24, 0xc0000000 + 0x20); /* entry: linear */
    st_le32(e + 28, 52);
    st_le16(e + 42, 32);
    st_le16(e + 44, 1);
    p = e + 52;
    st_le32(p, 1);
    st_le32(p + 4, 0x200);
    st_le32(p + 8, 0xc0000000);
    st_le32(p + 12, paddr);
    st_le32(p + 16, filesz);
    st_le32(p + 20, memsz);
    st_le32(e + 0x200, 0x1badb002);
    st_le32(e + 0x204, 3);
    st_le32(e + 0x208, -(0x1badb002u + 3));
    return a;
}

static void test_multiboot_elf(void **state)
{
    g_autoptr(GByteArray) image = elf32(0x100000, 0x1000, 0x3000);
    g_autofree char *path = make_file("kernel", image->data, image->len);
    g_autofree char *m1 = make_file("m1", "first", 5), *m2 = make_file("m,2", "second", 6);
    g_autofree char *list = g_strconcat(m1, " arg,", dir, "/m,,2", NULL);
    const struct kernel_boot_config cfg = {.kernel = path, .initrd = list, .append = "a b"};
    struct guest_ram ram = ram_new(8);
    g_autofree char *want = g_strconcat(path, " a b", NULL);
    const uint8_t *info, *mods, *map;
    struct kernel_entry e;

    (void)state;
    memset(ram.low + 0x100000, 0xff, 0x4000);
    start(&cfg, &ram, &e);
    assert_true(e.mode == KERNEL_PROT32 && e.rip == 0x100020 && e.rax == 0x2badb002);
    assert_int_equal(ld_le32(ram.low + 0x100000), 0x1badb002);
    assert_int_equal(ram.low[0x101000], 0); /* bss */
    assert_int_equal(ram.low[0x102fff], 0);
    assert_true(e.rbx < MB_TOP && e.rbx > 0x500);
    info = ram.low + e.rbx;
    assert_int_equal(ld_le32(info), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    assert_int_equal(ld_le32(info + 4), 639);
    assert_true(ld_le32(info + 8) <= 7 * 1024 && ld_le32(info + 8) > 7 * 1024 - 64);
    assert_string_equal((const char *)ram.low + ld_le32(info + 16), want);
    assert_string_equal((const char *)ram.low + ld_le32(info + 64), "Penumbra");
    assert_int_equal(ld_le32(info + 20), 2);
    mods = ram.low + ld_le32(info + 24);
    assert_true(ld_le32(mods) == 0x103000 && ld_le32(mods + 4) == 0x103005);
    assert_memory_equal(ram.low + 0x103000, "first", 5);
    assert_non_null(strstr((const char *)ram.low + ld_le32(mods + 8), "/m1 arg"));
    assert_int_equal(ld_le32(mods + 16), 0x104000);
    assert_memory_equal(ram.low + 0x104000, "second", 6);
    map = ram.low + ld_le32(info + 48);
    assert_int_equal(ld_le32(map), 20);
    assert_int_equal(ld_le32(info + 44), 5 * 24);
    assert_true(ld_le64(map + 12) == 0x9fc00 && ld_le32(map + 20) == 1);
    free(ram.low);
    unlink(path);
    unlink(m1);
    unlink(m2);
}

/* The same as a 64-bit file, which begins in 32-bit mode too. */
static GByteArray *elf64(uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
    GByteArray *a = elf32((uint32_t)paddr, (uint32_t)filesz, (uint32_t)memsz);
    uint8_t *e = a->data, *p = e + 64;

    e[4] = 2;
    st_le16(e + 18, 62);
    memset(e + 24, 0, 0x200 - 24);
    st_le64(e + 24, UINT64_C(0xffffffff80000020));
    st_le64(e + 32, 64);
    st_le16(e + 54, 56);
    st_le16(e + 56, 1);
    st_le32(p, 1);
    st_le64(p + 8, 0x200);
    st_le64(p + 16, UINT64_C(0xffffffff80000000));
    st_le64(p + 24, paddr);
    st_le64(p + 32, filesz);
    st_le64(p + 40, memsz);
    return a;
}

static void test_multiboot_elf64(void **state)
{
    g_autoptr(GByteArray) image = elf64(0x100000, 0x1000, 0x3000);
    g_autofree char *path = make_file("kernel", image->data, image->len);
    const struct kernel_boot_config cfg = {.kernel = path};
    struct guest_ram ram = ram_new(8);
    struct kernel_entry e;

    (void)state;
    start(&cfg, &ram, &e);
    assert_true(e.mode == KERNEL_PROT32 && e.rip == 0x100020 && e.rax == 0x2badb002);
    assert_int_equal(ld_le32(ram.low + 0x100000), 0x1badb002);
    free(ram.low);
    st_le64(image->data + 64 + 24, UINT64_C(0x100000000));
    kernel_fails("kernel", image->data, image->len, "above 4 GiB");
    st_le64(image->data + 64 + 24, 0x100000);
    st_le64(image->data + 64 + 8, UINT64_MAX - 0x10);
    kernel_fails("kernel", image->data, image->len, "truncated");
    unlink(path);
}

static void test_multiboot_info_moves(void **state)
{
    /* a kernel that fills conventional memory to its end */
    g_autoptr(GByteArray) image = elf32(0x8000, 0x1000, 0x9fc00 - 0x8000);
    g_autofree char *path = make_file("kernel", image->data, image->len);
    const struct kernel_boot_config cfg = {.kernel = path};
    struct guest_ram ram = ram_new(8);
    struct kernel_entry e;

    (void)state;
    start(&cfg, &ram, &e);
    assert_true(e.rbx >= 0x100000 && e.gdt_base >= 0x100000);
    assert_int_equal(e.rip, 0x8020);
    free(ram.low);
    unlink(path);
}

/* Linkers put the ELF headers, as a segment of their own, into the page before the text: with a
 * text at 1 MiB that is no RAM, and nobody minds. */
static void test_multiboot_headers(void **state)
{
    g_autoptr(GByteArray) image = elf32(0x100000, 0x1000, 0x1000);
    uint8_t *second = image->data + 52 + 32;
    g_autofree char *path = g_build_filename(dir, "kernel", NULL);
    const struct kernel_boot_config cfg = {.kernel = path};
    struct guest_ram ram = ram_new(8);
    struct kernel_entry e;

    (void)state;
    st_le16(image->data + 44, 2);
    st_le32(second, 1);
    st_le32(second + 12, 0xff000);
    st_le32(second + 16, 52 + 64);
    st_le32(second + 20, 52 + 64);
    g_free(make_file("kernel", image->data, image->len));
    start(&cfg, &ram, &e);
    assert_int_equal(ram.low[0xff000], 0);
    st_le32(second + 20, 52 + 65);
    g_free(make_file("kernel", image->data, image->len));
    place_fails(&cfg, 8, "does not fit");
    unlink(path);
    free(ram.low);
}

static void test_multiboot_addresses(void **state)
{
    uint8_t image[0x400] = {0}, *h = image + 0x40;
    g_autofree char *path = NULL;
    struct guest_ram ram = ram_new(8);
    struct kernel_entry e;

    (void)state;
    st_le32(h, 0x1badb002);
    st_le32(h + 4, 1 << 16);
    st_le32(h + 8, -(0x1badb002u + (1 << 16)));
    st_le32(h + 12, 0x200010); /* header */
    st_le32(h + 16, 0x200000); /* load: 0x10 bytes before it */
    st_le32(h + 20, 0x200100);
    st_le32(h + 24, 0x200200);
    st_le32(h + 28, 0x200050);
    image[0x30] = 0x77;
    image[0x12f] = 0x88;
    image[0x130] = 0x99;
    path = make_file("kernel", image, sizeof(image));
    memset(ram.low + 0x200000, 0xff, 0x1000);
    start(&(struct kernel_boot_config){.kernel = path}, &ram, &e);
    assert_int_equal(e.rip, 0x200050);
    assert_int_equal(ram.low[0x200000], 0x77);
    assert_int_equal(ram.low[0x2000ff], 0x88);
    assert_int_equal(ram.low[0x200100], 0);
    assert_int_equal(ram.low[0x200200], 0xff);
    unlink(path);
    st_le32(h + 20, 0x201000);
    kernel_fails("kernel", image, sizeof(image), "truncated");
    st_le32(h + 20, 0x100000);
    kernel_fails("kernel", image, sizeof(image), "truncated");
    st_le32(h + 20, 0);
    st_le32(h + 24, 0x200001);
    kernel_fails("kernel", image, sizeof(image), "damaged");
    st_le32(h + 16, 0x100000);
    kernel_fails("kernel", image, sizeof(image), "damaged");
    kernel_fails("kernel", image, 0x50, "truncated");
    free(ram.low);
}

static void test_multiboot_bad(void **state)
{
    g_autoptr(GByteArray) image = elf32(0x100000, 0x1000, 0x1000);
    uint8_t *e = image->data, *p = e + 52;
    g_autofree char *path = g_build_filename(dir, "kernel", NULL);
    const struct kernel_boot_config cfg = {.kernel = path};

    (void)state;
    kernel_fails("kernel", e, image->len - 1, "truncated");
    st_le32(p + 4, UINT32_MAX);
    kernel_fails("kernel", e, image->len, "truncated");
    st_le32(p + 4, 0x200);
    st_le32(e + 28, UINT32_MAX);
    kernel_fails("kernel", e, image->len, "truncated");
    st_le32(e + 28, 52);
    st_le16(e + 44, 0);
    kernel_fails("kernel", e, image->len, "no ELF program headers");
    st_le16(e + 44, 1);
    e[4] = 2;
    kernel_fails("kernel", e, image->len, "not an x86 ELF");
    e[4] = 1;
    st_le32(e + 0x204, 3 | 1 << 8);
    st_le32(e + 0x208, -(0x1badb002u + (3 | 1 << 8)));
    kernel_fails("kernel", e, image->len, "features");
    st_le32(e + 0x208, 0);
    kernel_fails("kernel", e, image->len, "not a kernel");
    /* fits nowhere: adapter area, past RAM, over the tables' end */
    st_le32(e + 0x204, 3);
    st_le32(e + 0x208, -(0x1badb002u + 3));
    st_le32(p + 12, 0x9f000);
    g_free(make_file("kernel", e, image->len));
    place_fails(&cfg, 8, "does not fit");
    st_le32(p + 12, 0xfffff000);
    g_free(make_file("kernel", e, image->len));
    place_fails(&cfg, 8, "does not fit");
    st_le32(p + 12, 0x100000);
    st_le32(p + 20, UINT32_MAX);
    g_free(make_file("kernel", e, image->len));
    place_fails(&cfg, 8, "does not fit");
    unlink(path);
}

/* No file of random bytes around valid magic numbers may do harm. */
static void test_fuzz(void **state)
{
    g_autoptr(GByteArray) linux_image = bzimage();
    g_autoptr(GByteArray) elf = elf32(0x100000, 0x1000, 0x1000);
    struct guest_ram ram = ram_new(32);
    GRand *rnd = g_rand_new_with_seed(1);

    (void)state;
    for (unsigned k = 0; k < 2000; k++) {
        const GByteArray *from = k & 1 ? linux_image : elf;
        g_autofree uint8_t *data = g_memdup2(from->data, from->len);
        g_autofree char *path = NULL;
        struct kernel_boot *boot;
        struct kernel_entry e;

        for (unsigned n = g_rand_int_range(rnd, 1, 8); n; n--) {
            int at = k & 1 ? g_rand_int_range(rnd, 0x1f1, 0x264) : g_rand_int_range(rnd, 0, 84);

            data[at] = (uint8_t)g_rand_int(rnd);
        }
        path = make_file("fuzz", data, (size_t)g_rand_int_range(rnd, 0, (int)from->len + 1));
        boot = kernel_boot_load(&(struct kernel_boot_config){.kernel = path}, NULL);
        if (boot)
            kernel_boot_place(boot, &ram, NULL, NULL, 0, &e, NULL);
        kernel_boot_free(boot);
        unlink(path);
    }
    g_rand_free(rnd);
    free(ram.low);
}

static int make_dir(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("penumbra-XXXXXX", NULL);
    return dir ? 0 : -1;
}

static int remove_dir(void **state)
{
    int r = rmdir(dir);

    (void)state;
    g_free(dir);
    return r;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux_64),          cmocka_unit_test(test_identity_map),
        cmocka_unit_test(test_linux_32),          cmocka_unit_test(test_linux_old),
        cmocka_unit_test(test_low_memory),        cmocka_unit_test(test_not_kernels),
        cmocka_unit_test(test_does_not_fit),      cmocka_unit_test(test_multiboot_elf),
        cmocka_unit_test(test_multiboot_elf64),   cmocka_unit_test(test_multiboot_info_moves),
        cmocka_unit_test(test_multiboot_headers), cmocka_unit_test(test_multiboot_addresses),
        cmocka_unit_test(test_multiboot_bad),     cmocka_unit_test(test_fuzz),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, make_dir, remove_dir);
}
