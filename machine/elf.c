/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See elf.h. TIS ELF 1.2, book I and book III; System V ABI, AMD64 supplement, chapter 4. */
#include "machine/elf.h"

#include <string.h>

#include "base/bits.h"

enum {
    CLASS_32 = 1,
    CLASS_64 = 2,
    DATA_LSB = 1,
    EM_386 = 3,
    EM_X86_64 = 62,
    PT_LOAD = 1,

    IDENT_CLASS = 4,
    IDENT_DATA = 5,
    AT_MACHINE = 18,
};

const char *elf_open(const uint8_t *data, uint64_t len, struct elf_file *out)
{
    bool wide;

    if (len < 52 || memcmp(data, "\177ELF", 4))
        return "is not an ELF file";
    wide = data[IDENT_CLASS] == CLASS_64;
    if (data[IDENT_DATA] != DATA_LSB || (!wide && data[IDENT_CLASS] != CLASS_32) ||
        ld_le16(data + AT_MACHINE) != (wide ? EM_X86_64 : EM_386))
        return "is not an x86 ELF file";
    if (wide && len < 64)
        return "is truncated: it ends inside its ELF header";
    *out = (struct elf_file){
        .data = data,
        .len = len,
        .wide = wide,
        .entry = wide ? ld_le64(data + 24) : ld_le32(data + 24),
        .phoff = wide ? ld_le64(data + 32) : ld_le32(data + 28),
        .phsize = ld_le16(data + (wide ? 54 : 42)),
        .phnum = ld_le16(data + (wide ? 56 : 44)),
    };
    if (!out->phnum || out->phsize < (wide ? 56u : 32u))
        return "has no ELF program headers";
    if (out->phoff > len || (uint64_t)out->phsize * out->phnum > len - out->phoff)
        return "is truncated: its ELF program headers lie past its end";
    return NULL;
}

const char *elf_segment(const struct elf_file *f, unsigned n, struct elf_segment *out)
{
    const uint8_t *ph = f->data + f->phoff + (uint64_t)n * f->phsize;
    uint64_t headers = f->phoff + (uint64_t)f->phsize * f->phnum;

    if (f->wide) {
        *out = (struct elf_segment){.off = ld_le64(ph + 8),
                                    .vaddr = ld_le64(ph + 16),
                                    .paddr = ld_le64(ph + 24),
                                    .filesz = ld_le64(ph + 32),
                                    .memsz = ld_le64(ph + 40)};
    } else {
        *out = (struct elf_segment){.off = ld_le32(ph + 4),
                                    .vaddr = ld_le32(ph + 8),
                                    .paddr = ld_le32(ph + 12),
                                    .filesz = ld_le32(ph + 16),
                                    .memsz = ld_le32(ph + 20)};
    }
    out->load = ld_le32(ph) == PT_LOAD && out->memsz;
    if (!out->load)
        return NULL;
    if (out->filesz > out->memsz)
        return "has a damaged ELF program header";
    if (out->off > f->len || out->filesz > f->len - out->off)
        return "is truncated: a segment lies past its end";
    out->headers = !out->off && out->memsz <= headers;
    return NULL;
}
