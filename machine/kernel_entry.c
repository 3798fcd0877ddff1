/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See kernel_entry.h. Descriptors and paging: Intel SDM volume 3, 3.4.5 and 4.5. */
#include "machine/kernel_entry.h"

#include <string.h>

#include "base/bits.h"

#define SEL_CODE 0x10
#define SEL_DATA 0x18

#define DESC_CODE32 UINT64_C(0x00cf9b000000ffff)
#define DESC_CODE64 UINT64_C(0x00af9b000000ffff)
#define DESC_DATA   UINT64_C(0x00cf93000000ffff)

#define CR0_PE UINT64_C(0x00000001)
#define CR0_ET UINT64_C(0x00000010)
#define CR0_PG UINT64_C(0x80000000)

#define CR4_PAE  UINT64_C(0x20)
#define EFER_LME UINT64_C(0x100)
#define EFER_LMA UINT64_C(0x400)

#define RFLAGS_FIXED 0x2

#define PTE_PRESENT UINT64_C(0x01)
#define PTE_WRITE   UINT64_C(0x02)
#define PDE_LARGE   UINT64_C(0x80)
#define PAGE        0x1000u
#define LARGE       UINT64_C(0x200000)

static struct kernel_segment segment(uint16_t selector, uint64_t desc)
{
    return (struct kernel_segment){selector, 0, UINT32_MAX, (uint16_t)((desc >> 40) & 0xf0ff)};
}

static bool flat(struct kernel_entry *e, const struct guest_ram *ram, uint64_t gdt_gpa,
                 uint64_t code)
{
    uint8_t *gdt = guest_ram_at(ram, gdt_gpa, KERNEL_GDT_SIZE);

    if (!gdt)
        return false;
    memset(gdt, 0, KERNEL_GDT_SIZE);
    st_le64(gdt + SEL_CODE, code);
    st_le64(gdt + SEL_DATA, DESC_DATA);
    *e = (struct kernel_entry){
        .rflags = RFLAGS_FIXED,
        .cr0 = CR0_PE | CR0_ET,
        .gdt_base = gdt_gpa,
        .gdt_limit = KERNEL_GDT_SIZE - 1,
        .cs = segment(SEL_CODE, code),
        .ds = segment(SEL_DATA, DESC_DATA),
    };
    return true;
}

bool kernel_entry_prot32(struct kernel_entry *e, const struct guest_ram *ram, uint64_t gdt_gpa)
{
    if (!flat(e, ram, gdt_gpa, DESC_CODE32))
        return false;
    e->mode = KERNEL_PROT32;
    return true;
}

bool kernel_entry_long64(struct kernel_entry *e, const struct guest_ram *ram, uint64_t gdt_gpa,
                         uint64_t tables_gpa)
{
    uint8_t *t = guest_ram_at(ram, tables_gpa, KERNEL_PAGE_TABLES_SIZE);

    if (!t || tables_gpa % PAGE || !flat(e, ram, gdt_gpa, DESC_CODE64))
        return false;
    memset(t, 0, KERNEL_PAGE_TABLES_SIZE);
    st_le64(t, (tables_gpa + PAGE) | PTE_PRESENT | PTE_WRITE);
    for (unsigned gib = 0; gib < 4; gib++) {
        uint64_t dir = tables_gpa + (2 + gib) * PAGE;

        st_le64(t + PAGE + gib * 8, dir | PTE_PRESENT | PTE_WRITE);
        for (unsigned k = 0; k < 512; k++) {
            uint64_t page = (gib * UINT64_C(512) + k) * LARGE;

            st_le64(t + (2 + gib) * PAGE + k * 8, page | PTE_PRESENT | PTE_WRITE | PDE_LARGE);
        }
    }
    e->mode = KERNEL_LONG64;
    e->cr0 |= CR0_PG;
    e->cr3 = tables_gpa;
    e->cr4 = CR4_PAE;
    e->efer = EFER_LME | EFER_LMA;
    return true;
}

void kernel_entry_real(struct kernel_entry *e, uint32_t at)
{
    *e = (struct kernel_entry){
        .mode = KERNEL_REAL,
        .rip = at & 0xf,
        .rflags = RFLAGS_FIXED,
        .cr0 = CR0_ET,
        .gdt_limit = 0xffff,
        .cs = {(uint16_t)(at >> 4), at & 0xffff0, 0xffff, 0x9b},
        .ds = {0, 0, 0xffff, 0x93},
    };
}
