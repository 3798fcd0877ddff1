/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the first processor must start when a kernel is entered without firmware: plain numbers that
 * the board copies into the processor's state. Everything they point to (GDT, page tables, boot
 * parameters) is in guest memory by then. What is not listed has its value after reset; interrupts
 * are off.
 */
#ifndef MACHINE_KERNEL_ENTRY_H
#define MACHINE_KERNEL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"

enum kernel_mode {
    KERNEL_PROT32, /* CR0.PE, no paging */
    KERNEL_LONG64, /* EFER.LMA, identity-mapped first 4 GiB */
    KERNEL_REAL,
};

struct kernel_segment {
    uint16_t selector;
    uint64_t base;
    uint32_t limit; /* last byte, granularity applied */
    uint16_t
        attr; /* descriptor bits 55:40 without the limit: type, S, DPL, P, then AVL, L, D/B, G */
};

struct kernel_entry {
    enum kernel_mode mode;
    uint64_t rip, rsp, rflags;
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t cr0, cr3, cr4, efer;
    uint64_t gdt_base;
    uint16_t gdt_limit;
    struct kernel_segment cs;
    struct kernel_segment ds; /* also ES, SS, FS, GS */
};

#define KERNEL_GDT_SIZE 32

/* Room for the page tables of kernel_entry_long64. */
#define KERNEL_PAGE_TABLES_SIZE 0x6000

/* Fills in a flat 32-bit start: all registers zero, GDT written at `gdt_gpa` (32 bytes of RAM;
 * selector 0x10 is code, 0x18 data, as Linux wants it). False when that is not RAM. */
bool kernel_entry_prot32(struct kernel_entry *e, const struct guest_ram *ram, uint64_t gdt_gpa);

/* The same for 64-bit mode, with page tables at `tables_gpa` (page aligned, KERNEL_PAGE_TABLES_SIZE
 * bytes) that map the first 4 GiB onto themselves with 2 MiB pages. */
bool kernel_entry_long64(struct kernel_entry *e, const struct guest_ram *ram, uint64_t gdt_gpa,
                         uint64_t tables_gpa);

/* Real mode at a physical address below 1 MiB, by CS = address / 16 and IP = the rest: as firmware
 * enters an ACPI waking vector. */
void kernel_entry_real(struct kernel_entry *e, uint32_t at);

#endif
