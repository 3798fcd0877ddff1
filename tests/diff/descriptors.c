/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See descriptors.h. SDM volume 3A, 3.4.5. */
#include "tests/diff/descriptors.h"

#include <asm/ldt.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "cpu/cpu.h"
#include "tests/diff/state.h"

struct ldt_entry {
    uint32_t base, limit;
    uint8_t contents; /* type bits 3..2 */
    bool no_write;    /* code: no read */
    bool big, pages, absent;
};

static const struct ldt_entry entries[DIFF_LDT_COUNT] = {
    [DIFF_CS32 >> 3] = {0, 0xfffff, 2, false, true, true, false},
    [DIFF_DS32 >> 3] = {0, 0xfffff, 0, false, true, true, false},
    [DIFF_CS16 >> 3] = {DIFF_BASE, 0xffff, 2, false, false, false, false},
    [DIFF_DS16 >> 3] = {DIFF_BASE, 0xffff, 0, false, false, false, false},
    [DIFF_CS32B >> 3] = {DIFF_BASE, 0xffff, 2, false, true, false, false},
    [DIFF_DS32B >> 3] = {DIFF_BASE, 0xffff, 0, false, true, false, false},
    [DIFF_ROM_SEG >> 3] = {DIFF_BASE, 0xffff, 0, true, true, false, false},
    [DIFF_ABSENT >> 3] = {DIFF_BASE, 0xffff, 0, false, true, false, true},
    [DIFF_DOWN >> 3] = {DIFF_BASE, 0xfff, 1, false, false, false, false},
    [DIFF_XONLY >> 3] = {DIFF_BASE, 0xffff, 2, true, true, false, false},
    [DIFF_CONF >> 3] = {DIFF_BASE, 0xffff, 3, false, true, false, true},
};

const struct diff_setup diff_setups[] = {
    {"64", MODE_64, DIFF_CS64, DIFF_DS_USER, DIFF_DS_USER, false},
    {"32", MODE_32, DIFF_CS32, DIFF_DS32, DIFF_DS32, false},
    {"32based", MODE_32, DIFF_CS32B, DIFF_DS32B, DIFF_DS32B, false},
    {"32ss16", MODE_32, DIFF_CS32, DIFF_DS32, DIFF_DS16, true},
    {"16", MODE_16, DIFF_CS16, DIFF_DS16, DIFF_DS16, true},
    {"16ss32", MODE_16, DIFF_CS16, DIFF_DS32B, DIFF_DS32, false},
};
const unsigned diff_setup_count = ARRAY_SIZE(diff_setups);

uint64_t diff_selector_base(uint16_t sel)
{
    switch (sel | 3) {
    case DIFF_CS32:
    case DIFF_DS32:
    case DIFF_CS64:
    case DIFF_DS_USER:
    case DIFF_CS32_USER:
    case 3: return 0;
    default: return DIFF_BASE;
    }
}

bool diff_host_ldt(void)
{
    for (unsigned n = 0; n < DIFF_LDT_COUNT; n++) {
        const struct ldt_entry *e = &entries[n];
        struct user_desc d = {.entry_number = n,
                              .base_addr = e->base,
                              .limit = e->limit,
                              .seg_32bit = e->big,
                              .contents = e->contents,
                              .read_exec_only = e->no_write,
                              .limit_in_pages = e->pages,
                              .seg_not_present = e->absent,
                              .useable = 1};

        if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) != 0)
            return false;
    }
    return true;
}

uint64_t diff_descriptor(uint32_t base, uint32_t limit, unsigned attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(attr >> 12 & 15) << 52 |
           (uint64_t)(base >> 24) << 56;
}

uint64_t diff_guest_descriptor(unsigned n)
{
    const struct ldt_entry *e = &entries[n];
    unsigned attr = SEG_S | SEG_DPL | SEG_T_ACCESSED | SEG_AVL | (unsigned)e->contents << 2 |
                    (e->no_write ? 0 : SEG_T_WRITE) | (e->big ? SEG_DB : 0) |
                    (e->pages ? SEG_G : 0) | (e->absent ? 0 : SEG_P);

    return diff_descriptor(e->base, e->limit, attr);
}

void diff_fpu_init(struct diff_fpu *f)
{
    memset(f, 0, sizeof(*f));
    st_le16(f->fx + FX_CW, 0x37f);
    st_le32(f->fx + FX_MXCSR, 0x1f80);
    st_le32(f->fx + FX_MXCSR + 4, 0xffff); /* as FXSAVE has it */
    f->xstate_bv = 7;
}
