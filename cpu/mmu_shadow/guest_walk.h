/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own page tables, walked in software: 32-bit (PSE, PSE-36), PAE, 4-level and 5-level
 * paging from one template. SDM volume 3A, chapter 4.
 *
 * A walk takes no lock. It remembers each entry that it used and where it stood, so that whoever
 * builds on it later, under a lock, can look whether the entry is still the same.
 */
#ifndef CPU_MMU_SHADOW_GUEST_WALK_H
#define CPU_MMU_SHADOW_GUEST_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/types.h"

/* Bits of a guest entry, of either width. */
#define GPTE_P  UINT64_C(0x001)
#define GPTE_W  UINT64_C(0x002)
#define GPTE_U  UINT64_C(0x004)
#define GPTE_A  UINT64_C(0x020)
#define GPTE_D  UINT64_C(0x040)
#define GPTE_PS UINT64_C(0x080)
#define GPTE_G  UINT64_C(0x100)
#define GPTE_NX (UINT64_C(1) << 63)

#define WALK_MAX_LEVELS 5

/* The paging mode: built once from CR0, CR4, EFER and what the processor has, and then the single
 * truth about it. */
union paging_role {
    struct {
        uint32_t levels : 3;    /* 0: paging is off; 2: 32-bit; 3: PAE; 4; 5 */
        uint32_t phys_bits : 6; /* MAXPHYADDR */
        uint32_t pse : 1;       /* 32-bit: CR4.PSE */
        uint32_t has_pat : 1;   /* the processor has PAT, PSE-36, 1 GiB pages */
        uint32_t has_pse36 : 1;
        uint32_t has_gbpages : 1;
        uint32_t pge : 1; /* CR4.PGE and so on */
        uint32_t wp : 1;
        uint32_t nxe : 1;
        uint32_t smep : 1;
        uint32_t smap : 1;
        uint32_t pke : 1;
    };
    uint32_t word;
};

/* What one vCPU walks with. */
struct guest_paging {
    union paging_role role;
    uint64_t rsvd[2][WALK_MAX_LEVELS]; /* by PS, level - 1: bits that must be zero */
    uint8_t allowed[16]; /* by access (enum walk_access, below WALK_PROBE): bit r for rights r */
    uint64_t cr3;
    uint64_t pdpte[4]; /* PAE: as loaded with CR3 */
    uint32_t pkru;
    gpa_t a20_mask; /* applied to every physical address */
};

/* Sets the role and what derives from it; the rest is left alone. */
void guest_paging_set_role(struct guest_paging *p, union paging_role role);

/* Where the entries are. `entry`: the host's address of the entry at gpa (aligned to its size, A20
 * applied), or NULL where there is no memory (it then reads as all ones); *writable false: ROM,
 * whose A and D bits cannot be set. `dirtied`, or NULL: the walk has set A or D in the entry at
 * gpa.
 */
struct walk_memory {
    void *opaque;
    void *(*entry)(void *opaque, gpa_t gpa, bool *writable);
    void (*dirtied)(void *opaque, gpa_t gpa);
};

enum walk_access {
    WALK_WRITE = 1 << 0,
    WALK_EXEC = 1 << 1, /* neither: a read */
    WALK_USER = 1 << 2,
    WALK_AC = 1 << 3,    /* supervisor: SMAP lets it pass (an explicit access, RFLAGS.AC set) */
    WALK_PROBE = 1 << 4, /* a debugger's: no A, no D */
};

/* Rights, of an entry or combined over several. */
enum walk_right { RIGHT_W = 1, RIGHT_U = 2, RIGHT_X = 4, RIGHT_ALL = 7 };

struct guest_walk {
    unsigned top, level; /* entries were read from level `top` down to the leaf's `level` */
    /* By level - 1. */
    gfn_t table_gfn[WALK_MAX_LEVELS];
    gpa_t gpte_gpa[WALK_MAX_LEVELS];
    uint64_t gpte[WALK_MAX_LEVELS]; /* as it is after the walk, with the A and D bits that it set */
    uint8_t rights[WALK_MAX_LEVELS]; /* of the entries from the top down to this one */

    gfn_t gfn;      /* of the 4 KiB page asked for */
    bool dirty;     /* the leaf's D is set */
    bool global;    /* the leaf's G is set and counts */
    uint8_t pkey;   /* of a user page in 4- and 5-level paging, else 0 */
    uint32_t error; /* after a fault: the page fault's error code */
};

/* Translates va, which is canonical. True with *out filled, and A and D set as the access does; or
 * false with out->error, and everything that was read before the fault. Paging is on. Any number of
 * threads; guest entries are read and changed atomically. */
bool guest_walk(const struct guest_paging *p, const struct walk_memory *mem, gva_t va,
                unsigned access, struct guest_walk *out);

/* 4.6.2: does the key permit it? With protection keys on. */
bool guest_key_permits(const struct guest_paging *p, unsigned rights, unsigned pkey,
                       unsigned access);

/* 4.6: may `access` go to a page with these rights and this key? */
static inline bool guest_walk_permits(const struct guest_paging *p, unsigned rights, unsigned pkey,
                                      unsigned access)
{
    return (p->allowed[access & (WALK_PROBE - 1)] >> rights & 1) &&
           (!p->role.pke || guest_key_permits(p, rights, pkey, access));
}

/* The error code of a fault for `why` (PF_P, PF_RSVD, PF_PK or none) by `access`; 4.7. */
uint32_t guest_walk_error(const struct guest_paging *p, unsigned access, uint32_t why);

/* The rights that an entry gives by itself. */
unsigned guest_entry_rights(union paging_role role, uint64_t gpte);

/* Is it a leaf at this level? */
static inline bool guest_entry_is_leaf(union paging_role role, uint64_t gpte, unsigned level)
{
    return level == 1 || ((gpte & GPTE_PS) && level <= 3 && (role.levels != 2 || role.pse));
}

/* log2 of the bytes that an entry of this level spans. */
static inline unsigned guest_level_shift(union paging_role role, unsigned level)
{
    return PAGE_SHIFT + (level - 1) * (role.levels == 2 ? 10 : 9);
}

/* The frame that a leaf of this level begins at. */
gfn_t guest_leaf_gfn(union paging_role role, uint64_t gpte, unsigned level);

#endif
