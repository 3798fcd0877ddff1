/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What paging must do with one access, worked out from the manual alone: SDM 3A 4.3 to 4.5 (formats
 * and reserved bits), 4.6 (access rights), 4.7 (error codes), 4.8 (accessed and dirty). It looks at
 * numbers only, never at memory, so that it can judge any emulator and any processor of Intel's.
 */
#ifndef PAGING_MODEL_H
#define PAGING_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define E_P  1ull
#define E_W  2ull
#define E_U  4ull
#define E_A  0x20ull
#define E_D  0x40ull
#define E_PS 0x80ull
#define E_G  0x100ull
#define E_NX (1ull << 63)
#define TOP  5

/* Error code bits. */
enum { F_P = 1, F_W = 2, F_U = 4, F_RSVD = 8, F_I = 16, F_PK = 32 };

/* What decides beside the entries. `levels` counts those that have rights: PAE's PDPTEs do not. */
struct paging {
    unsigned levels;
    bool wide, lng;         /* entries of 8 bytes; 4-level or 5-level */
    unsigned maxphy;        /* CPUID.80000008H:EAX[7:0] */
    bool pse36, pat, gbyte; /* CPUID */
    bool wp, pse, pge, smep, smap, pke, nxe, ac;
    uint32_t pkru;
};

enum access {
    USER_READ,
    USER_WRITE,
    USER_EXEC,
    SUP_READ,
    SUP_WRITE,
    SUP_EXEC,
    IMPL_READ,      /* a descriptor is read at CPL 0 */
    IMPL_WRITE,     /* and gets its accessed bit */
    IMPL_USER_READ, /* the same at CPL 3: still a supervisor access */
    IMPL_USER_WRITE,
    ACCESSES
};

/* The outcome. With a fault, `level` is that of the entry that ended the walk, 0 when it was the
 * rights; without, that of the leaf. `used` is the lowest level that a completed part of the access
 * has used and thus marked accessed, TOP + 1 when none; `dirty`: the leaf, too. */
struct verdict {
    bool fault;
    uint32_t error;
    unsigned level, used;
    bool dirty;
};

static uint64_t bit_range(unsigned from, unsigned to)
{
    return from > to ? 0 : (~0ull >> (63 - to)) & ~0ull << from;
}

static bool model_leaf(const struct paging *p, unsigned level, uint64_t e)
{
    if (level == 1)
        return true;
    if (!(e & E_PS))
        return false;
    return level == 2 ? p->wide || p->pse : level == 3 && p->lng && p->gbyte;
}

/* The bits of an entry that must be 0. */
static uint64_t model_reserved(const struct paging *p, unsigned level, uint64_t e)
{
    bool leaf = model_leaf(p, level, e);
    uint64_t r = 0;

    if (!p->wide) {
        unsigned m = !p->pse36 ? 32 : p->maxphy < 40 ? p->maxphy : 40;

        if (leaf && level == 2)
            r = bit_range(m - 19, 21);
    } else {
        r = bit_range(p->maxphy, p->lng ? 51 : 62);
        if (!p->nxe)
            r |= E_NX;
        if (leaf && level == 2)
            r |= bit_range(13, 20);
        if (leaf && level == 3)
            r |= bit_range(13, 29);
        if (level >= 4 || (level == 3 && !p->gbyte))
            r |= E_PS;
    }
    if (leaf && !p->pat)
        r |= level == 1 ? E_PS : 1u << 12;
    return r;
}

/* SDM 3A 4.6.1 and 4.6.2 for an address whose entries' rights are these; 0, or what the error code
 * says beyond the kind of access. */
static uint32_t model_rights(const struct paging *p, bool w, bool u, bool nx, unsigned key,
                             bool user, bool write, bool fetch, bool implicit)
{
    bool denied = false;
    uint32_t pk = 0;

    if (p->lng && p->pke && u && !fetch) {
        bool ad = p->pkru >> (2 * key) & 1, wd = p->pkru >> (2 * key + 1) & 1;

        if (ad || (wd && write && (p->wp || user)))
            pk = F_PK;
    }
    if (user) {
        denied = !u || (write && !w) || (fetch && nx);
    } else if (fetch) {
        denied = nx || (u && p->smep);
    } else {
        denied = write && p->wp && !w;
        if (u && p->smap && (implicit || !p->ac))
            denied = true;
    }
    return denied || pk ? F_P | pk : 0;
}

static struct verdict model_once(const struct paging *p, const uint64_t e[TOP + 1], bool user,
                                 bool write, bool fetch, bool implicit)
{
    struct verdict v = {.used = TOP + 1};
    bool w = true, u = true, nx = false;
    unsigned level;
    uint32_t kind = (write ? F_W : 0) | (user ? F_U : 0);

    if (fetch && (p->smep || (p->wide && p->nxe)))
        kind |= F_I;
    for (level = p->levels;; level--) {
        uint32_t why = 0;

        if (e[level] & E_P && e[level] & model_reserved(p, level, e[level]))
            why = F_P | F_RSVD;
        if (!(e[level] & E_P) || why) {
            v.fault = true;
            v.error = kind | why;
            v.level = level;
            return v;
        }
        w &= (e[level] & E_W) != 0;
        u &= (e[level] & E_U) != 0;
        nx |= p->wide && e[level] & E_NX;
        if (model_leaf(p, level, e[level]))
            break;
    }
    uint32_t why = model_rights(p, w, u, nx, e[level] >> 59 & 15, user, write, fetch, implicit);
    v.fault = why != 0;
    v.error = v.fault ? kind | why : 0;
    v.level = v.fault ? 0 : level;
    v.used = v.fault ? TOP + 1 : level;
    v.dirty = write && !v.fault;
    return v;
}

/* e[1] is the PTE, e[p->levels] the highest entry. */
static struct verdict model(const struct paging *p, const uint64_t e[TOP + 1], enum access a)
{
    bool user = a == USER_READ || a == USER_WRITE || a == USER_EXEC, implicit = a >= IMPL_READ;

    if (a == IMPL_WRITE || a == IMPL_USER_WRITE) {
        struct verdict first = model_once(p, e, false, false, false, true), second;

        if (first.fault)
            return first;
        second = model_once(p, e, false, true, false, true);
        second.used = first.used; /* it has been read at least */
        return second;
    }
    return model_once(p, e, user, a == USER_WRITE || a == SUP_WRITE,
                      a == USER_EXEC || a == SUP_EXEC, implicit);
}

#endif
