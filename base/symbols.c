/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See symbols.h. ELF: TIS ELF 1.2, book I, "Symbol Table"; System.map: what nm(1) prints. */
#include "base/symbols.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct symbol {
    uint64_t addr;
    uint64_t size; /* 0: not known, up to the next one */
    char *name;
};

static GArray *table; /* of struct symbol, sorted by address; NULL: none */

/* Without a size the last symbol below an address is not its own from here on. */
#define REACH (UINT64_C(1) << 20)

#define MAX_NESTED 8

static void clear_symbol(gpointer p)
{
    g_free(((struct symbol *)p)->name);
}

static GArray *new_table(void)
{
    GArray *a = g_array_new(FALSE, FALSE, sizeof(struct symbol));

    g_array_set_clear_func(a, clear_symbol);
    return a;
}

static void add(GArray *to, uint64_t addr, uint64_t size, const char *name, size_t len)
{
    struct symbol s = {addr, size, g_strndup(name, len)};

    g_array_append_val(to, s);
}

/* ---- System.map ---- */

/* "ffffffff81000000 T name [module]" a line; what is not code or data (a, U, w…) is passed over. */
static const char *read_map(GArray *to, const char *text, size_t len)
{
    const char *p = text, *end = text + len;

    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p)), *name, *stop;
        uint64_t addr = 0;
        unsigned digits = 0;

        eol = eol ? eol : end;
        for (; p < eol && g_ascii_isxdigit(*p) && digits < 16; p++, digits++)
            addr = addr << 4 | (unsigned)g_ascii_xdigit_value(*p);
        if (!digits || eol - p < 4 || p[0] != ' ' || p[2] != ' ')
            return "is neither an ELF file nor a list as System.map";
        name = p + 3;
        for (stop = name; stop < eol && !g_ascii_isspace(*stop); stop++)
            ;
        if (strchr("tTdDbBrRvVW", p[1]) && stop > name)
            add(to, addr, 0, name, (size_t)(stop - name));
        p = eol < end ? eol + 1 : end;
    }
    return NULL;
}

/* ---- ELF ---- */

struct section {
    uint64_t off, size, entsize;
    uint32_t type, link;
};

struct image {
    const char *data;
    size_t len;
    bool wide;
    uint64_t shoff;
    unsigned shnum, shentsize;
};

static const void *at(const struct image *f, uint64_t off, uint64_t size)
{
    return off <= f->len && size <= f->len - off ? f->data + off : NULL;
}

static bool get_section(const struct image *f, unsigned n, struct section *s)
{
    const void *p;

    if (n >= f->shnum)
        return false;
    if (f->wide) {
        Elf64_Shdr h;

        if (!(p = at(f, f->shoff + (uint64_t)n * f->shentsize, sizeof(h))))
            return false;
        memcpy(&h, p, sizeof(h));
        *s = (struct section){h.sh_offset, h.sh_size, sizeof(Elf64_Sym), h.sh_type, h.sh_link};
    } else {
        Elf32_Shdr h;

        if (!(p = at(f, f->shoff + (uint64_t)n * f->shentsize, sizeof(h))))
            return false;
        memcpy(&h, p, sizeof(h));
        *s = (struct section){h.sh_offset, h.sh_size, sizeof(Elf32_Sym), h.sh_type, h.sh_link};
    }
    return true;
}

static void add_elf_symbol(GArray *to, const char *p, bool wide, const char *names, uint64_t n)
{
    uint64_t value, size, name;
    unsigned info, section;

    if (wide) {
        Elf64_Sym s;

        memcpy(&s, p, sizeof(s));
        value = s.st_value, size = s.st_size, name = s.st_name;
        info = s.st_info, section = s.st_shndx;
    } else {
        Elf32_Sym s;

        memcpy(&s, p, sizeof(s));
        value = s.st_value, size = s.st_size, name = s.st_name;
        info = s.st_info, section = s.st_shndx;
    }
    /* assemblers' labels have no type */
    if (section == SHN_UNDEF || section == SHN_ABS || ELF64_ST_TYPE(info) > STT_FUNC || name >= n ||
        !names[name] || !memchr(names + name, 0, n - name))
        return;
    add(to, value, size, names + name, strlen(names + name));
}

static const char *read_elf(GArray *to, const char *data, size_t len)
{
    struct image f = {.data = data, .len = len, .wide = data[EI_CLASS] == ELFCLASS64};
    bool found = false;

    if (data[EI_DATA] != ELFDATA2LSB || len < (f.wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
        return "is a damaged ELF file";
    if (f.wide) {
        Elf64_Ehdr h;

        memcpy(&h, data, sizeof(h));
        f.shoff = h.e_shoff, f.shnum = h.e_shnum, f.shentsize = h.e_shentsize;
    } else {
        Elf32_Ehdr h;

        memcpy(&h, data, sizeof(h));
        f.shoff = h.e_shoff, f.shnum = h.e_shnum, f.shentsize = h.e_shentsize;
    }
    if (f.shentsize < (f.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
        return "is a damaged ELF file";
    for (unsigned n = 0; n < f.shnum; n++) {
        struct section s, strings;
        const char *symbols, *names;

        if (!get_section(&f, n, &s))
            return "is a damaged ELF file";
        if (s.type != SHT_SYMTAB && s.type != SHT_DYNSYM)
            continue;
        symbols = at(&f, s.off, s.size);
        if (!get_section(&f, s.link, &strings) || !symbols ||
            !(names = at(&f, strings.off, strings.size)))
            return "is a damaged ELF file";
        found = true;
        for (uint64_t k = 0; k + s.entsize <= s.size; k += s.entsize)
            add_elf_symbol(to, symbols + k, f.wide, names, strings.size);
    }
    return found ? NULL : "has no symbols";
}

/* ---- the table ---- */

static gint by_address(gconstpointer x, gconstpointer y)
{
    const struct symbol *a = x, *b = y;

    if (a->addr != b->addr)
        return a->addr < b->addr ? -1 : 1;
    return a->size < b->size ? -1 : a->size > b->size; /* of several, the last one is found */
}

bool symbols_add_file(const char *path, GError **err)
{
    GArray *found = new_table();
    const char *why;
    char *data;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, err)) {
        g_array_free(found, TRUE);
        return false;
    }
    if (len >= EI_NIDENT && !memcmp(data, ELFMAG, SELFMAG))
        why = read_elf(found, data, len);
    else
        why = read_map(found, data, len);
    if (!why && !found->len)
        why = "has no symbols";
    g_free(data);
    if (why) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "'%s' %s", path, why);
        g_array_free(found, TRUE);
        return false;
    }
    if (!table)
        table = new_table();
    g_array_append_vals(table, found->data, found->len);
    g_array_set_clear_func(found, NULL); /* the names have moved */
    g_array_free(found, TRUE);
    g_array_sort(table, by_address);
    return true;
}

static bool covers(const struct symbol *s, uint64_t addr)
{
    return addr - s->addr < (s->size ? s->size : REACH);
}

/* The nearest at or below addr that reaches it: a short one may lie within a long one. */
static const struct symbol *around(uint64_t addr)
{
    size_t lo = 0, hi = table ? table->len : 0;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (g_array_index(table, struct symbol, mid).addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (unsigned k = 0; k < MAX_NESTED && lo; k++) {
        const struct symbol *s = &g_array_index(table, struct symbol, --lo);

        if (covers(s, addr))
            return s;
    }
    return NULL;
}

bool symbols_name(uint64_t addr, char *buf, size_t size)
{
    const struct symbol *s = around(addr);

    if (!s) {
        buf[0] = 0;
        return false;
    }
    if (addr == s->addr)
        snprintf(buf, size, "%s", s->name);
    else
        snprintf(buf, size, "%s+0x%" PRIx64, s->name, addr - s->addr);
    return true;
}

bool symbols_start(uint64_t addr, uint64_t *start)
{
    const struct symbol *s = around(addr);

    if (s)
        *start = s->addr;
    return s != NULL;
}

bool symbols_find(const char *name, uint64_t *addr)
{
    for (size_t k = 0; table && k < table->len; k++) {
        const struct symbol *s = &g_array_index(table, struct symbol, k);

        if (!strcmp(s->name, name)) {
            *addr = s->addr;
            return true;
        }
    }
    return false;
}

bool symbols_known(void)
{
    return table != NULL;
}

void symbols_clear(void)
{
    if (table)
        g_array_free(table, TRUE);
    table = NULL;
}
