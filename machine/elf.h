/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executable ELF files for x86, of 32 and of 64 bits, as boot loaders read them: the entry point
 * and the segments. Nothing in a file is believed before it is checked.
 */
#ifndef MACHINE_ELF_H
#define MACHINE_ELF_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct elf_file {
    const uint8_t *data; /* the caller's, borrowed */
    uint64_t len;
    bool wide; /* ELFCLASS64 */
    uint64_t entry;
    uint64_t phoff;
    unsigned phsize, phnum; /* within the file */
};

struct elf_segment {
    uint64_t off, filesz; /* within the file; filesz <= memsz */
    uint64_t vaddr, paddr, memsz;
    bool load;    /* PT_LOAD with a size */
    bool headers; /* nothing but the ELF headers, which linkers like to put before the text */
};

/* What is wrong with the file, as the end of a sentence; NULL when *out holds a good one. Any
 * thread. */
const char *elf_open(const uint8_t *data, uint64_t len, struct elf_file *out);

/* Segment n (below phnum); the same answer. */
const char *elf_segment(const struct elf_file *f, unsigned n, struct elf_segment *out);

#endif
