// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a Multiboot kernel finds: the loader's magic, a command line that starts with the kernel's
 * name, exactly the module given by -initrd, a memory map, and the numbers of fw_cfg. The command
 * line says what to expect: "name cpus=N max=N mib=N module=TEXT", the last one for none left out.
 */
#include "multiboot.h"

static const char *after(const char *line, const char *key)
{
    for (; *line; line++) {
        const char *p = line, *k = key;

        while (*k && *p == *k)
            p++, k++;
        if (!*k)
            return p;
    }
    return NULL;
}

static uint64_t number(const char *line, const char *key)
{
    const char *p = after(line, key);
    uint64_t n = 0;

    for (; p && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (unsigned)(*p - '0');
    return n;
}

static void check_module(const struct mb_info *i, const char *line)
{
    const char *want = after(line, "module=");
    const struct mb_module *m = (const struct mb_module *)(word)i->mods_addr;
    unsigned n = 0;

    check_eq("number of modules", i->mods_count, want ? 1 : 0);
    if (!want || i->mods_count != 1)
        return;
    while (want[n] && want[n] == ((const char *)(word)m->start)[n])
        n++;
    check("the module is the file", !want[n]);
    check_eq("and nothing but the file", m->end - m->start, n);
    check("it is named", m->string && *(const char *)(word)m->string);
    check_eq("it begins a page", m->start & 0xfff, 0);
}

static void check_map(const struct mb_info *i, uint64_t mib)
{
    word at = i->mmap_addr, end = at + i->mmap_length;
    uint64_t ram = 0, top = 0;
    bool here = false;

    check("there is a memory map", i->flags & 1u << 6 && i->mmap_length);
    while (at < end) {
        const struct mb_mmap *e = (const struct mb_mmap *)at;

        if (e->type == 1) {
            ram += e->len;
            top = e->base + e->len > top ? e->base + e->len : top;
            here |= e->base <= (word)mb_info && e->base + e->len > (word)mb_info;
        }
        at += e->size + 4;
    }
    check("the map ends with an entry", at == end);
    check("the kernel lies in RAM", here);
    /* what is missing is the area below 1 MiB and the tables at the top */
    check("the map has all memory", ram <= mib << 20 && ram + (2u << 20) > mib << 20);
    check("memory beyond 3 GiB lies above 4 GiB", mib <= 3072 || top > UINT64_C(1) << 32);
    check_eq("conventional memory", i->mem_lower, 639);
    check("memory above 1 MiB",
          i->mem_upper > (mib < 3072 ? mib - 2 : 1022) << 10 && i->mem_upper <= (mib - 1) << 10);
}

void main(void)
{
    const struct mb_info *i = mb_info();
    const char *line = (const char *)(word)i->cmdline;
    unsigned name = 0;

    check_eq("the loader's magic", multiboot_magic, 0x2badb002);
    check("there is a command line", i->flags & 1u << 2);
    while (line[name] && line[name] != ' ')
        name++;
    check("it starts with the kernel's name",
          after(line, "boot") && after(line, "boot") <= line + name);
    check_eq("fw_cfg is there", fw_cfg(FW_SIGNATURE, 4), 0x554d4551);
    check_eq("CPUs that there are", fw_cfg(FW_NB_CPUS, 2), number(line, "cpus="));
    check_eq("CPUs that there is room for", fw_cfg(FW_MAX_CPUS, 2), number(line, "max="));
    check_eq("RAM", fw_cfg(FW_RAM_SIZE, 8), number(line, "mib=") << 20);
    check_module(i, line);
    check_map(i, number(line, "mib="));
    finish();
}
