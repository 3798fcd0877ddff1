/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbol tables: System.map, ELF of both classes (made here byte by byte), and damage to them. */
#include "tests/unit/unit.h"

#include <elf.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/symbols.h"

static char *path;

static int setup(void **state)
{
    int fd = g_file_open_tmp("penumbra-symbols-XXXXXX", &path, NULL);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    symbols_clear();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    g_unlink(path);
    g_free(path);
    symbols_clear();
    return 0;
}

static bool load(const void *data, size_t len, char **why)
{
    GError *err = NULL;
    bool ok;

    assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    ok = symbols_add_file(path, &err);
    assert_int_equal(ok, !err);
    if (why)
        *why = err ? g_strdup(err->message) : NULL;
    g_clear_error(&err);
    return ok;
}

static const char *name_of(uint64_t addr)
{
    static char buf[64];

    return symbols_name(addr, buf, sizeof(buf)) ? buf : "none";
}

static void system_map(void **state)
{
    static const char text[] = "ffffffff81000000 T _text\n"
                               "ffffffff81000100 t startup [vmlinux]\n"
                               "0000000000001000 A absolute\n"
                               "ffffffff82000000 D data";
    uint64_t addr;

    (void)state;
    assert_false(symbols_known());
    assert_true(load(text, sizeof(text) - 1, NULL));
    assert_true(symbols_known());
    assert_string_equal(name_of(0xffffffff81000000), "_text");
    assert_string_equal(name_of(0xffffffff810000ff), "_text+0xff");
    assert_string_equal(name_of(0xffffffff81000100), "startup");
    assert_string_equal(name_of(0xffffffff82000004), "data+0x4");
    assert_string_equal(name_of(0x1000), "none");
    assert_string_equal(name_of(0xffffffff90000000), "none"); /* out of its reach */
    assert_true(symbols_find("startup", &addr));
    assert_int_equal(addr, 0xffffffff81000100);
    assert_false(symbols_find("start", &addr));
}

/* Null, a function with a size, a label in it, one in another file, a section name. */
struct made64 {
    Elf64_Ehdr h;
    Elf64_Shdr s[3];
    Elf64_Sym sym[5];
    char names[32];
};

static struct made64 make64(void)
{
    struct made64 m = {.names = "\0func\0label\0extern\0odd"};

    memcpy(m.h.e_ident, ELFMAG, SELFMAG);
    m.h.e_ident[EI_CLASS] = ELFCLASS64;
    m.h.e_ident[EI_DATA] = ELFDATA2LSB;
    m.h.e_shoff = offsetof(struct made64, s);
    m.h.e_shnum = 3;
    m.h.e_shentsize = sizeof(Elf64_Shdr);
    m.s[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                          .sh_offset = offsetof(struct made64, sym),
                          .sh_size = sizeof(m.sym),
                          .sh_link = 2};
    m.s[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
                          .sh_offset = offsetof(struct made64, names),
                          .sh_size = sizeof(m.names)};
    m.sym[1] = (Elf64_Sym){1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0x401000, 0x40};
    m.sym[2] = (Elf64_Sym){6, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1, 0x401010, 4};
    m.sym[3] = (Elf64_Sym){12, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, SHN_UNDEF, 0x500000, 0};
    m.sym[4] = (Elf64_Sym){19, ELF64_ST_INFO(STB_LOCAL, STT_SECTION), 0, 1, 0x600000, 0};
    return m;
}

static void elf64(void **state)
{
    struct made64 m = make64();

    (void)state;
    assert_true(load(&m, sizeof(m), NULL));
    assert_string_equal(name_of(0x401000), "func");
    assert_string_equal(name_of(0x401012), "label+0x2");
    assert_string_equal(name_of(0x401020), "func+0x20"); /* behind the label's end */
    assert_string_equal(name_of(0x401040), "none");
    assert_string_equal(name_of(0x500000), "none");
    assert_string_equal(name_of(0x600000), "none");
    assert_true(load("401030 T more\n", 14, NULL)); /* a second file adds */
    assert_string_equal(name_of(0x401031), "more+0x1");
    assert_string_equal(name_of(0x401000), "func");
}

static void elf32(void **state)
{
    struct {
        Elf32_Ehdr h;
        Elf32_Shdr s[2];
        Elf32_Sym sym[2];
        char names[8];
    } m = {.names = "\0entry"};

    (void)state;
    memcpy(m.h.e_ident, ELFMAG, SELFMAG);
    m.h.e_ident[EI_CLASS] = ELFCLASS32;
    m.h.e_ident[EI_DATA] = ELFDATA2LSB;
    m.h.e_shoff = (uint32_t)((char *)&m.s - (char *)&m);
    m.h.e_shnum = 2;
    m.h.e_shentsize = sizeof(Elf32_Shdr);
    m.s[0] = (Elf32_Shdr){.sh_type = SHT_STRTAB,
                          .sh_offset = (uint32_t)((char *)&m.names - (char *)&m),
                          .sh_size = sizeof(m.names)};
    m.s[1] = (Elf32_Shdr){.sh_type = SHT_SYMTAB,
                          .sh_offset = (uint32_t)((char *)&m.sym - (char *)&m),
                          .sh_size = sizeof(m.sym)};
    m.sym[1] = (Elf32_Sym){1, 0x100000, 0, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1};
    assert_true(load(&m, sizeof(m), NULL));
    assert_string_equal(name_of(0x100005), "entry+0x5");
}

/* Cut short anywhere, or with any byte of its tables spoilt: an error or a table, never a crash. */
static void damage(void **state)
{
    struct made64 m = make64();

    (void)state;
    for (size_t len = 0; len < sizeof(m); len++)
        load(&m, len, NULL);
    for (size_t at = 0; at < sizeof(m); at++) {
        for (unsigned v = 0; v < 3; v++) {
            struct made64 bad = m;

            ((uint8_t *)&bad)[at] = (uint8_t[]){0xff, 0x80, 0x01}[v];
            load(&bad, sizeof(bad), NULL);
            symbols_name(0x401000, (char[64]){0}, 64);
            symbols_clear();
        }
    }
}

static void refusals(void **state)
{
    struct made64 m = make64();
    char *why;

    (void)state;
    assert_false(load("hello\n", 6, &why));
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, "is neither an ELF file nor a list as System.map"));
    g_free(why);
    assert_false(load("", 0, &why));
    assert_non_null(strstr(why, "has no symbols"));
    g_free(why);
    m.h.e_shnum = 0;
    assert_false(load(&m, sizeof(m), &why));
    assert_non_null(strstr(why, "has no symbols"));
    g_free(why);
    g_unlink(path);
    assert_false(symbols_add_file(path, NULL));
    assert_false(symbols_known());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(system_map, setup, teardown),
        cmocka_unit_test_setup_teardown(elf64, setup, teardown),
        cmocka_unit_test_setup_teardown(elf32, setup, teardown),
        cmocka_unit_test_setup_teardown(damage, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
    };

    return unit_main(tests);
}
